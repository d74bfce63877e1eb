"""The tuples that cross the borders of armplay: what an arm lived through, what a learner is shown of it, and what the
learner asks for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Interest(NamedTuple):
    """Which turns a learner would like to see, at some moment of its training."""

    version: int
    """Times that it was revised before."""
    weights: tuple[float, ...]
    """0 or more, the sum is 1: the share that each cell of turns (`agent.play.motions`) should have."""


class Encoded(NamedTuple):
    """The pictures of an episode as files, which take the time of whoever makes them."""

    image_format: str
    """Of `agent.encoding`."""
    frames: tuple[bytes, ...]
    """[T]"""
    masks: tuple[bytes, ...] | None
    """[T], PNG; None where the episode has no masks."""


class Episode(NamedTuple):
    """One object, held and turned before the camera for T frames.

    Poses are x, y, z in metres and quaternion x, y, z, w.
    """

    frames: np.ndarray
    """uint8 [T, H, W, 3], RGB."""
    clean: np.ndarray
    """float32 [T-1, D] rad/s: the requested joint velocities, projected into velocity and joint limits."""
    recorded: np.ndarray
    """float32 [T-1, D] rad/s: what the learner is told; equals `clean` unless corruption was asked for."""
    executed: np.ndarray
    """float32 [T-1, D] rad/s: what the motors were given; equals `clean` unless corruption was asked for."""
    limited: np.ndarray
    """bool [T-1]: the projection changed the requested action of this frame."""
    joints: np.ndarray
    """float32 [T, D] rad: measured joint positions."""
    object_poses: np.ndarray
    """float32 [T, 7]: the object's canonical frame in the camera frame (OpenCV axes: x right, y down, z forward)."""
    camera_poses: np.ndarray
    """float32 [T, 7]: the camera frame in the arm's base frame."""
    intrinsics: np.ndarray
    """float32 [3, 3]: pinhole matrix in pixels; pixel centres lie at half-integers."""
    grasp: np.ndarray
    """float32 [7]: the object's canonical frame in the hand frame."""
    visible: np.ndarray
    """float32 [T] in [0, 1]: share of the object's silhouette that is inside the image and not covered by the arm."""
    times: np.ndarray
    """float64 [T] s: since the first frame."""
    category: str
    instance: str
    number: int
    """Episode number: with the settings and the seed, it determines everything above."""
    seed: int
    masks: np.ndarray | None = None
    """bool [T, H, W]: the pixels of arm and object; kept where the background is drawn anew per frame, else None."""
    interest: Interest | None = None
    """What curious play sought, which then determines the episode too; None where no learner was asked. A dataset does
    not have it: the commands are there (`Recorder.repeat`)."""
    encoded: Encoded | None = None
    """`frames` and `masks` once more, from a player that was to encode them (`agent.encoding`), for a dataset."""


class Pairs(NamedTuple):
    """A batch of B pairs (t, t') of frames, each of one episode, with the action that led from the one to the other."""

    first: Any
    """uint8 tensor [B, 3, H, W]: a channels-last view of [B, H, W, 3] memory."""
    second: Any
    """uint8 tensor [B, 3, H, W]: as `first`."""
    action: Any
    """float32 tensor [B, A]: the chosen action representation (`learner.actions`), not standardised."""
    category: Any
    """int64 tensor [B]: for probes only."""
    instance: Any
    """int64 tensor [B]."""
    episode: Any
    """int64 tensor [B]: episode numbers."""
    gap: Any
    """float32 tensor [B] s: time of t' minus time of t; negative where t' comes first."""
