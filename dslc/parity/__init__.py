"""Whether the generated module and the ONNX graph are one network: both run on many inputs, at many sizes."""
