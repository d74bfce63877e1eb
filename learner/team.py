"""Several processes that train one encoder, as `torchrun` starts them; one process is a team of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

from sim.errors import InputError

PATIENCE = timedelta(minutes=30)
"""A process that is silent for longer is taken for dead: the first scores the validation objects while others wait."""
STORE_PATIENCE = timedelta(seconds=5)
SEEDS_APART = 1_000_003
"""Between the seeds of two processes' arms, so that no two runs of neighbouring seeds see the same episodes."""


class TeamLost(ConnectionError):
    """Another process of the run has ended, and the others cannot go on without it."""


@contextmanager
def together() -> Iterator[None]:
    """What processes do together. Raises TeamLost where one of them is gone; nothing done so far counts then."""
    try:
        yield
    except RuntimeError as error:
        # Gloo has no exception of its own, and every step waits for all by gloo, on CUDA too.
        if "gloo" not in str(error) and not isinstance(error, (dist.DistNetworkError, dist.DistStoreError)):
            raise
        raise TeamLost("another process of the run is gone") from error


class Team:
    """The processes of a run; all of them call each method at the same point, and get TeamLost where one is gone."""

    def __init__(self, *, rank: int = 0, size: int = 1, device: str = "cpu") -> None:
        self.rank, self.size, self.device = rank, size, device

    @property
    def leads(self) -> bool:
        """This process logs, keeps and reports."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """Pairs of a batch that each process takes. Raises InputError where they cannot be equal."""
        if batch % self.size or batch // self.size < 2:
            raise InputError(
                f"batch={batch}: {self.size} processes need a multiple of {self.size}, of 2 pairs each at least, or "
                "some pairs would weigh more than others"
            )
        return batch // self.size

    def seed(self, seed: int) -> int:
        """The seed of this process's arms."""
        return seed + SEEDS_APART * self.rank

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers."""
        if self.size == 1:
            return number
        numbers = torch.tensor(number)
        with together():
            dist.all_reduce(numbers, op=dist.ReduceOp.MAX)
        return int(numbers)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean over the processes."""
        if self.size == 1:
            return values
        total = values.clone()
        with together():
            dist.all_reduce(total)
        return total / self.size

    def from_first(self, values: torch.Tensor) -> torch.Tensor:
        """The first process's values, for all."""
        if self.size == 1:
            return values
        found = values.clone()
        with together():
            dist.broadcast(found, src=0)
        return found

    def wait(self) -> None:
        """Until all are here."""
        self.largest(0)


@contextmanager
def join_team(device: str) -> Iterator[Team]:
    """The team that `torchrun` has started this process for, or a team of one.

    On CUDA each process takes the GPU of its number on its machine: `device` is `cuda`. Raises InputError where there
    are too few, and TeamLost where the others do not come.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team(device=device)
        return
    if device.startswith("cuda"):
        if ":" in device:
            raise InputError(f"device={device}: with several processes each takes a GPU of its own, say --device cuda")
        here, there = int(os.environ.get("LOCAL_WORLD_SIZE", size)), torch.cuda.device_count()
        if here > there:
            raise InputError(f"device=cuda: {here} processes on a machine with {there} GPUs, each needs one of its own")
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    with together():
        # Numbers on the CPU go round by gloo, which waits for no GPU and notices at once when a process is gone.
        dist.init_process_group("cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)
    yield Team(rank=dist.get_rank(), size=size, device=device)
    # Not where something failed: the others would hear of it before this process has said what it was.
    dist.destroy_process_group()


def first_to_tell() -> bool:
    """Whether this is the first process of the team that tells why the run ends: one line is enough for all."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return True
    try:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = dist.TCPStore(address, port, is_master=False, timeout=STORE_PATIENCE)
        return store.add(f"told/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", 1) == 1
    except (KeyError, RuntimeError):  # started by something else than torchrun, or the store is gone: better twice
        return True
