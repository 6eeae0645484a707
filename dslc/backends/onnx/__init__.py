"""The ONNX backend: the module tree as a graph, its file, and running it in onnxruntime."""
