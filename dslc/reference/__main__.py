"""Writes docs/layers.md with its pictures, errors.md, lints.md, python.md, coming-from.md, and the list of the zoo."""

from dslc.reference import coming, errors, layers, lints, python, zoo

zoo.write()
layers.write()
errors.write()
lints.write()
python.write()
coming.write()
