"""A small sound folder for each reader, and how each of its files may be spoiled."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from agent.merge import merge
from agent.record import RecordSettings
from agent.settings import to_json
from agent.writer import DatasetWriter
from learner.checkpoint import load_checkpoint, save_checkpoint
from learner.encoders import build_encoder
from learner.experiments.grid import write_grid
from learner.export import export_encoder
from learner.run import Run
from learner.settings import TrainSettings
from sim.scene import SceneSettings
from tests.agent.episodes import fake_episode
from tests.fuzz.mutations import VALUES, as_json, damaged, retold
from tests.learner.experiments import made
from tests.learner.test_checkpoint import learner_of
from tests.references.imagefiles import picture, write_co3d, write_packed_co3d, write_rt4k
from tests.references.mvimgnet import Shot, write_packed, write_published

INSTANCES = (0, 1, 2, 3, 4, 5, 6, 26, 8)
"""Of the episodes; by their names some are held out, for validation or test."""
CHAIN = {
    "origins": [[0.0, 0.0, 0.1, 0.0, 0.0, 0.0, 1.0]] * 7,
    "axes": [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]] * 3 + [[0.0, 0.0, 1.0]],
    "hand": [0.0, 0.0, 0.1, 0.0, 0.0, 0.0, 1.0],
    "lower": [-2.0] * 7,
    "upper": [2.0] * 7,
    "velocity": [1.0] * 7,
}


def _dataset(root: Path) -> None:
    scene = SceneSettings(image_size=32, frames=4)
    metadata = {"settings": to_json(RecordSettings(scene=scene)), "chain": CHAIN, "arm": "kuka", "renderer": "tiny"}
    metadata |= {"categories": [f"category-{number}" for number in range(3)], "versions": {"armplay": "0"}}
    with DatasetWriter(root, metadata=metadata, episodes_per_shard=6, image_format="png") as writer:
        for number, instance in enumerate(INSTANCES):
            writer.add(fake_episode(number, size=32)._replace(instance=f"instance-{instance}"))


def _merged(root: Path) -> None:
    _dataset(root.with_name("part"))
    merge(root, [root.with_name("part")])


def _settings(root: Path) -> None:
    with Run(root, TrainSettings(batch=8, data="data"), command="", machine={}, resume=False) as run:
        run.log(1, {"loss": 2.0})
        run.log(2, {"loss": 1.0, "probe/knn_validation": 0.5})
    shutil.rmtree(root / "tensorboard", ignore_errors=True)
    rows = [{"session": 0, "steps": 5}, {"episode": 0, "draw": 0}, {"episode": 1, "draw": 3}]
    (root / "insertions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _checkpoint(root: Path) -> None:
    with Run(root, TrainSettings(batch=8, data="data"), command="", machine={}, resume=False) as run:
        run.checkpoint(learner_of(), 1.0, [])
    shutil.rmtree(root / "tensorboard", ignore_errors=True)


def _encoder(root: Path) -> None:
    trained = {"method": "simclr", "steps": 3, "scores": []}
    export_encoder(root, build_encoder("small", seed=0), name="small", image_size=32, trained=trained)


def _weights(root: Path) -> None:
    import torch

    root.mkdir(exist_ok=True)
    torch.save(build_encoder("small", seed=0).network.state_dict(), root / "weights.pth")


def _grid(root: Path) -> None:
    root.mkdir(exist_ok=True)
    write_grid(root / "grid.json", made.grid("methods"))


def _term(root: Path) -> None:
    root.mkdir(exist_ok=True)
    term = {"negatives": "across", "action_weight": 1.0, "action_warmup": 0.1}
    kept = {"condition": "a", "steps": 3, "seeds": 2, "term": term}
    (root / "term.json").write_text(json.dumps(kept))


def _images(root: Path) -> None:
    rows = ["category,object,image,polar_deg,azimuth_deg"]
    for number in range(12):
        name = f"kind-{number % 2}/thing-{number // 2}/{number}.png"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture(number))
        rows.append(f"kind-{number % 2}/thing-{number // 2}".replace("/", ",") + f",{name},60,{30 * number}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")


def _rt4k(root: Path) -> None:
    write_rt4k(root, {"train": {f"car_{n}": "car" for n in range(6)}, "test": {"mug_1": "mug"}}, views={})


def _heap(root: Path) -> None:
    """So many images in HDF5 that they are read without h5py."""
    views = {"car_0": list(range(1, 181)), "car_1": list(range(1, 91))}
    write_rt4k(root, {"train": dict.fromkeys(views, "car"), "test": {"mug_1": "mug"}}, views=views)


def _co3d(root: Path) -> None:
    entries = [(f"sequence-{number}", frame) for number in range(4) for frame in range(3)]
    write_co3d(root, {"car": {"train": entries[:9], "test": entries[9:]}})


def _co3d_packed(root: Path) -> None:
    root.mkdir(exist_ok=True)
    write_packed_co3d(root, {"train": [("car", "a"), ("car", "b")], "test": [("mug", "c")]})


SHOTS = [Shot(number, (0.9, 0.1 * number, 0.0, 0.1)) for number in range(3)]


def _mvimgnet(root: Path) -> None:
    write_published(root, {f"{number % 2}/{number:02d}": SHOTS for number in range(4)})


def _mvimgnet_packed(root: Path) -> None:
    root.mkdir(exist_ok=True)
    write_packed(root, {"0/a": SHOTS, "1/b": SHOTS}, {"0/a": "train", "1/b": "test"})


class Case(NamedTuple):
    """A reader, and what is sound for it."""

    reader: str
    write: Callable[[Path], None]
    files: tuple[str, ...]
    """Patterns of those that may be spoiled."""


CASES = {
    case.reader: case
    for case in (
        Case("dataset", _dataset, ("dataset.json", "data/*.parquet")),
        Case("merged", _merged, ("dataset.json",)),
        Case("verified", _dataset, ("dataset.json", "checksums.txt", "data/*.parquet")),
        Case("learned", _dataset, ("dataset.json", "data/*.parquet")),
        Case("recorded", _dataset, ("dataset.json",)),
        Case("armplay", _dataset, ("data/*.parquet",)),
        Case("settings", _settings, ("settings.json",)),
        Case("history", _settings, ("*.jsonl",)),
        Case("checkpoint", _checkpoint, ("checkpoints/*.safetensors", "settings.json")),
        Case("encoder", _encoder, ("config.json", "*.safetensors")),
        Case("weights", _weights, ("*.pth",)),
        Case("grid", _grid, ("grid.json",)),
        Case("term", _term, ("term.json",)),
        Case("images", _images, ("manifest.csv", "*/*/*.png")),
        Case("rt4k", _rt4k, ("*.parquet", "*.h5")),
        Case("heap", _heap, ("*.h5",)),
        Case("co3d", _co3d, ("*/*.jgz", "*/set_lists/*.json", "*/*/images/*.png")),
        Case("co3d-packed", _co3d_packed, ("*.parquet", "*.h5")),
        Case("mvimgnet", _mvimgnet, ("*/*/sparse/0/*.bin", "*/*/images/*.jpg")),
        Case("mvimgnet-packed", _mvimgnet_packed, ("*.parquet", "*.h5")),
    )
}


@st.composite
def spoiled(draw: st.DrawFn, path: Path) -> bytes:
    """The file's content, with damage that its kind may have."""
    data = path.read_bytes()
    by_kind = {
        ".json": _retold_json,
        ".jsonl": _retold_lines,
        ".jgz": _retold_gzip,
        ".csv": _retold_cells,
        ".parquet": _retold_table,
        ".safetensors": _retold_tensors,
    }
    if path.suffix in by_kind and draw(st.integers(0, 3)):
        return by_kind[path.suffix](draw, path)
    return draw(damaged(data))


