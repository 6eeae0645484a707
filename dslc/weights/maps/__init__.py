"""Weights under other names: maps as text, the ones that come with dslc, proposals by structure, other sizes."""
