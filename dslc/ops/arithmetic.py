"""Operators of two tensors, or of a tensor and a number."""

from __future__ import annotations

from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import curves
from dslc.ops.base import Graph, InferContext, Local, NoMacs, NoParams, Op, Port, SameType, Types, attr, op
from dslc.ops.broadcasting import (
    broadcast,
    converted,
    masking,
    number_tensor,
    promoted,
    promoted_number,
    raised,
    saturated,
    working,
)
from dslc.ops.counting import NOTHING, FlopPerElement, Held, InPlace, Saved, SavesNothing
from dslc.ops.errors_dtype import BoolArithmetic
from dslc.ops.errors_product import NegativePower
from dslc.ops.recovery import Known, joined
from dslc.ops.signals import Adds, Constant, Divides, Multiplies, NoSignal, Scales, Signal
from dslc.ops.torchtext import Form, In, PyExpr, PyInfix, PyPrefix, TorchContext
from dslc.record import replace
from dslc.types.const import Const
from dslc.types.dim import Dim
from dslc.types.tensor import DType, TensorType


class Binary(NoParams, NoMacs, FlopPerElement, InPlace, Local, Op):
    """What the operators share: the second side is a tensor, or `number`, which `swap` puts on the left."""

    symbol: ClassVar[str]
    onnx_kind: ClassVar[str]
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("a", rank=(0, None), dtype="any"),
        Port("b", rank=(0, None), dtype="any", optional=True),
    )
    is_layer: ClassVar[bool] = False
    number: float | int | None = attr(None, symbolic=True)
    swap: bool = attr(False)

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        a = ins[0]
        for x in ins:
            self.takes(x)
        if len(ins) == 2:
            a = broadcast(c, self.symbol, a, ins[1], (c.loose(0), c.loose(1)))
        return replace(a, dtype=self.result(self.common(*ins)))

    def recover(self, ins: Known) -> Types:
        return tuple(replace(x, dtype=self.result(x.dtype)) for x in joined(ins))

    def takes(self, x: TensorType) -> None:
        """A Reject for a side that the operator does not take."""
        if x.dtype is DType.BOOL:
            raise Reject(BoolArithmetic(self.symbol, str(x)))

    def common(self, *ins: TensorType) -> DType:
        """The element type in which the operator works."""
        return promoted(self.symbol, ins[0], ins[1]) if len(ins) == 2 else promoted_number(ins[0], self.number)

    def result(self, common: DType) -> DType:
        """The element type of the result."""
        return common

    def masks(self, common: DType) -> bool:
        """Whether the number makes a mask of the other side: it takes the result below all that `common` holds."""
        return False

    def signal(self, ins: Types, outs: Types) -> Signal:
        return NoSignal(f"no rule for `{self.symbol}`")

    def torch(self, t: TorchContext) -> Form:
        if self.number is None:
            return Form(function=raised(t, PyInfix(self.symbol, In(0), In(1))))
        sides: tuple[PyExpr | Const, PyExpr | Const] = (In(0), t.attr("number"))
        return Form(function=raised(t, PyInfix(self.symbol, *(reversed(sides) if self.swap else sides))))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        common = working(ins, self.common(*ins))
        if self.masks(common):
            value = converted(g, x[0], common, DType.FLOAT32)
            both = [value, number_tensor(g, self.number, DType.FLOAT32, x[0])]
            return saturated(g, str(g.op(self.onnx_kind, both[:: -1 if self.swap else 1])), common)
        sides = [converted(g, name, i.dtype, common) for name, i in zip(x, ins, strict=True)]
        if self.number is not None:
            sides.insert(0 if self.swap else 1, number_tensor(g, self.number, common, x[0]))
        return converted(g, str(g.op(self.onnx_kind, sides)), self.result(common), outs[0].dtype)


def truth(ins: Types) -> Signal:
    """Truth values, as if both were as frequent: they have no gradient, so they may not come from values that have."""
    if any(x.dtype.is_float for x in ins):
        return NoSignal("a comparison of values has no gradient")
    return Constant(0.5, 0.5)


def figure(value: object) -> float:
    """A number of the program as a float."""
    assert isinstance(value, int | float)
    return float(value)


