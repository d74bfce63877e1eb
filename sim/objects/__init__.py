"""Objects to play with: the built-in toys, meshes on disk, and the splits by instance."""

from sim.objects.catalogue import Catalogue, ProceduralToys
from sim.objects.mesh import Toy, write_obj
from sim.objects.splits import SPLITS, split_of

__all__ = ["SPLITS", "Catalogue", "ProceduralToys", "Toy", "split_of", "write_obj"]
