"""Look at things: toys, and an arm at play.

python scripts/view.py toys --out toys.png
python scripts/view.py turntable mug_0123456 --out mug.png
python scripts/view.py play --out play.gif --number 3
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import tyro
from _cli import run
from matplotlib.figure import Figure
from PIL import Image

from agent.episode import Episode
from agent.record import RecordSettings
from sim.camera import Camera
from sim.errors import InputError
from sim.objects import ProceduralToys
from sim.objects.mesh import Toy
from sim.objects.portrait import BACKGROUND, portrait
from sim.scene import HoldScene, SceneSettings

JOINT_COLORS = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (86, 180, 233),
    (90, 90, 90),
)


@dataclass(frozen=True)
class Toys:
    """A sheet with a row of instances for each built-in category."""

    out: Path
    """The picture to write; the ending names the format."""
    per_category: int = 6
    """Instances in a row."""
    seed: int = 0
    """Draws the instances."""
    image_size: int = 128
    """Pixels a side of each toy's picture."""
    columns: int = 3
    """Categories side by side."""
    yaw: float = 0.9
    """Radians of the camera from the front towards the toy's left."""
    pitch: float = 0.4
    """Radians of the camera above the horizon."""

    def __call__(self) -> None:
        check_writable(self.out)
        if self.per_category < 1 or self.columns < 1:
            raise InputError(
                f"per_category={self.per_category}, columns={self.columns}: at least 1, or the sheet is empty"
            )
        catalogue = ProceduralToys()
        rng = np.random.default_rng(self.seed)
        toys = [
            catalogue.toy(category, catalogue.draw(category, rng))
            for category in catalogue.categories
            for _ in range(self.per_category)
        ]
        pictures = portrait(toys, image_size=self.image_size, yaw=self.yaw, pitch=self.pitch)
        save(self.out, sheet(pictures, catalogue.categories, columns=self.columns))


@dataclass(frozen=True)
class Turntable:
    """One toy from all around, beginning at its front."""

    instance: tyro.conf.Positional[str]
    """Its name, such as mug_0123456."""
    out: Path
    """The picture to write; the ending names the format."""
    views: int = 8
    """Directions, at equal angles."""
    image_size: int = 128
    """Pixels a side of each picture."""
    pitch: float = 0.4
    """Radians of the camera above the horizon."""

    def __call__(self) -> None:
        check_writable(self.out)
        if self.views < 1:
            raise InputError(f"views={self.views}: at least 1, or the picture is empty")
        toy = ProceduralToys().toy(self.instance.rsplit("_", 1)[0], self.instance)
        yaws = np.arange(self.views) * 2 * np.pi / self.views
        pictures = [portrait([toy], image_size=self.image_size, yaw=yaw, pitch=self.pitch)[0] for yaw in yaws]
        save(self.out, np.concatenate(pictures, axis=1))


@dataclass(frozen=True)
class Play:
    """An episode as a moving picture: the whole arm, what its camera sees, and the commands."""

    out: Path
    """The GIF to write."""
    number: int = 0
    """Episode number."""
    seed: int = 0
    """Seed of the episodes."""
    image_size: int = 256
    """Pixels a side of each of the two views."""

    def __call__(self) -> None:
        if self.out.suffix != ".gif":
            raise InputError(f"out={self.out}: the ending .gif is needed, or nothing moves")
        scene = SceneSettings(image_size=self.image_size)
        recorder = RecordSettings(scene=scene, seed=self.seed)()
        seen = recorder(self.number)
        recorder.close()
        toy = recorder.catalogue.toy(seen.category, seen.instance)
        pictures = [
            np.concatenate([np.concatenate([left, right], axis=1), strip(seen.clean, frame, 2 * self.image_size)])
            for frame, (left, right) in enumerate(zip(watch(seen, toy, scene), seen.frames, strict=True))
        ]
        save_gif(self.out, pictures, seconds=float(seen.times[1]))


