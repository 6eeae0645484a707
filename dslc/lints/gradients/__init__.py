"""Rules about how gradients come through the depth of a network."""
