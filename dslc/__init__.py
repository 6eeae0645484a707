"""dslc: a declarative language for neural networks, compiled to readable PyTorch and to ONNX.

    network = dslc.compile("net.dl", net="resnet50")     # checked, for numbers, pictures and files; needs no torch
    Resnet50 = dslc.load("net.dl", net="resnet50")       # the generated nn.Module class
    Resnet50().to_onnx("resnet50.onnx", dynamic="N")     # with a live module's weights

docs/python.md has all of it. Names are imported when first used: `import dslc` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.build import Built
    from dslc.check import Findings
    from dslc.diagnostics.model import CompileError, Failure
    from dslc.live.errors import ExportError
    from dslc.live.export import export_onnx
    from dslc.loading import load
    from dslc.module import Module
    from dslc.python import Network, compile
    from dslc.reports.compared import NetworkDiff
    from dslc.reports.ports import Port, Weight
    from dslc.reports.tables import FieldNumbers, LayerNumbers, NetworkStats, TrainingNumbers

__version__ = "0.1.0"
__all__ = [
    "Built",
    "CompileError",
    "ExportError",
    "Failure",
    "FieldNumbers",
    "Findings",
    "LayerNumbers",
    "Module",
    "Network",
    "NetworkDiff",
    "NetworkStats",
    "Port",
    "TrainingNumbers",
    "Weight",
    "compile",
    "export_onnx",
    "load",
]

_HOMES = {
    "Built": "dslc.build",
    "CompileError": "dslc.diagnostics.model",
    "ExportError": "dslc.live.errors",
    "Failure": "dslc.diagnostics.model",
    "FieldNumbers": "dslc.reports.tables",
    "Findings": "dslc.check",
    "LayerNumbers": "dslc.reports.tables",
    "Module": "dslc.module",
    "Network": "dslc.python",
    "NetworkDiff": "dslc.reports.compared",
    "NetworkStats": "dslc.reports.tables",
    "Port": "dslc.reports.ports",
    "TrainingNumbers": "dslc.reports.tables",
    "Weight": "dslc.reports.ports",
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


def load_ipython_extension(shell: object) -> None:
    """`%load_ext dslc`: cells that begin with `%%dl` are programs."""
    from dslc.notebook import attach

    attach(shell)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
