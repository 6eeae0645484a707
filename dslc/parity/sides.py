"""The two sides of a comparison: a generated module in PyTorch, and a graph in onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dslc.backends.onnx.run import load
from dslc.diagnostics.model import Failure
from dslc.errors import NoParity, RunRaises
from dslc.types.tensor import DType
from dslc.weights.memory import Array

if TYPE_CHECKING:
    from torch import nn

    from dslc.backends.onnx.model import OnnxModel

T = TypeVar("T")

MODULE = "the PyTorch module"
GRAPH = "onnxruntime"
MISSING = "NOT_IMPLEMENTED"
"""What onnxruntime's message holds where it has no kernel for an element type."""


def tried(who: str, case: str, run: Callable[[], T]) -> T:
    """The result of one side. Whatever it raises is a finding: PyTorch's and onnxruntime's classes share no base."""
    try:
        return run()
    except Failure:
        raise
    except Exception as error:
        raise Failure(RunRaises(who, case, reason(error))) from error


def reason(error: Exception) -> str:
    """The kind of an exception with its first line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


class ModuleSide:
    """A generated module in the element type that the network runs in, and again in float64 where that is asked."""

    def __init__(self, make: Callable[[], nn.Module], state: Mapping[str, Array], dtype: DType) -> None:
        self.net = tried(MODULE, "made", lambda: _loaded(make(), state, dtype))

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """The results of evaluation, in order."""
        return results(self.net, inputs)

    def exact(self, inputs: Sequence[Array]) -> list[Array] | None:
        """The same in float64 throughout; none where a module of the user's has no such run."""
        doubles = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in inputs]
        try:
            return results(deepcopy(self.net).double(), doubles)
        except (RuntimeError, TypeError):
            return None


def _loaded(net: nn.Module, state: Mapping[str, Array], dtype: DType) -> nn.Module:
    import torch

    net.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in state.items()})
    return net.eval() if dtype is DType.FLOAT32 else net.eval().to(getattr(torch, dtype.value))


def results(net: nn.Module, inputs: Sequence[Array]) -> list[Array]:
    """What a module gives for arrays, as arrays; without gradients."""
    import torch

    with torch.no_grad():
        found = net(*(torch.from_numpy(array) for array in inputs))
    return [tensor.numpy() for tensor in ([found] if isinstance(found, torch.Tensor) else found)]


class GraphSide:
    """A graph in onnxruntime on the CPU. Raises `Failure` where it does not load, or has no kernel for its type."""

    def __init__(self, graph: OnnxModel, dtype: DType, case: str) -> None:
        if dtype is DType.BFLOAT16:
            raise Failure(NoParity(dtype.value, "onnxruntime has hardly a kernel for it on a CPU"))
        self.inputs = {name: info.dtype for name, info in graph.graph.inputs.items()}
        self.names = list(graph.graph.outputs)
        with _kernels(dtype):
            self.session: Any = tried(GRAPH, case, lambda: load(graph, "cpu").ort)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """The results, in order."""
        found: list[Array] = self.session.run(None, dict(zip(self.inputs, inputs, strict=True)))
        return found


@contextmanager
def _kernels(dtype: DType) -> Iterator[None]:
    """A missing kernel of a 16-bit type is no fault of the graph: onnxruntime's CPU has few."""
    try:
        yield
    except Failure as failure:
        (mistake,) = failure.mistakes
        if dtype is not DType.FLOAT32 and isinstance(mistake, RunRaises) and MISSING in mistake.reason:
            raise Failure(NoParity(dtype.value, f"onnxruntime lacks a kernel on a CPU ({mistake.reason})")) from failure
        raise
