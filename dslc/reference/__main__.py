"""Writes docs/layers.md and docs/pictures/, docs/errors.md, docs/python.md, and the list of the zoo."""

from dslc.reference import errors, layers, python, zoo

zoo.write()
layers.write()
errors.write()
python.write()
