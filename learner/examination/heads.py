"""The heads by which a run's method compares pairs of frames with actions."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from agent.settings import from_json
from learner.checkpoint import Checkpoints
from learner.data import KINDS, ActionFormula, ImageData
from learner.data.armplay import POSE
from learner.encoders import Encoder
from learner.examination.represent import TrainedRun
from learner.methods import METHODS, MethodSettings
from learner.methods.base import Seen, Term, Views
from learner.retrieval import Ranks, Told, rank_by_cosine
from learner.start import IN_CHECKPOINT
from learner.training import trained_method
from sim import poses
from sim.errors import InputError


def _rotation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return poses.to_matrix(poses.relative(first, second)[:, 3:]).reshape(-1, 9)


ROTATION = ActionFormula(9, _rotation)
"""As the representation `pose-rotation`, for motion that is a pose."""


@dataclass(frozen=True, eq=False)
class Heads:
    """Pair head and action head of a run's last checkpoint, and how their actions are made."""

    term: Term
    formula: ActionFormula
    """On the motion of the dataset that they are asked about."""
    mean: torch.Tensor
    """float [A]: actions were standardised by it, and by `std`, when learning started."""
    std: torch.Tensor

    @torch.no_grad()
    def ranks(self, told: Told) -> Ranks:
        """Ranks of pairs of one batch by the cosine similarity of what the method's action term compares; in evaluation
        mode, so that no pair depends on another."""
        h, other = (torch.from_numpy(np.ascontiguousarray(side)).float() for side in (told.first, told.second))
        action = (torch.from_numpy(told.actions).float() - self.mean) / self.std
        seen = Seen((h, other), (h, other))  # terms that are matched look at no projection
        found = self.term(Views(seen, seen, action, torch.zeros(len(h), dtype=torch.int64))).matched
        assert found is not None
        actions, pairs = (side.double().numpy() for side in found)
        return rank_by_cosine(pairs, actions, told)


def load_heads(folder: Path, run: TrainedRun, encoder: Encoder, data: ImageData) -> Heads | None:
    """The heads of the run in `folder`, which trained `encoder`; None for a method that compares pairs with no action
    (EquiMod's prediction knows both a view and the action, so it has no side of its own for either).

    Raises InputError where they cannot be asked about this data: its pairs do not tell the action that they learned
    from, or the last checkpoint is missing, damaged, or not that of the encoder.
    """
    if run.method not in METHODS or not METHODS[run.method].uses_action or run.method == "equimod":
        return None
    formula = _formula(run, data)
    kept, _ = Checkpoints(folder / "checkpoints").load()
    if kept is None:
        raise InputError(f"{folder}: no checkpoint, and the heads are nowhere else")
    if any(not torch.equal(tensor, kept.tensors[f"{IN_CHECKPOINT}{name}"]) for name, tensor in _weights(encoder)):
        raise InputError(f"{kept.path}: not of the step that the encoder was exported at; let the run end")
    mean, std = kept.tensors["action_mean"], kept.tensors["action_std"]
    if len(mean) != formula.size:
        raise InputError(f"action={run.action}: {len(mean)} numbers in {folder}, {formula.size} in {data.kind} data")
    settings = from_json(MethodSettings, run.stored["loss"], where=f"{folder}/settings.json")
    method = trained_method(kept.tensors, run.method, deepcopy(encoder).cpu(), settings, categories=1)
    term = method.terms["action"]
    assert isinstance(term, Term)
    return Heads(term, formula, mean, std)


def _weights(encoder: Encoder) -> Iterator[tuple[str, torch.Tensor]]:
    return ((name, tensor.cpu()) for name, tensor in encoder.state_dict().items())


def _formula(run: TrainedRun, data: ImageData) -> ActionFormula:
    """The action that the run learned from, for pairs of this data. Of our own episodes it is the motion that happened,
    whatever was told of it. Raises InputError where the data does not tell it."""
    kind = run.data.partition(":")[0]
    learned = "pose" if kind in ("armplay", "sim") else kind if kind in KINDS else run.action
    if data.action is not None:
        if learned in KINDS and learned.partition("-")[0] == data.kind.partition("-")[0]:
            return data.action
        if data.action is POSE and learned in ("efference", "pose"):
            return POSE
        if learned in ("rotation", "calibrated-rotation", "pose-rotation"):
            if data.action is POSE:
                return ROTATION
            if data.kind == "images":
                return data.action
    raise InputError(f"action={learned}: pairs of {data.kind}:{data.root} do not tell it")
