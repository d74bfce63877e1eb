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
SEEDS_APART = 1_000_003
"""Between the seeds of two processes' arms, so that no two runs of neighbouring seeds see the same episodes."""


class Team:
    """The processes of a run; all of them call each method at the same point."""

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

    def any(self, told: bool) -> bool:
        """Whether any process was told."""
        return told if self.size == 1 else bool(self.sum(torch.tensor(float(told))) > 0)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over the processes, in place where there are several."""
        if self.size == 1:
            return values
        there = values.to(self.device)
        dist.all_reduce(there)
        return there

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean over the processes."""
        return values if self.size == 1 else self.sum(values) / self.size

    def from_first(self, values: torch.Tensor) -> torch.Tensor:
        """The first process's values, for all."""
        if self.size == 1:
            return values
        there = values.to(self.device)
        dist.broadcast(there, src=0)
        return there.to(values.device)

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            self.sum(torch.zeros(1))


@contextmanager
def join_team(device: str) -> Iterator[Team]:
    """The team that `torchrun` has started this process for, or a team of one.

    On CUDA each process takes the GPU of its number on its machine: `device` is `cuda`.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team(device=device)
        return
    if device.startswith("cuda"):
        if ":" in device:
            raise InputError(f"device={device}: with several processes each takes a GPU of its own, say --device cuda")
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local >= torch.cuda.device_count():
            raise InputError(f"device=cuda: process {local} of this machine has no GPU, there are only {local}")
        torch.cuda.set_device(local)
        device = f"cuda:{local}"
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)
    try:
        yield Team(rank=dist.get_rank(), size=size, device=device)
    finally:
        dist.destroy_process_group()
