"""Writes docs/layers.md and docs/pictures/."""

from dslc.reference.layers import write

write()
