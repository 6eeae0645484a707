"""`--check parity`: the module and the graph, with the same weights, give the same results for every case tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from dslc.analysis.cost import costs
from dslc.analysis.feeds import feeds
from dslc.diagnostics.model import CompileError, Failure
from dslc.errors import OutputsDiffer, RunRaises
from dslc.ir.model import Model
from dslc.ir.walk import flatten
from dslc.parity.cases import ORDINARY, WHOLE, Case, random_sizes, sizes_to_try
from dslc.parity.inputs import RANGES, draw, kinds
from dslc.parity.judge import LIMITS, agree, relative_difference
from dslc.parity.sides import GRAPH, MODULE, GraphSide, ModuleSide, results, tried
from dslc.types.tensor import DType
from dslc.types.text import number_runs
from dslc.weights.lively import lively
from dslc.weights.memory import Array

if TYPE_CHECKING:
    from torch import nn

    from dslc.backends.onnx.model import OnnxModel

VISIBLE = 1e-2
"""Least change of a result from one input to another, relative as well, for a comparison that says something."""

GAINS = (1.0, 4.0)
"""Factors of the weights tried in turn: sigmoids have a slope of a quarter at most."""

CALIBRATION_BATCH = 3

FEW, MANY, ELEMENTS, MACS = 2, 256, 1 << 18, 1 << 12
"""At least and at most so many further rows of sizes for a graph that is open; between, so many elements of input in
all, of which each stands for so many multiply-adds.
"""

State: TypeAlias = Mapping[str, Array]


class Emit(Protocol):
    """The graph of other weights, at other sizes where it is static."""

    def __call__(self, weights: State, *, at: Mapping[str, int] = ...) -> OnnxModel: ...


class Comparison:
    """A network under comparison: its module by `make`, its graphs by `emitted`, in the type that both run in.

    `dynamic` names the sizes that are open in the graph itself; at other values of the rest a graph of its own is made.
    """

    def __init__(
        self, model: Model, make: Callable[[], nn.Module], emitted: Emit, dtype: DType, dynamic: Sequence[str] = ()
    ) -> None:
        self.model, self.make, self.emitted, self.dtype = model, make, emitted, dtype
        self.dynamic = frozenset(dynamic)
        self.flat = flatten(model)
        self.feeds = feeds(self.flat, model.root.inputs)
        self.limit = LIMITS[dtype]
        self.worst = 0.0
        self.cases: list[Case] = []

    def visible(self, module: ModuleSide, graph: GraphSide) -> float:
        """Compare for ordinary values; the least by which a result changes with the input."""
        case = Case(ORDINARY, {})
        expected, other = self.compare(module, graph, case, 0), self.compare(module, graph, case, 1)
        return min((relative_difference(b, a) for a, b in zip(expected, other, strict=True)), default=float("inf"))

    def everything(self, module: ModuleSide, graph: GraphSide, state: State) -> None:
        """Compare for every kind of values, and at every row of sizes."""
        for kind in kinds(self.model.root.inputs, self.feeds):
            self.compare(module, graph, Case(kind, {}), 2)
        rows = sizes_to_try(self.model.sizes)[1:]
        for sizes in rows + [row for row in self.more_sizes() if row not in rows]:
            case = Case(ORDINARY, sizes)
            other = graph if sizes.keys() <= self.dynamic else self.at(state, case)
            if other is not None:
                self.compare(module, other, case, 3)

    def more_sizes(self) -> list[dict[str, int]]:
        """Further sizes of what is open in the graph, more of them the less there is to compute."""
        elements = sum(prod(map(self.model.sizes.value, value.type.dims)) for value in self.model.root.inputs)
        work = max(1, elements, costs(self.model, self.flat).macs // MACS)
        count = max(FEW, min(MANY, ELEMENTS // work))
        return random_sizes(self.model.sizes, self.dynamic, count)

    def at(self, state: State, case: Case) -> GraphSide | None:
        """The graph at other sizes; none where an op has no form in ONNX at those."""
        try:
            graph = self.emitted(state, at=case.sizes)
        except (CompileError, Failure):
            return None
        return GraphSide(graph, self.dtype, case.text)

    def compare(self, module: ModuleSide, graph: GraphSide, case: Case, seed: int) -> list[Array]:
        """The module's results. Raises `Failure` where the graph's differ, or where one of both raises."""
        types = list(graph.inputs.values())
        given, expected = self.accepted(module, case, partial(draw, self.model, self.feeds, types, case, seed))
        found = tried(GRAPH, case.text, partial(graph.run, given))
        exact: list[list[Array] | None] = []

        def better(index: int) -> Array | None:
            if not exact:
                exact.append(module.exact(given))
            return None if exact[0] is None else exact[0][index]

        for index, (name, ours, theirs) in enumerate(zip(graph.names, found, expected, strict=True)):
            same, difference = agree(ours, theirs, partial(better, index), self.limit)
            if not same:
                raise Failure(OutputsDiffer(name, case.text, difference, self.limit))
            self.worst = max(self.worst, difference)
        self.cases.append(case)
        return expected

    def accepted(
        self, module: ModuleSide, case: Case, drawn: Callable[..., list[Array]]
    ) -> tuple[list[Array], list[Array]]:
        """Inputs with the module's results: of whole numbers of which nothing is known the widest that it accepts."""
        for between in RANGES[:-1] if case.kind == WHOLE else ():
            given = drawn(between=between)
            try:
                return given, tried(MODULE, case.text, partial(module.run, given))
            except Failure as failure:
                if not isinstance(failure.mistakes[0], RunRaises):
                    raise
        given = drawn()
        return given, tried(MODULE, case.text, partial(module.run, given))

    def line(self, words: str) -> str:
        """What was found, for people: `agree within 3e-07 on 9 inputs, N = 1, 2, 3; H = 1, 33, 64, 96`."""
        at = "; ".join(
            f"{name} = {number_runs(list({case.sizes.get(name, size) for case in self.cases}))}"
            for name, size in self.model.sizes.default.items()
        )
        found = f"agree within {self.worst:.1e} on {len(self.cases)} inputs"
        return f"parity: torch and onnxruntime {found}{', ' * bool(at)}{at}{words}"


