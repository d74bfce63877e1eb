"""The pictures of an evaluation and the page that holds them all."""

from __future__ import annotations

from learner.pages.trained import Trained, read_trained
from learner.pages.write import Evaluation, write_pages

__all__ = ["Evaluation", "Trained", "read_trained", "write_pages"]
