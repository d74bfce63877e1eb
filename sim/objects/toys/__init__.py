"""The built-in categories. A new one is a function in the file of its group, under `@toy("its name")`."""

from sim.objects.toys import (
    animals,
    buildings,
    clothes,
    critters,
    flight,
    food,
    fruit,
    gadgets,
    home,
    kitchen,
    music,
    plants,
    tools,
    vehicles,
    wild,
    yard,
)
from sim.objects.toys.build import CATEGORIES, build

__all__ = [
    "CATEGORIES",
    "animals",
    "build",
    "buildings",
    "clothes",
    "critters",
    "flight",
    "food",
    "fruit",
    "gadgets",
    "home",
    "kitchen",
    "music",
    "plants",
    "tools",
    "vehicles",
    "wild",
    "yard",
]
