"""Modules of a running program: what of one the program does not make, and its ONNX graph."""
