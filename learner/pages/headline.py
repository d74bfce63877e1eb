"""What an evaluation shows, in plain words that claim no more than its intervals allow."""

from __future__ import annotations

from collections.abc import Sequence

from learner.examination import Finding
from learner.page import percent, unbroken
from learner.protocols import Interval


def headline(found: Sequence[Finding], encoders: Sequence[str], *, where: str, how: str) -> str:
    """The first of `encoders` beside chance, untrained encoder, the other baselines and the other encoders.

    `found` are the findings of one protocol, which `how` names; differences in them are from the first encoder. `where`
    names the frames that were tested.
    """
    named = {finding.representation: finding for finding in found}
    first = named[encoders[0]]
    text = f"{encoders[0]} names {_with_interval(first.accuracy)} of {where} right by {how}"
    text += f"; always naming the largest category reaches {percent(first.chance)} %"
    text += "" if first.accuracy.low > first.chance else ", which this does not clearly exceed"
    untrained = [name for name in named if name not in encoders and name.startswith("untrained")]
    for name in untrained:
        text += f", and the {name} encoder {_with_interval(named[name].accuracy)}: {_gain(named[name].beside)}"
    text += "."
    others = [name for name in named if name not in (*encoders, *untrained)]
    for how_far, said in ((_above, "It is clearly below"), (_level, "It does not clearly exceed")):
        those = [f"{name} ({_with_interval(named[name].accuracy)})" for name in others if how_far(named[name].beside)]
        text += f" {said} {' or '.join(those)}." if those else ""
    for name in encoders[1:]:
        text += f" {_compared(name, encoders[0], named[name].beside)}"
    return unbroken(text)


def _gain(beside: Interval | None) -> str:
    """What training changed, from how much better the untrained encoder is."""
    if beside is None:
        return "no difference was measured"
    gain, span = -beside.estimate, f"[{_points(-beside.high)}, {_points(-beside.low)}]"
    if beside.low > 0 or beside.high < 0:
        return f"training {'gained' if gain > 0 else 'lost'} {percent(abs(gain))} points {span}"
    return f"the difference of {_points(gain)} points {span} is not clear of 0, so this shows no gain from training"


def _compared(name: str, first: str, beside: Interval | None) -> str:
    if beside is None:
        return f"{name} was not compared."
    span = f"{_points(beside.estimate)} points [{_points(beside.low)}, {_points(beside.high)}]"
    if beside.low > 0 or beside.high < 0:
        return f"{name} is clearly {'better' if beside.estimate > 0 else 'worse'}: {span} beside {first}."
    return f"{name} is not clearly better or worse: {span} beside {first}."


def _above(beside: Interval | None) -> bool:
    return beside is not None and beside.low > 0


def _level(beside: Interval | None) -> bool:
    return beside is None or beside.low <= 0 <= beside.high


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


def _with_interval(accuracy: Interval) -> str:
    return f"{percent(accuracy.estimate)} % [{percent(accuracy.low)}, {percent(accuracy.high)}]"