def check_parity(
    model: Model,
    make: Callable[[], nn.Module],
    graph: OnnxModel,
    state: State,
    emitted: Emit,
    dtype: DType,
    dynamic: Sequence[str] = (),
) -> str:
    """The generated module against onnxruntime: same weights, same inputs, every result; the line to print.

    Results that hardly depend on the input would agree whatever lies between. They are then compared for other
    weights too. Raises `Failure`.
    """
    comparison = Comparison(model, make, emitted, dtype, dynamic)
    case = Case(ORDINARY, {}).text
    sides = ModuleSide(make, state, dtype), GraphSide(graph, dtype, case)
    seen, words = comparison.visible(*sides), ""
    for gain in GAINS:
        if seen >= VISIBLE:
            break
        state = calibrated(comparison, lively(model.params, state, gain))
        sides = ModuleSide(make, state, dtype), GraphSide(emitted(state), dtype, case)
        seen = comparison.visible(*sides)
        words = ", also for weights that hide the input less" if seen >= VISIBLE else ", but hardly depend on the input"
    comparison.everything(*sides, state)
    return comparison.line(words)


def calibrated(comparison: Comparison, state: State) -> dict[str, Array]:
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

    model = comparison.model
    net = ModuleSide(comparison.make, state, DType.FLOAT32).net
    norms = [m for m in net.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    hooks = [norm.register_forward_pre_hook(take) for norm in norms]
    case = Case(ORDINARY, dict.fromkeys(model.sizes.universal, CALIBRATION_BATCH))
    types = [DType.FLOAT32 if value.type.dtype.is_float else value.type.dtype for value in model.root.inputs]
    results(net, draw(model, comparison.feeds, types, case, 1))
    for hook in hooks:
        hook.remove()
    return {name: np.asarray(tensor.numpy().copy()) for name, tensor in net.state_dict().items()}
