"""Rules about what a program holds for nothing, and readers."""
