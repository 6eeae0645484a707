"""Checks of a build that run before anything is written: `dslc build --check`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.diagnostics.model import Failure
from dslc.errors import InvalidGraph, NoCudaKernel, NotInstalled, OutputsDiffer
from dslc.generated import module_from_text, root_class
from dslc.ir.model import Model
from dslc.types.tensor import TensorType

if TYPE_CHECKING:
    from dslc.backends.onnx.graph import Array
    from dslc.backends.onnx.model import OnnxModel

LIMIT = 1e-4
"""Greatest difference of an output, relative to its largest magnitude, in fp32."""


def verify(model: Model, text: str, graph: OnnxModel, state: Mapping[str, Array], checks: Collection[str]) -> list[str]:
    """A line for each check that holds; raises `Failure` for the first that does not."""
    found = []
    if "onnx" in checks:
        found.append(check_graph(graph))
    if "placement" in checks:
        found.append(check_placement(graph))
    if "parity" in checks:
        found.append(check_parity(model, text, graph, state))
    return found


def check_graph(graph: OnnxModel) -> str:
    """onnx's checker and strict shape inference."""
    import onnx

    from dslc.backends.onnx.check import check

    try:
        check(graph)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise Failure(InvalidGraph(str(error).strip().splitlines()[0])) from error
    return "onnx: checker and strict shape inference accept the graph"


def check_placement(graph: OnnxModel) -> str:
    """Whether onnxruntime's CUDA provider takes every node, found without a GPU."""
    from dslc.backends.onnx.placement import leaving

    left = leaving(graph.graph)
    if left:
        raise Failure(*(NoCudaKernel(found.name, found.kind, found.reason) for found in left))
    return "placement: every node has a kernel in onnxruntime's CUDA provider"


def check_parity(model: Model, text: str, graph: OnnxModel, state: Mapping[str, Array]) -> str:
    """The generated module against onnxruntime: same weights, same random input, every result."""
    for package, extra in (("torch", "torch"), ("onnxruntime", "cpu")):
        if find_spec(package) is None:
            raise Failure(NotInstalled(package, extra, "`--check parity`"))
    import onnxruntime
    import torch

    module = module_from_text(text, model.entry)
    net = getattr(module, root_class(module))().eval()
    net.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in state.items()})
    rng = np.random.default_rng(0)
    inputs = {
        info: sample_input(value.type, model, rng)
        for info, value in zip(graph.graph.inputs, model.root.inputs, strict=True)
    }
    with torch.no_grad():
        results = net(*(torch.from_numpy(array) for array in inputs.values()))
    expected = [results] if isinstance(results, torch.Tensor) else list(results)
    session = onnxruntime.InferenceSession(graph.data(), providers=["CPUExecutionProvider"])
    worst = 0.0
    for name, ours, theirs in zip(graph.graph.outputs, session.run(None, inputs), expected, strict=True):
        difference = relative_difference(ours, theirs.numpy())
        if not difference <= LIMIT:
            raise Failure(OutputsDiffer(name, difference, LIMIT))
        worst = max(worst, difference)
    return f"parity: torch and onnxruntime agree within {worst:.1e}"


def sample_input(type: TensorType, model: Model, rng: np.random.Generator) -> Any:
    """A random input of a type at the default sizes: normal, small indices, or both truth values."""
    shape = tuple(model.sizes.value(size) for size in type.dims)
    if type.dtype.is_float:
        return rng.standard_normal(shape).astype(type.dtype.value)
    return rng.integers(0, 2, shape).astype(type.dtype.value)


def relative_difference(a: Array, b: Array) -> float:
    """The largest difference over the largest magnitude of `b`; 0 for two empty or two zero tensors."""
    if a.shape != b.shape:
        return float("inf")
    if not a.size:
        return 0.0
    scale = float(np.max(np.abs(b)))
    worst = float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64))))
    return worst / scale if scale else worst
