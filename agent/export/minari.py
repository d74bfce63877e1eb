"""Episodes as a Minari dataset: what `armplay/Hold-v0` would have returned, had it been stepped with these commands."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from agent.dataset import Dataset
from agent.episode import Episode
from agent.files import new_folder
from sim import viewsphere
from sim.errors import InputError
from sim.kinematics import Chain

AT_ONCE = 16
"""Episodes in memory."""
ROOT = "MINARI_DATASETS_PATH"
"""The environment variable that tells Minari where datasets lie."""


def export_minari(data: Dataset, out: Path, told: Callable[[int, int], object]) -> str:
    """Writes the Minari root `out` with one dataset, `armplay/NAME-v0`, images exact. Counts episodes."""
    try:
        import h5py  # noqa: F401  (Minari would miss it after the work is done)
        import minari
        from minari.data_collector import EpisodeBuffer
    except ImportError as error:
        raise InputError(f"{error.name} is not installed, so nothing is written: pip install -e .[minari]") from error
    from gymnasium import spaces

    lossless = _lossless(minari)
    about = data.metadata
    try:
        chain = Chain.from_json(about["chain"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{data.root}: dataset.json lacks {error}, and without it commands have no bounds") from None
    name = f"armplay/{re.sub('[^-_0-9A-Za-z]', '-', data.root.resolve().name)}-v0"
    width, height = data.image_size
    widest = 1.1 * np.maximum(np.abs(chain.lower), chain.upper).astype(
        np.float32
    )  # physics may pass a limit by a little
    described: dict[str, Any] = {
        "observation_space": spaces.Dict(
            {
                "image": spaces.Box(0, 255, (height, width, 3), np.uint8),
                "proprioception": spaces.Box(-widest, widest, dtype=np.float32),
                "object_pose": spaces.Box(-np.inf, np.inf, (7,), np.float32),
            }
        ),
        "action_space": spaces.Box(-1.0, 1.0, (chain.joints,), np.float32),
        "algorithm_name": str(about.get("settings", {}).get("play", "merged")),
        "author": "armplay",
        "description": f"Episodes of a simulated {about.get('arm', 'robot arm')} that turns objects before its camera",
        "data_format": "hdf5",
        **lossless,
    }
    with new_folder(out) as folder, _minari_root(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Minari asks for an address and an environment that there need not be
        store: Any = None
        done = 0
        episodes = data.episodes()
        try:
            while some := list(islice(episodes, AT_ONCE)):
                buffers = [EpisodeBuffer(**as_steps(episode, chain)) for episode in some]
                if store is None:
                    store = minari.create_dataset_from_buffers(name, buffers, **described)
                else:
                    store.update_dataset_from_buffer(buffers)
                done += len(some)
                told(done, len(data))
            store.storage.update_metadata({"armplay": about})
        except RuntimeError as error:  # HDF5's word for a full disk, at times
            raise OSError(str(error)) from error
    return f'{out}: {len(data)} episodes; read with: {ROOT}={out.resolve()} and minari.load_dataset("{name}")'


def _lossless(minari: Any) -> dict[str, Any]:
    """Arguments that make this Minari keep images exactly. Raises InputError for 0.5.3, which always makes JPEGs."""
    if "jpeg_encoding" in signature(minari.create_dataset_from_buffers).parameters:
        return {"jpeg_encoding": False}
    if minari.__version__ == "0.5.3":
        raise InputError("minari 0.5.3 keeps images as JPEG only, so nothing is written: pip install 'minari!=0.5.3'")
    return {}  # releases before know no JPEG


def as_steps(episode: Episode, chain: Chain) -> dict[str, Any]:
    """The fields of a Minari episode of T observations and T-1 steps.

    Actions are the clean commands as shares of the joint velocity limits, as the environment takes them; the reward is
    the newly seen share of the object's view sphere. Infos have T entries and the environment's names; those of
    commands are 0 at the first, which no command led to.
    """
    count = len(episode.frames)
    seen = viewsphere.viewpoints(episode.object_poses.astype(np.float64)) @ viewsphere.directions().T > viewsphere.CONE
    share = np.logical_or.accumulate(seen).mean(axis=1)

    def led_here(values: np.ndarray) -> np.ndarray:
        return np.concatenate([np.zeros_like(values, shape=(1, *values.shape[1:])), values])

    return {
        "observations": {
            "image": episode.frames,
            "proprioception": episode.joints,
            "object_pose": episode.object_poses,
        },
        "actions": np.clip(episode.clean / chain.velocity.astype(np.float32), -1.0, 1.0),
        "rewards": np.diff(share),
        "terminations": np.zeros(count - 1, dtype=bool),
        "truncations": np.arange(1, count) == count - 1,
        "infos": {
            "clean_command": led_here(episode.clean),
            "recorded_command": led_here(episode.recorded),
            "executed_command": led_here(episode.executed),
            "limited": led_here(episode.limited),
            "object_pose": episode.object_poses,
            "visible": episode.visible,
            "time": episode.times,
            "category": [episode.category] * count,
            "instance": [episode.instance] * count,
            "episode": np.full(count, episode.number),
            "seed": np.full(count, episode.seed),
        },
        "options": {"category": episode.category, "instance": episode.instance},
    }


@contextmanager
def _minari_root(folder: Path) -> Iterator[None]:
    """Lets Minari write below this folder."""
    before = os.environ.get(ROOT)
    os.environ[ROOT] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[ROOT]
        else:
            os.environ[ROOT] = before
