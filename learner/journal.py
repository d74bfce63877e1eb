"""What is noted of each step: figures, a look at the validation objects, health in words, checkpoints, progress."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Protocol

import torch

from agent.episode import Pairs
from agent.watch import Watch
from learner.health import diagnose, health
from learner.limiter import Limiter
from learner.meters import Meters
from learner.replay import PairSource
from learner.run import Run
from learner.team import TeamLost
from learner.training import Learner, Step


class Bar(Protocol):
    """Shows how far the run is."""

    def advance(self, done: int, note: str) -> None: ...


class Journal:
    """Keeps the books of a run, at the intervals that its settings name."""

    def __init__(
        self,
        run: Run,
        learner: Learner,
        buffer: PairSource,
        *,
        limiter: Limiter | None = None,
        validation: Callable[[], dict[str, float]],
        bar: Bar,
        watch: Watch | None = None,
    ) -> None:
        """`validation` measures accuracy on validation objects; `limiter` is of a live run; `watch` shows what goes on,
        beside TensorBoard."""
        self._run, self._learner, self._limiter = run, learner, limiter
        self._watch = watch or Watch()
        self.buffer = buffer
        self._validation, self._bar = validation, bar
        self._meters = Meters(seconds=run.seconds)
        self._said: set[str] = set()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Writes a checkpoint, also when something has failed, unless it is the learner itself, or another process in
        the middle of a step: the checkpoint before is then of a whole step, and this one would not be."""
        if kind is None or (issubclass(kind, Exception) and not issubclass(kind, (FloatingPointError, TeamLost))):
            self.keep()

    def note(self, step: Step, pairs: Pairs) -> None:
        """A step was taken. Raises FloatingPointError where its loss is no number, before that is kept."""
        run, meters, settings = self._run, self._meters, self._run.settings
        done, last = self._learner.steps, self._learner.steps == settings.steps
        meters.count(step.losses)
        if done % settings.validate_every == 0 or last:
            meters.note(self._validation())
            run.board.pairs(done, pairs)
        if done % settings.log_every == 0 or last:
            with torch.no_grad():
                figures = health(step.output.projections, step.output.features, step.output.matched, pairs.instance)
            meters.note({name: float(value) for name, value in figures.items()})
            row = meters.row(self.buffer, self._limiter)
            run.log(done, row, self.buffer.take_entries())
            self._watch.figures(done, row)
            self._watch.pairs(done, pairs)
            self._say(diagnose({"step": done, **row}, width=min(step.output.features.shape)))
            if self._learner.curiosity is not None and self._learner.curiosity.trouble:
                self._say([self._learner.curiosity.trouble])
        if done % settings.checkpoint_every == 0 and not last:
            self.keep()
        self._bar.advance(done, meters.line(self.buffer))

    def keep(self) -> None:
        """Write a checkpoint, unless the learner has diverged."""
        self._meters.check()
        self._run.checkpoint(self._learner, self._meters.seconds, self.buffer.take_entries())

    def _say(self, sentences: list[str]) -> None:
        """Each kind of trouble once."""
        for sentence in sentences:
            kind = re.sub(r"[\d.]+", "", sentence)
            if kind not in self._said and self._learner.team.leads:
                self._said.add(kind)
                print(f"\nlook: {sentence}", file=sys.stderr, flush=True)
