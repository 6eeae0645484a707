"""What an op does to a signal at initialisation: the answers of its rule `signal`.

An answer is a record; `analysis/signal` has for each kind of answer the two rules, of values forward and of gradients
backward. `NoSignal` is an answer too: then nothing is said of what depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from dslc.record import frozen
from dslc.types.dim import Size


def figures(sizes: Iterable[Size]) -> tuple[int, ...]:
    """Sizes as numbers: the rule `signal` is asked with types at given sizes, the batch's too."""
    return tuple(size for size in sizes if isinstance(size, int))


@frozen
class NoSignal:
    """No rule is known, for the reason named; a sentence about the op, in lower case without a full stop."""

    reason: str


@frozen
class Curve:
    """Each element by itself: `f`, its derivative `slope`, and the places `kinks` where that jumps.

    `power`: the function is positively homogeneous, `f(x) = high * x` above 0 and `low * x` below: (low, high).
    `least`: it is defined above this alone, where values that come near to it have no mean.
    """

    name: str
    f: Callable[[float], float]
    slope: Callable[[float], float]
    kinks: tuple[float, ...] = ()
    power: tuple[float, float] | None = None
    least: float | None = None


@frozen
class Weighs:
    """A linear map by `weight`, with `bias` where there is one: each of `out` channels reads `fan` of the input's.

    `window`: kernel, stride, padding (before, after) and dilation for each axis of places; none: each place alone.
    `turned`: a transposed convolution, whose window lies over the result. `zeros`: places added are zeros. `unit`: the
    weight is `original` over its largest singular value, as a matrix of so many rows and columns.
    """

    fan: int
    out: int
    window: tuple[tuple[int, int, int, int, int], ...] = ()
    turned: bool = False
    zeros: bool = True
    unit: tuple[int, int] | None = None


@frozen
class Looks:
    """Reads rows of a table of weights by index."""


@frozen
class Keeps:
    """The input's values in other places or another order, some of them or all, or repeated.

    `axis`, `ranges`: result k holds places or channels `ranges[k]` (from, to) of that axis of the input. `mixed`: the
    channels of all parts stand among each other afterwards.
    """

    axis: int | None = None
    ranges: tuple[tuple[int, int], ...] = ()
    mixed: bool = False


@frozen
class Damps:
    """`x / (k + alpha * mean of x^2 over some channels beside) ** beta`."""

    alpha: float
    beta: float
    k: float


@frozen
class Pads:
    """The input with places of this value around it."""

    value: float


@frozen
class Joins:
    """The inputs side by side along `axis` of the result."""

    axis: int


@frozen
class Adds:
    """`first + sign * second`; or the input times `scale` plus `shift`."""

    sign: int = 1


@frozen
class Divides:
    """The quotient of two tensors, element by element: the first times `inverse` of the second."""

    inverse: Curve


@frozen
class Picks:
    """Values at indices, as if all were as frequent: each of `of` values is read `rate` times in the mean."""

    of: int
    rate: float


@frozen
class Ranks:
    """The `count` largest (`sign` -1: smallest) of `of` values along `axis`, and their indices."""

    axis: int
    count: int
    of: int
    sign: int


@frozen
class Peaks:
    """The largest of each `pieces` neighbouring channels."""

    pieces: int


@frozen
class Replaces:
    """`scale * x + shift`, but with probability `p` in training, by element, with `value` in place of x."""

    p: float
    value: float
    scale: float
    shift: float


@frozen
class Scales:
    """`x * by + shift`."""

    by: float
    shift: float = 0.0


@frozen
class Multiplies:
    """The product of two tensors, element by element."""


@frozen
class Gates:
    """One half of the channels times a function of the other half; `first`: the function is of the first half."""

    curve: Curve
    axis: int
    first: bool = False


@frozen
class Normalises:
    """`(x - mean) / sqrt(variance + eps)` over `over`, times `weight` plus `bias` where the op has them.

    `over`: `batch` (each channel over samples and places), `sample` (each channel over places), `channels` (each
    place), `groups` (a group of channels and all places). `centred`: the mean is subtracted. `length`: the result has
    length 1, not mean square 1. `parts`: the number of groups.
    """

    over: str
    eps: float
    centred: bool = True
    length: bool = False
    parts: int = 1


@frozen
class Pools:
    """The mean, the sum or the largest over windows, over `bins` for each axis, or over all places of `axes`.

    `window`: kernel, stride, padding (before, after) and dilation for each axis of places. `counted`: places added
    count in the mean. `sign`: -1 for the smallest.
    """

    how: str
    window: tuple[tuple[int, int, int, int, int], ...] = ()
    axes: tuple[int, ...] = ()
    bins: tuple[int, ...] = ()
    counted: bool = True
    sign: int = 1


@frozen
class Resizes:
    """A map at another size: places repeated (`nearest`), or means of neighbours, by a factor for each axis."""

    factor: tuple[float, ...]
    nearest: bool


@frozen
class Attends:
    """softmax(q k^T * scale + mask) v."""

    scale: float
    causal: bool


@frozen
class Softens:
    """Softmax along `axis`, or its logarithm."""

    axis: int
    log: bool = False


@frozen
class Contracts:
    """A sum of products of two tensors by letters, as in einsum: (letters of each input, letters of the result)."""

    sides: tuple[str, ...]
    result: str


@frozen
class Drops:
    """Zeroes with probability `p` in training and divides by 1 - p: each `element`, `channel` or `sample`."""

    p: float
    each: str = "element"


@frozen
class Recurs:
    """Recurrent layers over time: `kind` is lstm, gru, tanh or relu."""

    kind: str
    hidden: int
    layers: int
    ways: int
    biased: bool
    drop: float = 0.0


@frozen
class Constant:
    """Numbers that no weight and no input has a part in, of this mean and mean square."""

    mean: float
    square: float


@frozen
class Masks:
    """Numbers by place alone, 0 or so far below that softmax leaves nothing: a mask."""


Signal: TypeAlias = (
    NoSignal
    | Curve
    | Weighs
    | Looks
    | Keeps
    | Joins
    | Pads
    | Damps
    | Adds
    | Divides
    | Picks
    | Ranks
    | Peaks
    | Replaces
    | Scales
    | Multiplies
    | Gates
    | Normalises
    | Pools
    | Resizes
    | Attends
    | Softens
    | Contracts
    | Drops
    | Recurs
    | Constant
    | Masks
)
