"""Weights, temperatures and variants of the losses."""

from __future__ import annotations

import math
from dataclasses import dataclass

from learner.losses import Negatives, check_negatives
from sim.errors import InputError


@dataclass(frozen=True)
class MethodSettings:
    """Weights, temperatures and variants of the losses; a method reads those that it has a use for."""

    instance_weight: float = 1.0
    """Weight of the main term: the two views', or the supervised one."""
    action_weight: float = 1.0
    """Weight of the term that uses the action, beside the main term."""
    action_warmup: int = 0
    """Steps over which the action term's weight rises linearly from 0; 0 gives it its weight at once."""
    temperature: float = 0.1
    """Temperature of a contrastive main term."""
    action_temperature: float = 0.1
    """Temperature of a contrastive action term."""
    negatives: Negatives = "across"
    """Negatives of a contrastive action term: "across" contrasts actions with pairs only; "all", also actions with
    actions and pairs with pairs, is the paper's published form, which in the pilots held short runs back."""
    action_exponent: float = 0.5
    """Of the bounded action term: near 0 it is InfoNCE, at 1 all pairs weigh the same, however badly they match."""
    action_width: float = 0.3
    """Of the soft action term: an action so far from a pair's own, in standard deviations, is 0.6 of a match."""
    pair_norm: bool = False
    """End the pair head in a BatchNorm without affine, as the action head does."""
    ema: float = 0.996
    """Share of its weights that a BYOL target network keeps at each step; the rest comes from the online network."""
    vicreg_invariance: float = 25.0
    """Weight of VICReg's squared distance between the two sides."""
    vicreg_variance: float = 25.0
    """Weight of VICReg's hinge on standard deviations below 1."""
    vicreg_covariance: float = 1.0
    """Weight of VICReg's squared covariances."""

    def __post_init__(self) -> None:
        for name in ("temperature", "action_temperature"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name}={getattr(self, name)}: above 0 is needed, as similarities are divided by it")
        weights = ("instance_weight", "action_weight", "vicreg_invariance", "vicreg_variance", "vicreg_covariance")
        for name in weights:
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}={getattr(self, name)}: 0 or more is needed, or its loss would be maximised")
        if self.action_warmup < 0:
            raise InputError(f"action_warmup={self.action_warmup}: 0 steps (none) or more are needed")
        if not 0 < self.action_exponent <= 1:
            raise InputError(f"action_exponent={self.action_exponent}: above 0 and 1 at most, or the loss has no bound")
        if not 0 < self.action_width < math.inf:
            raise InputError(f"action_width={self.action_width}: above 0 is needed, as distances are divided by it")
        if not 0 <= self.ema < 1:
            raise InputError(f"ema={self.ema}: at least 0 and below 1 is needed, or the target network never learns")
        check_negatives(self.negatives)
