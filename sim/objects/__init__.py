"""Objects to play with: the built-in toys, meshes on disk, and the splits by instance."""

from sim.objects.catalogue import SOURCES, Catalogue, ProceduralToys, catalogue_of, named_objects, splits_table
from sim.objects.folds import Fold, FoldedFolder
from sim.objects.mesh import Toy, write_obj
from sim.objects.meshes import MeshFolder
from sim.objects.solid import Solid, solid_of
from sim.objects.splits import SPLITS, split_of

__all__ = [
    "SOURCES",
    "SPLITS",
    "Catalogue",
    "Fold",
    "FoldedFolder",
    "MeshFolder",
    "ProceduralToys",
    "Solid",
    "Toy",
    "catalogue_of",
    "named_objects",
    "solid_of",
    "split_of",
    "splits_table",
    "write_obj",
]
