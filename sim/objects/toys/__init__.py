"""The built-in categories. A new one is a function in the file of its group, under `@toy("its name")`."""

from sim.objects.toys import animals, clothes, home, kitchen, plants, tools, vehicles
from sim.objects.toys.build import CATEGORIES, build

__all__ = ["CATEGORIES", "animals", "build", "clothes", "home", "kitchen", "plants", "tools", "vehicles"]