@op("add")
class Add(SavesNothing, Binary):
    """`a + b`, element by element; a size of 1 is repeated.

    ```dl
    net f on x[N, 8, 16, 16]:
        y = relu -> conv(8, 3)
        it + y
    ```
    """

    symbol: ClassVar[str] = "+"
    onnx_kind: ClassVar[str] = "Add"

    def masks(self, common: DType) -> bool:
        return masking(self.number, common)

    def signal(self, ins: Types, outs: Types) -> Signal:
        if len(ins) == 2:
            return Adds()
        return Scales(1.0, figure(self.number))


@op("sub")
class Sub(SavesNothing, Binary):
    """`a - b`, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        y = conv(8, 3) -> relu
        1 - (it - y)
    ```
    """

    symbol: ClassVar[str] = "-"
    onnx_kind: ClassVar[str] = "Sub"

    def masks(self, common: DType) -> bool:
        if isinstance(self.number, int | float) and not self.swap:
            return masking(-self.number, common)
        return masking(self.number, common)

    def signal(self, ins: Types, outs: Types) -> Signal:
        if len(ins) == 2:
            return Adds(-1)
        sign = -1.0 if self.swap else 1.0
        return Scales(sign, -sign * figure(self.number))


@op("mul")
class Mul(Binary):
    """`a * b`, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        gate = gap -> conv(8, 1) -> sigmoid
        it * gate
    ```
    """

    symbol: ClassVar[str] = "*"
    onnx_kind: ClassVar[str] = "Mul"

    def masks(self, common: DType) -> bool:
        return masking(self.number, common)

    def saved(self, ins: Types, outs: Types) -> Saved:
        # The gradient of each side is a multiple of the other; integers have none.
        return Saved(tuple(1 - i for i in reversed(range(len(ins))) if len(ins) == 2 and ins[i].dtype.is_float))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Multiplies() if len(ins) == 2 else Scales(figure(self.number))


@op("div")
class Div(Binary):
    """`a / b`, element by element; of integers too the result is a float.

    ```dl
    net f on x[N, 8, 16, 16]:
        it / 255
    ```
    """

    symbol: ClassVar[str] = "/"
    onnx_kind: ClassVar[str] = "Div"

    def common(self, *ins: TensorType) -> DType:
        dtype = super().common(*ins)
        return dtype if dtype.is_float else DType.FLOAT

    def saved(self, ins: Types, outs: Types) -> Saved:
        if len(ins) == 2:
            return Saved((0, 1)) if ins[1].dtype.is_float else Saved((1,)) if ins[0].dtype.is_float else NOTHING
        # PyTorch divides a number by a tensor as the number times the tensor's reciprocal, which it keeps.
        reciprocal = self.swap and ins[0].dtype.is_float
        return Saved(extra=(Held(1, outs[0].dims, outs[0].dtype),)) if reciprocal else NOTHING

    def signal(self, ins: Types, outs: Types) -> Signal:
        if len(ins) == 2:
            return Divides(curves.INVERSE)
        if self.swap:
            return curves.inverse(figure(self.number))
        return Scales(1 / figure(self.number))


@op("pow")
class Pow(Binary):
    """`a ** b`, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        it ** 2
    ```
    """

    symbol: ClassVar[str] = "**"
    onnx_kind: ClassVar[str] = "Pow"

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        result = super().infer(c, *ins)
        power: object = self.number
        if not self.swap and not result.dtype.is_float:
            if isinstance(power, Dim):
                c.at_least(power, 0)
            elif isinstance(power, int) and power < 0:
                raise Reject(NegativePower(str(ins[0]), power))
        return result

    def saved(self, ins: Types, outs: Types) -> Saved:
        if not any(x.dtype.is_float for x in ins):
            return NOTHING
        return Saved(tuple(range(len(ins))), (0,) if len(ins) == 2 or self.swap else ())

    def signal(self, ins: Types, outs: Types) -> Signal:
        if len(ins) == 2:
            return NoSignal("a power of two tensors has no rule: its mean depends on both at once")
        number = figure(self.number)
        if self.swap:
            return curves.exponents(number) if number > 0 else NoSignal(f"powers of {number:g} are not real everywhere")
        if number == 0:
            return Constant(1.0, 1.0)
        return curves.SQUARE if number == 2 else curves.power(number)


class Comparison(SavesNothing, Binary):
    """Rules of comparisons: truth values."""

    def result(self, common: DType) -> DType:
        return DType.BOOL

    def signal(self, ins: Types, outs: Types) -> Signal:
        return truth(ins)


