"""One file an arm; importing this package registers them all."""

from sim.arms import kuka

__all__ = ["kuka"]
