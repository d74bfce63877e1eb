"""What a run shows while it goes: losses, health, speeds, and who waits for whom."""

from __future__ import annotations

import math
import time

import torch

from learner.limiter import Limiter
from learner.replay import PairSource


class Meters:
    """Averages losses between two rows of the history. Reading them waits for the device, so only rows do."""

    def __init__(self, *, seconds: float) -> None:
        """`seconds` trained before, in a resumed run."""
        self._began = time.monotonic() - seconds
        self._sums: dict[str, torch.Tensor] = {}
        self._steps = 0
        self._latest: dict[str, float] = {}
        self._mark: tuple[float, int, int, float, float] | None = None
        self._last: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Seconds trained so far, earlier sessions included."""
        return time.monotonic() - self._began

    def count(self, losses: dict[str, torch.Tensor]) -> None:
        """Add one step."""
        self._steps += 1
        for name, value in losses.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()

    def note(self, values: dict[str, float]) -> None:
        """Figures that are not averaged, for the next row."""
        self._latest |= values

    def check(self) -> None:
        """Raises FloatingPointError where a loss since the last row is no number."""
        total = float(self._sums.get("loss", torch.zeros(())))
        if not math.isfinite(total):
            raise FloatingPointError(f"the loss has become {total}: try a lower --learning-rate")

    def row(self, buffer: PairSource, limiter: Limiter | None) -> dict[str, float]:
        """The history's row since the last one, which starts the next. Raises as `check` does."""
        self.check()
        row = {"seconds": self.seconds}
        if self._sums:
            means = (torch.stack([value.float() for value in self._sums.values()]) / self._steps).tolist()
            row |= dict(zip(self._sums, means, strict=True))
        row |= self._latest
        row["buffer/episodes"] = float(len(buffer))
        if limiter is not None:
            row |= self._flow(limiter)
        self._sums, self._steps, self._latest = {}, 0, {}
        self._last = {**self._last, **row}
        return row

    def _flow(self, limiter: Limiter) -> dict[str, float]:
        """Frames in, pairs out, and who waited, since the last row."""
        flow = {"speed/replay_ratio": limiter.sampled / max(1, limiter.inserted)}
        now = (self.seconds, limiter.inserted, limiter.sampled, limiter.learner_waited, limiter.arm_waited)
        if self._mark is not None:
            passed, frames, pairs, learner, arm = (b - a for a, b in zip(self._mark, now, strict=True))
            flow["speed/frames_per_s"] = frames / passed
            flow["speed/samples_per_s"] = pairs / passed
            flow["wait/learner_share"] = min(1.0, learner / passed)
            flow["wait/arm_share"] = min(1.0, arm / passed)
        self._mark = now
        return flow

    def line(self, buffer: PairSource) -> str:
        """One line for the progress bar."""
        last = self._last
        parts = [f"{len(buffer)} episodes"]
        if "loss" in last:
            parts.append(f"loss {last['loss']:.2f}")
        if "probe/knn_validation" in last:
            parts.append(f"kNN {100 * last['probe/knn_validation']:.1f} %")
        if "speed/frames_per_s" in last:
            parts.append(f"{last['speed/frames_per_s']:.0f} frames/s in, {last['speed/samples_per_s']:.0f} pairs/s out")
            parts.append(f"{last['speed/replay_ratio']:.1f} pairs a frame")
            waiting = {"learner": last["wait/learner_share"], "arm": last["wait/arm_share"]}
            who = max(waiting, key=lambda name: waiting[name])
            parts.append(f"{who} waits {100 * waiting[who]:.0f} %")
        return ", ".join(parts)
