"""From a mesh file to a toy: read, simplify, turn outward, paint; done once and kept in the cache.

Only the processes that read files import this: its libraries are slow to load.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim.cache import cached
from sim.objects.convert.bake import bake
from sim.objects.convert.conversion import Outcome, Settings, cache_name, refusal_in, write_refusal
from sim.objects.convert.read import read
from sim.objects.convert.sides import inside_out, seen_from_behind
from sim.objects.convert.simplify import simplify
from sim.objects.convert.soup import Soup, gather, normalized
from sim.objects.convert.source import Refused, Source, examine


def convert_file(root: Path, mesh: str, settings: Settings) -> Outcome:
    """Convert the mesh file `mesh`, a path from `root`, unless that was done before; refusals are kept as well.

    Raises InputError where the cache cannot be written.
    """
    source = examine(root, mesh)
    if not source.digest:
        return Outcome("", source.refusal, source.stamps)
    folder = cached(cache_name(source.digest, settings), lambda draft: _fill(draft, source, settings))
    return Outcome(source.digest, refusal_in(folder), source.stamps)


def _fill(draft: Path, source: Source, settings: Settings) -> None:
    try:
        arrays = convert(source, settings)
    except Refused as error:
        write_refusal(draft, str(error))
    except MemoryError:
        write_refusal(draft, "needs more memory than one object is given")
    else:
        vertices, faces, uvs, texture = arrays
        np.savez_compressed(draft / "toy.npz", vertices=vertices, faces=faces, uvs=uvs, texture=texture)


def convert(source: Source, settings: Settings) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces, uvs and texture of a Toy, for the same source and settings the same ones.

    Raises Refused where there is none to be made.
    """
    if source.refusal:
        raise Refused(source.refusal)
    up = ("y" if source.suffix in (".glb", ".gltf") else "z") if settings.up == "auto" else settings.up
    try:
        soup = gather(read(source), up)
        soup = soup.flipped(inside_out(soup.corners))
        triangles, flipped, doubled = _outward(soup, settings.triangles)
        uvs, texture = bake(triangles, soup)
    except (Refused, MemoryError):
        raise
    except Exception as error:  # whatever a reader raises for files that break its format
        line = " ".join(str(error).split())[:200]
        raise Refused(f"cannot be read as {source.suffix[1:].upper()}: {type(error).__name__} {line}".strip()) from None
    rows = np.concatenate([normalized(triangles)[0], uvs], axis=2).astype(np.float32)
    mirrored = rows[:, [0, 2, 1]]
    rows = np.concatenate([np.where(flipped[:, None, None], mirrored, rows), mirrored[doubled]]).reshape(-1, 5)
    vertices, number = np.unique(rows, axis=0, return_inverse=True)
    faces = number.reshape(-1, 3).astype(np.int32)
    return np.ascontiguousarray(vertices[:, :3]), faces, np.ascontiguousarray(vertices[:, 3:]), texture


def _outward(soup: Soup, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles [G, 3, 3], and which to flip and which to draw from both sides, so that `count` at most are drawn."""
    target = count
    while True:
        triangles = soup.corners if len(soup.corners) <= target else simplify(soup.corners, target)
        flipped, doubled = seen_from_behind(triangles)
        drawn = len(triangles) + int(doubled.sum())
        if drawn <= count:
            return triangles, flipped, doubled
        target = min(len(triangles) - 1, int(0.97 * count * len(triangles) / drawn))
