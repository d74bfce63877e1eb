"""One batch on many processes: rows and BatchNorm statistics of the whole batch, with gradients.

The convention: parameters' gradients are averaged over processes afterwards, as DistributedDataParallel does. The mean
of the processes' losses and the averaged gradients are then those of one process with the whole batch.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from sim.errors import InputError

Network = TypeVar("Network", bound=nn.Module)


def world_size() -> int:
    """Number of processes that share a batch; 1 where torch.distributed is not initialised."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def gather(rows: torch.Tensor) -> torch.Tensor:
    """Rows [N, D] of every process, as many on each, to [world_size * N, D] in order of rank.

    A process's rows get the sum of the gradients that all processes have for them.
    """
    return rows if world_size() == 1 else _Gather.apply(rows)


def own_rows(n: int) -> slice:
    """Where this process's `n` rows are in what `gather` returns."""
    return slice(rank() * n, (rank() + 1) * n)


def check_equal_batches(n: int) -> None:
    """Raise InputError, on every process, unless all have `n` rows."""
    if world_size() == 1:
        return
    sizes = torch.zeros(world_size(), dtype=torch.int64)
    sizes[rank()] = n
    dist.all_reduce(sizes)
    found = sizes.tolist()
    if len(set(found)) > 1:
        raise InputError(f"batch={found}: as many pairs on each process are needed, or some pairs would weigh more")


def whole_batch_norm(network: Network) -> Network:
    """The same network and parameters, with BatchNorm layers that take their statistics over all processes.

    On CUDA they are torch's SyncBatchNorm, which refuses CPU tensors; elsewhere `WholeBatchNorm`. Layers inside
    `network` are replaced in place.
    """
    if any(parameter.is_cuda for parameter in network.parameters()):
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    if isinstance(network, _BatchNorm):
        return WholeBatchNorm.of(network)  # type: ignore[return-value]
    for name, child in network.named_children():
        setattr(network, name, whole_batch_norm(child))
    return network


class WholeBatchNorm(_BatchNorm):
    """BatchNorm over the rows of all processes, by all-reduce; alone and in evaluation mode, plain BatchNorm."""

    @classmethod
    def of(cls, layer: _BatchNorm) -> WholeBatchNorm:
        """One with the parameters, buffers and mode of `layer`."""
        made = cls(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
        for name, parameter in layer.named_parameters():
            setattr(made, name, parameter)
        for name, buffer in layer.named_buffers():
            setattr(made, name, buffer)
        return made.train(layer.training)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """float [N, C, ...] to the same shape and dtype."""
        if not self.training or world_size() == 1:
            return super().forward(rows)
        values = rows.to(torch.promote_types(rows.dtype, torch.float32))
        over = [dimension for dimension in range(values.dim()) if dimension != 1]
        per_channel = (-1, *[1] * (values.dim() - 2))
        count = values.new_tensor([values.numel() // values.shape[1]])
        total = _Sum.apply(torch.cat([values.sum(over), count]))
        mean, count = total[:-1] / total[-1], total[-1].detach()
        # The mean goes round first, as a mean of squares less a squared mean loses digits.
        centred = values - mean.view(per_channel)
        variance = _Sum.apply(centred.square().sum(over)) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = (variance + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        normed = centred * scale.view(per_channel)
        if self.bias is not None:
            normed = normed + self.bias.view(per_channel)
        return normed.to(rows.dtype)

    def _remember(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)

    def _check_input_dim(self, input: torch.Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2 dimensions, got {input.dim()}")


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor) -> torch.Tensor:
        ctx.own = own_rows(len(rows))
        gathered = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(world_size())]
        dist.all_gather(gathered, rows.contiguous())
        return torch.cat(gathered)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _summed(gradient)[ctx.own]


class _Sum(torch.autograd.Function):
    """Sum over processes; each process's summand gets the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        return _summed(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _summed(gradient)


def _summed(values: torch.Tensor) -> torch.Tensor:
    total = values.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total
