"""dslc: a declarative language for neural networks, compiled to readable PyTorch and to ONNX.

    model = dslc.compile("net.dl", net="resnet50")       # checked; nothing is written
    ResNet50 = dslc.load("net.dl", net="resnet50")       # the generated nn.Module class
    dslc.export_onnx(ResNet50(), "resnet50.onnx")        # from a live module's weights

Names are imported when first used: `import dslc` costs nothing, and `dslc.compile` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.backends.onnx.live import export_onnx
    from dslc.diagnostics.model import CompileError
    from dslc.loading import load
    from dslc.python import compile

__version__ = "0.1.0"
__all__ = ["CompileError", "compile", "export_onnx", "load"]

_HOMES = {
    "CompileError": "dslc.diagnostics.model",
    "compile": "dslc.python",
    "export_onnx": "dslc.backends.onnx.live",
    "load": "dslc.loading",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module `dslc` has no attribute `{name}`")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
