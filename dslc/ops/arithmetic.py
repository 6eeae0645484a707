"""Operators of two tensors, or of a tensor and a number, and functions of each element."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops.base import (
    Graph,
    InferContext,
    Local,
    NoMacs,
    NoParams,
    Op,
    Port,
    SameType,
    attr,
    op,
)
from dslc.ops.errors_tensor import BoolArithmetic, ClampBounds, RankMismatch, ShapeMismatch
from dslc.ops.torchtext import Arg, Form, In, PyExpr, PyInfix, PyPrefix, TorchContext, call, keyword
from dslc.types.const import Const
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType

# ---- shapes and element types that meet


def broadcast(
    c: InferContext, symbol: str, a: TensorType, b: TensorType, loose: tuple[bool, bool]
) -> TensorType:
    """The shape of two tensors joined element by element, with the element type of the first.

    Sizes are equal axis by axis, or one is 1. A loose side (a parameter) may have a lower rank, aligned at the
    right; where its number meets a size that depends on the input, that size is pinned.
    """
    if a.rank != b.rank and not (loose[1] if a.rank > b.rank else loose[0]):
        raise Reject(RankMismatch(symbol, str(a), str(b), (a.rank, b.rank)))
    rank = max(a.rank, b.rank)
    shift = rank - a.rank, rank - b.rank
    channel = joined_channel(a, b, shift, loose)
    dims: list[Size] = []
    words: list[Const | None] = []
    for axis in range(rank):
        left, right = axis - shift[0], axis - shift[1]
        if left < 0 or right < 0:
            side, at = (b, right) if left < 0 else (a, left)
            dims.append(side.dims[at])
            words.append(side.word(at))
            continue
        x, y = a.dims[left], b.dims[right]
        if isinstance(x, int) and x == 1:
            dims.append(y)
            words.append(b.word(right))
            continue
        if isinstance(y, int) and y == 1:
            dims.append(x)
            words.append(a.word(left))
            continue
        if any(loose) and isinstance(x, int) != isinstance(y, int):
            x, y = c.pin(x), c.pin(y)
        if isinstance(x, int) and isinstance(y, int):
            if x != y:
                mistake = ShapeMismatch(symbol, str(a), str(b), axis, (str(x), str(y)), axis == channel)
                raise Reject(mistake)
            dims.append(x)
        else:
            dims.append(c.equal(x, y))
        words.append(a.word(left) or b.word(right))
    return a.with_dims(tuple(dims), channel, tuple(words))


def joined_channel(
    a: TensorType, b: TensorType, shift: tuple[int, int], loose: tuple[bool, bool]
) -> int | None:
    """The channel axis of two tensors joined: of the side that is no parameter; none where two disagree."""
    left = None if a.channel is None else a.channel + shift[0]
    right = None if b.channel is None else b.channel + shift[1]
    if loose[0] != loose[1]:
        left, right = (right, left) if loose[0] else (left, right)
        return left if left is not None else right
    if left is None or right is None:
        return left if left is not None else right
    return left if left == right else None


def promoted(a: TensorType, b: TensorType) -> DType:
    """The element type of two numeric tensors joined, as torch promotes: float over int, then the wider.

    A scalar (rank 0) does not widen a tensor of its own kind (torch.result_type).
    """
    if a.dtype is b.dtype:
        return a.dtype
    if a.dtype is DType.BOOL or b.dtype is DType.BOOL:
        return b.dtype if a.dtype is DType.BOOL else a.dtype
    if a.dtype.is_float != b.dtype.is_float:
        return a.dtype if a.dtype.is_float else b.dtype
    if (a.rank == 0) != (b.rank == 0):
        return b.dtype if a.rank == 0 else a.dtype
    return DType.FLOAT32 if a.dtype.is_float else DType.INT64


def promoted_number(x: TensorType, number: object) -> DType:
    """The element type of a numeric tensor joined with a number."""
    return DType.FLOAT32 if isinstance(number, float) and not x.dtype.is_float else x.dtype


def converted(g: Graph, name: str, source: DType, target: DType) -> str:
    """A tensor with another element type, cast only if needed."""
    return name if source is target else str(g.op("Cast", [name], to=target))


def number_tensor(g: Graph, number: object, dtype: DType, like: str) -> str:
    """A number, or a size that depends on the input, as a scalar tensor."""
    if isinstance(number, bool | int | float):
        return g.scalar(float(number) if dtype.is_float else int(number), dtype)
    size: Size = number  # type: ignore[assignment]
    static = g.static(size)
    if static is not None:
        return g.scalar(static, dtype)
    vector = str(g.op("Squeeze", [g.extents([size], like), g.ints([0])]))
    return converted(g, vector, DType.INT64, dtype)


# ---- operators


class Binary(NoParams, NoMacs, Local, Op):
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
            self.check(x)
        if len(ins) == 2:
            a = broadcast(c, self.symbol, a, ins[1], (c.loose(0), c.loose(1)))
        return replace(a, dtype=self.result(self.common(*ins)))

    def check(self, x: TensorType) -> None:
        """A Reject for a side that the operator does not take."""
        if x.dtype is DType.BOOL:
            raise Reject(BoolArithmetic(self.symbol, str(x)))

    def common(self, *ins: TensorType) -> DType:
        """The element type in which the operator works."""
        return promoted(ins[0], ins[1]) if len(ins) == 2 else promoted_number(ins[0], self.number)

    def result(self, common: DType) -> DType:
        """The element type of the result."""
        return common

    def torch(self, t: TorchContext) -> Form:
        if self.number is None:
            return Form(function=PyInfix(self.symbol, In(0), In(1)))
        sides: tuple[PyExpr | Const, PyExpr | Const] = (In(0), t.attr("number"))
        return Form(function=PyInfix(self.symbol, *(reversed(sides) if self.swap else sides)))

    def onnx(
        self,
        g: Graph,
        x: tuple[str, ...],
        p: dict[str, str],
        ins: tuple[TensorType, ...],
        outs: tuple[TensorType, ...],
    ) -> str:
        common = self.common(*ins)
        sides = [converted(g, name, i.dtype, common) for name, i in zip(x, ins, strict=True)]
        if self.number is not None:
            sides.insert(0 if self.swap else 1, number_tensor(g, self.number, common, x[0]))
        return str(g.op(self.onnx_kind, sides))


@op("add")
class Add(Binary):
    """`a + b`, element by element; a size of 1 is repeated.

    ```dl
    net f on x[N, 8, 16, 16]:
        y = conv(8, 3) -> relu
        it + y
    ```
    """

    symbol: ClassVar[str] = "+"
    onnx_kind: ClassVar[str] = "Add"


@op("sub")
class Sub(Binary):
    """`a - b`, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        y = conv(8, 3) -> relu
        1 - (it - y)
    ```
    """

    symbol: ClassVar[str] = "-"
    onnx_kind: ClassVar[str] = "Sub"


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
        return dtype if dtype.is_float else DType.FLOAT32


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


class Comparison(Binary):
    """Rules of comparisons: truth values."""

    def result(self, common: DType) -> DType:
        return DType.BOOL


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

    def check(self, x: TensorType) -> None:
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

    def onnx(
        self,
        g: Graph,
        x: tuple[str, ...],
        p: dict[str, str],
        ins: tuple[TensorType, ...],
        outs: tuple[TensorType, ...],
    ) -> str:
        return str(g.op("Not", [super().onnx(g, x, p, ins, outs)]))


# ---- truth values


class Logical(NoParams, NoMacs, Local, Op):
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

    def torch(self, t: TorchContext) -> Form:
        return Form(function=PyInfix(self.symbol, In(0), In(1)))

    def onnx(
        self,
        g: Graph,
        x: tuple[str, ...],
        p: dict[str, str],
        ins: tuple[TensorType, ...],
        outs: tuple[TensorType, ...],
    ) -> str:
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
class Not(SameType, NoParams, NoMacs, Local, Op):
    """`not a` of a mask, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        where(not (it > 0), 0, it)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("a", rank=(0, None), dtype="bool"),)
    is_layer: ClassVar[bool] = False

    def torch(self, t: TorchContext) -> Form:
        return Form(function=PyPrefix("~", In(0)))

    def onnx(
        self,
        g: Graph,
        x: tuple[str, ...],
        p: dict[str, str],
        ins: tuple[TensorType, ...],
        outs: tuple[TensorType, ...],
    ) -> str:
        return str(g.op("Not", x))


# ---- functions of each element


@op("neg")
class Neg(NoParams, NoMacs, Local, Op):
    """`-a`, element by element.

    ```dl
    net f on x[N, 8, 16, 16]:
        -it
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("a", rank=(0, None), dtype="any"),)
    is_layer: ClassVar[bool] = False

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        if x.dtype is DType.BOOL:
            raise Reject(BoolArithmetic("-", str(x)))
        return x

    def torch(self, t: TorchContext) -> Form:
        return Form(function=PyPrefix("-", In(0)))

    def onnx(
        self,
        g: Graph,
        x: tuple[str, ...],
        p: dict[str, str],
        ins: tuple[TensorType, ...],
        outs: tuple[TensorType, ...],
    ) -> str:
        return str(g.op("Neg", x))


