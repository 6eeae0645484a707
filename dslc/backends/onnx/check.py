"""What onnx itself says of a model. For tests and `--check`: it takes longer than the export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.backends.onnx.model import OnnxModel

if TYPE_CHECKING:
    import onnx


def check(model: OnnxModel | onnx.ModelProto) -> None:
    """Run onnx's checker and its strict shape inference.

    Raises `onnx.checker.ValidationError` or `onnx.shape_inference.InferenceError` where onnx finds the file
    wrong, or where a declared shape is not the one that its inference finds.
    """
    import onnx

    proto = model.proto() if isinstance(model, OnnxModel) else model
    onnx.checker.check_model(proto, full_check=True)
