"""Rules about transformers."""
