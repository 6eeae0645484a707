"""Rules about what a network sees of its input."""
