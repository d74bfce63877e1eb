"""A small copy of everything that the commands of the docs speak of: data, runs, meshes, datasets of others."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from learner.encoders import build_encoder
from tests.docs.tiny import ONLINE, TRAIN
from tests.learner.data.mvimgnet_objects import named
from tests.references.imagefiles import write_co3d, write_rt4k
from tests.references.meshfiles import obj, put
from tests.references.mvimgnet import Shot, write_published
from tests.scripts.conftest import SCENE
from tests.scripts.running import run_here

SEEDED = tuple(f"runs/{method}-{seed}" for method in ("aa", "tt") for seed in range(3))
RUNS = ("runs/demo", "runs/a", "runs/b", "runs/tt", "runs/live", "runs/try", *SEEDED)
EPISODES = 48
COLLECT = ("--engine", "local", "--quiet", *SCENE)


def plant(root: Path) -> Path:
    """Make the tree below `root`; gives the folder in which commands are given."""
    work = root / "work"
    (work / "exports").mkdir(parents=True)
    hold = work / "data/hold"
    run("collect", "--episodes", EPISODES, "--seed", 2, "--out", hold, *COLLECT)
    shutil.copytree(hold, work / "data/large")
    run("collect", "--episodes", 3, "--seed", 9, "--out", work / "data/more", *COLLECT)
    turns = ("--play", "turntable", "--categories", "mug", "hammer")
    run("collect", "--episodes", 24, *turns, "--out", work / "data/turns", *COLLECT)
    grasp = ("--play", "grasp", "--arm", "panda", "--object-size", 0.08)
    run("collect", "--episodes", 2, *grasp, "--out", work / "data/grasp", *COLLECT)
    options = [str(word) for pair in ONLINE.items() for word in pair]
    run("train_online", "--out", work / RUNS[0], "--method", "simclr-tt", "--quiet", *options)
    for name in RUNS[1:]:
        shutil.copytree(work / RUNS[0], work / name)
    options = [str(word) for pair in TRAIN.items() for word in pair]
    run("train", "--data", hold, "--out", work / "runs/vicreg", "--method", "vicreg-tt", "--quiet", *options)
    shutil.copytree(work / "runs/demo/encoder", work / "exports/encoder")
    run("embed", "--encoder", work / "runs/demo", "--data", hold, "--out", work / "features.parquet", "--quiet")
    torch.save(build_encoder("resnet18", seed=0).state_dict(), work / "resnet18.pth")
    for category in ("cup", "hat"):
        for number in range(12):
            put(root / "meshes", f"{category}/{category}_{number:03d}/model.obj", obj())
    plant_images(root / "images")
    (work / "list.txt").write_text("\n".join(mvimgnet_objects()) + "\n")
    return work


def plant_images(root: Path) -> None:
    """RT4K, MVImgNet, CO3D and two folders of pictures."""
    kinds = ("car", "mug", "tree")
    train = {f"{kind}_{number:03d}": kind for kind in kinds for number in range(12)}
    test = {f"{kind}_{number:03d}": kind for kind in kinds for number in range(100, 103)}
    views = {name: [1, 10, 30, 60, 90, 120, 150, 180] for name in {**train, **test}}
    write_rt4k(root / "RT4K", {"train": train, "test": test}, views=views)
    write_published(root / "MVImgNet", {name: [Shot(n) for n in range(1, 5)] for name in mvimgnet_objects()})
    (root / "MVImgNet" / "mvimgnet_category.csv").write_text("7,stove\n12,sofa\n")
    sets = {
        part: [(f"{part}{number}", frame) for number in range(size) for frame in range(3)]
        for part, size in (("train", 6), ("val", 2), ("test", 2))
    }
    write_co3d(root / "CO3D", {"apple": sets, "ball": sets})
    rng = np.random.default_rng(0)
    for name in ("eth80", "pictures"):
        rows = ["category,instance,polar_deg,azimuth_deg,image"]
        for number in range(24):
            category, owner = kinds[number % 3], f"object{number:02d}"
            for view in range(4):
                path = f"{category}/{owner}/{view}.png"
                put(root / name, path, "")
                Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(root / name / path)
                rows.append(f"{category},{owner},70,{90 * view},{path}")
        put(root / name, "manifest.csv", "\n".join(rows) + "\n")


def mvimgnet_objects() -> list[str]:
    """Of two categories, in each split."""
    places = (("train", 6), ("validation", 2), ("test", 2))
    return [f"{kind}/{named(split, n)}" for kind in (7, 12) for split, count in places for n in range(count)]


def run(script: str, *arguments: object) -> None:
    """Run a script that must succeed."""
    outcome = run_here(script, *arguments)
    assert outcome.status == 0, outcome
