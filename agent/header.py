"""What stands at the head of a dataset: `dataset.json`, its README card, and who may go on with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent import shards
from agent.checksums import HEADER, Checksums
from agent.dataset import read_header
from agent.files import write_text
from agent.record import RecordSettings
from agent.settings import to_json
from sim.errors import InputError

CARD = """\
---
configs:
- config_name: default
  data_files: data/shard-*.parquet
---
# Episodes of a simulated robot arm that turns objects before its camera

Collected with armplay. One row is a frame, one row group an episode; rows are in the order of episode numbers.
`dataset.json` holds the settings, seeds and versions that these bytes follow from; `sha256sum -c checksums.txt` finds
what has changed since.

```python
from datasets import load_dataset

frames = load_dataset("parquet", data_files="data/shard-*.parquet", split="train")
```

| column | unit | meaning |
|---|---|---|
| episode, frame | | episode number, and frame within the episode |
| time | s | since the first frame of the episode |
| image, mask | | the frame, and the pixels of arm and object (null where not kept) |
| category, instance, seed | | of the object, and of the collection |
| clean | rad/s | joint velocities from this frame to the next, within limits (null at the last frame) |
| recorded, executed | rad/s | the same as the learner is told of it, and as the motors were given it |
| limited | | limits changed the requested action (null at the last frame) |
| joints | rad | measured joint positions |
| object_pose | m | x, y, z and quaternion x, y, z, w of the object in the camera frame (x right, y down, z forward) |
| camera_pose | m | the camera in the arm's base frame |
| intrinsics | pixels | 3 x 3 pinhole matrix, row by row |
| grasp | m | the object in the hand frame (on a table: nothing, the identity) |
| visible | | share of the object's silhouette that is seen |
"""


def prepare(root: Path, header: dict[str, Any], *, resume: bool) -> dict[str, Any]:
    """Makes `root` a dataset with this header, or makes sure that it is one and may be continued; returns the header
    that is stored."""
    started = (root / HEADER).exists()
    refuse_foreign(root)
    if started and not resume:
        raise InputError(f"{root}: holds a dataset already; pass --resume to continue it, or give another folder")
    if started:
        stored = read_header(root)
        _compare(root, stored, json.loads(json.dumps(header)))
        header = stored
    begin(root, header)
    return header


def refuse_foreign(root: Path) -> None:
    """Raises InputError for a folder that is neither empty nor a dataset, or what is left of one just begun."""
    foreign = set(root.iterdir()) - {*shards.leftovers(root), root / "data"}
    if not (root / HEADER).exists() and (foreign or any((root / "data").glob("*"))):
        raise InputError(f"{root}: not empty and no dataset of armplay (no dataset.json); give another folder")


def begin(root: Path, header: dict[str, Any]) -> None:
    """Writes what is missing of a dataset without episodes, and removes what an interruption left of other files."""
    remains = shards.leftovers(root)
    if not (root / HEADER).exists():
        write_text(root / HEADER, text_of(header))
    for path in remains:
        path.unlink(missing_ok=True)
    if not (root / "README.md").exists():
        write_text(root / "README.md", CARD)
    (root / "data").mkdir(exist_ok=True)


def replace_header(root: Path, header: dict[str, Any], checksums: Checksums) -> None:
    """Writes `dataset.json` anew where it changes."""
    if read_header(root) != header:
        checksums.forget(HEADER)
        write_text(root / HEADER, text_of(header))
        checksums.add(HEADER)


def text_of(header: dict[str, Any]) -> str:
    """The content of `dataset.json`."""
    return json.dumps(header, indent=2) + "\n"


def noted(before: list[dict[str, Any]] | dict[str, Any], now: dict[str, str], *, episodes: int) -> list[dict[str, Any]]:
    """The versions that made a dataset, with those that go on `now` that `episodes` are stored; versions that made
    none are left out."""
    before = [{"after_episodes": 0, **before}] if isinstance(before, dict) else before
    kept = [entry for entry in before if entry.get("after_episodes", 0) < episodes]
    if kept and {**kept[-1], "after_episodes": 0} == {"after_episodes": 0, **now}:
        return kept
    return [*kept, {"after_episodes": episodes, **now}]


def _compare(root: Path, stored: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuses to continue a dataset with other settings than it was begun with."""
    # What was no setting yet was what it is by default now.
    stored = {**stored, "settings": _filled(stored.get("settings", {}), to_json(RecordSettings()))}
    if "sources" in stored:
        raise InputError(
            f"{root}: merged from {len(stored['sources'])} datasets, so nothing can be collected into it; collect into "
            f"another folder, and add that with: python scripts/dataset.py append {root} FOLDER"
        )
    for key in ("episodes_per_shard", "image_format", "settings"):
        difference = _first_difference(key, stored.get(key, {}), given.get(key, {}))
        if difference:
            raise InputError(
                f"{root}: begun with {difference}: a dataset has one setting throughout; give that, or another folder"
            )
    before, now = (header.get("objects", {}).get("digest") for header in (stored, given))
    if before != now:
        raise InputError(
            f"{root}: begun with other objects in the folder than are there now; restore those, or begin anew"
        )


def _filled(stored: Any, defaults: dict[str, Any]) -> Any:
    """Stored settings and, where they are those of a recorder, the defaults of those that are absent."""
    if not stored.keys() & defaults.keys():
        return stored
    parts = {
        name: _filled(value, defaults[name]) for name, value in stored.items() if isinstance(defaults.get(name), dict)
    }
    return {**defaults, **stored, **parts}


def _first_difference(key: str, stored: Any, given: Any) -> str:
    """'key=value, resumed with key=value', or nothing."""
    if isinstance(stored, dict) and isinstance(given, dict):
        for name in stored | given:
            found = _first_difference(f"{key}.{name}", stored.get(name, "(absent)"), given.get(name, "(absent)"))
            if found:
                return found
        return ""
    return "" if stored == given else f"{key}={json.dumps(stored)}, resumed with {json.dumps(given)}"
