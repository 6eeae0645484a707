"""Checks of a build that run before anything is written: `dslc build --check`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from copy import deepcopy
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dslc.diagnostics.model import Failure
from dslc.errors import InvalidGraph, NoCudaKernel, NoParity, NotInstalled, OutputsDiffer
from dslc.generated import module_from_text, root_class
from dslc.ir.model import Model
from dslc.types.tensor import DType, TensorType
from dslc.weights.memory import Array

if TYPE_CHECKING:
    from torch import nn

    from dslc.backends.onnx.model import OnnxModel

LIMIT = 1e-4
"""Greatest difference of an output, relative to its largest magnitude, in fp32."""

HALF_LIMIT = 2e-2
"""The same of a graph in fp16, whose every step is rounded to 11 bits, from the module in fp32."""

OWN_ERRORS = 20
"""Or a difference within so many times the error that PyTorch makes itself, of networks that amplify rounding."""

VISIBLE = 1e-2
"""Least change of a result from one input to another, relative as well, for a comparison that says something."""

GAINS = (1.0, 4.0)
"""Factors of the weights tried in turn: sigmoids have a slope of a quarter at most."""

CALIBRATION_BATCH = 3

State: TypeAlias = Mapping[str, Array]


def verify(
    model: Model,
    text: str,
    graph: OnnxModel,
    state: State,
    checks: Collection[str],
    emitted: Callable[[State], OnnxModel],
) -> list[str]:
    """A line for each check that holds; raises `Failure` for the first that does not.

    `graph` is that of `state`; `emitted` makes the graph of other weights.
    """
    found = []
    if "onnx" in checks:
        found.append(check_graph(graph))
    if "placement" in checks:
        found.append(check_placement(graph))
    if "parity" in checks:
        found.append(check_parity(model, text, graph, state, emitted))
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


def check_parity(model: Model, text: str, graph: OnnxModel, state: State, emitted: Callable[[State], OnnxModel]) -> str:
    """The generated module against onnxruntime: same weights, same random input, every result.

    Results that hardly depend on the input would agree whatever lies between. They are then compared for
    other weights too, of which `emitted` makes the graph.
    """
    for package, extra in (("torch", "torch"), ("onnxruntime", "cpu")):
        if find_spec(package) is None:
            raise Failure(NotInstalled(package, extra, "`--check parity`"))
    from dslc.weights.lively import lively

    if any(info.dtype is DType.BFLOAT16 for info in graph.graph.inputs.values()):
        raise Failure(NoParity("bfloat16"))
    module = module_from_text(text, model.entry)
    net = getattr(module, root_class(module))().eval()
    worst, seen = compare(model, net, graph, state)
    words = ""
    for gain in GAINS:
        if seen >= VISIBLE:
            break
        other = calibrated(model, net, lively(model.params, state, gain))
        again, seen = compare(model, net, emitted(other), other)
        worst = max(worst, again)
        words = ", also for weights that hide the input less" if seen >= VISIBLE else ", but hardly depend on the input"
    return f"parity: torch and onnxruntime agree within {worst:.1e}{words}"


def compare(model: Model, net: nn.Module, graph: OnnxModel, state: State) -> tuple[float, float]:
    """The largest difference of a result between both, and the least by which a result changes with the input.

    Both are relative to the result's largest magnitude. Raises `Failure` for a difference above `LIMIT`.
    """
    import onnxruntime
    import torch

    net.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in state.items()})
    rng = np.random.default_rng(0)
    kinds = [info.dtype for info in graph.graph.inputs.values()]
    drawn = [[sample_input(value.type, model, rng) for value in model.root.inputs] for _ in range(2)]
    given = [a.astype(k.value) if k.is_float else a for a, k in zip(drawn[0], kinds, strict=True)]
    inputs = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in given]
    limit = HALF_LIMIT if DType.FLOAT16 in kinds else LIMIT
    expected, changed = results(net, inputs), results(net, drawn[1])
    session = onnxruntime.InferenceSession(graph.data(), providers=["CPUExecutionProvider"])
    found = session.run(None, dict(zip(graph.graph.inputs, given, strict=True)))
    worst, seen = 0.0, float("inf")
    for index, (name, ours, theirs, other) in enumerate(
        zip(graph.graph.outputs, found, expected, changed, strict=True)
    ):
        difference = relative_difference(ours, theirs)
        if not difference <= limit and not difference <= OWN_ERRORS * own_error(net, inputs, index):
            raise Failure(OutputsDiffer(name, difference, limit))
        worst, seen = max(worst, difference), min(seen, relative_difference(other, theirs))
    return worst, seen


def results(net: nn.Module, inputs: Iterable[Array]) -> list[Array]:
    """What the module gives in evaluation, in order."""
    import torch

    with torch.no_grad():
        found = net(*(torch.from_numpy(array) for array in inputs))
    return [tensor.numpy() for tensor in ([found] if isinstance(found, torch.Tensor) else found)]


def own_error(net: nn.Module, inputs: Iterable[Array], index: int) -> float:
    """The error of PyTorch in one result, by a run in float64; 0 where a module of the user's has no such run."""
    exact = deepcopy(net).double()
    doubles = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in inputs]
    try:
        return relative_difference(results(net, inputs)[index], results(exact, doubles)[index])
    except RuntimeError:
        return 0.0


def calibrated(model: Model, net: nn.Module, state: State) -> dict[str, Array]:
    """The state dict with the statistics that batch norms see on a few random inputs.

    Each norm takes them right before it is applied, in evaluation: nothing is dropped, and no auxiliary result made.
    A channel that hardly varies is not blown up with its rounding errors: a pool of many places is much the same for
    all inputs.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    def take(norm: Any, args: tuple[Any, ...]) -> None:
        over = [axis for axis in range(args[0].ndim) if axis != 1]
        variance, mean = torch.var_mean(args[0].float(), over, correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(torch.maximum(variance, 0.1 * mean**2).clamp(min=1e-6))

    net.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in state.items()})
    norms = [m for m in net.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    hooks = [norm.register_forward_pre_hook(take) for norm in norms]
    rng = np.random.default_rng(1)
    results(net, [sample_input(value.type, model, rng, CALIBRATION_BATCH) for value in model.root.inputs])
    for hook in hooks:
        hook.remove()
    return {name: tensor.numpy().copy() for name, tensor in net.state_dict().items()}


def sample_input(type: TensorType, model: Model, rng: np.random.Generator, batch: int | None = None) -> Any:
    """A random input of a type at the default sizes: normal, small indices, or both truth values.

    `batch` replaces the sizes that every network leaves open.
    """
    at = dict.fromkeys(model.sizes.universal, batch) if batch is not None else {}
    shape = tuple(model.sizes.evaluate(size, at) for size in type.dims)
    if type.dtype.is_float:
        return rng.standard_normal(shape).astype(np.float32)
    return rng.integers(0, 2, shape).astype(type.dtype.value)


def relative_difference(a: Array, b: Array) -> float:
    """The largest difference over the largest magnitude of `b`; 0 for two empty or two zero tensors.

    Equal infinities and two NaNs agree; an infinity or a NaN agrees with nothing else.
    """
    if a.shape != b.shape:
        return float("inf")
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    differ = (a != b) & ~(np.isnan(a) & np.isnan(b))
    if not differ.any():
        return 0.0
    finite = b[np.isfinite(b)]
    scale = float(np.max(np.abs(finite))) if finite.size else 0.0
    worst = float(np.max(np.abs(a[differ] - b[differ])))
    return worst / scale if scale else worst