@dataclass(frozen=True)
class Curve:
    """How a run's accuracy on held-out objects grew, beside its baselines."""

    run: Path
    """Folder of the run."""
    out: Path
    """The picture to write; the ending names the format."""

    def __call__(self) -> None:
        check_writable(self.out)
        try:
            history = [json.loads(line) for line in (self.run / "history.jsonl").read_text().splitlines()]
            scores = json.loads((self.run / "scores.json").read_text())["scores"]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"run={self.run}: no finished run of armplay ({error})") from None
        figure = Figure(figsize=(7.2, 2.9), dpi=160, layout="constrained")
        axes = figure.add_subplot()
        for key, name in (("probe/linear_online", "linear, online"), ("probe/knn_validation", "kNN")):
            points = [(row["step"], 100 * row[key]) for row in history if key in row]
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=f"{name}, validation objects")
        best = {score["representation"]: score for score in scores if score["probe"] == "kNN"}
        for name, style in (("raw pixels", "--"), ("untrained encoder", "-."), ("colour histogram", ":")):
            axes.axhline(
                100 * best[name]["accuracy"],
                color="0.45",
                linestyle=style,
                linewidth=1,
                label=f"{name}, kNN, test objects",
            )
        axes.set(xlabel="training step", ylabel="accuracy, %", ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        self.out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.out)


def watch(episode: Episode, toy: Toy, settings: SceneSettings) -> list[np.ndarray]:
    """The same motion from where a visitor stands, who sees the whole arm: uint8 [H, W, 3] a frame."""
    visitor = Camera(position=(1.25, -1.35, 0.95), target=(0.27, 0.0, 0.4), field_of_view=36.0)
    scene = HoldScene(replace(settings, camera=visitor, arm_triangles=6000))
    still = np.random.default_rng(0)
    scene.reset(toy, grasp_rotation=episode.grasp[3:], joints=episode.joints[0], background=still)
    frames = [scene.observe().frame]
    for command in episode.executed:
        scene.step(command)
        frames.append(scene.observe().frame)
    scene.close()
    return frames


def strip(commands: np.ndarray, frame: int, width: int, height: int = 72) -> np.ndarray:
    """Joint velocities [T-1, D] as lines over time, up to now in full colour, uint8 [height, width, 3]."""
    picture = np.full((height, width, 3), BACKGROUND, np.uint8)
    x = np.linspace(8, width - 8, len(commands))
    y = height / 2 - commands / max(np.abs(commands).max(), 1e-6) * (height / 2 - 6)
    cv2.line(picture, (8, height // 2), (width - 8, height // 2), (200, 200, 200), 1)
    for joint, color in zip(range(commands.shape[1]), JOINT_COLORS, strict=False):
        points = np.stack([x, y[:, joint]], axis=-1).round().astype(np.int32)
        cv2.polylines(picture, [points], False, (215, 215, 215), 1, cv2.LINE_AA)
        cv2.polylines(picture, [points[: frame + 1]], False, color, 1, cv2.LINE_AA)
    return picture


def save_gif(path: Path, pictures: list[np.ndarray], *, seconds: float) -> None:
    """Write RGB pictures as an endless GIF, `seconds` each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = (Image.fromarray(picture).quantize(160, dither=Image.Dither.NONE) for picture in pictures)
    first.save(path, save_all=True, append_images=rest, duration=round(1000 * seconds), loop=0, optimize=True)


def sheet(pictures: np.ndarray, names: tuple[str, ...], *, columns: int) -> np.ndarray:
    """Rows of pictures [names * N, H, H, 3], each row after its name, in `columns` columns of rows: uint8 [h, w, 3]."""
    size, label = pictures.shape[1], 96
    rows = []
    for name, row in zip(names, np.split(pictures, len(names)), strict=True):
        title = np.full((size, label, 3), BACKGROUND, np.uint8)
        cv2.putText(title, name, (8, size // 2 + 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
        rows.append(np.concatenate([title, *row], axis=1))
    rows += [np.full_like(rows[0], BACKGROUND)] * (-len(rows) % columns)
    tall = len(rows) // columns
    return np.concatenate([np.concatenate(rows[i * tall : (i + 1) * tall]) for i in range(columns)], axis=1)


def check_writable(path: Path) -> None:
    """Before the rendering, so that nobody waits for a picture that cannot be kept."""
    if not cv2.haveImageWriter(str(path)):
        raise InputError(f"out={path}: an ending such as .png is needed, or the format of the picture is unknown")


def save(path: Path, picture: np.ndarray) -> None:
    """Write an RGB picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def main(command: Annotated[Toys | Turntable | Play | Curve, tyro.conf.arg(name="")]) -> None:
    command()


if __name__ == "__main__":
    run(main)
