"""Scenes for tests, and toys to put into them."""

from __future__ import annotations

import numpy as np

from sim.objects import ProceduralToys, Toy

CATALOGUE = ProceduralToys()


def toy_of(rng: np.random.Generator) -> Toy:
    """Any toy."""
    category = str(rng.choice(CATALOGUE.categories))
    return CATALOGUE.toy(category, CATALOGUE.draw(category, rng))
