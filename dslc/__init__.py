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
    from dslc.diagnostics.model import CompileError, Failure
    from dslc.live.errors import ExportError
    from dslc.live.export import export_onnx
    from dslc.loading import load
    from dslc.module import Module
    from dslc.python import Network, compile

__version__ = "0.1.0"
__all__ = ["CompileError", "ExportError", "Failure", "Module", "Network", "compile", "export_onnx", "load"]

_HOMES = {
    "CompileError": "dslc.diagnostics.model",
    "ExportError": "dslc.live.errors",
    "Failure": "dslc.diagnostics.model",
    "Module": "dslc.module",
    "Network": "dslc.python",
    "compile": "dslc.python",
    "export_onnx": "dslc.live.export",
    "load": "dslc.loading",
}


if not TYPE_CHECKING:  # a type checker would take every name for one of dslc

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module `dslc` has no attribute `{name}`")
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
