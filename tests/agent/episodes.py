"""Small episodes of random valid content, a pure function of (seed, number), and factories that make them, well or
badly, for tests that need no simulator."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.collect import Engine
from agent.episode import Episode, Interest
from sim.errors import InputError


def fake_episode(
    number: int, *, seed: int = 0, frames: int = 4, size: int = 16, joints: int = 7, masks: bool = False
) -> Episode:
    """T = `frames` smooth pictures [size, size, 3], as JPEG expects them, and noise in everything else."""
    rng = np.random.default_rng((seed, number))

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    corners = rng.uniform(64, 192, (frames, 2, 2, 3))
    ramp = np.linspace(0, 1, size)
    weights = np.stack([1 - ramp, ramp])
    pictures = np.einsum("tijc,iy,jx->tyxc", corners, weights, weights)
    clean = normal(frames - 1, joints)
    return Episode(
        frames=pictures.astype(np.uint8),
        clean=clean,
        recorded=clean + normal(frames - 1, joints),
        executed=clean.copy(),
        limited=rng.random(frames - 1) < 0.5,
        joints=normal(frames, joints),
        object_poses=normal(frames, 7),
        camera_poses=normal(frames, 7),
        intrinsics=normal(3, 3),
        grasp=normal(7),
        visible=rng.random(frames, dtype=np.float32),
        times=np.arange(frames) / 5.0,
        category=f"category-{number % 3}",
        instance=f"instance-{number % 5}",
        number=number,
        seed=seed,
        masks=rng.random((frames, size, size)) < 0.5 if masks else None,
    )


def assert_same(first: Episode, second: Episode, *, tolerance: int = 0) -> None:
    """Equal in every field, shape and type; pixels within `tolerance` grey levels."""
    for name in Episode._fields:
        one, two = getattr(first, name), getattr(second, name)
        if isinstance(one, np.ndarray):
            assert isinstance(two, np.ndarray), name
            assert (one.shape, one.dtype) == (two.shape, two.dtype), name
            if name == "frames":
                assert np.abs(one.astype(int) - two.astype(int)).max(initial=0) <= tolerance
            else:
                np.testing.assert_array_equal(one, two, name)
        else:
            assert type(one) is type(two), name
            assert one == two, name


def shards_of(
    engine: Engine, folder: Path, numbers: Iterable[int], *, watch: Callable[[Engine, int], None] = lambda *_: None
) -> dict[str, bytes]:
    """Every file of a dataset of these episodes; `watch` is called with how many there are so far."""
    from agent.writer import DatasetWriter  # loads pyarrow, which workers that import this file are to do without

    with DatasetWriter(folder, metadata={}, episodes_per_shard=5) as writer:
        for done, episode in enumerate(engine.episodes(numbers), start=1):
            writer.add(episode)
            watch(engine, done)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Fake:
    """A factory for engines whose episode `number` goes wrong the first `times` times."""

    folder: str = ""
    """Where attempts are counted, as empty files; needed where something is to go wrong."""
    number: int = -1
    """The episode that goes wrong."""
    times: int = 0
    """How often it does."""
    fault: str = "raise"
    """raise, input, kill, exit, hang, or stubborn: hang and ignore SIGTERM."""
    size: int = 16
    """Pixels of a side of the frames."""

    def __call__(self) -> Callable[[int], Episode]:
        return self.play

    def play(self, number: int) -> Episode:
        if number == self.number:
            attempt = len(os.listdir(self.folder))
            Path(self.folder, str(attempt)).touch()
            if attempt < self.times:
                self.fail(attempt)
        return fake_episode(number, size=self.size)

    def fail(self, attempt: int) -> None:
        match self.fault:
            case "raise":
                raise ArithmeticError(f"attempt {attempt} came to nothing")
            case "input":
                raise InputError("size=0: at least 1 is needed, or there is nothing to see")
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(7)
            case "stubborn":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Event().wait()


class Uneven:
    """A factory whose episodes differ in size: some larger than all before them, some with masks."""

    def __call__(self) -> Callable[[int], Episode]:
        return self.play

    @staticmethod
    def play(number: int) -> Episode:
        return fake_episode(number, frames=2 + 9 * (number % 4) + number // 4, size=40, masks=number % 3 == 0)


class Spy:
    """A factory whose episodes tell, in `instance`, what the process that makes them is like."""

    def __call__(self) -> Callable[[int], Episode]:
        return self.play

    def play(self, number: int) -> Episode:
        loaded = [name for name in ("torch", "pybullet", "pyarrow", "pytest") if name in sys.modules]
        about = {"pid": os.getpid(), "loaded": loaded, "threads": os.environ.get("OMP_NUM_THREADS"), "path": sys.path}
        return fake_episode(number)._replace(instance=json.dumps(about))


class Seeker:
    """A factory whose episodes keep what they seek. With a `folder`, the first worker that is asked for one dies."""

    def __init__(self, folder: str = "") -> None:
        self.folder = folder

    def __call__(self) -> Callable[..., Episode]:
        return self.play

    def play(self, number: int, interest: Interest | None = None) -> Episode:
        if self.folder and not os.listdir(self.folder):
            Path(self.folder, "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return fake_episode(number)._replace(interest=interest)


class ClosedInFile:
    """A `Play` that leaves a file in `folder` when it is closed."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, number: int) -> Episode:
        return fake_episode(number)

    def close(self) -> None:
        Path(self.folder, f"closed by {os.getpid()}").touch()


def broken_factory() -> Callable[[int], Episode]:
    raise InputError("arm='tentacle': kuka and panda are known, others cannot be built")


def hopeless_factory() -> Callable[[int], Episode]:
    raise OSError("no such device")
