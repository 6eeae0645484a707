"""Writes docs/layers.md and docs/pictures/, docs/python.md, and the list of the zoo."""

from dslc.reference import layers, python, zoo

zoo.write()
layers.write()
python.write()