class Function(SameType, NoParams, NoMacs, Local, Op):
    """What functions of each element share; torch has each as a method of the op's name."""

    onnx_kind: ClassVar[str]
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(0, None)),)

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call(self.name, receiver=In(0)))

    def onnx(
        self,
        g: Graph,
        x: tuple[str, ...],
        p: dict[str, str],
        ins: tuple[TensorType, ...],
        outs: tuple[TensorType, ...],
    ) -> str:
        return str(g.op(self.onnx_kind, x))


@op("exp")
class Exp(Function):
    """The exponential of each element.

    ```dl
    net f on x[N, 8]:
        mean, logvar = linear(16) -> chunk(2)
        mean + exp(logvar / 2)
    ```
    """

    onnx_kind: ClassVar[str] = "Exp"


@op("log")
class Log(Function):
    """The natural logarithm of each element.

    ```dl
    net f on x[N, 8]:
        softmax -> log
    ```
    """

    onnx_kind: ClassVar[str] = "Log"


@op("sqrt")
class Sqrt(Function):
    """The square root of each element.

    ```dl
    net f on x[N, 8]:
        relu -> sqrt
    ```
    """

    onnx_kind: ClassVar[str] = "Sqrt"


@op("sin")
class Sin(Function):
    """The sine of each element, in radians.

    ```dl
    net f on x[N, 8]:
        concat(sin(it), cos(it))
    ```
    """

    onnx_kind: ClassVar[str] = "Sin"


