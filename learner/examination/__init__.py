"""How good frozen representations are on a dataset of images: by which protocol, how sure, and beside what."""

from __future__ import annotations

from learner.examination.compare import Finding, findings
from learner.examination.heads import Heads, load_heads
from learner.examination.look import Looked, look
from learner.examination.probe import contents, examine, folds
from learner.examination.represent import Seeds, TrainedRun, read_run, representations, seeds_of
from learner.examination.retrieve import CANDIDATES, Retrieval, retrievals, retrieve
from learner.examination.settings import ExamSettings

__all__ = [
    "CANDIDATES",
    "ExamSettings",
    "Finding",
    "Heads",
    "Looked",
    "Retrieval",
    "Seeds",
    "TrainedRun",
    "contents",
    "examine",
    "findings",
    "folds",
    "load_heads",
    "look",
    "read_run",
    "representations",
    "retrievals",
    "retrieve",
    "seeds_of",
]
