"""What is shown while it goes on: no viewer slows down or stops those who have something to show."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from agent.record import RecordSettings
from agent.watch import Watch, check_watch
from agent.watch.background import WAITING, Background
from agent.watch.shapes import flat_map, skeleton
from sim.errors import InputError
from sim.kinematics import forward
from tests.agent.episodes import fake_episode
from tests.learner.episodes import kuka
from tests.learner.test_checkpoint import pairs_of

PATIENCE = 30.0


class Gated(Watch):
    """Notes what it shows, once it is let go."""

    def __init__(self) -> None:
        self.gate, self.busy = threading.Event(), threading.Event()
        self.seen: list[tuple[str, int]] = []

    def episode(self, episode) -> None:
        self._see("episode", episode.number)

    def figures(self, step, values) -> None:
        self._see("figures", step)

    def close(self) -> None:
        self._see("closed", 0)

    def _see(self, kind: str, number: int) -> None:
        self.busy.set()
        assert self.gate.wait(PATIENCE)
        self.seen.append((kind, number))


def test_all_figures_are_shown_and_episodes_as_there_is_time(capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody waits: all of this is offered while the viewer does not answer."""
    watch = Gated()
    shown = Background(watch)
    for number in range(5):
        shown.episode(fake_episode(number))
    for step in range(20):
        shown.figures(step, {"loss": 1.0})
    watch.gate.set()
    shown.close()
    shown.close()
    assert watch.seen == [("episode", 0), *(("figures", step) for step in range(20)), ("closed", 0)]
    assert capfd.readouterr().err == ""


def test_a_viewer_that_hangs_is_left_behind(capfd: pytest.CaptureFixture[str]) -> None:
    watch, left = Gated(), threading.Event()
    shown = Background(watch, abandon=left.set, patience=0.01)
    for step in range(3 * WAITING):
        shown.figures(step, {})
    shown.close()
    assert left.is_set()
    assert capfd.readouterr().err.count("look: the viewer does not answer") == 1
    watch.gate.set()


def test_a_viewer_that_fails_is_told_once_and_the_run_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(Watch):
        closed = False

        def episode(self, episode) -> None:
            raise ConnectionError("no one there")

        def close(self) -> None:
            self.closed = True

    watch = Broken()
    shown = Background(watch)
    for number in range(3):
        shown.episode(fake_episode(number))
        shown.figures(number, {})
    shown.close()
    assert watch.closed
    said = capfd.readouterr().err
    assert said == ("look: the viewer has failed, and the run goes on without it (ConnectionError: no one there)\n")


def test_a_map_lies_as_the_one_before() -> None:
    """Principal components are known up to their signs; the map does not flip with them."""
    rng = np.random.default_rng(0)
    features = (rng.standard_normal((50, 6)) * [5, 3, 1, 1, 1, 1]).astype(np.float32)
    first = flat_map(features)
    expected = PCA(2, whiten=True).fit_transform(features)
    signs = np.sign((first * expected).sum(axis=0))
    np.testing.assert_allclose(first * signs, expected * np.sqrt(50 / 49), atol=1e-4)
    turned = features @ np.linalg.qr(rng.standard_normal((6, 6)))[0].astype(np.float32)
    np.testing.assert_allclose(flat_map(-turned, first), first, atol=1e-3)
    angle = 0.5
    before = first @ [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    np.testing.assert_allclose(flat_map(features, before), before, atol=1e-6)


def test_the_skeleton_goes_from_the_base_to_the_hand() -> None:
    chain = kuka()
    joints = np.random.default_rng(1).uniform(-1, 1, (4, chain.joints))
    points = skeleton(chain, joints)
    assert points.shape == (4, chain.joints + 2, 3)
    assert (points[:, 0] == 0).all()
    np.testing.assert_allclose(points[:, -1], forward(chain, joints)[:, :3], atol=1e-6)
    lengths = np.linalg.norm(np.diff(points, axis=1), axis=2)
    np.testing.assert_allclose(lengths, lengths[:1].repeat(4, axis=0), atol=1e-6)


def test_where_nothing_can_be_shown_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept.rrd"
    kept.touch()
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    for target, told in {
        "television": "rerun=television: viewer, web, or a file that ends in .rrd",
        str(kept): "exists already",
        str(tmp_path / "no" / "play.rrd"): "there is no folder",
        "viewer": "there is no screen here",
    }.items():
        with pytest.raises(InputError, match=told):
            check_watch(target)
    monkeypatch.setitem(sys.modules, "rerun", None)
    monkeypatch.delitem(sys.modules, "agent.watch.rerun", raising=False)
    with pytest.raises(InputError, match=r"not installed: pip install -e .\[rerun\]"):
        check_watch("web")
    check_watch("")


def test_a_file_holds_what_was_shown(tmp_path: Path) -> None:
    """Read back by Rerun's own reader: pictures, arm, object and commands on one clock, curves, pairs and the map."""
    reader = pytest.importorskip("rerun.chunk", reason="an extra")
    record = RecordSettings(categories=("mug", "car"), corrupt="gaussian:0.3")
    episodes = [fake_episode(number)._replace(category="mug", instance="mug_0000001") for number in (0, 1)]
    path, chain = tmp_path / "play.rrd", kuka()
    from agent.watch.rerun import RerunWatch

    shows = RerunWatch(str(path), record=record, chain=chain, categories=("car", "mug"), learns=True)
    for step, episode in enumerate(episodes):
        shows.episode(episode)
        shows.figures(step, {"loss": 2.0 - step, "buffer/episodes": 7.0})
    features = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    shows.features(1, features, np.zeros((6, 8, 8, 3), np.uint8), np.arange(6) % 2)
    shows.pairs(1, pairs_of(0))
    shows.close()
    found: dict[str, list] = {}
    for chunk in reader.RrdReader(path).stream():
        if not chunk.is_static:
            found.setdefault(chunk.entity_path, []).append(chunk.to_record_batch().to_pydict())

    def column(entity: str, name: str) -> list:
        rows = [row for part in found[entity] if name in part for row in zip(part["play"], part[name], strict=True)]
        return [value for _, value in sorted(rows, key=lambda row: row[0]) if value is not None]

    for which in ("clean", "recorded", "executed"):
        sent = np.concatenate([getattr(episode, which) for episode in episodes])
        np.testing.assert_allclose(column(f"/commands/{which}", "Scalars:scalars"), sent, rtol=1e-6)
    assert len(column("/world/camera/frame", "EncodedImage:blob")) == 8
    strips = np.array(column("/world/arm", "LineStrips3D:strips"))[:, 0]
    joints = np.concatenate([episode.joints for episode in episodes])
    np.testing.assert_allclose(strips, skeleton(chain, joints), atol=1e-6)
    assert len(column("/world/object", "Transform3D:translation")) == 8
    assert len(column("/world/object", "Mesh3D:vertex_positions")) == 2
    assert column("/loss", "Scalars:scalars") == [[2.0], [1.0]]
    assert column("/buffer/episodes", "Scalars:scalars") == [[7.0], [7.0]]
    np.testing.assert_allclose(column("/map", "Points2D:positions")[0], flat_map(features), atol=1e-6)
    assert column("/map", "Points2D:class_ids") == [[0, 1, 0, 1, 0, 1]]
    assert len(column("/pairs", "EncodedImage:blob")) == 1
