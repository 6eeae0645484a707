"""Writes docs/layers.md with its pictures, errors.md, python.md, coming-from.md, and the list of the zoo."""

from dslc.reference import coming, errors, layers, python, zoo

zoo.write()
layers.write()
errors.write()
python.write()
coming.write()
