"""The agent: episodes and pairs, play policies, collectors, and the dataset on disk."""

from agent.episode import Episode, Pairs

__all__ = ["Episode", "Pairs"]
