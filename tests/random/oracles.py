"""Whether all that is made of one program agrees: PyTorch in both printings, ONNX, shapes, weights, numbers, text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from dslc.api import compile_model
from dslc.backends.onnx.check import check as check_graph
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.graph import Array
from dslc.backends.onnx.model import OnnxModel
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Model, Value
from dslc.ir.walk import flatten
from dslc.record import replace
from dslc.types.tensor import DType
from dslc.weights.init import numpy_type
from tests.onnx.models import lively
from tests.random.case import NET, Case, Fault, Refused, blamed, differ
from tests.random.counts import at_sizes, bounds, formatted, multiply_adds
from tests.random.running import Judge, inputs, results, session, shape_of
from tests.torch_backend.common import both, network

OPEN_REFUSALS = frozenset({"E0317"})
"""Codes with which a graph of open sizes may be refused: the op has a form for numbers only."""


LINE = re.compile(r'(?<=<text>):[\d, ]+|"lines":\[[^]]*\]')


def check(case: Case) -> str:
    """What was compared, in a word. Raises `Refused`, `Fault`, or what a mistake of this code raises."""
    try:
        with blamed("check"):
            model = compiled(case)
    except Refused:
        raise
    steps = flatten(model)
    with blamed("torch text"):
        made = both(model)
        nets = [network(file, model.entry) for file in made]
    state = lively(model)
    for net in nets:
        parameters(model, net)
        load(net, state)
    for batch in (1, 3):
        in_evaluation(model, nets, {}, batch)
    at = other_sizes(model)
    if at:
        in_evaluation(model, nets, at, 2)
    refuses_others(model, nets[0])

    load(nets[0], held := rounded(state, case.dtype))
    judge = Judge(model, steps, nets[0], case.dtype)
    graph = exported(model, held, case.dtype)
    runs = case.dtype is not DType.BFLOAT16
    if runs:
        with blamed("onnxruntime"):
            static = session(graph, optimise=True)
        judge.compare(static, {}, 1, "static graph")
    said = open_graphs(case, model, held, judge, at) if runs else "bfloat16"
    if judge.half is not None:
        in_16_bits(model, judge)

    numbers(case, model, nets[0], at)
    same_bytes(case, model, held, graph, made[0].text)
    load(nets[0], state)
    for batch in (1, 3):
        in_training(model, nets, batch, state)
    return said


def compiled(case: Case) -> Model:
    try:
        return compile_model(case.text, NET)
    except CompileError as error:
        first = error.diagnostics[0]
        raise Refused(str(first.code), first.message) from None


# ---- weights


def parameters(model: Model, net: nn.Module) -> None:
    wanted = {
        k: (p.spec.shape, numpy_type(p.spec.dtype).name) for k, p in model.params.items() if p.spec.kind != "const"
    }
    found = {k: (tuple(t.shape), str(t.dtype).removeprefix("torch.")) for k, t in net.state_dict().items()}
    if found != wanted:
        raise Fault("parameters", f"torch and the model differ in {sorted(dict(found.items() ^ wanted.items()))}")
    trained = {name for name, _ in net.named_parameters(remove_duplicate=False)}
    differ("parameters", trained, {k for k, p in model.params.items() if p.spec.kind == "param"}, "trained")


def load(net: nn.Module, state: Mapping[str, Array]) -> None:
    with blamed("parameters"):
        net.load_state_dict({k: torch.from_numpy(a.copy()) for k, a in state.items()}, strict=True)


def rounded(state: Mapping[str, Array], dtype: DType) -> dict[str, Array]:
    """Weights that a type holds exactly, as float32."""
    kind = getattr(torch, dtype.value)
    floats = {k: torch.from_numpy(a).to(kind).float().numpy() for k, a in state.items() if a.dtype.kind == "f"}
    return {**state, **floats}


# ---- PyTorch


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


def stated(model: Model, found: Sequence[Tensor], training: bool, sizes: Mapping[str, int], batch: int) -> None:
    """Shapes and types of the results are those inferred."""
    flags = model.root.train_only or (False,) * len(model.root.outputs)
    outputs = [v for v, only in zip(model.root.outputs, flags, strict=True) if training or not only]
    wanted = [(shape_of(model, v, sizes, batch), numpy_type(v.type.dtype).name) for v in outputs]
    kinds = [(tuple(t.shape), str(t.dtype).removeprefix("torch.")) for t in found]
    differ("shape", kinds, wanted, f"torch at {dict(sizes)}, batch {batch}")


def equal(one: Sequence[Tensor], other: Sequence[Tensor], what: str) -> None:
    same = len(one) == len(other) and all(
        a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(one, other, strict=True)
    )
    if not same:
        raise Fault("merged", f"{what}: merged and unmerged differ")


def in_evaluation(model: Model, nets: Sequence[nn.Module], sizes: Mapping[str, int], batch: int) -> None:
    given = inputs(model, sizes, batch)
    with blamed("torch run"):
        one, other = (results(net, given) for net in nets)
    equal(one, other, f"evaluation, batch {batch}, {dict(sizes)}")
    stated(model, one, False, sizes, batch)


def in_training(model: Model, nets: Sequence[nn.Module], batch: int, state: Mapping[str, Array]) -> None:
    """Both printings train alike; where PyTorch refuses to (batch norm of one value), both refuse."""
    given, said = inputs(model, {}, batch), []
    for net in nets:
        load(net, state)
        try:
            said.append(results(net, given, training=True))
        except ValueError as error:
            if "more than 1" not in str(error):
                raise Fault("torch run", f"in training: {error}") from error
            said.append([])
        except RuntimeError as error:
            raise Fault("torch run", f"in training: {str(error).splitlines()[0]}") from error
    equal(said[0], said[1], f"training, batch {batch}")
    if said[0]:
        stated(model, said[0], True, {}, batch)
        after = [list(net.state_dict().values()) for net in nets]
        equal(after[0], after[1], f"statistics after training, batch {batch}")


def refuses_others(model: Model, net: nn.Module) -> None:
    """A size that is not allowed is refused by the generated code."""
    for name, default in model.sizes.default.items():
        if name in model.sizes.universal or name in model.sizes.same:
            continue
        near = [n for n in range(max(default - 9, 1), default + 9) if n not in model.sizes.domain[name]]
        for size in near[:1]:
            try:
                results(net, inputs(model, {name: size}, 1))
            except (ValueError, RuntimeError, AssertionError):
                continue
            raise Fault("guards", f"{name} = {size} is not allowed, and the generated code takes it")


def in_16_bits(model: Model, judge: Judge) -> None:
    """The module in a 16-bit type gives shapes and types as stated; an op of which PyTorch has no kernel says so."""
    assert judge.half is not None
    try:
        found = results(judge.half, judge.halved(judge.given({}, 1, 0)))
    except NotImplementedError as error:
        if "not implemented for" in str(error):
            return
        raise Fault("torch run in 16 bits", str(error)) from error
    except Exception as error:
        raise Fault("torch run in 16 bits", f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    kinds = [(tuple(t.shape), str(t.dtype).removeprefix("torch.")) for t in found]
    wanted = [(shape_of(model, v, {}, 1), v.type.built(judge.dtype).dtype.value) for v in outputs(model)]
    differ("shape", kinds, wanted, f"torch in {judge.dtype.value}")


def outputs(model: Model) -> list[Value]:
    flags = model.root.train_only or (False,) * len(model.root.outputs)
    return [v for v, only in zip(model.root.outputs, flags, strict=True) if not only]


# ---- ONNX


def emitted(model: Model, state: Mapping[str, Array], dtype: DType, dynamic: Sequence[str] = ()) -> OnnxModel:
    return emit(model, state, dynamic=dynamic, dtype=dtype)


def exported(model: Model, state: Mapping[str, Array], dtype: DType, dynamic: Sequence[str] = ()) -> OnnxModel:
    with blamed("onnx emit"):
        graph = emitted(model, state, dtype, dynamic)
    with blamed("onnx checker"):
        check_graph(graph)
    return graph


def open_graphs(case: Case, model: Model, state: Mapping[str, Array], judge: Judge, at: Mapping[str, int]) -> str:
    """Graphs with an open batch, and with all sizes open where all ops have a form for that."""
    universal = tuple(s for s in model.sizes.default if s in model.sizes.universal)
    if universal:
        graph = exported(model, state, case.dtype, universal)
        with blamed("onnxruntime"):
            held = session(graph, optimise=False)
        for batch in (1, 3):
            judge.compare(held, {}, batch, f"open batch, {batch}")
    if not at:
        return "no open size"
    try:
        graph = exported(model, state, case.dtype, tuple(model.sizes.default))
    except Fault as fault:
        if fault.who == "onnx emit" and fault.words.split()[0] in OPEN_REFUSALS:
            return f"no open graph: {fault.words.split()[0]}"
        raise
    with blamed("onnxruntime"):
        held = session(graph, optimise=True)
    for sizes in ({}, at):
        judge.compare(held, sizes, 2, f"open sizes, {dict(sizes)}")
    return "open sizes"


# ---- numbers and text


def numbers(case: Case, model: Model, net: nn.Module, at: Mapping[str, int]) -> None:
    steps = flatten(model)
    multiply_adds(model, steps, net, inputs(model, {}, 1))
    bounds(model, steps)
    if at:
        at_sizes(case, model, steps, at)


def same_bytes(case: Case, model: Model, state: Mapping[str, Array], graph: OnnxModel, text: str) -> None:
    """Built again, from the program as `fmt` writes it: the same bytes.

    Steps of one line of a program are nested in one line of PyTorch, so its text is compared only where `fmt` moved no
    step to another line; the graph always is.
    """
    laid = formatted(case)
    moved = filled(laid) != filled(case.text)
    with blamed("fmt"):
        again = compile_model(laid, NET)
        different = both(again)[0].text
    with blamed("onnx emit"):
        found = emitted(again, state, case.dtype)
    if not moved and plainly(different) != plainly(text):
        raise Fault("bytes", "the PyTorch text of the formatted program differs")
    if stripped(found) != stripped(graph):
        raise Fault("bytes", "the graph of the formatted program differs")


def filled(text: str) -> int:
    """The number of lines that hold something."""
    return sum(1 for line in text.splitlines() if line.strip())


def plainly(text: str) -> str:
    """A text without the numbers of the program's lines, which `fmt` may move or make several of one."""
    return LINE.sub("", text)


def stripped(graph: OnnxModel) -> bytes:
    """The bytes of a graph without such numbers."""
    metadata = {key: plainly(value) for key, value in graph.metadata.items()}
    return replace(graph, metadata=metadata).data()
