"""The ONNX graph that a build writes, as far as memory asks: its nodes and the shapes of all tensors.

The rules of the ops write it, as in a build, but without weights and so without NumPy: `stats` stays a matter of a
tenth of a second.
"""
