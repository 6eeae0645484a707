"""Runs of a case: random inputs, the generated module in PyTorch, the graph in onnxruntime."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from dslc.backends.onnx.graph import Array
from dslc.backends.onnx.model import OnnxModel
from dslc.ir.model import Model, Node, Value
from dslc.ir.walk import Flat
from dslc.types.tensor import DType
from tests.random.case import Fault, blamed
from tests.torch_backend.common import flat

LIMIT = 1e-4
"""Difference of outputs in float32, relative to the largest; or so many times the error that PyTorch makes itself:"""
OWN_ERRORS = 20.0
HALF_LIMIT = {DType.FLOAT16: 3e-2, DType.BFLOAT16: 2e-1}
DRAWS = 3
"""Inputs that are tried where outputs differ: a comparison that rounding turned over does so for one of them."""

BROKEN = frozenset("lt le gt ge eq ne topk one_hot cast threshold".split())
"""Ops by which a small error becomes a large one; in 16 bits only shapes and types are compared then."""


def shape_of(model: Model, value: Value, sizes: Mapping[str, int], batch: int) -> tuple[int, ...]:
    """The stated shape at sizes of the input; every size that has no default is `batch`."""
    at = {**sizes, **dict.fromkeys(model.sizes.universal, batch)}
    return tuple(model.sizes.evaluate(size, at) for size in value.type.dims)


def inputs(model: Model, sizes: Mapping[str, int], batch: int, draw: int = 0) -> dict[str, Tensor]:
    """Random inputs by name: floats are normal, whole numbers from 0 to 4."""
    found: dict[str, Tensor] = {}
    random = torch.Generator().manual_seed(5 + draw)
    for value in model.root.inputs:
        shape = shape_of(model, value, sizes, batch)
        assert value.name is not None
        if value.type.dtype.is_float:
            found[value.name] = torch.randn(shape, generator=random)
        elif value.type.dtype is DType.BOOL:
            found[value.name] = torch.rand(shape, generator=random) > 0.3
        else:
            dtype = getattr(torch, value.type.dtype.value)
            found[value.name] = torch.randint(0, 5, shape, generator=random).to(dtype)
    return found


def results(net: nn.Module, given: Mapping[str, Tensor], training: bool = False) -> list[Tensor]:
    """The tensors of a run, copied."""
    torch.manual_seed(5)
    with torch.no_grad():
        return [t.clone() for t in flat(net.train(training)(*given.values()))]


def session(graph: OnnxModel, optimise: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(graph.data(), options, providers=["CPUExecutionProvider"])


def run(held: onnxruntime.InferenceSession, given: Mapping[str, Array]) -> list[Array]:
    found: list[Array] = held.run(None, dict(given))
    return found


def finite_pattern(x: Array) -> Array:
    """What stands where no finite number does: 1 NaN, 2 and 3 the infinities."""
    return np.where(np.isnan(x), 1, np.where(np.isposinf(x), 2, np.where(np.isneginf(x), 3, 0)))


def relative(found: Array, wanted: Array) -> float:
    """The largest difference over the largest magnitude; infinite where they differ in more than rounding."""
    if wanted.dtype.kind in "biu":
        return 0.0 if np.array_equal(found, wanted) else float("inf")
    a, b = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if not np.array_equal(finite_pattern(a), finite_pattern(b)):
        return float("inf")
    finite = np.isfinite(b)
    if not finite.any():
        return 0.0
    return float(np.abs(a[finite] - b[finite]).max() / max(np.abs(b[finite]).max(), 1e-6))


def exactly(net: nn.Module, given: Mapping[str, Tensor]) -> list[Tensor] | None:
    """The same run in float64; none where the module computes a part in float32 of its own."""
    exact = copy.deepcopy(net).double()
    try:
        return results(exact, {k: x.double() if x.is_floating_point() else x for k, x in given.items()})
    except RuntimeError:
        return None


class Judge:
    """Compares onnxruntime's outputs with PyTorch's, in the type of the case."""

    def __init__(self, model: Model, steps: Flat, net: nn.Module, dtype: DType) -> None:
        self.model, self.net, self.dtype = model, net, dtype
        ops = {step.node.op.name for step in steps.steps if isinstance(step.node, Node)}
        self.values = dtype is DType.FLOAT32 or not ops & BROKEN
        self.half = copy.deepcopy(net).to(getattr(torch, dtype.value)) if dtype is not DType.FLOAT32 else None

    def given(self, sizes: Mapping[str, int], batch: int, draw: int) -> dict[str, Tensor]:
        """Inputs that the case's type holds exactly, as float32."""
        found = inputs(self.model, sizes, batch, draw)
        return {k: x.float() if x.is_floating_point() else x for k, x in self.halved(found).items()}

    def halved(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Inputs in the types that they have in a build of the case's type."""
        kinds = {v.name: v.type.built(self.dtype).dtype for v in self.model.root.inputs}
        return {k: x.to(getattr(torch, kinds[k].value)) for k, x in given.items()}

    def compare(self, held: onnxruntime.InferenceSession, sizes: Mapping[str, int], batch: int, what: str) -> None:
        """A fault where shapes differ, or values for most of the inputs tried."""
        worst, where = 0.0, 0
        for draw in range(DRAWS):
            error, index = self.difference(held, sizes, batch, draw, what)
            if draw == 0 and not error:
                return
            if not error:
                continue
            if worst:
                raise Fault("outputs", f"{what}: result {index} differs by {error:.1e}")
            worst, where = error, index
        if worst == float("inf") and where < 0:
            raise Fault("outputs", what)

    def difference(
        self, held: onnxruntime.InferenceSession, sizes: Mapping[str, int], batch: int, draw: int, what: str
    ) -> tuple[float, int]:
        """The first error beyond the limits and the result that has it; 0 where there is none."""
        given = self.given(sizes, batch, draw)
        with blamed("torch run"):
            wanted = [t.numpy() for t in results(self.net, given)]
        arrays = {k: x.numpy() for k, x in self.halved(given).items()}
        with blamed("onnxruntime"):
            found = run(held, arrays)
        shapes, stated = [a.shape for a in found], [b.shape for b in wanted]
        if shapes != stated:
            raise Fault("onnx shape", f"{what}: {shapes}, torch gives {stated}")
        kinds = [a.dtype.kind for a in found], [b.dtype.kind for b in wanted]
        if kinds[0] != kinds[1]:
            raise Fault("onnx type", f"{what}: {kinds[0]}, torch gives {kinds[1]}")
        if not self.values:
            return 0.0, 0
        own: list[float] | None = None
        for index, (a, b) in enumerate(zip(found, wanted, strict=True)):
            error = relative(a, b)
            if error <= (LIMIT if self.dtype is DType.FLOAT32 else HALF_LIMIT[self.dtype]):
                continue
            own = own if own is not None else self.own_errors(given, wanted)
            if not error <= OWN_ERRORS * own[index] and own[index] != float("inf"):
                return error, index
        return 0.0, 0

    def own_errors(self, given: Mapping[str, Tensor], wanted: Sequence[Array]) -> list[float]:
        """PyTorch's own error of each result: of float32 by a run in float64, of 16 bits by one in float32."""
        if self.half is not None:
            with blamed("torch run in 16 bits"):
                halves = results(self.half, self.halved(given))
            return [relative(h.float().numpy(), b) for h, b in zip(halves, wanted, strict=True)]
        exact = exactly(self.net, given)
        if exact is None:
            return [0.0] * len(wanted)
        return [relative(b, e.numpy()) for e, b in zip(exact, wanted, strict=True)]
