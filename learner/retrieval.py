"""How well the action between two frames is found among others by what features say of the frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from learner.protocols.few_shot import unit
from sim.errors import InputError

DECIMALS = 5
"""Actions that agree to so many are the same: a turn has not quite the sine of the turn that ends there the other way
round."""


@dataclass(frozen=True, eq=False)
class Ranks:
    """Where each of N pairs of frames finds its own action, among the actions of all pairs that it was ranked with."""

    nearer: np.ndarray
    """int64 [N]: actions that fit the pair better than its own."""
    alike: np.ndarray
    """int64 [N]: those that fit as well, its own included."""
    candidates: np.ndarray
    """int64 [N]: how many there were."""
    instances: np.ndarray
    """int64 [N]: what the pair shows."""

    @property
    def rank(self) -> np.ndarray:
        """From 1, float64 [N]; actions that fit as well share the rank in their middle (mid-rank), duplicates among
        them."""
        return self.nearer + (self.alike + 1) / 2

    def top(self, k: int) -> np.ndarray:
        """Whether the own action is among the best k, float64 [N] in [0, 1]: its chance, if the order of those that fit
        as well were drawn."""
        return np.clip((k - self.nearer) / self.alike, 0, 1)


class Told(NamedTuple):
    """Pairs of frames and their actions."""

    first: np.ndarray
    """float [N, F]: features of t."""
    second: np.ndarray
    """float [N, F]: of t'."""
    actions: np.ndarray
    """float64 [N, A]: not standardised."""
    instances: np.ndarray
    """int64 [N]."""


def draw_pairs(clip: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows of t and t' != t, int64 [n] each, of up to `count` different ordered pairs of frames of one clip.

    `clip` int [N] ascends. Each clip is drawn from as often as another while it has pairs left. Raises InputError where
    no clip has 2 frames.
    """
    starts = np.flatnonzero(np.diff(clip, prepend=clip[:1] - 1))
    lengths = np.diff(starts, append=len(clip))
    starts, lengths = starts[lengths > 1], lengths[lengths > 1]
    if not len(starts):
        raise InputError("pairs=0: a clip of 2 frames or more is needed, or there is no action")
    here, there, rounds = [], [], []
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        pairs = length * (length - 1)
        one, other = np.divmod(rng.choice(pairs, min(count, pairs), replace=False), length - 1)
        here.append(start + one)
        there.append(start + other + (other >= one))
        rounds.append(np.arange(len(one)))
    turns = np.concatenate(rounds)
    chosen = np.lexsort((rng.random(len(turns)), turns))[:count]
    return np.concatenate(here)[chosen], np.concatenate(there)[chosen]


def rank_by_cosine(pairs: np.ndarray, actions: np.ndarray, told: Told) -> Ranks:
    """Ranks by the cosine similarity of embeddings of pairs [N, D] and of their actions [N, D], as a contrastive action
    term compares them. Equal actions count as equal, whatever rounding made of their embeddings."""
    first, own, counts = _different(told.actions)
    return _ranks(unit(pairs) @ unit(actions[first]).T, own, counts, told.instances)


def rank_by_regression(train: Told, test: Told, *, penalty: float = 1.0) -> Ranks:
    """Ranks without heads, for any representation: by how near the actions of `test` are to the action that is read off
    the two frames.

    It is read off by ridge regression of the action on the standardised concatenated features of both frames, fitted on
    `train`; `penalty` is scikit-learn's alpha. Distances are Euclidean, between actions that are standardised by mean
    and spread of the training pairs; a component that is constant there is not scaled.
    """
    first, own, counts = _different(test.actions)
    mean, spread = train.actions.mean(axis=0), train.actions.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)
    # In float32, more features than pairs are ill-conditioned.
    known, asked = (np.concatenate([side.first, side.second], axis=1, dtype=np.float64) for side in (train, test))
    model = make_pipeline(StandardScaler(), Ridge(alpha=penalty)).fit(known, (train.actions - mean) / spread)
    read = model.predict(asked).reshape(len(own), -1)
    candidates = (test.actions[first] - mean) / spread
    return _ranks(-np.linalg.norm(read[:, None] - candidates, axis=2), own, counts, test.instances)


def _different(actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of actions [N, A] the U that differ: a row of each [U], which one each row has [N], and how many have it [U]."""
    rounded = np.round(actions, DECIMALS)
    _, first, own, counts = np.unique(rounded, axis=0, return_index=True, return_inverse=True, return_counts=True)
    return first, own.reshape(-1), counts


def _ranks(fits: np.ndarray, own: np.ndarray, counts: np.ndarray, instances: np.ndarray) -> Ranks:
    """Ranks by how well each of U actions, which occurs `counts` [U] times, fits each pair: `fits` [N, U]."""
    mine = fits[np.arange(len(own)), own][:, None]
    return Ranks((fits > mine) @ counts, (fits == mine) @ counts, np.full(len(own), counts.sum()), instances)
