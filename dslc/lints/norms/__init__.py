"""Rules about normalisation."""
