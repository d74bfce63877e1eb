"""The Ray engine: the episodes of any other engine, whatever happens to actors and nodes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ray")

import ray
from ray.cluster_utils import Cluster

from agent.collect import Engine, LocalEngine
from agent.collect.ray import RayEngine
from agent.record import RecordSettings
from sim.errors import InputError
from sim.scene import SceneSettings
from tests.agent.episodes import Fake, shards_of

SMALL = RecordSettings(scene=SceneSettings(image_size=32, frames=6), seed=3)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """One node of one CPU, where this process is."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.long
def test_a_node_that_is_removed_loses_nothing(cluster: Cluster, tmp_path: Path) -> None:
    """And the shards are byte for byte those of the local engine."""
    pytest.importorskip("pybullet")
    node = cluster.add_node(num_cpus=2)

    def remove_node(engine: Engine, done: int) -> None:
        if done == 5:
            cluster.remove_node(node, allow_graceful=False)
            pause = threading.Event()
            while sum(each["Alive"] for each in ray.nodes()) > 1:  # its actors may go on for a moment
                pause.wait(0.01)

    with RayEngine(SMALL, workers=3, address=cluster.address) as engine:
        while len(engine.health.resident) < 3:  # all three are at work before the node goes
            list(engine.episodes(range(3)))
        far = shards_of(engine, tmp_path / "ray", range(16), watch=remove_node)
        assert engine.health.restarts >= 1
        assert engine.failures == []
    with LocalEngine(SMALL) as local:
        assert far == shards_of(local, tmp_path / "local", range(16))


FAULTS = """
import sys
import threading
from agent.collect import Limits
from agent.collect.ray import RayEngine
from sim.errors import InputError
from tests.agent.episodes import Fake, assert_same, broken_factory, fake_episode

def check(found):
    assert found.frames.flags.writeable and found.joints.flags.writeable
    assert_same(found, fake_episode(found.number, size=128))
    return found.number

always, once, hangs = (Fake(f"{sys.argv[1]}/{n}", number=4, times=n, fault=f, size=128)
                       for n, f in ((99, "raise"), (2, "kill"), (1, "hang")))
for make in (always, once, hangs):
    with RayEngine(make, workers=2, limits=Limits(deadline_s=8.0)) as engine:
        found = {check(episode) for episode in engine.episodes(range(9))}
        told = str(*engine.failures) if engine.failures else ""
        assert ("attempt 2 came to nothing" in told) == (make is always), engine.failures
        assert found == set(range(9)) - ({4} if make is always else set())
        assert engine.health.restarts == min(3, make.times), engine.health
with RayEngine(broken_factory, workers=1) as engine:
    try:
        list(engine.episodes([0]))
    except InputError as error:
        assert "tentacle" in str(error)
"""


@pytest.mark.long
def test_actors_that_fail_die_or_hang_are_replaced_quietly(tmp_path: Path) -> None:
    """In a process of its own, whose terminal is looked at."""
    for times in (99, 2, 1):
        (tmp_path / str(times)).mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    outcome = subprocess.run(
        [sys.executable, "-c", FAULTS, str(tmp_path)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


def test_settings_with_which_nothing_is_collected_are_refused() -> None:
    with pytest.raises(InputError, match="workers=0: "):
        RayEngine(Fake(), workers=0)
    for address, told in {"127.0.0.1:1": "no Ray cluster can be used there", "here": "HOST:PORT"}.items():
        with pytest.raises(InputError, match=f"^address={address}: .*{told}"):
            RayEngine(Fake(), workers=1, address=address)
