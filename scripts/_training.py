"""What the scripts that train share: set-up, and what is said before memory is claimed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import torch

from learner.machine import check_device
from learner.parts import check_start
from learner.settings import LearnSettings
from learner.storage import Layout, size_text


def set_up(settings: LearnSettings, *, resume: bool) -> None:
    """Threads, and what can be refused before a folder is made."""
    check_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    if not resume:
        check_start(settings)


def command() -> str:
    """This command, to be repeated."""
    return shlex.join(["python", f"scripts/{Path(sys.argv[0]).stem}.py", *sys.argv[1:]])


def speed_and_size(settings: LearnSettings, folder: Path, image_size: int, layout: Layout, episodes: int) -> str:
    """What is learned, how, and how much memory it takes."""
    threads = f", {torch.get_num_threads()} threads" if settings.device == "cpu" else ""
    return (
        f"{folder}: {settings.method}, {settings.encoder} encoder, action {settings.action}\n"
        f"  {settings.steps} steps of {settings.batch} pairs of {image_size}-pixel frames, {settings.device} in "
        f"{settings.precision}{threads}\n"
        f"  a buffer of {episodes} episodes that takes {size_text(layout.bytes_of(episodes))} when full "
        f"({settings.storage})"
    )
