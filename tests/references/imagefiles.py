"""Pictures that say which they are, and files of the published layouts, written without the code under test."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation


def picture(code: int, *, width: int = 12, height: int = 12) -> bytes:
    """A PNG of one colour, which tells its number of up to 24 bits."""
    colour = code >> 16 & 255, code >> 8 & 255, code & 255
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, "PNG")
    return data.getvalue()


def codes(images: np.ndarray) -> list[int]:
    """The numbers of pictures uint8 [n, H, W, 3]; every pixel must agree."""
    assert (images == images[:, :1, :1]).all()
    return [int(r) << 16 | int(g) << 8 | int(b) for r, g, b in images[:, 0, 0]]


def rt4k_name(owner: str, view: int) -> str:
    return f"{owner}_{view}_white_0.png"


def write_rt4k(
    root: Path, objects: dict[str, dict[str, str]], *, views: dict[str, list[int]] | None = None, packed: bool = True
) -> dict[tuple[str, int], int]:
    """`objects` is split -> object -> category. Gives (object, view) -> the code of its picture."""
    import h5py
    import pandas as pd

    root.mkdir(parents=True, exist_ok=True)
    codes_of: dict[tuple[str, int], int] = {}
    for split, members in objects.items():
        rows, images = [], []
        for owner, category in members.items():
            for view in (views or {}).get(owner, [1, 2, 90, 180]):
                code = codes_of[owner, view] = len(codes_of) + 1
                row = {"0": rt4k_name(owner, view), "2": owner, "3": "white", "5": category, "h5_index": len(images)}
                images.append(np.frombuffer(picture(code), np.uint8))
                rows.append(row if packed else {name: row[name] for name in "0235"})
                if not packed:
                    (root / owner).mkdir(exist_ok=True)
                    (root / owner / rt4k_name(owner, view)).write_bytes(picture(code))
        pd.DataFrame(rows).to_parquet(root / ("dataset.parquet" if split == "train" else "dataset_test.parquet"))
        if packed:
            with h5py.File(root / "data.h5", "a") as file:
                store = file.create_dataset(split, (len(images),), dtype=h5py.vlen_dtype(np.uint8))
                for place, image in enumerate(images):
                    store[place] = image
    return codes_of


def camera(rng: np.random.Generator) -> dict[str, Any]:
    """A viewpoint of CO3D."""
    return {
        "R": Rotation.random(random_state=int(rng.integers(1 << 30))).as_matrix().tolist(),
        "T": rng.normal(size=3).tolist(),
        "focal_length": rng.uniform(1, 3, size=2).tolist(),
        "principal_point": [0.0, 0.0],
        "intrinsics_format": "ndc_isotropic",
    }


def write_co3d(
    root: Path, lists: dict[str, dict[str, list[tuple[str, int]]]], *, subset: str = "fewview_dev", frames: int = 3
) -> dict[tuple[str, str, int], dict[str, Any]]:
    """`lists` is category -> set list -> [(sequence, frame number)]; each sequence has `frames` frames, numbered from
    0, in files numbered from 7. Gives (category, sequence, frame) -> its annotation, and the picture's `code`."""
    rng = np.random.default_rng(0)
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for category, sets in lists.items():
        folder = root / category
        annotations = []
        for sequence in sorted({sequence for entries in sets.values() for sequence, _ in entries}):
            (folder / sequence / "images").mkdir(parents=True)
            for number in range(frames):
                path = f"{category}/{sequence}/images/frame{number + 7:06d}.png"
                code = len(found) + 1
                (root / path).write_bytes(picture(code, width=16, height=12))
                about = {
                    "sequence_name": sequence,
                    "frame_number": number,
                    "frame_timestamp": 0.25 * number,
                    "image": {"path": path, "size": [12, 16]},
                    "depth": None,
                    "mask": None,
                    "viewpoint": camera(rng),
                }
                annotations.append(about)
                found[category, sequence, number] = {**about, "code": code}
        rng.shuffle(annotations)  # type: ignore[arg-type]
        (folder / "frame_annotations.jgz").write_bytes(gzip.compress(json.dumps(annotations).encode()))
        (folder / "set_lists").mkdir()
        named = {
            name: [[*entry, found[(category, *entry)]["image"]["path"]] for entry in entries]
            for name, entries in sets.items()
        }
        (folder / "set_lists" / f"set_lists_{subset}.json").write_text(json.dumps(named))
    return found


def write_packed_co3d(
    root: Path, objects: dict[str, list[tuple[str, str]]], *, frames: int = 3, grouped: bool = False
) -> dict[tuple[str, str, int], tuple[int, list[float]]]:
    """`objects` is split -> [(category, object)]. Frames are entries of a dataset, or, `grouped`, datasets by number.
    Gives (category, object, index) -> the picture's code and its a1 to a14."""
    import h5py
    import pandas as pd

    rng = np.random.default_rng(1)
    found: dict[tuple[str, str, int], tuple[int, list[float]]] = {}
    with h5py.File(root / "data.h5", "w") as file:
        for split, members in objects.items():
            rows = []
            for category, name in members:
                images = []
                for index in range(frames):
                    seen = camera(rng)
                    numbers = [*np.ravel(seen["R"]).tolist(), *seen["T"], *seen["focal_length"]]
                    found[category, name, index] = len(found) + 1, numbers
                    images.append(np.frombuffer(picture(len(found)), np.uint8))
                    row = {
                        "category": category,
                        "object": name,
                        "index": index,
                        "path": f"{category}/{name}/{index}.jpg",
                    }
                    rows.append({**row, **{f"a{place}": value for place, value in enumerate(numbers, start=1)}})
                if grouped:
                    for index, image in enumerate(images):
                        file[f"{category}/{name}/{index}"] = image
                else:
                    store = file.create_dataset(f"{category}/{name}", (frames,), dtype=h5py.vlen_dtype(np.uint8))
                    for index, image in enumerate(images):
                        store[index] = image
            rng.shuffle(rows)  # type: ignore[arg-type]
            pd.DataFrame(rows).to_parquet(root / ("dataset.parquet" if split == "train" else "dataset_test.parquet"))
    return found
