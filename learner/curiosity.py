"""What a learner would like to see: the turns whose action it cannot yet tell from others."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from agent.episode import Interest
from agent.play.motions import CELLS, cells_of
from learner.actions import representation
from learner.methods.base import Sides
from learner.team import Team

EVERY = 10
"""Steps between two looks; a setting of what is logged would change what is played."""
MEMORY = 0.98
"""Of the moving average of a cell: what a pair leaves of what was there."""
GUESSED = 0.5
"""Difficulty where nothing is known: half of the others fit better than the true action."""


class Curiosity:
    """How hard the actions of each cell of turns (`agent.play.motions`) are to find, as a moving average over pairs.

    The difficulty of a pair is `missed`; the interest in a cell is its share of the sum of all.
    """

    def __init__(self, method: str, action: str) -> None:
        """`action` is the representation of actions; `method` is for words only."""
        self._method, self._action = method, action
        self._turn = representation(action).turn
        self._difficulty = np.full(CELLS, GUESSED)
        self._version = 0
        self.trouble = ""
        """Why nothing is sought, where that is so; known after the first look."""

    @property
    def interest(self) -> Interest:
        """What to play next; even where nothing is known, and where nothing is hard."""
        total = self._difficulty.sum()
        shares = self._difficulty / total if total > 0 else np.full(CELLS, 1 / CELLS)
        return Interest(self._version, tuple(shares.round(6).tolist()))

    def look(self, matched: Sides | None, actions: torch.Tensor, team: Team) -> None:
        """Learn from a batch: `matched` [N, D] each, as `MethodOutput` has it, of pairs with these actions [N, A]. All
        processes of a team come to the same.

        Where pairs were mirrored, what counts is the turn that was played."""
        if matched is None or self._turn is None:
            told = f"method={self._method} compares no action with a pair"
            self.trouble = f"{told if matched is None else f'action={self._action} tells no turn'}: play seeks nothing"
            return
        hard = missed(*matched).double().cpu().numpy()
        cells = cells_of(self._turn(actions.double().cpu().numpy()))
        sums = np.stack([np.bincount(cells, weights, CELLS) for weights in (hard, np.ones(len(cells)))])
        found, count = (team.mean(torch.from_numpy(sums)) * team.size).numpy()
        kept = MEMORY**count
        self._difficulty = kept * self._difficulty + (1 - kept) * found / np.maximum(count, 1)
        self._version += 1

    def state(self) -> dict[str, Any]:
        """Plain values from which `restore` goes on."""
        return {"version": self._version, "difficulty": self._difficulty.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned. Raises ValueError for one of other cells."""
        difficulty = np.array(state["difficulty"], dtype=np.float64)
        if difficulty.shape != (CELLS,):
            raise ValueError(f"{difficulty.size} cells of turns, there are {CELLS}")
        self._difficulty, self._version = difficulty, int(state["version"])


def missed(actions: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
    """Share [N] of the other actions [N, D] that are nearer, by cosine similarity, to a row of `pairs` [N, D] than its
    own is: 0 is found, 0.5 guessed. Those equally near count half."""
    with torch.autocast(actions.device.type, enabled=False):
        precision = torch.promote_types(actions.dtype, torch.float32)
        similarity = F.normalize(pairs.to(precision), dim=1) @ F.normalize(actions.to(precision), dim=1).T
    own = similarity.diagonal()[:, None]
    better, alike = (similarity > own).sum(dim=1), (similarity == own).sum(dim=1) - 1
    return (better + alike / 2) / max(1, len(actions) - 1)
