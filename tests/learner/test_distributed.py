"""Many processes with parts of a batch learn what one process learns from the whole: losses, gradients, statistics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from learner.distributed import WholeBatchNorm, gather, own_rows, rank, whole_batch_norm, world_size
from tests.learner.ranks import CASES, NORMS, PARALLEL, ROWS, learn, norm
from tests.learner.tiny import build

ROOT = Path(__file__).resolve().parents[2]
Found = dict[str, torch.Tensor]


class Ranks:
    """What each of a number of processes found."""

    def __init__(self, world: int, folder: Path) -> None:
        self.world = world
        command = [sys.executable, "-m", "tests.learner.ranks", str(folder)]
        started = [subprocess.Popen([*command, str(number), str(world)], cwd=ROOT) for number in range(world)]
        assert [process.wait(timeout=120) for process in started] == [0] * world
        self._tensors = [load_file(folder / f"{number}.safetensors") for number in range(world)]
        self.refusals = [(folder / f"{number}.txt").read_text() for number in range(world)]

    def of(self, name: str) -> list[Found]:
        start = f"{name}: "
        return [
            {key[len(start) :]: value for key, value in found.items() if key.startswith(start)}
            for found in self._tensors
        ]


@pytest.fixture(scope="module", params=[2, pytest.param(3, marks=pytest.mark.long)])
def ranks(request, tmp_path_factory) -> Ranks:
    return Ranks(request.param, tmp_path_factory.mktemp("ranks"))


def assert_equal(found: Found, expected: Found) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(
            found[key], value, rtol=1e-10, atol=1e-10, msg=lambda text, key=key: f"{key}: {text}"
        )


@pytest.mark.parametrize("case", CASES)
def test_losses_gradients_and_states_are_those_of_the_whole_batch(ranks, case):
    whole = learn(case, rows=ROWS)
    assert any("gradient" in key for key in whole)
    assert any("running_var" in key for key in whole)
    for found in ranks.of(case):
        assert_equal(found, whole)


@pytest.mark.parametrize("case", PARALLEL)
def test_distributed_data_parallel_averages_as_the_losses_expect(ranks, case):
    for found in ranks.of(f"{case} parallel"):
        assert_equal(found, learn(case, rows=ROWS))


@pytest.mark.parametrize("case", PARALLEL)
def test_one_pair_on_each_process_is_enough(ranks, case):
    for found in ranks.of(f"{case} single rows"):
        assert_equal(found, learn(case, rows=ranks.world))


@pytest.mark.parametrize("kind", NORMS)
def test_batch_norm_of_unequal_parts_has_the_statistics_and_gradients_of_the_whole(ranks, kind):
    cuts = [0, 1, 4, 6][: ranks.world + 1]
    whole, found = norm(kind, cuts=[0, cuts[-1]]), ranks.of(f"norm {kind}")
    for key in ("output", "gradient", "evaluated"):
        torch.testing.assert_close(torch.cat([one[key] for one in found]), whole[key], rtol=0, atol=1e-10)
    for key in whole:
        if key.startswith("part"):
            torch.testing.assert_close(sum(one[key] for one in found), whole[key], rtol=0, atol=1e-10)
        if key.startswith("state"):
            for one in found:
                torch.testing.assert_close(one[key], whole[key], rtol=0, atol=1e-10)


def test_gather_is_in_order_of_rank_and_its_gradients_are_summed(ranks):
    for number, found in enumerate(ranks.of("gather")):
        assert found["rows"][:, 0].tolist() == [float(one) for one in range(ranks.world) for _ in range(2)]
        expected = [sum(10 * one + 2 * number + row for one in range(ranks.world)) for row in range(2)]
        assert found["gradient"][:, 0].tolist() == expected


def test_unequal_batches_are_refused_on_every_process(ranks):
    sizes = [2 + number for number in range(ranks.world)]
    refusal = f"batch={sizes}: as many pairs on each process are needed, or some pairs would weigh more"
    assert ranks.refusals == [refusal] * ranks.world


def test_one_process_gathers_nothing():
    rows = torch.randn(3, 2, requires_grad=True)
    assert gather(rows) is rows
    assert (world_size(), rank(), own_rows(3)) == (1, 0, slice(0, 3))


def test_whole_batch_norm_keeps_names_parameters_and_mode_and_alone_is_plain_batch_norm():
    plain, whole = build("aa-byol").eval(), build("aa-byol").eval()
    learned = dict(whole.named_parameters())
    assert whole_batch_norm(whole) is whole
    assert {key: id(value) for key, value in whole.named_parameters()} == {
        key: id(value) for key, value in learned.items()
    }
    assert whole.state_dict().keys() == plain.state_dict().keys()
    kinds = {type(module) for module in whole.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)}
    assert kinds == {WholeBatchNorm}
    assert not any(module.training for module in whole.modules())
    rows = torch.randn(5, 128, dtype=torch.float64)
    ours, theirs = (method.train().terms["action"].pair_predictor(rows) for method in (whole, plain))
    assert torch.equal(ours, theirs)


def test_on_cuda_it_is_torchs_own():
    with FakeTensorMode():
        network = nn.Sequential(nn.BatchNorm1d(3))
        network.somewhere = nn.Parameter(torch.empty(1, device="cuda"))
        assert isinstance(whole_batch_norm(network)[0], nn.SyncBatchNorm)
