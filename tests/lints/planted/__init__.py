"""Faults by the family of their rules; test_faults.py imports all files."""
