"""Code blocks of the README and of docs, and the commands in them and in the scripts' own docstrings."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.scripts.running import ROOT

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SCRIPTS = sorted((ROOT / "scripts").glob("[a-z]*.py"))


class Block(NamedTuple):
    """A fenced block of a page."""

    where: str
    """File and line."""
    text: str


class Command(NamedTuple):
    """A command that a reader is told to give."""

    where: str
    line: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line.replace(".venv/bin/", ""), comments=True)


def blocks(language: str, pages: tuple[Path, ...] = PAGES) -> Iterator[Block]:
    """All blocks of a language."""
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield Block(f"{page.relative_to(ROOT)}:{text[: found.start()].count(chr(10)) + 2}", found[1])


def commands() -> list[Command]:
    """All commands, each once, with the first place where it is given."""
    found = [
        Command(block.where, line)
        for block in blocks("bash")
        for line in block.text.replace("\\\n", " ").splitlines()
        if shlex.split(line, comments=True)
    ]
    for path in SCRIPTS:
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found += [Command(f"scripts/{path.name}", line) for line in examples(about)]
    return list({tuple(command.words): command for command in reversed(found)}.values())[::-1]


def examples(about: str) -> list[str]:
    """The lines of a script's docstring that are calls of it."""
    return [line for line in about.splitlines() if re.match(r"(python|torchrun|armplay) ", line)]
