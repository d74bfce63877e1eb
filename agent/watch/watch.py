"""What can be shown of a collection or a training: the interface of those who show it, and nothing shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from agent.episode import Episode, Pairs

_Watch = TypeVar("_Watch", bound="Watch")


class Watch:
    """Shows nothing. What shows something overrides what it can show; nobody changes what they are given."""

    def episode(self, episode: Episode) -> None:
        """An episode has come in; a training has its own thread for that."""

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Losses, accuracies and speeds after `step` updates, named as in `loss/action`."""

    def pairs(self, step: int, pairs: Pairs) -> None:
        """The batch of update `step`, as it was sampled."""

    def features(self, step: int, features: np.ndarray, frames: np.ndarray, labels: np.ndarray) -> None:
        """What the encoder makes, after `step` updates, of the validation frames uint8 [N, H, W, 3], the same ones each
        time: float32 [N, F]. `labels` int64 [N] are numbers of categories."""

    def close(self) -> None:
        """Nothing more comes. May be called again."""

    def __enter__(self: _Watch) -> _Watch:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
