"""The numbers of a network: sampled from the declared initialisers, or read from a .safetensors file."""
