"""How fast the learner is, beside its limit and a plain loader; what each method costs; who waits in a live run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import tyro
from _bench import Round, check, figures_of, in_turns, keep, ratio, show

WHOLE, LIMIT, PLAIN = "whole step from the buffer", "limit: encoder alone, one batch", "plain loader and losses"
BASELINE = "simclr-tt"
BESIDE, ALONE = "steps, arms collecting beside", "steps, arms at rest"
STEPS = 5
"""Steps of each in one round."""


@dataclass(frozen=True)
class Options:
    """What benchmarks of a learner have in common; what is not given is as in a live run on this machine."""

    device: str | None = None
    """Where the learner runs: cpu or cuda."""
    encoder: str | None = None
    """Network: small, resnet18, resnet50 or timm:NAME."""
    image_size: int | None = None
    """Height and width of the frames in pixels."""
    batch: int | None = None
    """Pairs a step."""
    rounds: int = 10
    """Rounds; the median is given."""
    out: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """File for the figures."""

    def settings(self) -> Any:
        """The live run's settings, once it is clear that the figures can be kept."""
        check(self.rounds, self.out)
        from _bench_step import live_settings  # torch is slow to load, and `sim` has no need of it

        asked = {name: value for name, value in asdict(self).items() if name in ("device", "encoder", "batch")}
        return live_settings({name: value for name, value in asked.items() if value is not None}, self.image_size)


@dataclass(frozen=True)
class Learner(Options):
    """Whole steps of learning beside the encoder's two passes alone, and beside a loader as research code has it."""

    def __call__(self) -> None:
        settings = self.settings()
        from _bench_step import Stages, Training, encoder_alone, paced, told

        print(told(settings), flush=True)
        training, images = Training(settings), 2 * settings.batch
        stages = Stages(training)
        works: dict[str, Round] = {
            WHOLE: paced(training.step, images, STEPS, settings.device),
            LIMIT: paced(encoder_alone(settings), images, STEPS, settings.device),
            "stages": paced(stages.step, images, STEPS, settings.device),
        }
        with TemporaryDirectory() as folder:
            works |= plain(training, Path(folder))
            rates = in_turns(works, self.rounds)
        del rates["stages"]
        figures, milliseconds = figures_of(rates), stages.milliseconds()
        show(figures, unit="images/s", of="wall time")
        ratios = {f"{WHOLE} / {peer}": ratio(rates[WHOLE], rates[peer]) for peer in rates if peer != WHOLE}
        print("\nms a step: " + ", ".join(f"{name} {time:.1f}" for name, time in milliseconds.items()))
        for name, found in ratios.items():
            print(f"{found:6.3f}  {name}")
        if PLAIN not in rates:
            print("kornia is not installed, nothing to compare with: pip install -e .[dev]")
        keep(self.out, figures, unit="images/s", stages_ms=milliseconds, ratios=ratios)


@dataclass(frozen=True)
class Methods(Options):
    """Time and memory of a step of each method beside those of SimCLR through time."""

    def __call__(self) -> None:
        settings = self.settings()
        from _bench_step import action_seconds, paced, peak_memory, told, training_of

        from learner.methods import METHODS

        print(told(settings), flush=True)
        trained = training_of(settings, METHODS)
        pairs = settings.batch
        works = {name: paced(found.step, pairs, 1, settings.device) for name, found in trained.items()}
        rates = in_turns(works, self.rounds)
        acting = action_seconds(trained[BASELINE], self.rounds)
        memory = {name: float(peak_memory(settings, name)) for name in METHODS}
        # The buffer makes an action for every pair: only those who use it are to pay.
        spared = {name: 0.0 if METHODS[name].uses_action else acting for name in METHODS}
        cost = {name: [pairs / rate - spared[name] for rate in found] for name, found in rates.items()}
        times = {name: ratio(found, cost[BASELINE]) for name, found in cost.items()}
        bytes_ = {name: found / memory[BASELINE] for name, found in memory.items()}
        figures = figures_of({name: [1000 * seconds for seconds in found] for name, found in cost.items()})
        show(figures, unit="ms a step", of="wall time")
        print(f"of that, {1000 * acting:.2f} ms for the actions, where they are used\n")
        print(f"{'':14} {'time':>6} {'memory':>7}   beside {BASELINE}")
        for name in METHODS:
            print(f"{name:14} {times[name]:6.3f} {bytes_[name]:7.3f}   {memory[name] / 1e6:.1f} MB of tensors")
        keep(self.out, figures, unit="ms", time_ratios=times, memory_ratios=bytes_, memory_bytes=memory)


@dataclass(frozen=True)
class Online(Options):
    """Who waits in a live run, and what it costs the learner that arms collect beside it, a core for each."""

    rounds: int = 8
    """Rounds; the median is given."""
    steps: int = 8
    """Steps of each in one round; four times as many tell who waits."""

    def __call__(self) -> None:
        check(self.rounds, self.out, steps=self.steps)
        settings = self.settings()
        from _bench_online import LiveRun, with_a_core_each
        from _bench_step import told

        settings = with_a_core_each(settings)
        print(f"{told(settings)}; {settings.workers} arms", flush=True)
        with LiveRun(settings) as run:
            waits = run.waits(4 * self.steps)
            run.go_without_limit()
            works = {BESIDE: run.steps(self.steps, collecting=True), ALONE: run.steps(self.steps, collecting=False)}
            rates = in_turns(works, self.rounds)
        figures = figures_of(rates)
        show(figures, unit="steps/s", of="wall time")
        ratios = {f"{BESIDE} / {ALONE}": ratio(rates[BESIDE], rates[ALONE])}
        print(f"{run.inflow:.0f} frames/s are collected beside the learner\n")
        for name, found in ratios.items():
            print(f"{found:6.3f}  {name}")
        for name, share in waits.items():
            print(f"{share:6.1%}  {name}")
        keep(self.out, figures, unit="steps/s", ratios=ratios, waits=waits, speed={"frames_per_s": run.inflow})


def plain(training: Any, folder: Path) -> dict[str, Round]:
    """The plain loader; nothing where kornia is not installed."""
    try:
        import kornia  # noqa: F401
    except ImportError:
        return {}
    from _bench_plain import PlainTraining

    return {PLAIN: PlainTraining(training, folder).round}
