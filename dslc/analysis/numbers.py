"""Numbers of a program that a build in 16 bits would not hold, found without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dslc.analysis.emitted.graph import emitted
from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Model, Node, Param
from dslc.ir.walk import Flat
from dslc.source import Span
from dslc.types.errors_numbers import UnheldNumber
from dslc.types.floats import overflows, vanishes
from dslc.types.tensor import DType, is_half
from dslc.values.kinds import numbers_in


def unheld(model: Model, flat: Flat, dtype: DType) -> tuple[Diagnostic, ...]:
    """A mistake for each number that is infinite or zero in the type that `float` is to be, at the number.

    The rules that write a graph say which constants it has; a mask is one of those it holds. Of a table only what
    overflows counts, or all of it becoming zero: a sine that should be 0 is 1e-16.
    """
    if not is_half(dtype):
        return ()
    nodes = {step.path: step.node for step in flat.steps if isinstance(step.node, Node)}
    found: dict[object, Diagnostic] = {}
    for path, numbers, kind in emitted(model, flat, dtype=dtype).numbers:
        for number in _outside(numbers, kind):
            node = nodes[path]
            diagnostic = UnheldNumber("", number, kind.value).at(_written(node, number), node.frame)
            found.setdefault(diagnostic.key, diagnostic)
    for param in model.params.values():
        if param.spec.dtype is DType.FLOAT:
            for number in _outside(declared(param), dtype):
                if number > 0 or param.spec.kind == "param" or vanishes(number, dtype):
                    span = param.span or model.root.site
                    found.setdefault(param.path, UnheldNumber(param.path, number, dtype.value).at(span))
    return tuple(found.values())


def declared(param: Param) -> Sequence[float]:
    """The numbers that the program gives a tensor; none where they are drawn."""
    if param.values is not None:
        return numbers_in(param.values)
    return numbers_in(tuple(value for name, value in param.spec.init.args if param.spec.init.kind == "constant"))


def _outside(numbers: Sequence[float], dtype: DType) -> Iterator[float]:
    """The number of a constant furthest beyond a type, if there is one, or the largest of those that all vanish."""
    large = max(numbers, key=abs, default=0)
    if overflows(large, dtype) or vanishes(large, dtype):
        yield large
    elif large < 0:  # a table of masks may have another end
        most = max(numbers)
        if overflows(most, dtype):
            yield most


def _written(node: Node, number: float) -> Span:
    """Where a number stands in the program: as an argument, else the use that computes with it."""
    for const in node.consts.values():
        value = const.value
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) == abs(number):
            return const.span
    return node.span
