"""Rules about convolutions and pools."""
