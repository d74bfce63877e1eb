"""All settings of trainings, and the choice that suits the machine."""

from learner.settings.online import OnlineSettings
from learner.settings.recorded import TrainSettings, recorded_settings
from learner.settings.shared import FREE_ON_RESUME, LearnSettings
from learner.settings.suited import suited, suited_training

__all__ = [
    "FREE_ON_RESUME",
    "LearnSettings",
    "OnlineSettings",
    "TrainSettings",
    "recorded_settings",
    "suited",
    "suited_training",
]
