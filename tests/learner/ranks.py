"""One process of many: `python -m tests.learner.ranks FOLDER RANK WORLD` writes what it finds to FOLDER."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from learner.distributed import gather, own_rows, rank, whole_batch_norm, world_size
from learner.methods import METHODS
from sim.errors import InputError
from tests.learner.tiny import batch, build

ROWS = 6
CASES: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {"ema": 0.5, "action_warmup": 3}) for name in METHODS} | {
    "aa-simclr all": ("aa-simclr", {"negatives": "all", "pair_norm": True}),
    "aa-byol norm": ("aa-byol", {"pair_norm": True, "action_weight": 0.3}),
    "equimod all": ("equimod", {"negatives": "all"}),
}
PARALLEL = ("aa-simclr", "aa-byol")
"""Cases that are also run in DistributedDataParallel."""
NORMS: dict[str, dict[str, Any]] = {"plain": {}, "no affine": {"affine": False}, "cumulative": {"momentum": None}}


def learn(case: str, *, rows: int, parallel: bool = False) -> dict[str, torch.Tensor]:
    """Losses, averaged gradients and states of two steps on this process's part of batches of `rows`."""
    name, settings = CASES[case]
    method = build(name, **settings)
    if world_size() > 1:
        method = whole_batch_norm(method)
    model = DistributedDataParallel(method) if parallel else method
    learned = {key: parameter for key, parameter in method.named_parameters() if parameter.requires_grad}
    found: dict[str, torch.Tensor] = {}
    for step in range(2):
        method.steps = 1 + step
        own = own_rows(rows // world_size())
        output = model(*(part[own] for part in batch(rows, seed=step)))
        losses = {"loss": output.loss.detach(), **output.terms}
        output.loss.backward()
        gradients = {f"gradient of {key}": parameter.grad for key, parameter in learned.items()}
        values = averaged(losses) | (gradients if parallel else averaged(gradients))
        for key, parameter in learned.items():  # plain gradient descent
            parameter.data -= 0.1 * values[f"gradient of {key}"]
            parameter.grad = None
        method.after_update()
        values |= method.state_dict()
        found |= {f"{step} {key}": value.clone() for key, value in values.items()}
    return found


def averaged(values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The means over processes, by one all-reduce."""
    flat = torch.cat([value.flatten() for value in values.values()])
    if world_size() > 1:
        dist.all_reduce(flat)
    parts = (flat / world_size()).split([value.numel() for value in values.values()])
    return {key: part.view_as(value) for (key, value), part in zip(values.items(), parts, strict=True)}


def norm(kind: str, *, cuts: list[int]) -> dict[str, torch.Tensor]:
    """Outputs, gradients and statistics of a BatchNorm of maps, for this process's rows between `cuts`."""
    generator = torch.Generator().manual_seed(0)
    maps, wanted = torch.randn(2, cuts[-1], 3, 2, 2, dtype=torch.float64, generator=generator).unbind()
    own = slice(cuts[rank()], cuts[rank() + 1])
    layer = nn.BatchNorm2d(3, dtype=torch.float64, **NORMS[kind])
    if layer.affine:
        nn.init.normal_(layer.weight, generator=generator)
    network = whole_batch_norm(layer) if world_size() > 1 else layer
    given = (5 + 2 * maps[own]).to(memory_format=torch.channels_last).requires_grad_()
    for _ in range(2):
        output = network(given)
    (output**2 * wanted[own]).sum().backward()
    found = {"output": output.detach(), "gradient": given.grad, "evaluated": network.eval()(given).detach()}
    found |= {f"state {key}": value for key, value in network.state_dict().items()}
    weights = {f"part {key}": parameter.grad for key, parameter in network.named_parameters()}
    return {key: value.contiguous() for key, value in (found | weights).items()}


def gathered() -> dict[str, torch.Tensor]:
    """What `gather` returns, and this process's gradient where process r weighs row i by 10 r + i."""
    rows = torch.full((2, 1), float(rank()), requires_grad=True)
    whole = gather(rows)
    (whole * (10 * rank() + torch.arange(len(whole))[:, None])).sum().backward()
    return {"rows": whole.detach(), "gradient": rows.grad}


def refusal() -> str:
    try:
        build("simclr")(*batch(2 + rank()))
    except InputError as error:
        return str(error)
    return "nothing was refused"


def main(folder: Path, number: int, world: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=number, world_size=world)
    results = {case: learn(case, rows=ROWS) for case in CASES}
    results |= {f"{case} parallel": learn(case, rows=ROWS, parallel=True) for case in PARALLEL}
    results |= {f"{case} single rows": learn(case, rows=world) for case in PARALLEL}
    results |= {f"norm {kind}": norm(kind, cuts=[0, 1, 4, 6][: world + 1]) for kind in NORMS}
    results["gather"] = gathered()
    flat = {f"{name}: {key}": value for name, found in results.items() for key, value in found.items()}
    save_file(flat, folder / f"{number}.safetensors")
    (folder / f"{number}.txt").write_text(refusal())
    dist.destroy_process_group()
    os._exit(0)  # as trainings end: gloo's threads may still let go of tensors, which aborts a Python that is ending


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
