"""Material libraries of OBJ files: colours and the names of pictures."""

from __future__ import annotations

import re
from typing import NamedTuple

LIBRARY = re.compile(rb"^[ \t]*mtllib[ \t]([^\r\n]*)", re.MULTILINE)
PICTURE = re.compile(r"(map_\w+|bump|disp|decal|refl|norm)$")
OPTION = re.compile(r"\s*-(?:(?:o|s|t)(?:\s+[-+.\d][-+.\deE]*){1,3}|mm\s+\S+\s+\S+|[a-z]+\s+\S+)\s+(?=\S)")
LONGEST_LINE = 4096


class Material(NamedTuple):
    color: tuple[float, float, float] | None
    """Diffuse colour, display values in [0, 1]."""
    picture: str | None
    """Name of the file with the diffuse colours."""


def library_names(data: bytes) -> list[str]:
    """The material libraries that an OBJ may name: a line is one name with blanks, or several names."""
    lines = dict.fromkeys(line[:LONGEST_LINE].decode("utf-8", "replace").strip() for line in LIBRARY.findall(data))
    return list(dict.fromkeys(name for line in lines for name in (line, *line.split()) if name))


def picture_names(data: bytes) -> dict[str, bool]:
    """All pictures that a material library names, and whether they are of use here, as diffuse colours."""
    found: dict[str, bool] = {}
    for key, rest in _statements(data):
        if PICTURE.match(key) and (name := file_name(rest)):
            found[name] = found.get(name, False) or key == "map_kd"
    return found


def materials(data: bytes) -> dict[str, Material]:
    """The materials of a library by name. Raises ValueError where a colour is none."""
    found: dict[str, Material] = {}
    name = None
    for key, rest in _statements(data):
        if key == "newmtl":
            name = rest
            found[name] = Material(None, None)
        elif name is not None and key == "kd" and not rest.startswith(("spectral", "xyz")):
            values = [min(max(float(value), 0.0), 1.0) for value in rest.split()[:3]]
            found[name] = found[name]._replace(color=(values[0], values[len(values) // 2], values[-1]))
        elif name is not None and key == "map_kd":
            found[name] = found[name]._replace(picture=file_name(rest) or None)
    return found


def _statements(data: bytes) -> list[tuple[str, str]]:
    """Key in lower case and the rest of each line that has both."""
    lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines() if len(line) <= LONGEST_LINE)
    split = (line.split(None, 1) for line in lines)
    return [(parts[0].lower(), parts[1]) for parts in split if len(parts) == 2]


def file_name(rest: str) -> str:
    """What is left of a map statement without its options, such as `-s 1 1 1`."""
    while match := OPTION.match(rest):
        rest = rest[match.end() :]
    return rest.strip()
