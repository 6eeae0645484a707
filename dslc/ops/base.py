"""What an op is: one class with every rule about it.

A class under `@op("name")` declares its attributes and its rules; one that lacks a rule or a docstring fails
at import, naming the rule. No base class invents an answer. The docstring is the page in the docs: first
line, then shapes and the formula with its source, then an example in a fence marked `dl`, compiled by tests.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, TypeVar, dataclass_transform

from dslc.ops.recovery import Recovers, RecoversSame
from dslc.record import frozen, replace
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType
from dslc.values.faces import InitialFace
from dslc.values.kinds import ANYTHING, Kind, of_annotation

if TYPE_CHECKING:
    from dslc.ops.counting import Saved, Storage
    from dslc.ops.signals import Signal
    from dslc.ops.torchtext import Form, TorchContext
    from dslc.types.const import Const
    from dslc.types.sizes import Sizes

RULES = ("infer", "params", "macs", "acts", "flops", "storage", "saved", "reach", "signal", "torch", "onnx")
REGISTRY: dict[str, type[Op]] = {}


@frozen
class Port:
    """A tensor input. `rank` is (least, most or none); `channel` the axis it needs: 1 for maps, -1 features.

    `dtype` is `float`, `int`, `bool` or `any`. `many` takes one or more tensors and stands last. Tensors of several
    ports are joined, so their floats are of one type, but where `joins` is false.
    """

    name: str
    rank: tuple[int, int | None] = (1, None)
    channel: int | None = None
    dtype: str = "float"
    many: bool = False
    optional: bool = False
    joins: bool = True


@frozen
class Init(InitialFace):
    """An initialiser: `kind` is torch's name without the underscore, `args` its numbers by name.
    Kinds: `zeros ones constant(value) uniform(a, b) normal(mean, std) trunc_normal(mean, std, a, b)
    xavier_uniform(gain) xavier_normal(gain) kaiming_uniform(a, mode, nonlinearity) kaiming_normal(..)
    orthogonal(gain) dirac eye`. `default`: PyTorch's own. `said`: the numbers that were written, with their origins.
    """

    kind: str
    args: tuple[tuple[str, float | str], ...] = ()
    default: bool = False
    said: tuple[tuple[str, Const], ...] = field(default=(), compare=False)

    @property
    def described(self) -> str:
        return f"an initialiser (`{self.kind}`)"


def chosen(given: Init | None, default: Init) -> Init:
    """The initialiser of a tensor: the one given, where it is not what PyTorch does anyway."""
    return default if given is None or (given.kind, given.args) == (default.kind, default.args) else given


@frozen
class ParamSpec:
    """A tensor owned by an op or a block.

    `kind`: `param` (trained), `buffer` (in the state dict), `const` (in neither). `fan_in` and `fan_out` as
    torch's `_calculate_fan_in_and_fan_out` gives them for the shape, unless set. `least` is the smallest number that
    it can hold, where there is one: a variance is never negative.
    """

    name: str
    shape: tuple[int, ...]
    init: Init
    kind: str = "param"
    dtype: DType = DType.FLOAT
    least: float | None = None

    @property
    def by(self) -> str:
        """The attribute that gives the initialiser of an op's parameter: `init` or `bias_init`."""
        return "bias_init" if self.name.startswith("bias") else "init"

    @property
    def count(self) -> int:
        """Number of elements."""
        n = 1
        for side in self.shape:
            n *= side
        return n


@frozen
class Work:
    """`count` multiply-adds for each of the product of `sizes` places; factored, so totals stay short."""

    count: int
    sizes: tuple[Size, ...] = ()


@frozen
class Window:
    """Receptive field of a sliding window, per spatial axis: kernel, stride, padding before, dilation.

    `wraps`: windows that reach over an edge read the places at the other one (circular padding).
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    wraps: bool = False


@frozen
class TransposedWindow:
    """Receptive field of a transposed convolution, per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]


@frozen
class Upsample:
    """Receptive field of an upsampling by a factor per axis.

    `nearest` repeats places, else two neighbours are read. `kind` says what is different from that: `exact` (the
    place nearest to the centre), `cubic` (four neighbours), `corners` (corner places match; also `cubic corners`),
    `wide` (antialiased: neighbours within the step; also `cubic wide`).
    """

    factor: tuple[float, ...]
    nearest: bool
    kind: str = ""