def _retold_json(draw: st.DrawFn, path: Path) -> bytes:
    return as_json(draw(retold(json.loads(path.read_bytes()))))


def _retold_lines(draw: st.DrawFn, path: Path) -> bytes:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    place = draw(st.integers(0, len(rows) - 1))
    rows[place] = draw(retold(rows[place]))
    return b"".join(as_json(row) + b"\n" for row in rows)


def _retold_gzip(draw: st.DrawFn, path: Path) -> bytes:
    return gzip.compress(as_json(draw(retold(json.loads(gzip.decompress(path.read_bytes()))))))


def _retold_cells(draw: st.DrawFn, path: Path) -> bytes:
    rows = list(csv.reader(io.StringIO(path.read_text())))
    row = draw(st.sampled_from(rows))
    row[draw(st.integers(0, len(row) - 1))] = str(draw(st.sampled_from(VALUES)))
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


CELLS: tuple[object, ...] = (
    *(None, 0, -1, 1, 2**62, 0.5, float("nan"), float("inf"), "", "x", "../../x", "9" * 5000, "a_²_b_c", True, b"x"),
    *([], [1.0], [float("nan")] * 7, [1.0] * 9, [[1]], {"bytes": b"", "path": None}, {"bytes": None, "path": None}),
    *({"bytes": picture(1, width=3), "path": "x"}, {"bytes": picture(1, width=400, height=400), "path": None}),
)
"""In the place of others in a table; those of a kind that a column cannot have make another column of it."""


