"""Pictures and films of episodes: what was seen, with the commands under it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from agent.episode import Episode, Pairs
from sim.errors import InputError

PAPER = 236
INK = (40, 40, 40)
JOINT_COLORS = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (86, 180, 233),
    (90, 90, 90),
    (150, 75, 0),
)
"""One per joint, base first, then the gripper: told apart by colour-blind eyes too (Okabe and Ito)."""
FILMS = (".gif", ".mp4")


def film(episode: Episode, views: Sequence[np.ndarray] = ()) -> list[np.ndarray]:
    """The frames of an episode, uint8 RGB, beside other `views` of it [T, H, W, 3], over its commands up to now.

    Commands that the learner was told, or that the motors were given, get a row of their own where they differ.
    """
    rows = {"commands": episode.clean}
    for name, commands in (("told", episode.recorded), ("done", episode.executed)):
        if not np.array_equal(commands, episode.clean):
            rows[name] = commands
    pictures = []
    for at in range(len(episode.frames)):
        seen = np.concatenate([*(view[at] for view in views), episode.frames[at]], axis=1)
        strips = [strip(episode.times, row, at, seen.shape[1], title=name) for name, row in rows.items()]
        pictures.append(np.concatenate([seen, *strips]))
    return pictures


def strip(
    times: np.ndarray, commands: np.ndarray, frame: int, width: int, *, title: str, height: int = 72
) -> np.ndarray:
    """Joint velocities [T-1, D] held between `times` [T], up to now in full colour, uint8 [height, width, 3]."""
    picture = np.full((height, width, 3), PAPER, np.uint8)
    x = 8 + (times - times[0]) / max(times[-1] - times[0], 1e-9) * (width - 16)
    y = height / 2 - commands / max(float(np.abs(commands).max(initial=0.0)), 1e-6) * (height / 2 - 6)
    cv2.line(picture, (8, height // 2), (width - 8, height // 2), (200, 200, 200), 1)
    steps = np.repeat(x, 2)[1:-1]
    for joint, color in zip(range(commands.shape[1]), JOINT_COLORS, strict=False):
        points = np.stack([steps, np.repeat(y[:, joint], 2)], axis=-1).round().astype(np.int32)
        cv2.polylines(picture, [points], False, (215, 215, 215), 1, cv2.LINE_AA)
        cv2.polylines(picture, [points[: 2 * frame]], False, color, 1, cv2.LINE_AA)
    write(picture, title, (8, 12), 0.36)
    return picture


def contact_sheet(rows: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Titled rows of pictures [N, H, H, 3], one under the other, uint8 RGB; shorter rows are filled up with paper."""
    longest = max(len(pictures) for _, pictures in rows)
    lines = []
    for title, pictures in rows:
        side = pictures.shape[1]
        label = np.full((side, 132, 3), PAPER, np.uint8)
        for number, text in enumerate(title.split("\n")):
            write(label, text, (8, 18 + 15 * number), 0.4)
        blank = np.full((side, (longest - len(pictures)) * side, 3), PAPER, np.uint8)
        lines.append(np.concatenate([label, *pictures, blank], axis=1))
    return np.concatenate(lines)


def pair_sheet(pairs: Pairs, *, count: int = 8) -> np.ndarray:
    """The first `count` pairs of a batch side by side, t over t', uint8 RGB."""
    rows = (frames[:count].permute(0, 2, 3, 1).cpu().numpy() for frames in (pairs.first, pairs.second))
    return np.concatenate([np.concatenate([*row], axis=1) for row in rows])


def write(picture: np.ndarray, text: str, at: tuple[int, int], scale: float) -> None:
    """Put a line of text into a picture; `at` is its lower left corner, (column, row)."""
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, INK, 1, cv2.LINE_AA)


def check_film(path: Path) -> None:
    """Before the rendering, so that nobody waits for a film that cannot be kept."""
    if path.suffix not in FILMS:
        raise InputError(f"out={path}: the ending .gif or .mp4 is needed, or nothing moves")


def check_picture(path: Path) -> None:
    """Before the rendering, so that nobody waits for a picture that cannot be kept."""
    if not cv2.haveImageWriter(str(path)):
        raise InputError(f"out={path}: an ending such as .png is needed, or the format of the picture is unknown")


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Write an RGB picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise InputError(f"out={path}: cannot be written, give another place")


def save_film(path: Path, pictures: Sequence[np.ndarray], *, seconds: float) -> None:
    """Write RGB pictures as an endless GIF or as MP4 (MPEG-4 part 2), `seconds` each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gif":
        first, *rest = (Image.fromarray(picture).quantize(160, dither=Image.Dither.NONE) for picture in pictures)
        first.save(path, save_all=True, append_images=rest, duration=round(1000 * seconds), loop=0, optimize=True)
        return
    height, width = (side - side % 2 for side in pictures[0].shape[:2])  # the codec wants even sides
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 1.0 / seconds, (width, height))
    if not writer.isOpened():
        raise InputError(f"out={path}: this OpenCV cannot write MP4, give a .gif")
    for picture in pictures:
        writer.write(cv2.cvtColor(picture[:height, :width], cv2.COLOR_RGB2BGR))
    writer.release()