@op("lt")
class Less(Comparison):
    """`a < b`: truth values.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(it < 0, 0, it)
    ```
    """

    symbol: ClassVar[str] = "<"
    onnx_kind: ClassVar[str] = "Less"


@op("le")
class LessOrEqual(Comparison):
    """`a <= b`: truth values.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(it <= 0, 0, it)
    ```
    """

    symbol: ClassVar[str] = "<="
    onnx_kind: ClassVar[str] = "LessOrEqual"


@op("gt")
class Greater(Comparison):
    """`a > b`: truth values.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(it > 0, it, 0)
    ```
    """

    symbol: ClassVar[str] = ">"
    onnx_kind: ClassVar[str] = "Greater"


@op("ge")
class GreaterOrEqual(Comparison):
    """`a >= b`: truth values.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(it >= 0, it, 0)
    ```
    """

    symbol: ClassVar[str] = ">="
    onnx_kind: ClassVar[str] = "GreaterOrEqual"


class Equality(Comparison):
    """Rules of `==` and `!=`, which truth values have too."""

    def takes(self, x: TensorType) -> None:
        pass


@op("eq")
class Equal(Equality):
    """`a == b`: truth values.

    ```dl
    net f on ids: int64[N, T=16], x[N, T, 8]:
        where((ids == 0)[:, :, none], 0, x)
    ```
    """

    symbol: ClassVar[str] = "=="
    onnx_kind: ClassVar[str] = "Equal"


@op("ne")
class NotEqual(Equality):
    """`a != b`: truth values.

    ```dl
    net f on ids: int64[N, T=16], x[N, T, 8]:
        where((ids != 0)[:, :, none], x, 0)
    ```
    """

    symbol: ClassVar[str] = "!="
    onnx_kind: ClassVar[str] = "Equal"

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Not", [super().onnx(g, x, p, ins, outs)]))


@op("neg")
class Neg(NoParams, NoMacs, FlopPerElement, InPlace, SavesNothing, Local, Op):
    """`-a`, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        concat(relu(it), relu(-it))
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("a", rank=(0, None), dtype="any"),)
    is_layer: ClassVar[bool] = False

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        if x.dtype is DType.BOOL:
            raise Reject(BoolArithmetic("-", str(x)))
        return x

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Scales(-1.0)

    def torch(self, t: TorchContext) -> Form:
        return Form(function=PyPrefix("-", In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Neg", x))


# ---- truth values


class Logical(NoParams, NoMacs, FlopPerElement, InPlace, SavesNothing, Local, Op):
    """What `and` and `or` of masks share."""

    symbol: ClassVar[str]
    word: ClassVar[str]
    onnx_kind: ClassVar[str]
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("a", rank=(0, None), dtype="bool"),
        Port("b", rank=(0, None), dtype="bool"),
    )
    is_layer: ClassVar[bool] = False

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        return broadcast(c, self.word, ins[0], ins[1], (c.loose(0), c.loose(1)))

    def recover(self, ins: Known) -> Types:
        return ()

    def signal(self, ins: Types, outs: Types) -> Signal:
        return truth(ins)

    def torch(self, t: TorchContext) -> Form:
        return Form(function=PyInfix(self.symbol, In(0), In(1)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op(self.onnx_kind, x))


@op("logical_and")
class And(Logical):
    """`a and b` of two masks, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(it > 0 and it < 6, it, 0)
    ```
    """

    symbol: ClassVar[str] = "&"
    word: ClassVar[str] = "and"
    onnx_kind: ClassVar[str] = "And"


@op("logical_or")
class Or(Logical):
    """`a or b` of two masks, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(it < 0 or it > 6, 0, it)
    ```
    """

    symbol: ClassVar[str] = "|"
    word: ClassVar[str] = "or"
    onnx_kind: ClassVar[str] = "Or"


@op("logical_not")
class Not(SameType, NoParams, NoMacs, FlopPerElement, InPlace, SavesNothing, Local, Op):
    """`not a` of a mask, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(not (it > 0), 0, it)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("a", rank=(0, None), dtype="bool"),)
    is_layer: ClassVar[bool] = False

    def signal(self, ins: Types, outs: Types) -> Signal:
        return truth(ins)

    def torch(self, t: TorchContext) -> Form:
        return Form(function=PyPrefix("~", In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Not", x))