def _retold_table(draw: st.DrawFn, path: Path) -> bytes:
    """A column, in one group of rows or in all, holds other cells; or is of another kind, or gone."""
    with pq.ParquetFile(path) as file:
        groups = [file.read_row_group(number) for number in range(file.num_row_groups)]
    where = draw(st.integers(0, len(groups) - 1))
    column = draw(st.integers(0, groups[0].num_columns - 1))
    name, kind = groups[0].schema.names[column], groups[0].schema.types[column]
    cell = draw(st.sampled_from(CELLS))
    if draw(st.integers(0, 9)) == 0:
        groups = [group.drop_columns([name]) for group in groups]
    else:
        rows = groups[where].num_rows
        mine = draw(st.sets(st.integers(0, rows - 1), min_size=1, max_size=rows)) if rows else set()
        old = groups[where][name].to_pylist()
        new = [cell if row in mine else before for row, before in enumerate(old)]
        try:
            groups[where] = groups[where].set_column(column, groups[where].schema.field(column), pa.array(new, kind))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            other = pa.array([cell] * sum(group.num_rows for group in groups))
            groups = [pa.concat_tables(groups)]
            groups[0] = groups[0].set_column(column, name, other)
    out = io.BytesIO()
    with pq.ParquetWriter(out, groups[0].schema, write_page_checksum=True) as writer:
        for group in groups:
            writer.write_table(group)
    return out.getvalue()


def _retold_tensors(draw: st.DrawFn, path: Path) -> bytes:
    """Another header; or, of a checkpoint, another state or other tensors with a digest that is right."""
    data = path.read_bytes()
    if path.parent.name != "checkpoints" or draw(st.booleans()):
        size = int.from_bytes(data[:8], "little")
        header = as_json(draw(retold(json.loads(data[8 : 8 + size]))))
        return len(header).to_bytes(8, "little") + header + data[8 + size :]
    tensors, state = load_checkpoint(path)
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted(tensors)))
        changes = (
            lambda one: one[:0],
            lambda one: one.double() * np.nan,
            lambda one: one.bool(),
            lambda one: one[None],
        )
        tensors[name] = draw(st.sampled_from(changes))(tensors[name].reshape(-1))
        return _saved(path, tensors, state)
    return _saved(path, tensors, draw(retold(state)))


def _saved(path: Path, tensors: dict, state: object) -> bytes:
    other = path.with_name("other")
    save_checkpoint(other, tensors, state)  # type: ignore[arg-type]
    data = other.read_bytes()
    other.unlink()
    return data
