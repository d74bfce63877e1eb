"""Objects to play with: the built-in toys, meshes on disk, and the splits by instance."""

from sim.objects.catalogue import SOURCES, Catalogue, ProceduralToys, catalogue_of, splits_table
from sim.objects.mesh import Toy, write_obj
from sim.objects.meshes import MeshFolder
from sim.objects.solid import Solid, solid_of
from sim.objects.splits import SPLITS, split_of

__all__ = [
    "SOURCES",
    "SPLITS",
    "Catalogue",
    "MeshFolder",
    "ProceduralToys",
    "Solid",
    "Toy",
    "catalogue_of",
    "solid_of",
    "split_of",
    "splits_table",
    "write_obj",
]