@frozen
class Bins:
    """Receptive field of adaptive pooling, per spatial axis: of n places in m bins, bin u reads the places
    floor(u*n/m) .. ceil((u+1)*n/m) - 1. Given where m > 1 and n is not known to be a multiple of it.
    """

    source: tuple[Size, ...]
    target: tuple[int, ...]


@frozen
class Pointwise:
    """Each place of the output reads the same place of every input."""


@frozen
class Shift:
    """Output place u reads input place `u + offset` per spatial axis (crop, pad); `wraps` as of a window."""

    offset: tuple[int, ...]
    wraps: bool = False


@frozen
class Global:
    """Every place of the output reads every place of the input, for the reason named; with `axes`, all along those."""

    cause: str
    axes: tuple[int, ...] | None = None


@frozen
class Move:
    """A digit of an axis that a pattern names: `(u // inner) % size` of place u along an axis of the input is
    `(v // within) % size` of place v along the axis `to` of the result.
    """

    axis: int
    inner: Size
    size: Size
    to: int
    within: Size


@frozen
class Axes:
    """The op moves axes: per axis of the output, the input axis whose places it keeps (none: mixed or new).

    `partitioned` says that places were regrouped (windows); the receptive field is then a hull. `offset` and `step`:
    per axis of the output, place u reads place `u*step + offset` (none given: zeros and ones). `moves`: every digit
    of every axis of the input, where the op is a pattern that only moves them (none given: not known).
    """

    source: tuple[int | None, ...]
    partitioned: bool = False
    offset: tuple[int, ...] = ()
    step: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()


@frozen
class Unknown:
    """The receptive field cannot be stated, for the reason named."""

    cause: str


Reach: TypeAlias = Window | TransposedWindow | Upsample | Bins | Pointwise | Shift | Global | Axes | Unknown

Types: TypeAlias = tuple[TensorType, ...]
Names: TypeAlias = tuple[str, ...]
SidesOf: TypeAlias = Sequence[int] | Callable[..., Sequence[int]]  # a shape, or what gives it for those of others


class InferContext(Protocol):
    """What `infer` may ask of its surroundings."""

    sizes: Sizes

    def equal(self, a: Size, b: Size) -> Size:
        """Two sizes that must be equal: the one kept; a guard where that depends on the input size."""

    def at_least(self, a: Size, b: Size) -> None:
        """`a >= b`, or a guard, or a Reject."""

    def divide(self, a: Size, m: Size) -> Size:
        """`a / m`, exact, or a guard, or a Reject."""

    def pin(self, a: Size) -> int:
        """A number: fixes the symbols of `a` at their defaults, because a weight depends on them."""

    def word(self, attribute: str) -> Const | None:
        """An attribute's constant, with its origin."""

    def count(self, parts: int) -> None:
        """Count what an op is made of, such as its results or layers, before they are listed."""

    def loose(self, index: int) -> bool:
        """Whether an input is a read of a `param`, `buffer` or `const`, whose rank may be lower."""


