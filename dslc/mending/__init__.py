"""Fixes for mistakes: computed from their facts, tried by a check before they are offered."""