@op("cos")
class Cos(Function):
    """The cosine of each element, in radians.

    ```dl
    net f on x[N, 8]:
        concat(sin(it), cos(it))
    ```
    """

    onnx_kind: ClassVar[str] = "Cos"


@op("abs")
class Abs(Function):
    """The absolute value of each element.

    ```dl
    net f on x[N, 8]:
        abs(it) + 1
    ```
    """

    onnx_kind: ClassVar[str] = "Abs"


@op("clamp")
class Clamp(NoParams, NoMacs, Local, Op):
    """Each element cut to a range: `min(max(x, least), most)`.

    ```dl
    net f on x[N, 8]:
        clamp(0, 6) -> clamp(min=1)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(0, None)),)
    min: float | None = attr(None)
    max: float | None = attr(None)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        if self.min is None and self.max is None:
            raise Reject(ClampBounds(None, None))
        if self.min is not None and self.max is not None and self.min > self.max:
            raise Reject(ClampBounds(self.min, self.max), at="min")
        return x

    def torch(self, t: TorchContext) -> Form:
        if self.min is None:
            return Form(function=call("clamp", keyword("max", t.attr("max")), receiver=In(0)))
        return Form(function=call("clamp", t.attr("min"), Arg(t.attr("max"), None, None), receiver=In(0)))

    def onnx(
        self,
        g: Graph,
        x: tuple[str, ...],
        p: dict[str, str],
        ins: tuple[TensorType, ...],
        outs: tuple[TensorType, ...],
    ) -> str:
        bounds = [None if b is None else g.scalar(b, ins[0].dtype) for b in (self.min, self.max)]
        return str(g.op("Clip", [x[0], *bounds]))