class Graph(Protocol):
    """What `onnx` rules write to: nodes of the use's own name space. Tensors are named by strings."""

    def op(
        self,
        kind: str,
        inputs: Sequence[str | None],
        outputs: int = 1,
        domain: str = "",
        **attributes: object,
    ) -> Any:
        """Add a node; the name of its output, or a tuple of names where `outputs` is above 1."""
        ...

    def ints(self, values: Sequence[int]) -> str:
        """A 1-D int64 constant."""
        ...

    def scalar(self, value: float | int, dtype: DType) -> str:
        """A scalar constant."""
        ...

    def floats(self, values: Any, shape: Sequence[int], dtype: DType = DType.FLOAT32) -> str:
        """A constant of any shape from a flat or nested sequence of numbers."""
        ...

    def weight_transposed(self, name: str) -> str:
        """The transpose of a 2-D tensor of `p`, for MatMul.

        A parameter that nothing reads otherwise is stored transposed, under its own name; a parameter with
        other readers, and a computed tensor, get a Transpose node.
        """
        ...

    def weight_reshaped(self, name: str, shape: Sequence[int]) -> str:
        """A tensor of `p` with the same elements in another shape: `[C, 1, 1]` to broadcast over a map.

        Stored in that shape, under its own name, where nothing reads it otherwise; else a Reshape node.
        """
        ...

    def extents(self, sizes: Sequence[Size], like: str | None = None) -> str:
        """A 1-D int64 tensor of sizes: a constant where static; at most computed from `like`'s shape."""
        ...

    def reshape(self, x: str, source: Sequence[Size], target: Sequence[Size]) -> str:
        """A Reshape that is right for every allowed size (0 copies an extent, one -1 is inferred)."""
        ...

    def weight(self, name: str, sources: Sequence[str], compute: Callable[..., Any], shape: SidesOf) -> str:
        """An initialiser computed at export from other initialisers: `compute` takes and gives numpy arrays.

        It is named after the use and `name`. Sources that nothing else reads are left out of the file. `shape`: that of
        the result, or what gives it for those of the sources.
        """
        ...

    def static(self, size: Size) -> int | None:
        """The number of a size in this export; none where it is kept symbolic."""
        ...


# ---- attributes

Sides: TypeAlias = int | tuple[int, ...]
"""One number for all spatial axes, or one each: `3`, `3x5`."""

Padding: TypeAlias = int | str | tuple[int, ...] | tuple[tuple[int, int], ...]
"""A number, one each, (before, after) pairs each, or `half`, `valid`, `same_tf`."""

Tensor: TypeAlias = object
"""An attribute given as a tensor (`weight=wte.weight`), which the node holds in `tied`. `params` lists it all the same,
so that its shape can be compared; no new tensor is made for it.
"""


@frozen
class Attr:
    """An attribute's rules: what it must be, and numbers between `least` and `most`."""

    name: str
    kind: Kind
    default: object
    required: bool
    least: float | None
    most: float | None
    choices: tuple[object, ...]
    symbolic: bool
    keyword: bool


def attr(
    default: Any = ...,
    *,
    min: float | None = None,
    max: float | None = None,
    choices: tuple[object, ...] = (),
    symbolic: bool = False,
    keyword: bool = False,
) -> Any:
    """An attribute of an op; without a default it must be given.

    `symbolic`: may be a size that depends on the input's; else such a value is pinned. `keyword`: only by
    name. The annotation names its kind, one of `values.kinds`: `int float bool str Sides Padding Init Tensor`,
    `int | None`, `tuple[int, ...]`, `bool | str` with `choices`, and so on; `Tensor` is a tensor value given as
    an argument.
    """
    return Attr("", ANYTHING, default, default is ..., min, max, choices, symbolic, keyword)


