"""A use of an op as the tools meet it: its PyTorch class or function, and its shapes as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dslc.analysis.conventions.model import Applied
from dslc.ir.model import Node
from dslc.ir.walk import Step
from dslc.ops.torchtext import PyCall, PyExpr, PyIndex, PyInfix, PyPrefix
from dslc.record import entity
from dslc.types.const import Const, literal
from dslc.types.dim import evaluate
from dslc.types.tensor import TensorType


@entity
class Reader:
    """Answers an op's `torch` rule with values alone: only the names in its answer are wanted."""

    node: Node
    ins: tuple[TensorType, ...]
    outs: tuple[TensorType, ...]

    def attr(self, name: str) -> Const:
        return literal(getattr(self.node.op, name), self.node.span)

    def size(self, index: int, axis: int) -> Const:
        return literal(self.ins[index].dims[axis], self.node.span)

    def const(self, value: object) -> Const:
        return literal(value, self.node.span)

    def helper(self, name: str, source: str) -> str:
        return name


def applied(step: Step, node: Node, macs: int, at: Mapping[str, int]) -> Applied:
    """A use with the sizes `at`, which has a number for every symbol."""
    ins, outs = tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs)
    form = node.op.core.torch(Reader(node, ins, outs))
    return Applied(
        node.op.core,
        form.module.function if form.module is not None else "",
        name_of(form.function),
        tuple(calls_of(form.function)),
        ins,
        tuple(tuple(evaluate(size, at) for size in x.dims) for x in ins),
        tuple(tuple(evaluate(size, at) for size in x.dims) for x in outs),
        any(name.startswith("bias") for name in (*node.params, *node.tied)),
        macs,
    )


def name_of(function: PyExpr | None) -> str:
    """`F.relu` of `F.relu(x)`, `@` of `a @ b`; nothing for an expression that is neither."""
    if isinstance(function, PyCall):
        return function.function
    return function.op if isinstance(function, PyInfix) else ""


def calls_of(part: object) -> Iterator[str]:
    """The functions and methods that an expression calls, outermost first."""
    if isinstance(part, PyCall):
        yield part.function
        for inner in (part.receiver, *(a.value for a in part.args)):
            yield from calls_of(inner)
    elif isinstance(part, PyInfix):
        yield from calls_of(part.left)
        yield from calls_of(part.right)
    elif isinstance(part, PyPrefix | PyIndex):
        yield from calls_of(part.value)
