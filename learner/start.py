"""Starting weights: an encoder that begins with what a file holds instead of with random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from agent.files import sha256_of
from learner.checkpoint import METHOD, Checkpoints
from learner.encoders import Encoder
from learner.export import WEIGHTS
from sim.errors import InputError

COUNTER = "num_batches_tracked"
"""BatchNorm's counter: old state dicts lack it, and with a fixed momentum nothing depends on it."""
IN_CHECKPOINT = f"{METHOD}encoder."
"""How the names of the encoder's weights begin in a run's checkpoint."""


def start_from(encoder: Encoder, path: str) -> dict[str, str]:
    """Load weights into `encoder`, in place: all of them, or none where an InputError is raised.

    `path` is a state dict with the names of torchvision (or timm, for its models), `.safetensors`, `.pth` or `.pt`; an
    exported encoder's folder; or a run's, whose last checkpoint is taken. Weights of a classifier are left out.
    Returns the `file` and its `sha256`, for those who want to know later.
    """
    file = _file_of(Path(path))
    weights = _read(file)
    network = encoder.network
    if any(name.startswith(IN_CHECKPOINT) for name in weights):
        network = encoder
        weights = {
            name.removeprefix(IN_CHECKPOINT): tensor
            for name, tensor in weights.items()
            if name.startswith(IN_CHECKPOINT)
        }
    wanted, classifiers = network.state_dict(), tuple(f"{layer}." for layer in encoder.classifiers)
    weights = {
        name: tensor
        for name, tensor in weights.items()
        if name in wanted or not (name.startswith(classifiers) or name.endswith(COUNTER))
    }
    for name in (*wanted, *weights):
        if name not in weights and name.endswith(COUNTER):
            continue
        there, here = (str(list(state[name].shape)) if name in state else "missing" for state in (weights, wanted))
        if there != here:
            raise InputError(
                f"init={path}: {name} is {there} there and {here} in the encoder: another network's weights"
            )
    network.load_state_dict(weights, strict=False)
    return {"file": path, "sha256": sha256_of(file)}


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    steps = Checkpoints(path / "checkpoints").steps
    last = Checkpoints(path / "checkpoints").path_of(steps[-1]) if steps else path / WEIGHTS
    for file in (path / WEIGHTS, last, path / "encoder" / WEIGHTS):
        if file.is_file():
            return file
    raise InputError(f"init={path}: neither an exported encoder nor a run's checkpoint is there")


def _read(file: Path) -> Mapping[str, torch.Tensor]:
    if file.suffix not in (".safetensors", ".pth", ".pt"):
        raise InputError(
            f"init={file}: the ending must be .safetensors, .pth or .pt, or it is not known how to read it"
        )
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # what a foreign file makes the readers raise is not documented
        told = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"init={file}: no weights that can be read ({told})") from None
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items()
    ):
        raise InputError(
            f"init={file}: no state dict: names and tensors, as `model.state_dict()` gives them, are needed"
        )
    return found
