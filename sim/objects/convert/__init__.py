"""From mesh files to toys: what MeshFolder needs of it."""

from sim.objects.convert.conversion import Outcome, Settings, Up, cache_name, check
from sim.objects.convert.ledger import Ledger
from sim.objects.convert.process import convert_all
from sim.objects.convert.tree import find_meshes

__all__ = ["Ledger", "Outcome", "Settings", "Up", "cache_name", "check", "convert_all", "find_meshes"]
