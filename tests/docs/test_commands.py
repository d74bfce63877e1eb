"""Every command of the README, the docs and the scripts' help is run in a tiny form; the few that cannot be are parsed.

A command that is neither known to a script nor named here fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, SCRIPTS, Command, commands
from tests.docs.tiny import tiny
from tests.scripts.running import ROOT, run_here

PARSED = {
    r"--nproc-per-node": "several processes: tests/scripts/test_torchrun.py runs two; eight need eight GPUs",
    r"--nnodes": "several machines",
    r"--engine ray --address": "a Ray cluster; tests/agent/test_engines_ray.py runs one on this machine",
    r"train.* --(device|storage) cuda": "a GPU",
    r"--renderer egl": "OpenGL on a GPU",
    r"experiment.py (?!results)|robustness.py --quick": "hours; tests/scripts run tiny grids",
    r"--rerun": "an extra; tests of agent/watch run it where it is installed",
    r"view.py watch": "an extra and a browser",
    r"--compile": "minutes of compiling; tests/learner/test_training.py compiles",
}
"""Options that cannot be had here, and why: such commands are only parsed."""
ELSEWHERE = {
    r"make (check|test|test-long|test-nosim|format)": "CI runs them",
    r"make demo|make pictures|make bench": "minutes; their commands are here, each in its tiny form",
    r"(python3?[.\d]* -m )?(pip|venv) ": "would change this environment; tests/test_wheel.py installs the wheel",
    r"ray (start|stop)": "changes this machine",
    r"nvidia-smi|sudo ": "of the system",
    r"\S*tensorboard ": "serves until it is stopped; tests/learner read what it shows",
}
"""What is no command of ours and cannot be run here, and why."""
LONG = (
    r"bench|evaluate(?!.*runs/demo --data armplay)|robustness.py --what executed"
    r"|train_online.*(--play push|--encoder resnet18|--corrupt-time missing)|view.py (turntable|concepts)"
)
"""The heavier ones."""

COMMANDS = [command for command in commands() if not command.where.startswith("docs/extend.md")]
"""Those of the other page need its examples: tests/docs/test_extend.py runs them."""


def shown(command: Command) -> object:
    marks = [pytest.mark.long] if re.search(LONG, command.line) else []
    return pytest.param(command, id=f"{command.where} {command.line.strip()[:60]}", marks=marks)


def script_of(words: list[str]) -> tuple[str, list[str]] | None:
    """The script that a command runs, and its arguments."""
    if words[0] == "armplay":
        return words[1], words[2:]
    for place, word in enumerate(words):
        if word.startswith("scripts/"):
            return Path(word).stem, words[place + 1 :]
    return None


@pytest.mark.parametrize("command", [shown(command) for command in COMMANDS])
def test_it_works(command: Command, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "work"
    bring(tree, here, command.line, out=target(command))
    monkeypatch.chdir(here)
    found = script_of(command.words)
    if found is None:
        if any(re.match(known, " ".join(command.words)) for known in ELSEWHERE):
            return
        done = subprocess.run(command.line, shell=True, cwd=here, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return
    script, words = found
    if any(re.search(option, command.line) for option in PARSED):
        parse(script, words, monkeypatch)
        return
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    try:
        outcome = run_here(script, *tiny(script, words, root=tree.parent))
    finally:
        if cores:
            os.sched_setaffinity(0, cores)  # a benchmark keeps to one core
    assert outcome.status == 0, outcome


def bring(tree: Path, here: Path, text: str, *, out: str = "") -> None:
    """Copy what `text` speaks of into a new folder, but what it is to make."""
    here.mkdir()
    os.symlink(tree.parent / "meshes", here.parent / "meshes")
    for path in (*tree.glob("data/*"), *tree.glob("runs/*"), *tree.glob("exports/*"), *tree.glob("*.*")):
        name = str(path.relative_to(tree))
        if not re.search(rf"\b{re.escape(name)}\b", text) or name == out:
            continue
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, here / name)
    (here / "runs").mkdir(exist_ok=True)


def target(command: Command) -> str:
    """What a command makes anew."""
    if "--resume" in command.line:
        return ""
    found = re.search(r"--out[ =](\S+)", command.line)
    return found[1] if found else "data/hold" if "collect" in " ".join(command.words) else ""


def parse(script: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the script read its command line, and no more."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.setattr(sys, "argv", [script, *words])
    import_module(script).command_line()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_help_shows_three_calls(path: Path) -> None:
    """All of which are among the commands that the test above runs."""
    outcome = run_here(path.stem, "--help")
    assert outcome.status == 0
    shown = " ".join(outcome.out.split())
    called = {" ".join(command.words) for command in COMMANDS if f"scripts/{path.name}" in command.line}
    assert sum(call in shown.replace('"', "") for call in called) >= 3, outcome.out


def test_extras_and_links_that_docs_name_exist() -> None:
    known = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for extra in re.findall(r"(?:armplay|\.)\[([\w,]+)\]", text):
            assert set(extra.split(",")) <= known, f"{page}: {extra}"
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
            path, _, anchor = link.partition("#")
            linked = page.parent / path if path else page
            assert linked.exists(), f"{page}: {link}"
            if anchor:
                titles = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, link
