"""SimCLR-TT (Schneider et al. 2021; AA-SSL's baseline): two frames of one episode attract; the action is not used."""

from __future__ import annotations

from learner.methods.base import Recipe
from learner.methods.simclr import terms

SIMCLR_TT = Recipe(second_view="other", terms=terms)
