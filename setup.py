"""The packages of the wheel; the rest is in pyproject.toml, which cannot tell a folder of another name from them."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["sim*", "agent*", "learner*"]), "armplay"],
    package_dir={"armplay": "scripts"},
)
