"""Shows a collection or a training in the Rerun viewer (rerun.io); needs the extra `rerun`.

There are two clocks: `play`, on which the episodes that are shown follow one another in the arm's seconds, and `step`,
the learner's updates. Everything has a time on both, so that either shows all.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rerun

from agent.episode import Episode, Pairs
from agent.pictures import JOINT_COLORS, pair_sheet
from agent.record import RecordSettings
from agent.watch.layout import SPEED, layout
from agent.watch.shapes import flat_map, skeleton
from agent.watch.watch import Watch
from sim import poses
from sim.arms import arm_spec
from sim.errors import InputError
from sim.kinematics import Chain
from sim.objects.catalogue import Catalogue, catalogue_of

ARM, JOINT = (96, 108, 122), (230, 159, 0)
QUALITY = 90
"""Of JPEG."""
TOGETHER = 2
"""Frames that are sent to a viewer at once."""
COMMANDS = ("clean", "recorded", "executed")


class RerunWatch(Watch):
    """Shows what it is given at once, and may wait for the viewer: `Background` keeps that from others."""

    def __init__(
        self, target: str, *, record: RecordSettings, chain: Chain, categories: Sequence[str], learns: bool
    ) -> None:
        """`target` is viewer, web, or a file to write; `learns` makes room for what a learner shows. Raises InputError
        where it cannot be shown there."""
        self._record, self._chain = record, chain
        self._objects = _objects(record)
        self._live = target in ("viewer", "web")
        self._played, self._step = 0.0, 0
        self._map: np.ndarray | None = None
        self._stream = rerun.RecordingStream("armplay")
        self.told = _open(self._stream, target)
        middle = arm_spec(record.scene.arm).home_point
        self._stream.send_blueprint(layout(middle, learns=learns, live=self._live))
        self._begin(categories)

    def _begin(self, categories: Sequence[str]) -> None:
        """What stays as it is."""
        log = self._stream.log
        log("world", rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        log("world/arm", rerun.LineStrips3D.from_fields(radii=0.015, colors=ARM), static=True)
        log("world/arm/joints", rerun.Points3D.from_fields(radii=0.025, colors=JOINT), static=True)
        names = [f"joint {number + 1}" for number in range(self._chain.joints)]
        colors = [JOINT_COLORS[joint % len(JOINT_COLORS)] for joint in range(self._chain.joints)]
        for which in COMMANDS:
            log(f"commands/{which}", rerun.SeriesLines(colors=colors, names=names), static=True)
        hues = np.linspace(0, 180, len(categories), endpoint=False)
        shades = [(hue, 200 - 80 * (label % 2), 230 - 60 * (label // 2 % 2)) for label, hue in enumerate(hues)]
        rgb = cv2.cvtColor(np.array([shades], np.uint8), cv2.COLOR_HSV2RGB)[0].tolist()
        log("map", rerun.AnnotationContext(list(zip(range(len(rgb)), categories, rgb, strict=True))), static=True)

    def episode(self, episode: Episode) -> None:
        """The camera's pictures, the arm, the object and the commands: in a file at once, in a viewer as they came."""
        times = self._played + episode.times
        self._now()
        self._put_camera(episode)
        self._put_object(episode)
        count = len(times)
        at_once = TOGETHER if self._live else count
        for start in range(0, count, at_once):
            shown = slice(start, start + at_once)
            self._put_frames(episode, shown, times)
            if self._live:
                time.sleep(float(np.ptp(times[start : start + at_once + 1])) / SPEED)
        self._played = float(times[-1] + np.diff(times).mean())

    def _put_camera(self, episode: Episode) -> None:
        height, width = episode.frames.shape[1:3]
        lens = rerun.Pinhole(image_from_camera=episode.intrinsics, resolution=[width, height], image_plane_distance=0.2)
        self._stream.log("world/camera", lens)

    def _put_frames(self, episode: Episode, shown: slice, times: np.ndarray) -> None:
        """Frames of an episode whose frames are at `times` [T] s on the clock `play`."""
        when = times[shown]
        cameras, points = episode.camera_poses[shown], skeleton(self._chain, episode.joints[shown])
        pictures = [_jpeg(frame) for frame in episode.frames[shown]]
        seen = rerun.EncodedImage.columns(blob=pictures, media_type=["image/jpeg"] * len(pictures))
        self._send("world/camera/frame", when, seen)
        for name, poses_of in (("camera", cameras), ("object", poses.compose(cameras, episode.object_poses[shown]))):
            moves = rerun.Transform3D.columns(translation=poses_of[:, :3], quaternion=poses_of[:, 3:])
            self._send(f"world/{name}", when, moves)
        self._send("world/arm", when, rerun.LineStrips3D.columns(strips=list(points)))
        joints = rerun.Points3D.columns(positions=points[:, :-1].reshape(-1, 3))
        self._send("world/arm/joints", when, joints.partition([points.shape[1] - 1] * len(points)))
        for which in COMMANDS:
            sent = getattr(episode, which)[shown]
            if len(sent):  # none follows the last frame
                scalars = rerun.Scalars.columns(scalars=sent.ravel()).partition([sent.shape[1]] * len(sent))
                self._send(f"commands/{which}", when[: len(sent)], scalars)

    def _send(self, name: str, when: np.ndarray, columns: Any) -> None:
        steps = np.full(len(when), self._step)
        clocks = [rerun.TimeColumn("play", duration=when), rerun.TimeColumn("step", sequence=steps)]
        self._stream.send_columns(name, clocks, columns)

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Each as a curve of its own, called as it is."""
        self._step = step
        self._now()
        for name, value in values.items():
            self._stream.log(name, rerun.Scalars(value))

    def pairs(self, step: int, pairs: Pairs) -> None:
        """A few of them, t over t'."""
        self._step = step
        self._now()
        self._stream.log("pairs", rerun.EncodedImage(contents=_jpeg(pair_sheet(pairs)), media_type="image/jpeg"))

    def features(self, step: int, features: np.ndarray, frames: np.ndarray, labels: np.ndarray) -> None:
        """A map in two dimensions, coloured by category."""
        self._step = step
        self._now()
        self._map = flat_map(features, self._map)
        self._stream.log("map", rerun.Points2D(self._map, class_ids=labels, radii=rerun.Radius.ui_points(4.0)))

    def close(self) -> None:
        """Everything is sent, or in the file."""
        self._stream.flush(timeout_sec=5.0)
        self._stream.disconnect()

    def _now(self) -> None:
        self._stream.set_time("play", duration=self._played)
        self._stream.set_time("step", sequence=self._step)

    def _put_object(self, episode: Episode) -> None:
        """Its mesh, or its frame alone where the object cannot be had."""
        try:
            if self._objects is None:
                raise InputError("objects: none")
            toy = self._objects.toy(episode.category, episode.instance)
        except InputError:
            self._stream.log("world/object", rerun.TransformAxes3D(0.5 * self._record.scene.object_size))
            return
        size = self._record.look(episode.number).size
        mesh = rerun.Mesh3D(
            vertex_positions=toy.vertices * size,
            triangle_indices=toy.faces,
            vertex_texcoords=toy.uvs * [1, -1] + [0, 1],
            albedo_texture=toy.texture,
        )
        self._stream.log("world/object", mesh)


