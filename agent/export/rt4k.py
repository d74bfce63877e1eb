"""The layout of RT4K: encoded images in HDF5, and two Parquet tables that say what they show.

RT4K has 180 views of each object, 2 degrees apart about its upright axis. So turntable episodes are needed: each of
their frames falls to the nearest of the 180, of several the one that is nearest to it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agent.dataset import Dataset, held_out
from agent.encoding import IMAGE_FORMATS
from agent.export.views import angles, file_name, lean
from agent.files import new_folder
from sim.errors import InputError

VIEWS = 180
STEP = 360.0 / VIEWS
"""Degrees."""
UPRIGHT = 5.0
"""Degrees that an object may lean, as motors that fall behind make it."""


class _Shot(NamedTuple):
    """The frame that shows a view best so far."""

    off: float
    """Degrees from the view."""
    number: int
    frame: int


def export_rt4k(data: Dataset, out: Path, told: Callable[[int, int], object]) -> str:
    """Writes `data.h5`, `dataset.parquet` and `dataset_test.parquet`. Counts objects.

    View v of 1 to 180 is seen from an azimuth of 2 v degrees (`agent.export.views.angles`), as `learner.data.rt4k`
    reads it; in which sense RT4K's own views go round was not published. An object has the views that its episodes
    show; its rows follow one another in the order of views. A tenth of the objects is for testing: those for which
    `held_out` says so.
    """
    try:
        import h5py
    except ImportError as error:
        raise InputError("h5py is not installed, so no HDF5 file can be written: pip install -e .[export]") from error
    background = _check_play(data)
    objects = _objects(data)
    of_split: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    for category, instance in sorted(objects):
        of_split["test" if held_out(instance) == "test" else "train"].append((category, instance))
    for split, members in of_split.items():
        if not members:
            raise InputError(f"{data.root}: {len(objects)} objects, none of them for {split}: more are needed")
    suffix, _ = IMAGE_FORMATS[data.metadata["image_format"]]
    done = 0
    with new_folder(out) as folder:
        try:
            with h5py.File(folder / "data.h5", "w") as file:
                for split, members in of_split.items():
                    store = file.create_dataset(split, (0,), maxshape=(None,), dtype=h5py.vlen_dtype(np.uint8))
                    rows: list[dict[str, Any]] = []
                    for category, instance in members:
                        shots = _shots(data, objects[category, instance])
                        name = _object_id(category, instance)
                        images = {number: data.images(number) for number in {shot.number for shot in shots.values()}}
                        store.resize((len(rows) + len(shots),))
                        for view, shot in sorted(shots.items()):
                            store[len(rows)] = np.frombuffer(images[shot.number][shot.frame], np.uint8)
                            image = f"{name}_{view}_{background}_{shot.number:06d}-{shot.frame:03d}{suffix}"
                            row = {"0": image, "2": name, "3": background, "5": category, "h5_index": len(rows)}
                            rows.append(row)
                        done += 1
                        told(done, len(objects))
                    _write_table(folder / ("dataset.parquet" if split == "train" else "dataset_test.parquet"), rows)
        except RuntimeError as error:  # HDF5's word for a full disk, at times
            raise OSError(str(error)) from error
    counts = ", ".join(f"{len(members)} objects for {split}" for split, members in of_split.items())
    return f"{out}: {counts}; read {out / 'data.h5'} with {out / 'dataset.parquet'} and dataset_test.parquet"


def _check_play(data: Dataset) -> str:
    """The kind of background. Raises InputError where not all episodes are of a turntable."""
    about = data.metadata
    kinds = []
    for source in about.get("sources", [about]):
        settings = source.get("settings", {})
        if settings.get("play") != "turntable":
            raise InputError(
                f"{data.root}: play={settings.get('play')}: RT4K has turns about the upright axis only, so turntable "
                "is needed; collect with --play turntable"
            )
        kinds.append(settings.get("scene", {}).get("randomize", {}).get("background", "fixed"))
    return str(kinds[0])


def _objects(data: Dataset) -> dict[tuple[str, str], list[int]]:
    """(category, instance) -> its episodes."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, name in data.objects().items():
        found.setdefault(name, []).append(number)
    return found


def _shots(data: Dataset, numbers: list[int]) -> dict[int, _Shot]:
    """View -> the frame of these episodes that shows it best; of equal ones the first."""
    found: dict[int, _Shot] = {}
    for number in numbers:
        where = data.vectors(number, "object_pose")
        leaning = float(lean(where, data.vectors(number, "camera_pose")).max())
        if leaning > UPRIGHT:
            raise InputError(
                f"{data.root}: the object of episode {number} leans by {leaning:.0f} degrees: at most {UPRIGHT:g}, or "
                "its views are not those of a turntable"
            )
        turns = angles(where)[:, 1] / STEP
        for frame, turn in enumerate(turns):
            view = int(np.round(turn)) % VIEWS or VIEWS
            shot = _Shot(abs(turn - np.round(turn)) * STEP, number, frame)
            if view not in found or shot.off < found[view].off:
                found[view] = shot
    return found


def _object_id(category: str, instance: str) -> str:
    """A name that no two objects share, whatever their categories."""
    return file_name(instance if instance.startswith(f"{category}_") else f"{category}_{instance}")


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)
