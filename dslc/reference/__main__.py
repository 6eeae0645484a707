"""Writes docs/layers.md and docs/pictures/, and the list of the zoo."""

from dslc.reference import layers, zoo

zoo.write()
layers.write()
