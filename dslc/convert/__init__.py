"""Rewriting programs: the text of a network into the text of another with the same weights."""
