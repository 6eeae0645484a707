"""Run what a `torch` rule answers: slots by value, helpers executed, modules built, functions evaluated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dslc.ops.base import Op, Types
from dslc.ops.torchtext import (
    Arg,
    Attribute,
    Device,
    ElementType,
    Form,
    In,
    Own,
    PyCall,
    PyExpr,
    PyIndex,
    PyInfix,
    PyPrefix,
    PySequence,
)
from dslc.types.const import Const
from dslc.types.tensor import DType
from tests.ops.context import Torch


def text(value: Const | str | PyExpr) -> str:
    """The Python text of an expression: inputs are `x0`, `x1`; given tensors `given["weight"]`."""
    match value:
        case str():
            return value
        case Const():
            return f"torch.{value.value.value}" if isinstance(value.value, DType) else repr(value.value)
        case In(index):
            return f"x{index}"
        case Own(name):
            return f"given[{name!r}]"
        case Device():
            return 'torch.device("cpu")'
        case ElementType():
            return "torch.get_default_dtype()"
        case Attribute(of, name):
            return f"({text(of)}).{name}"
        case PyCall(function, args, receiver):
            shown = ", ".join(argument(a) for a in args if not left_out(a))
            return f"{function}({shown})" if receiver is None else f"({text(receiver)}).{function}({shown})"
        case PyInfix(op, left, right):
            return f"(({text(left)}) {op} ({text(right)}))"
        case PyPrefix(op, operand):
            return f"({op}({text(operand)}))"
        case PyIndex(indexed, items):
            return f"({text(indexed)})[{', '.join(map(item, items))}]"
        case PySequence(elements, bracket):
            inside = "".join(f"{argument(e)}, " for e in elements)
            return f"[{inside}]" if bracket == "[" else f"({inside})"
    raise TypeError(f"cannot render {value!r}")


def argument(arg: Arg) -> str:
    """An argument of a call."""
    return text(arg.value) if arg.name is None else f"{arg.name}={text(arg.value)}"


def left_out(arg: Arg) -> bool:
    """Whether an argument equals its default."""
    return isinstance(arg.value, Const) and arg.default is not ... and arg.value.value == arg.default


def item(part: Const | str | PyExpr | tuple[Const | str | None, ...]) -> str:
    """An item of an index."""
    if not isinstance(part, tuple):
        return text(part)
    start, stop, step = (*part, None, None)[:3]
    bounds = ":".join("" if end is None else text(end) for end in (start, stop))
    return bounds if step is None else f"{bounds}:{text(step)}"


@dataclass
class Rendered:
    """A use of an op in PyTorch."""

    form: Form
    names: dict[str, Any] = field(default_factory=dict)

    def build(self) -> nn.Module | None:
        """A new module, in evaluation mode; none where the op is a function only."""
        if self.form.module is None:
            return None
        module = eval(text(self.form.module), self.names)
        assert isinstance(module, nn.Module)
        return module.eval()

    def call(self, module: nn.Module | None, xs: Sequence[Tensor], given: Mapping[str, Tensor]) -> list[Tensor]:
        """The results of the module, or without one of the function."""
        scope = {**self.names, **{f"x{i}": x for i, x in enumerate(xs)}, "given": given, "module": module}
        if module is None:
            assert self.form.function is not None
            return as_list(eval(text(self.form.function), scope))
        arguments = self.form.arguments
        if arguments is None:
            arguments = tuple(map(In, range(len(xs))))
        result = eval(f"module({', '.join(map(text, arguments))})", scope)
        if self.form.unpack is None:
            return as_list(result)
        count = self.form.unpack.count("{")
        exec(
            f"{self.form.unpack.format(*(f'y{i}' for i in range(count)))} = result",
            scope | {"result": result},
            scope,
        )
        return [scope[f"y{i}"] for i in range(count)]


def as_list(result: Any) -> list[Tensor]:
    """One tensor or several as a list."""
    return [result] if isinstance(result, Tensor) else list(result)


def render(op: Op, ins: Types, outs: Types) -> Rendered:
    """The use of an op with inputs and results of these types."""
    context = Torch(op, ins, outs)
    form = op.torch(context)
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "math": math, "Tensor": Tensor}
    for source in context.helpers.values():
        exec(source, names)
    assert set(form.helpers) == set(context.helpers), "the form must list the helpers it registers"
    return Rendered(form, names)
