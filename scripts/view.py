"""Look at things: objects, an arm at play, pairs, splits, a run.

python scripts/view.py toys --out toys.png
python scripts/view.py toys --objects ../meshes --out mine.png
python scripts/view.py turntable mug_0123456 --out mug.png
python scripts/view.py play --out play.gif --number 3 --play inspect --corrupt gaussian:0.5
python scripts/view.py play --out grasp.gif --play grasp --arm panda --object-size 0.08
python scripts/view.py pairs --out pairs.png --data data/hold
python scripts/view.py policies --episodes 20
python scripts/view.py splits --objects ../meshes
python scripts/view.py splits --objects '../meshes?fold=1/5'
python scripts/view.py concepts --out docs/concepts
python scripts/view.py watch --out docs/watch.png
"""

from __future__ import annotations

from collections.abc import Callable

from _cli import parse, program
from _view_concepts import Concepts
from _view_objects import Splits, Toys, Turntable
from _view_play import Pairs, Play, Policies
from _view_run import Curve
from _view_watch import Watch


def command_line() -> Callable[[], int | None]:
    """What the user wants to look at."""
    return parse(Toys | Turntable | Splits | Play | Pairs | Policies | Curve | Concepts | Watch)


if __name__ == "__main__":
    program(lambda: command_line()())
