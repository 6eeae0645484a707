"""Mistakes that only the expansion of a program shows, by subject."""
