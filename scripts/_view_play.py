"""Views of episodes: films, pairs, corrupted commands beside clean ones, and how good play is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
from _progress import Progress

from agent.dataset import Dataset
from agent.episode import Episode
from agent.pictures import check_film, check_picture, contact_sheet, film, save_film, save_picture
from agent.play import POLICIES
from agent.quality import HEADER, quality
from agent.record import Recorder, RecordSettings
from sim import poses
from sim.camera import Camera
from sim.errors import InputError
from sim.objects.mesh import Toy
from sim.scene import HoldScene, SceneSettings

VISITOR = Camera(position=(1.25, -1.35, 0.95), target=(0.27, 0.0, 0.4), field_of_view=36.0)
VISITOR_AT_TABLE = Camera(position=(1.35, -1.0, 0.7), target=(0.35, 0.0, 0.22), field_of_view=36.0)


@dataclass(frozen=True)
class Play:
    """An episode as a film: the whole arm, what its camera sees, and the commands; corrupted ones under the clean."""

    out: Path
    """The film to write, .gif or .mp4."""
    number: int = 0
    """Episode number."""
    data: Path | None = None
    """Folder of a stored dataset; the episode is taken from it and not simulated."""
    visitor: bool = True
    """Show the whole arm too, from where a visitor stands (simulated episodes)."""
    record: RecordSettings = field(default_factory=lambda: RecordSettings(scene=SceneSettings(image_size=256)))

    def __call__(self) -> None:
        check_film(self.out)
        if self.data is not None:
            episode, views = Dataset(self.data).episode(self.number), []
        else:
            recorder = self.record()
            episode = recorder(self.number)
            views = [self.watched(episode, recorder)] if self.visitor else []
            if not np.array_equal(episode.executed, episode.clean):
                # What the arm was meant to do, first.
                views.insert(0, list(replace(self.record, corrupt="")()(self.number).frames))
            recorder.close()
        save_film(self.out, film(episode, views), seconds=float(np.median(np.diff(episode.times))))

    def watched(self, episode: Episode, recorder: Recorder) -> list[np.ndarray]:
        """The episode as a visitor sees it; on a table it is played again, for what happens there is physics."""
        if not self.record.at_table:
            toy = recorder.catalogue.toy(episode.category, episode.instance)
            return watch(episode, toy, self.record.scene)
        again = replace(self.record, scene=replace(self.record.scene, camera=VISITOR_AT_TABLE))()
        try:
            return list(again(self.number).frames)
        finally:
            again.close()


@dataclass(frozen=True)
class Pairs:
    """Pairs of frames as a learner sees them, with what was told of the action and what happened."""

    out: Path
    """The picture to write; the ending names the format."""
    count: int = 8
    """Pairs, each of another episode."""
    data: Path | None = None
    """Folder of a stored dataset; the episodes are taken from it and not simulated."""
    seed_pairs: int = 0
    """Draws the frames."""
    record: RecordSettings = field(default_factory=RecordSettings)

    def __call__(self) -> None:
        check_picture(self.out)
        if self.count < 1:
            raise InputError(f"count={self.count}: at least 1, or the picture is empty")
        rng, rows = np.random.default_rng(self.seed_pairs), []
        for episode in episodes_of(self.data, self.record, self.count):
            first, second = sorted(rng.choice(len(episode.frames), 2, replace=False))
            happened = poses.relative(episode.object_poses[first], episode.object_poses[second])
            told = np.sum((episode.recorded * np.diff(episode.times)[:, None])[first:second], axis=0)
            title = (
                f"{episode.category}\n{episode.times[second] - episode.times[first]:.1f} s\n"
                f"turned {np.degrees(poses.angle(happened[3:])):.0f} deg\n"
                f"moved {100 * np.linalg.norm(happened[:3]):.1f} cm\n"
                f"told, deg a joint:\n{joints(told[:4])}\n{joints(told[4:])}"
            )
            rows.append((title, episode.frames[[first, second]]))
        half = (len(rows) + 1) // 2
        left, right = contact_sheet(rows[:half]), contact_sheet(rows[half:] or rows[:1])
        tall = max(len(left), len(right))
        sheets = [np.pad(part, ((0, tall - len(part)), (0, 0), (0, 0)), constant_values=236) for part in (left, right)]
        save_picture(self.out, np.concatenate(sheets, axis=1))


@dataclass(frozen=True)
class Policies:
    """How good each play policy is: view sphere covered, object in view, turn of a pair; as a Markdown table."""

    episodes: int = 100
    """Episodes of each policy."""
    policies: tuple[str, ...] = tuple(POLICIES)
    """Which policies."""
    out: Path | None = None
    """A picture of the first frames of an episode of each, to write beside the table."""
    record: RecordSettings = field(default_factory=RecordSettings)

    def __call__(self) -> None:
        if self.out is not None:
            check_picture(self.out)
        if self.episodes < 1:
            raise InputError(f"episodes={self.episodes}: at least 1, or nothing is measured")
        lines, rows = [HEADER], []
        total = self.episodes * len(self.policies)
        with Progress(total, unit="episodes", title="play", start=0, quiet=False) as bar:
            for index, name in enumerate(self.policies):
                found = []
                for episode in episodes_of(None, replace(self.record, play=name), self.episodes):
                    rows += [] if found else [(name, episode.frames[::3])]
                    # How many pixels there are is needed, what is in them is not.
                    found.append(episode._replace(frames=np.broadcast_to(np.uint8(0), episode.frames.shape)))
                    bar.advance(index * self.episodes + len(found), name)
                lines.append(quality(found).row(name))
        print("\n".join(lines))
        if self.out is not None:
            save_picture(self.out, contact_sheet(rows))


def episodes_of(data: Path | None, record: RecordSettings, count: int):
    """The first `count` episodes of a stored dataset, or of a recorder."""
    if data is not None:
        yield from islice(Dataset(data).episodes(), count)
        return
    recorder: Recorder = record()
    try:
        yield from map(recorder, range(count))
    finally:
        recorder.close()


def joints(turned: np.ndarray) -> str:
    """Angles in whole degrees."""
    return " ".join(f"{np.degrees(angle):+.0f}" for angle in turned)


def watch(episode: Episode, toy: Toy, settings: SceneSettings) -> list[np.ndarray]:
    """The same motion from where a visitor stands, who sees the whole arm: uint8 [H, W, 3] a frame."""
    scene = HoldScene(replace(settings, camera=VISITOR, draw="whole", drive="kinematics", arm_triangles=6000))
    scene.reset(
        toy, grasp_rotation=episode.grasp[3:], joints=episode.joints[0], look=np.random.default_rng(episode.number)
    )
    frames = [scene.observe().frame]
    for before, after, seconds in zip(episode.joints[:-1], episode.joints[1:], np.diff(episode.times), strict=True):
        scene.step((after - before) / settings.interval if seconds else np.zeros(len(after)))
        frames.append(scene.observe().frame)
    scene.close()
    return frames
