"""How fast, beside what: each figure and its peer are measured in turns in one run, on one core.

python scripts/bench.py sim --json sim.json
python scripts/bench.py sim --rounds 3 --episodes 1
python scripts/bench.py replay
python scripts/bench.py collect --episodes 200
python scripts/bench.py data
"""

from __future__ import annotations

from _bench_collect import Collect
from _bench_data import Data
from _bench_replay import Replay
from _bench_sim import Sim
from _cli import parse, program

if __name__ == "__main__":
    program(lambda: parse(Sim | Replay | Collect | Data)())
