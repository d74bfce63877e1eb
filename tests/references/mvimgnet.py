"""Writers of MVImgNet in its published and its packed layouts, byte by byte where the format is one of bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import h5py
import numpy as np
import pandas as pd

PINHOLE, OPENCV = 1, 4
NUMBERS = {PINHOLE: 4, OPENCV: 8}


class Shot(NamedTuple):
    """A frame and its pose."""

    number: int
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)


def jpeg(value: int, *, width: int = 8, height: int = 6) -> bytes:
    """An encoded grey image."""
    done, data = cv2.imencode(".jpg", np.full((height, width, 3), value, np.uint8))
    assert done
    return data.tobytes()


def write_cameras(path: Path, cameras: Mapping[int, tuple[int, int, int]]) -> None:
    """`cameras.bin`: id -> (model, width, height)."""
    with path.open("wb") as file:
        file.write(len(cameras).to_bytes(8, "little"))
        for number, (model, width, height) in cameras.items():
            file.write(number.to_bytes(4, "little") + model.to_bytes(4, "little"))
            file.write(width.to_bytes(8, "little") + height.to_bytes(8, "little"))
            for parameter in range(NUMBERS[model]):
                file.write(struct.pack("<d", 100.0 + parameter))


def write_images(path: Path, shots: Sequence[Shot], *, camera: int = 1, points: int = 3) -> None:
    """`images.bin`, with `points` points in each image and ids that run backwards."""
    with path.open("wb") as file:
        file.write(len(shots).to_bytes(8, "little"))
        for place, shot in enumerate(shots):
            file.write((len(shots) - place).to_bytes(4, "little"))
            for value in (*shot.quaternion, *shot.translation):
                file.write(struct.pack("<d", value))
            file.write(camera.to_bytes(4, "little"))
            file.write(f"{shot.number:03d}.jpg".encode() + b"\0")
            file.write(points.to_bytes(8, "little"))
            for point in range(points):
                file.write(
                    struct.pack("<d", point + 0.5) + struct.pack("<d", 2.0) + (-1).to_bytes(8, "little", signed=True)
                )


def write_published(
    root: Path, objects: Mapping[str, Sequence[Shot]], *, size: tuple[int, int] = (8, 6), unplaced: Sequence[int] = ()
) -> None:
    """Objects `category/object`, their posed frames, and frames that COLMAP did not place."""
    for name, shots in objects.items():
        images, model = root / name / "images", root / name / "sparse" / "0"
        images.mkdir(parents=True)
        model.mkdir(parents=True)
        for number in (*(shot.number for shot in shots), *unplaced):
            (images / f"{number:03d}.jpg").write_bytes(jpeg(number, width=size[0], height=size[1]))
        write_cameras(model / "cameras.bin", {7: (PINHOLE, 5, 5), 1: (OPENCV, *size)})
        write_images(model / "images.bin", shots)
        (model / "points3D.bin").write_bytes((0).to_bytes(8, "little"))


def write_packed(
    root: Path,
    objects: Mapping[str, Sequence[Shot]],
    splits: Mapping[str, str],
    *,
    partitioned: bool = False,
    size: tuple[int, int] = (8, 6),
) -> None:
    """The authors' HDF5 and tables; `splits` says for each object whose table (train, val or test) it is in."""
    rows: dict[str, list[dict[str, object]]] = {split: [] for split in ("train", "test", *splits.values())}
    with h5py.File(root / ("data_all.h5" if partitioned else "data2.h5"), "w") as file:
        for place, (name, shots) in enumerate(objects.items()):
            category, item = name.split("/")
            partition = f"part{place % 2}"
            group = file.require_group(f"{partition}/{category}" if partitioned else category)
            store = group.create_dataset(item, (len(shots),), dtype=h5py.vlen_dtype(np.uint8))
            for frame, shot in enumerate(shots):
                store[frame] = np.frombuffer(jpeg(shot.number, width=size[0], height=size[1]), np.uint8)
                row: dict[str, object] = {"path": f"{name}/images/{shot.number:03d}.jpg", "category": int(category)}
                row |= {"object": item, "frame": frame, "length": len(shots)}
                row |= {f"q{axis}": value for axis, value in enumerate(shot.quaternion)}
                row |= {f"t{axis}": value for axis, value in enumerate(shot.translation)}
                rows[splits[name]].append(row | ({"partition": partition} if partitioned else {}))
    for split, found in rows.items():
        table = pd.DataFrame(found).astype({"category": np.int32, "frame": np.int32})
        table = table.astype(dict.fromkeys(("q0", "q1", "q2", "q3", "t0", "t1", "t2"), np.float32))
        table.to_parquet(root / f"dataset_{split}{'_all3' if partitioned else '2'}.parquet")


def action_by_hand(first: Shot, second: Shot, *, landscape: bool) -> list[float]:
    """The 8 numbers before they are standardised, one product after the other."""
    w, x, y, z = first.quaternion
    a, b, c, d = second.quaternion
    x, y, z = -x, -y, -z
    turn = [w * a - x * b - y * c - z * d, w * b + x * a + y * d - z * c]
    turn += [w * c - x * d + y * a + z * b, w * d + x * c - y * b + z * a]
    shift = [min(50.0, max(-50.0, t - s)) for s, t in zip(first.translation, second.translation, strict=True)]
    return [*turn, *shift, 1.0 if landscape else 0.0]
