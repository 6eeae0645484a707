"""Rules about where parameters, multiply-adds and memory go."""
