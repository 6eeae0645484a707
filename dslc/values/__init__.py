"""Compile-time values: their kinds, and the value of what failed."""
