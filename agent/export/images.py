"""A folder of images by category and instance, with a table of what each shows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from agent.dataset import Dataset
from agent.encoding import IMAGE_FORMATS
from agent.export.views import angles, file_name
from agent.files import new_folder

COLUMNS = ("category", "instance", "episode", "frame", "polar_deg", "azimuth_deg", "time", "image")
"""Of `manifest.csv`: angles as `agent.export.views.angles` has them, time in s, image as a path below the folder."""


def export_images(data: Dataset, out: Path, told: Callable[[int, int], object]) -> str:
    """Writes `category/instance/EPISODE_FRAME.jpg` (or .png) with the stored bytes, and `manifest.csv`. Counts
    episodes."""
    suffix, _ = IMAGE_FORMATS[data.metadata["image_format"]]
    with new_folder(out) as folder, (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        columns = ["image.bytes", "category", "instance", "time", "object_pose"]
        for done, (number, rows) in enumerate(zip(data.numbers, data.tables(columns=columns), strict=True), start=1):
            category, instance = (rows[name][0].as_py() for name in ("category", "instance"))
            place = Path(file_name(category), file_name(instance))
            (folder / place).mkdir(parents=True, exist_ok=True)
            images = rows["image"].combine_chunks().field("bytes").to_pylist()
            views = angles(data.vectors(number, "object_pose"))
            for frame, (image, time, view) in enumerate(zip(images, rows["time"].to_pylist(), views, strict=True)):
                path = place / f"{number:06d}_{frame:03d}{suffix}"
                (folder / path).write_bytes(image)
                polar, azimuth = (f"{angle:.2f}" for angle in view)
                table.writerow([category, instance, number, frame, polar, azimuth, f"{time:g}", path.as_posix()])
            told(done, len(data))
    return f"{out}: {len(data)} episodes; read {out / 'manifest.csv'}, a line for each image"