def give_up() -> None:
    """Have the program end without waiting for a viewer that does not answer."""
    rerun.unregister_shutdown()


def _objects(record: RecordSettings) -> Catalogue | None:
    try:
        return catalogue_of(record.objects, record.categories or None)
    except InputError:  # stored episodes are shown without the folder that their objects came from
        return None


def _jpeg(picture: np.ndarray) -> bytes:
    pixels = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def _open(stream: rerun.RecordingStream, target: str) -> str:
    """Begin to show; says where."""
    if target == "viewer":
        here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        program = shutil.which("rerun", path=here)
        rerun.spawn(executable_path=program, memory_limit="25%", hide_welcome_screen=True, recording=stream)
        return "the Rerun viewer"
    if target == "web":
        url = stream.serve_grpc(grpc_port=_free_port(9876), server_memory_limit="512MiB")
        port = _free_port(9090)
        rerun.serve_web_viewer(web_port=port, open_browser=False, connect_to=url)
        return f"http://localhost:{port}/?url={url.replace('+', '%2B')}"
    try:
        stream.save(target)
    except (OSError, RuntimeError) as error:
        raise InputError(f"rerun={target}: cannot be written ({error}), so nothing can be shown there") from None
    return target


def _free_port(wanted: int) -> int:
    """The wanted port, or another where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise InputError("rerun=web: no port is free here; give a file such as play.rrd")
