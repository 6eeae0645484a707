"""Whether what is made of one program agrees: both ways of printing PyTorch, ONNX, and the shapes that dslc states."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from dslc.api import compile_model
from dslc.backends.onnx.check import check
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.graph import Array
from dslc.backends.onnx.model import OnnxModel
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Model
from dslc.weights.init import numpy_type
from tests.onnx.models import lively, run
from tests.torch_backend.common import both, flat, network

TOLERANCE = 1e-4
"""Of ONNX, relative to the largest value; where PyTorch itself errs more in float32, twenty times its error."""


class Disagreement(AssertionError):
    """Two descriptions of one network differ."""


def agree(text: str) -> bool:
    """Check one program. False if dslc refuses it; raises Disagreement, or whatever a compiler bug raises."""
    try:
        model = compile_model(text)
    except CompileError:
        return False
    networks = tuple(network(made, model.entry) for made in both(model))
    state = lively(model)
    for net in networks:
        same_names(model, net)
        load(net, state)
    for batch in (1, 3):
        in_evaluation(model, networks, {}, batch)
    graphs = {"static": emit(model, state), "dynamic N": emit(model, state, dynamic=universal(model))}
    for name, graph in graphs.items():
        check(graph)
        for batch in (1,) if name == "static" else (1, 3):
            of_graph(model, networks[0], run(graph, arrays(model, {}, batch), optimise=batch == 3), {}, batch, name)
    at = other_sizes(model)
    if at:
        in_evaluation(model, networks, at, 2)
        open_graph = with_open_sizes(model, state)
        for sizes in ({}, at):
            if open_graph is None:
                break
            of_graph(model, networks[0], run(open_graph, arrays(model, sizes, 2)), sizes, 2, f"dynamic, {sizes}")
    refuses_others(model, networks[0])
    for batch in (1, 3):
        in_training(model, networks, batch, state)
    return True


def with_open_sizes(model: Model, state: Mapping[str, Array]) -> OnnxModel | None:
    """The graph for all allowed sizes; none where an op has no form for them (E0317)."""
    try:
        graph = emit(model, state, dynamic=tuple(model.sizes.default))
    except CompileError as error:
        if {d.code for d in error.diagnostics} == {"E0317"}:
            return None
        raise
    check(graph)
    return graph


# ---- weights and inputs


def same_names(model: Model, net: nn.Module) -> None:
    wanted = {
        k: (p.spec.shape, numpy_type(p.spec.dtype).name) for k, p in model.params.items() if p.spec.kind != "const"
    }
    found = {k: (tuple(t.shape), str(t.dtype).removeprefix("torch.")) for k, t in net.state_dict().items()}
    if found != wanted:
        raise Disagreement(f"state dict: {dict(found.items() ^ wanted.items())}")


def load(net: nn.Module, state: Mapping[str, Array]) -> None:
    net.load_state_dict({k: torch.from_numpy(a.copy()) for k, a in state.items()}, strict=True)


def universal(model: Model) -> tuple[str, ...]:
    return tuple(s for s in model.sizes.default if s in model.sizes.universal)


def shapes(model: Model, values: Sequence[object], sizes: Mapping[str, int], batch: int) -> list[tuple[int, ...]]:
    at = {**sizes, **dict.fromkeys(model.sizes.universal, batch)}
    return [tuple(model.sizes.evaluate(d, at) for d in v.type.dims) for v in values]  # type: ignore[attr-defined]


def arrays(model: Model, sizes: Mapping[str, int], batch: int) -> dict[str, Array]:
    """Random inputs by name; the first samples are those of a smaller batch."""
    found: dict[str, Array] = {}
    inputs = model.root.inputs
    for value, shape in zip(inputs, shapes(model, inputs, sizes, batch), strict=True):
        rng = np.random.default_rng(5)
        assert value.name is not None
        if value.type.dtype.is_float:
            found[value.name] = rng.normal(size=shape).astype(np.float32)
        else:
            found[value.name] = rng.integers(0, 5, shape).astype(value.type.dtype.value)
    return found


def tensors(model: Model, sizes: Mapping[str, int], batch: int) -> list[Tensor]:
    return [torch.from_numpy(a) for a in arrays(model, sizes, batch).values()]


def other_sizes(model: Model) -> dict[str, int]:
    """For each size of the input with a default, the next but one that is allowed, if there is one near."""
    found = {}
    for name, default in model.sizes.default.items():
        if name in model.sizes.universal or name in model.sizes.same:
            continue
        allowed = [n for n in range(default + 1, default + 65) if n in model.sizes.domain[name]]
        if allowed:
            found[name] = allowed[min(1, len(allowed) - 1)]
    return found


# ---- runs


def results(net: nn.Module, inputs: Sequence[Tensor], training: bool) -> list[Tensor] | str:
    """The tensors of a run; where PyTorch refuses it (batch norm of one value), what it says."""
    torch.manual_seed(5)
    with torch.no_grad():
        try:
            return flat(net.train(training)(*inputs))
        except ValueError as error:
            if training and "more than 1" in str(error):
                return str(error)
            raise


def equal(one: Sequence[Tensor], other: Sequence[Tensor], what: str) -> None:
    if len(one) != len(other):
        raise Disagreement(f"{what}: {len(one)} results and {len(other)}")
    for a, b in zip(one, other, strict=True):
        if a.shape != b.shape or not torch.equal(a.nan_to_num(), b.nan_to_num()):
            raise Disagreement(f"{what}: merged and unmerged differ")


def stated(model: Model, found: Sequence[Tensor], training: bool, sizes: Mapping[str, int], batch: int) -> None:
    flags = model.root.train_only or (False,) * len(model.root.outputs)
    outputs = [v for v, only in zip(model.root.outputs, flags, strict=True) if training or not only]
    wanted = shapes(model, outputs, sizes, batch)
    if [tuple(t.shape) for t in found] != wanted:
        raise Disagreement(f"results of {[tuple(t.shape) for t in found]}, stated {wanted}")


def in_evaluation(model: Model, networks: Sequence[nn.Module], sizes: Mapping[str, int], batch: int) -> None:
    inputs = tensors(model, sizes, batch)
    one, other = (results(net, inputs, False) for net in networks)
    assert not isinstance(one, str) and not isinstance(other, str)
    equal(one, other, f"evaluation, batch {batch}, {dict(sizes)}")
    stated(model, one, False, sizes, batch)


def in_training(model: Model, networks: Sequence[nn.Module], batch: int, state: Mapping[str, Array]) -> None:
    inputs = tensors(model, {}, batch)
    for net in networks:
        load(net, state)
    one, other = (results(net, inputs, True) for net in networks)
    if isinstance(one, str) or isinstance(other, str):
        if one != other:
            raise Disagreement(f"training, batch {batch}: {one!r} and {other!r}")
        return
    equal(one, other, f"training, batch {batch}")
    stated(model, one, True, {}, batch)
    states = [list(net.state_dict().values()) for net in networks]
    equal(states[0], states[1], f"statistics after training, batch {batch}")


def of_graph(
    model: Model, net: nn.Module, found: Mapping[str, Array], sizes: Mapping[str, int], batch: int, what: str
) -> None:
    """Outputs of onnxruntime against PyTorch's."""
    inputs = tensors(model, sizes, batch)
    wanted = results(net, inputs, False)
    assert not isinstance(wanted, str)
    if len(wanted) != len(found):
        raise Disagreement(f"{what}: {len(found)} results for {len(wanted)}")
    for index, (a, b) in enumerate(zip(found.values(), wanted, strict=True)):
        if a.shape != tuple(b.shape):
            raise Disagreement(f"{what}, batch {batch}: shape {a.shape} for {tuple(b.shape)}")
        if not bool(torch.isfinite(b).all()):
            continue
        error = relative(torch.from_numpy(a), b)
        if error > TOLERANCE and error > 20 * own_error(net, inputs, index):
            raise Disagreement(f"{what}, batch {batch}: onnxruntime differs by {error:.1e}")


def own_error(net: nn.Module, inputs: Sequence[Tensor], index: int) -> float:
    """PyTorch's error in float32, by a run in float64."""
    exact = copy.deepcopy(net).double()
    doubles = [x.double() if x.is_floating_point() else x for x in inputs]
    one, other = results(exact, doubles, False), results(net, inputs, False)
    assert not isinstance(one, str) and not isinstance(other, str)
    return relative(other[index].double(), one[index])


def relative(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-6))


def refuses_others(model: Model, net: nn.Module) -> None:
    """A size that is not allowed is refused by the generated code."""
    for name, default in model.sizes.default.items():
        if name in model.sizes.universal or name in model.sizes.same:
            continue
        wrong = [n for n in range(default - 9, default + 9) if n > 0 and n not in model.sizes.domain[name]]
        for size in wrong[:1]:
            try:
                results(net, tensors(model, {name: size}, 1), False)
            except (ValueError, RuntimeError, AssertionError):
                continue
            raise Disagreement(f"{name} = {size} is not allowed, and the generated code takes it")
