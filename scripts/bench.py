"""How fast, beside what: each figure and its peer are measured in turns in one run.

python scripts/bench.py sim --json sim.json
python scripts/bench.py sim --rounds 3 --episodes 1
python scripts/bench.py replay
python scripts/bench.py collect --episodes 200
python scripts/bench.py data
python scripts/bench.py learner
python scripts/bench.py methods --encoder resnet18 --batch 32 --rounds 3
python scripts/bench.py online
"""

from __future__ import annotations

from _bench_collect import Collect
from _bench_data import Data
from _bench_learner import Learner, Methods, Online
from _bench_replay import Replay
from _bench_sim import Sim
from _cli import parse, program

if __name__ == "__main__":
    program(lambda: parse(Sim | Replay | Collect | Data | Learner | Methods | Online)())
