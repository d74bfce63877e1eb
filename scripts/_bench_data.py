"""How fast images of datasets are read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import cv2
import numpy as np
import tyro
from _bench import check, figures_of, in_turns, keep, keep_to_one_core, ratio, show, timed

from sim.cores import cores

VIEWS = 180


@dataclass(frozen=True)
class Data:
    """Loading images through a dataset, beside decoding the same bytes, which lie in memory, with as many threads."""

    rounds: int = 20
    """Rounds; the median is given."""
    batch: int = 512
    """Images a batch: both frames of 256 pairs."""
    image_size: int = 128
    """Height and width of the images in pixels."""
    objects: int = 40
    """Objects, of 180 views."""
    out: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""

    def __call__(self) -> None:
        check(self.rounds, self.out, batch=self.batch, objects=self.objects)
        from learner.data import ImageFolder, Rt4k  # slow to load, and `sim` has no need of it

        images = pictures(self.objects * VIEWS, self.image_size)
        with TemporaryDirectory() as name:
            root = Path(name)
            write_hdf5(root / "rt4k", images)
            write_folder(root / "images", images)
            works: dict[str, Callable[[], Any]] = {}
            for kind, data in (("RT4K in HDF5", Rt4k(root / "rt4k")), ("image folder", ImageFolder(root / "images"))):
                encoded = data.encoded("train", np.arange(len(data.frames("train"))))
                for way, draw in orders(len(encoded), self.batch).items():
                    works[f"{kind}, {way}"] = lambda data=data, draw=draw: data.images("train", draw())
                    works[f"{kind}, {way}: decoding alone"] = lambda encoded=encoded, draw=draw: decoded(
                        encoded, draw(), self.image_size
                    )
            keep_to_one_core()
            rates = in_turns({name: timed(work, self.batch) for name, work in works.items()}, self.rounds)
        figures, ratios = figures_of(rates), shares(rates)
        show(figures, unit="images/s")
        print("\n" + "\n".join(f"{name}: {ratio:.0%} of the speed of decoding alone" for name, ratio in ratios.items()))
        keep(self.out, figures, unit="images/s", ratios=ratios)


def orders(count: int, batch: int) -> dict[str, Callable[[], np.ndarray]]:
    """How rows are drawn: as an evaluation reads them, and as a training does; others each time, so that what HDF5
    keeps of those before does not help."""
    rng, starts = np.random.default_rng(0), cycle(range(0, count, batch))
    return {
        "in order": lambda: (next(starts) + np.arange(batch)) % count,
        "at random": lambda: rng.integers(count, size=batch),
    }


def shares(rates: dict[str, list[float]]) -> dict[str, float]:
    """Each loading as a share of its decoding, which follows it."""
    names = list(rates)
    return {
        loading: ratio(rates[loading], rates[alone]) for loading, alone in zip(names[::2], names[1::2], strict=True)
    }


def decoded(encoded: list[bytes], rows: np.ndarray, size: int) -> np.ndarray:
    """Some of the images, with a thread for each core, in as many pieces."""
    found = np.empty((len(rows), size, size, 3), dtype=np.uint8)
    share = -(-len(rows) // cores())

    def decode(start: int) -> None:
        for place, row in enumerate(rows[start : start + share], start=start):
            pixels = cv2.imdecode(np.frombuffer(encoded[row], np.uint8), cv2.IMREAD_COLOR)
            cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=found[place])

    with ThreadPoolExecutor(cores()) as threads:
        list(threads.map(decode, range(0, len(rows), share)))
    return found


def pictures(count: int, size: int) -> list[bytes]:
    """JPEGs of smooth shapes with some grain, as renderings are; a few kilobytes each."""
    rng, found = np.random.default_rng(0), []
    for _ in range(count):
        pixels = cv2.resize(rng.integers(256, size=(6, 6, 3), dtype=np.uint8), (size, size))
        pixels = cv2.add(pixels, rng.integers(12, size=pixels.shape, dtype=np.uint8))
        found.append(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return found


def write_hdf5(root: Path, images: list[bytes]) -> None:
    """In the layout of RT4K; the test objects are the first of all."""
    import h5py
    import pyarrow as pa
    import pyarrow.parquet as pq

    root.mkdir()
    rows = [
        {"0": f"toy{place // VIEWS}_{place % VIEWS + 1}_plain_0.jpg", "2": f"toy{place // VIEWS}", "5": "toy"}
        for place in range(len(images))
    ]
    with h5py.File(root / "data.h5", "w") as file:
        for split, name, first in (("train", "dataset.parquet", VIEWS), ("test", "dataset_test.parquet", 0)):
            mine = range(first, len(images) if first else VIEWS)
            store = file.create_dataset(split, (len(mine),), dtype=h5py.vlen_dtype(np.uint8))
            for place, image in enumerate(mine):
                store[place] = np.frombuffer(images[image], np.uint8)
            table = [{**rows[image], "h5_index": place} for place, image in enumerate(mine)]
            pq.write_table(pa.Table.from_pylist(table), root / name)


def write_folder(root: Path, images: list[bytes]) -> None:
    for place, image in enumerate(images):
        folder = root / "toy" / f"toy{place // VIEWS}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{place % VIEWS:03d}.jpg").write_bytes(image)
