"""Diagnostics: what a user's mistake is made of, and how it is shown."""
