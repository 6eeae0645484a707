"""Functions of each element."""

from __future__ import annotations

import math
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import curves
from dslc.ops.base import Graph, InferContext, Local, NoMacs, NoParams, Op, Port, SameType, Types, attr, op
from dslc.ops.counting import FlopPerElement, InPlace, SavesInput, SavesOutput
from dslc.ops.errors_product import ClampBounds
from dslc.ops.recovery import RecoversSame
from dslc.ops.signals import Signal
from dslc.ops.torchtext import Arg, Form, In, TorchContext, call, keyword
from dslc.types.tensor import TensorType


class Function(SameType, NoParams, NoMacs, FlopPerElement, InPlace, Local, Op):
    """What functions of each element share; torch has each as a method of the op's name."""

    onnx_kind: ClassVar[str]
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(0, None)),)

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call(self.name, receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op(self.onnx_kind, x))


@op("exp")
class Exp(SavesOutput, Function):
    """The exponential of each element.

    ```dl
    net f on x[N, 8]:
        centre, logvar = linear(16) -> chunk(2)
        centre + exp(logvar / 2)
    ```
    """

    onnx_kind: ClassVar[str] = "Exp"

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.EXP


@op("log")
class Log(SavesInput, Function):
    """The natural logarithm of each element.

    ```dl
    net f on x[N, 8]:
        softmax -> log
    ```
    """

    onnx_kind: ClassVar[str] = "Log"

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.LOG


@op("sqrt")
class Sqrt(SavesOutput, Function):
    """The square root of each element.

    ```dl
    net f on x[N, 8]:
        relu -> sqrt
    ```
    """

    onnx_kind: ClassVar[str] = "Sqrt"

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.SQRT


@op("sin")
class Sin(SavesInput, Function):
    """The sine of each element, in radians.

    ```dl
    net f on x[N, 8]:
        concat(sin(it), cos(it))
    ```
    """

    onnx_kind: ClassVar[str] = "Sin"

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.SIN


@op("cos")
class Cos(SavesInput, Function):
    """The cosine of each element, in radians.

    ```dl
    net f on x[N, 8]:
        concat(sin(it), cos(it))
    ```
    """

    onnx_kind: ClassVar[str] = "Cos"

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.COS


@op("abs")
class Abs(SavesInput, Function):
    """The absolute value of each element.

    ```dl
    net f on x[N, 8]:
        abs(it) + 1
    ```
    """

    onnx_kind: ClassVar[str] = "Abs"

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.rectifier("abs", -1.0)


@op("clamp")
class Clamp(RecoversSame, NoParams, NoMacs, FlopPerElement, InPlace, SavesInput, Local, Op):
    """Each element cut to a range: `min(max(x, least), most)`.

    ```dl
    net f on x[N, 8]:
        clamp(0, 6) -> clamp(min=1)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(0, None)),)
    min: float | None = attr(None)
    max: float | None = attr(None)

    def check(self) -> None:
        if self.min is None and self.max is None:
            raise Reject(ClampBounds(None, None))
        if self.min is not None and self.max is not None and self.min > self.max:
            raise Reject(ClampBounds(self.min, self.max), at="min")

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        self.check()
        return x

    def signal(self, ins: Types, outs: Types) -> Signal:
        least, most = (math.inf * sign if b is None else b for sign, b in ((-1, self.min), (1, self.max)))
        return curves.clipped("clamp", least, most)

    def torch(self, t: TorchContext) -> Form:
        if self.min is None:
            return Form(function=call("clamp", keyword("max", t.attr("max")), receiver=In(0)))
        return Form(function=call("clamp", t.attr("min"), Arg(t.attr("max"), None, None), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        bounds = [None if b is None else g.scalar(b, ins[0].dtype) for b in (self.min, self.max)]
        return str(g.op("Clip", [x[0], *bounds]))
