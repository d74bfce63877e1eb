"""One of two processes of a team: `python -m tests.learner.team_ranks FOLDER`, with the environment of torchrun."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch

from learner.curiosity import Curiosity
from learner.team import Team, TeamLost, first_to_tell, join_team
from tests.learner.turns import batch_of


def interest_of(team: Team) -> list[float]:
    """In each cell of turns, after one look at a batch of which every process has its own part."""
    curiosity = Curiosity("aa-simclr", "efference")
    curiosity.look(*batch_of(team.rank), team)
    return list(curiosity.interest.weights)


def main(folder: Path) -> None:
    with join_team("cpu") as team:
        numbers = torch.tensor([1.0, 10.0]) * (1 + team.rank)
        found = {
            "leads": team.leads,
            "largest": team.largest(7 * team.rank),
            "mean": team.mean(numbers).tolist(),
            "first": team.from_first(numbers).tolist(),
            "own": numbers.tolist(),
            "share": team.share(8),
            "interest": interest_of(team),
        }
        team.wait()
        (folder / f"{team.rank}.json").write_text(json.dumps(found))
        if team.rank == 1:
            os._exit(9)
        try:
            for _ in range(100):
                team.wait()
        except TeamLost as error:
            told = {"lost": str(error), "tells": [first_to_tell(), first_to_tell()]}
            (folder / "0.json").write_text(json.dumps(found | told))
        os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
