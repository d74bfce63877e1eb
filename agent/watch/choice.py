"""Where things are shown: a viewer of one's choice, or nowhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from agent.record import RecordSettings
from agent.watch.background import Background
from agent.watch.watch import Watch
from sim.errors import InputError
from sim.kinematics import Chain

TARGETS = ("viewer", "web")
ENDING = ".rrd"


def check_watch(target: str) -> None:
    """Raise InputError for a target that cannot be had, and where the Rerun SDK is not installed: before anything is
    made that would be left behind."""
    if not target:
        return
    path = Path(target)
    if target not in TARGETS and path.suffix != ENDING:
        raise InputError(f"rerun={target}: viewer, web, or a file that ends in {ENDING} is needed to show things in")
    if path.suffix == ENDING and path.exists():
        raise InputError(f"rerun={target}: exists already, and what it shows is not to be lost; give another file")
    if path.suffix == ENDING and not path.parent.is_dir():
        raise InputError(f"rerun={target}: there is no folder {path.parent}, so nothing could be kept")
    if target == "viewer" and sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ}:
        raise InputError("rerun=viewer: there is no screen here; give web, or a file such as play.rrd")
    _rerun()


def open_watch(
    target: str, *, record: RecordSettings, chain: Chain, categories: Sequence[str], learns: bool = False
) -> Watch:
    """What shows a collection or, where it `learns`, a training of such episodes: the Rerun viewer, for viewer, web or
    a file that ends in .rrd; nothing where `target` is empty. Says on stderr where to look. Raises as `check_watch`."""
    check_watch(target)
    if not target:
        return Watch()
    shows = _rerun()
    watch = shows.RerunWatch(target, record=record, chain=chain, categories=categories, learns=learns)
    print(f"watch: {watch.told}", file=sys.stderr, flush=True)
    return Background(watch, abandon=shows.give_up)


def _rerun() -> ModuleType:
    """What needs the extra."""
    try:
        return import_module("agent.watch.rerun")
    except ModuleNotFoundError as error:
        if error.name != "rerun":
            raise
        raise InputError("rerun: the Rerun SDK is not installed: pip install -e .[rerun]") from None