class Op(Recovers):
    """A use of an op: its attributes, checked, with defaults filled in. Rules take the inputs' types."""

    name: ClassVar[str]
    inputs: ClassVar[tuple[Port, ...]]
    attributes: ClassVar[dict[str, Attr]]
    absorbs_bias: ClassVar[bool] = False  # a norm that subtracts the mean per channel, so a bias before it is idle
    weightless: ClassVar[bool] = True  # never owns parameters: a function in generated code
    is_layer: ClassVar[bool] = True  # false: an operator such as `+`, which takes no number in a `seq`
    from_end: ClassVar[bool] = False  # its `places` may be negative: they count from the end
    extra: ClassVar[str | None] = None  # the attribute that takes unknown keyword arguments: ((name, Const), ...)
    gather: ClassVar[str | None] = None  # the attribute that takes all positional arguments, as one tuple
    holds: ClassVar[tuple[type[Op], ...]] = ()  # the layers it takes as its attribute `layer` and is made of
    numbers: ClassVar[dict[str, str]] = {}  # of an optional port: the attribute for a number given in its place

    def __init__(self, **values: object) -> None:
        for name, rules in self.attributes.items():
            if name not in values and rules.required:
                raise TypeError(f"op `{self.name}` needs `{name}`")
            self.__dict__[name] = values.pop(name, rules.default)
        if values:
            raise TypeError(f"op `{self.name}` has no attribute {', '.join(values)}")

    @property
    def core(self) -> Op:
        """The op that computes: this one, or the layer whose weight it computes (`wn(conv(..))`)."""
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"op `{self.name}` is frozen: use `replace`")

    @classmethod
    def held_names(cls) -> tuple[str, ...]:
        """The names of the layers that it takes as its attribute `layer`."""
        return tuple(held.name for held in cls.holds)

    def places(self, ins: Types) -> dict[int, Size]:
        """The inputs that hold indices, each with the number of places that it chooses from: values are 0 to n - 1."""
        return {}

    def replace(self, **values: object) -> Op:
        """This op with other attributes."""
        return type(self)(**{**self.__dict__, **values})

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.__dict__.items())})"

    if TYPE_CHECKING:  # the rules, RULES are required of every class under @op; `Any` lets each have its own ports

        def infer(self, c: InferContext, *ins: Any, **none: Any) -> TensorType | tuple[TensorType, ...]: ...
        def params(self, *ins: Any, **none: Any) -> tuple[ParamSpec, ...]: ...
        def macs(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> tuple[Work, ...]: ...
        def acts(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> tuple[Work, ...]: ...
        def flops(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> tuple[Work, ...]: ...
        def storage(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> Storage: ...
        def saved(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> Saved: ...
        def reach(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> Reach: ...
        def signal(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> Signal: ...
        def torch(self, t: TorchContext) -> Form: ...
        def onnx(
            self,
            g: Graph,
            x: tuple[str, ...],
            p: dict[str, str],
            ins: tuple[TensorType, ...],
            outs: tuple[TensorType, ...],
        ) -> str | tuple[str, ...]: ...


class NoParams:
    """Rules of an op without weights, stated by inheriting them."""

    def params(self, *ins: TensorType) -> tuple[ParamSpec, ...]:
        return ()


class NoMacs:
    """Rules of an op that is no linear map: 0 multiply-adds and no `acts` by definition (docs/numbers.md)."""

    def macs(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> tuple[Work, ...]:
        return ()

    def acts(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> tuple[Work, ...]:
        return ()


class OutputActs:
    """Rule of a linear map whose only product is its result: `acts` are the elements of it."""

    def acts(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> tuple[Work, ...]:
        return (Work(1, outs[0].dims),)


class Local:
    """Rule of an op that reads each place alone."""

    def reach(self, ins: tuple[TensorType, ...], outs: tuple[TensorType, ...]) -> Reach:
        return Pointwise()


class SameType(RecoversSame):
    """Rule of an op whose result has its input's type."""

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return x


@cache
def _declared(cls: type) -> dict[str, Attr]:
    """The attributes that the text of a class declares; most of these classes are bases of many ops."""
    own = [(key, rules, str(cls.__annotations__[key])) for key, rules in vars(cls).items() if isinstance(rules, Attr)]
    where = f"`{cls.__name__}`, attribute"
    return {key: replace(rules, name=key, kind=of_annotation(kind, f"{where} `{key}`")) for key, rules, kind in own}


OpType = TypeVar("OpType", bound=type[Any])


@dataclass_transform(field_specifiers=(attr,), kw_only_default=True, frozen_default=True, eq_default=False)
def op(name: str) -> Callable[[OpType], OpType]:
    """Register a class as the op called `name`, or say at import what it lacks."""

    def decorate(cls: OpType) -> OpType:
        missing = [rule for rule in RULES if not hasattr(cls, rule)]
        if missing:
            raise TypeError(f"op `{name}` lacks the rule {', '.join(missing)}")
        if not cls.__doc__ and sys.flags.optimize < 2:
            raise TypeError(f"op `{name}` lacks a docstring")
        if not hasattr(cls, "inputs"):
            raise TypeError(f"op `{name}` lacks its ports `inputs`")
        if name in REGISTRY:
            raise TypeError(f"op `{name}` is defined twice")
        cls.name = name
        cls.weightless = cls.params is NoParams.params
        cls.attributes = {key: rules for base in reversed(cls.__mro__) for key, rules in _declared(base).items()}
        REGISTRY[name] = cls
        return cls

    return decorate
