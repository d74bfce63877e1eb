"""The tiny form of each command: the same words, but small numbers and places that exist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LEARN = {
    "--steps": 2,
    "--batch": 4,
    "--encoder": "small",
    "--threads": 1,
    "--device": "cpu",
    "--precision": "float32",
    "--validation-episodes": 2,
    "--test-episodes": 4,
    "--bank-episodes": 8,
    "--log-every": 1,
}
FRAMES = {"--image-size": 32, "--frames": 6}
BUFFER = {"--buffer-episodes": 12, "--replay-ratio": 1.5, "--workers": 1}
ONLINE = {**LEARN, **BUFFER, **FRAMES, "--engine": "local"}
TRAIN = LEARN
KEPT = ("--encoder", "--engine", "--buffer-episodes")
"""A command that gives these itself keeps them, unless it is a benchmark of all methods."""
FORMS: dict[str, dict[str, object]] = {
    "train_online": ONLINE,
    "train": TRAIN,
    "collect": {"--episodes": 2, "--workers": 1, "--engine": "local", **FRAMES},
    "embed": {"--device": "cpu"},
    "evaluate": {"--device": "cpu", "--frames": 4, "--shots": 1, "--draws": 1},
    "reproduce": {"--batch": 8, "--encoder": "small", "--image-size": 32, "--device": "cpu", "--methods": "simclr"},
    "robustness": {"--episodes": 2},
    "view toys": {"--per-category": 1, "--image-size": 32},
    "view turntable": {"--image-size": 32, "--views": 2},
    "view play": {"--image-size": 48, "--frames": 4},
    "view pairs": {"--count": 2, "--frames": 4, "--image-size": 32},
    "view policies": {"--episodes": 1, "--frames": 6, "--image-size": 32},
    "bench sim": {"--rounds": 1, "--episodes": 1},
    "bench replay": {"--rounds": 1, "--episodes": 64, "--image-size": 32, "--batch": 16},
    "bench collect": {"--episodes": 16, "--compared": 16, "--aged": 101, "--rounds": 1},
    "bench data": {"--rounds": 1, "--objects": 2, "--image-size": 32, "--batch": 16},
    "bench learner": {"--rounds": 1, "--batch": 4, "--image-size": 32, "--device": "cpu"},
    "bench methods": {"--rounds": 1, "--batch": 4, "--image-size": 32, "--device": "cpu", "--encoder": "small"},
    "bench online": {"--rounds": 1, "--batch": 4, "--image-size": 32, "--device": "cpu", "--steps": 1},
}


def tiny(script: str, words: list[str], *, root: Path) -> list[str]:
    """The tiny form of `words`, the arguments of a script."""
    words = [word.replace("/data/", f"{root}/images/") for word in words]
    form = dict(FORMS.get(script) or (FORMS.get(f"{script} {words[0]}", {}) if words else {}))
    if "--resume" in words:
        form = {"--steps": 3} if script in ("train", "train_online") else {**form, "--episodes": 49}
        form = {name: value for name, value in form.items() if name not in FRAMES}
    if "--replay-log" in words:
        form = {"--steps": 2}
    if "recorded" in words:
        form = {name: value for name, value in form.items() if name not in FRAMES}
    if "--buffer" in words:
        form.pop("--buffer-episodes")
    if any(":" in word and word.startswith(("rt4k", "images", "mvimgnet", "co3d")) for word in words):
        form |= {"--image-size": 32} if script == "train" else {}
    if script == "reproduce":
        words = [*words, *(["--dry-run"] if "--dry-run" not in words else [])]
    return put_in(words, form)


def put_in(words: list[str], form: Mapping[str, object]) -> list[str]:
    """`words` with the options of `form` in the place of theirs; those that have several values lose them all."""
    for name, value in form.items():
        if name not in words:
            words = [*words, name, str(value)]
        elif name not in KEPT or words[0] == "methods":
            place = words.index(name) + 1
            end = next((n for n in range(place, len(words)) if words[n].startswith("--")), len(words))
            words = [*words[:place], str(value), *words[end:]]
    return words
