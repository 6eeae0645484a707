"""Guesses that are worth a warning: what the language takes for granted, where something speaks for another reading.

Each warning shows both readings. Which says what is meant: an edit for the likelier one, words for the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

from dslc.diagnostics.model import Applicability, Edit, Help, Mistake
from dslc.ops.axes import channel_axis
from dslc.ops.base import Op, Types
from dslc.ops.borders import Crop, Pad
from dslc.ops.convolution import Conv, Deconv
from dslc.ops.errors_axis import channels as counted
from dslc.ops.gating import LogSoftmax, Softmax
from dslc.ops.norm import BatchNorm, GroupNorm, RmsNorm
from dslc.ops.pool_adaptive import GlobalPool
from dslc.ops.shape import Flatten
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const
from dslc.types.dim import Size
from dslc.types.tensor import TensorType

Guess = tuple[Mistake, Span]
"""A warning, and the place of what it is about."""

HEIGHT, WIDTH = frozenset({"h", "height", "rows", "y"}), frozenset({"w", "width", "cols", "columns", "x"})
TIME = frozenset({"t", "time", "l", "length", "s", "seq", "steps", "tokens", "frames"})
CHANNELS = frozenset({"c", "ch", "channels", "d", "dim", "features"})
"""What axes of inputs and letters of patterns are called, in small letters."""

COLOURS = (1, 3, 4)
LARGE = 8
"""Places from which on an axis of an image is more likely height or width than channels of it."""
PHOTO = 28
"""Places from which on an axis whose batch is 3 is more likely that of one image."""


class ChannelsLast(Mistake, code="W0201", name="channels-last"):
    """An input's axis 1 is read as its channels, and its header says that they are elsewhere.

    Maps have their channels on axis 1: images are `[N, C, H, W]`, sequences that are convolved `[N, C, T]`, videos
    `[N, C, T, H, W]`. An image that was read from a file, or written for TensorFlow, has them last. Nothing stops
    `conv` there: it takes its height for channels, and the weights depend on it.

    The warning looks at the names and at the numbers of an input's header, and is given where the first layer of maps
    reads it. `channel_axis(1)` before that layer says that the axis does hold channels. Of such an input the channel
    axis is not known, so that `linear`, or a pattern that moves its axes, may come first.

    ```dl fails
    net f on image[N, H=224, W=224, 3]:
        conv(16, 3) -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=224, W=224]:
        conv(16, 3) -> gap -> flatten -> linear(10)
    ```

    Related: E0309, E0342.
    """

    confirming: ClassVar = 2  # of its proposals, the one that keeps the reading
    written: str
    axis: int  # where the header says that the channels are
    said: str  # what its axis 1 looks like: `H`, `224`
    channels: str
    meant: str  # the header with the channels on axis 1
    letters: str  # of the places, one each

    @property
    def message(self) -> str:
        return f"the channels of `{self.written}` are read on axis 1, which is `{self.said}`"

    @property
    def label(self) -> str:
        return f"axis 1 (`{self.said}`), or axis {self.axis} (`{self.channels}`)?"

    @property
    def help(self) -> tuple[Help, ...]:
        before = [*self.letters]
        before.insert(self.axis - 1, "c")
        pattern = f"n {' '.join(before)} -> n c {' '.join(self.letters)}"
        return (
            Help(f"{counted(self.channels)}: write `{self.meant}`", self.meant, applicability=Applicability.MAYBE),
            Help(f'if it comes like that: `rearrange("{pattern}")` before the first layer'),
            Help(f"{counted(self.said)}: `channel_axis(1)` before the first layer says so"),
        )


class NoBatch(Mistake, code="W0202", name="no-batch"):
    """The first axis of an input is its batch, and the header looks as if it had none.

    A network works on a batch: the first axis of each input is `N`, or the number of samples. `image[3, 32, 32]` is
    then a batch of 3 rows of 32 places with 32 channels, not an image of 3 channels. A batch of that size is possible,
    and `channel_axis(1)` before the first layer says that it is meant.

    ```dl fails
    net f on image[3, 32, 32]:
        conv(16, 3) -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, 32, 32]:
        conv(16, 3) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: E0308, W0201.
    """

    confirming: ClassVar = 1
    written: str
    batch: str
    channels: str  # as it is read
    alone: str  # as one image has them
    meant: str

    @property
    def message(self) -> str:
        samples = "1 sample" if self.batch == "1" else f"{self.batch} samples"
        return f"the first axis of `{self.written}` is the batch: {samples} of {counted(self.channels)}"

    @property
    def label(self) -> str:
        return "a batch without a name, or none?"

    @property
    def help(self) -> tuple[Help, ...]:
        return (
            Help(f"{counted(self.alone)}, any batch: `{self.meant}`", self.meant, applicability=Applicability.MAYBE),
            Help(f"a batch of {self.batch}: `channel_axis(1)` before the first layer says so"),
        )


class TorchOrder(Mistake, code="W0203", name="torch-order"):
    """The arguments of a convolution look like PyTorch's, which begin with the channels that come in.

    `nn.Conv2d(3, 7, 3)` is in, out, kernel. Here the channels that come in are known and not written: the arguments are
    out, kernel, stride. So `conv(3, 7, 3)` makes 3 channels with a kernel of 7 at stride 3. The warning is given where
    the first number is the channels that come in and the others are a kernel and a stride that few would choose; a
    stride by name is never taken for a kernel.

    ```dl fails
    net f on image[N, 3, H=32, W=32]:
        conv(3, 7, 3) -> gap -> flatten
    ```

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(7, 3) -> gap -> flatten
    ```

    Related: E0306.
    """

    confirming: ClassVar = 1
    op: str
    numbers: tuple[int, int, int]

    @property
    def message(self) -> str:
        out, kernel, stride = self.numbers
        made = counted(str(out))
        return f"`{self.op}({out}, {kernel}, {stride})` makes {made}, with a kernel of {kernel} at stride {stride}"

    @property
    def label(self) -> str:
        return "out, kernel, stride"

    @property
    def help(self) -> tuple[Help, ...]:
        first, second, third = self.numbers
        torch, named = f"{second}, {third}", f"{first}, {second}, s={third}"
        return (
            Help(
                f"in PyTorch's order, in, out, kernel: `{self.op}({torch})`; what comes in is not written",
                torch,
                applicability=Applicability.MAYBE,
            ),
            Help(
                f"a stride of {third}: say so by name, `{self.op}({named})`", named, applicability=Applicability.MAYBE
            ),
        )


class LargeEps(Mistake, code="W0204", name="large-eps"):
    """The first argument of a norm looks like PyTorch's, which is the number of channels.

    `nn.BatchNorm2d(64)` says how many channels come in, and `nn.GroupNorm(8, 64)` says it second. Here that is known
    and not written, and the number is taken for `eps`, which is added to the variance: a value far below 1. Nothing
    stops such a network, it only learns badly. A whole number that is given as `eps` by its place is warned of.

    ```dl fails
    net f on image[N, 3, H=32, W=32]:
        conv(64, 3) -> bn(64) -> relu -> gap -> flatten
    ```

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(64, 3) -> bn -> relu -> gap -> flatten
    ```

    Related: E0362, W0203.
    """

    op: str
    number: int
    edits: tuple[Edit, ...]

    @property
    def message(self) -> str:
        return f"`{self.op}` adds {self.number} to the variance: that is its `eps`, and no number of channels"

    @property
    def label(self) -> str:
        return "the channels are known, and not written"

    @property
    def help(self) -> tuple[Help, ...]:
        return (
            Help("leave it out", edits=self.edits, applicability=Applicability.MAYBE)
            if self.edits
            else Help("leave it out, and name what follows"),
            Help(f"if that is meant: `eps={self.number}`"),
        )


class ReadOtherwise(Mistake, code="E0391"):
    """An input or a layer is read in another way than it was meant, so that something further on does not fit.

    What is a warning where nothing stops the network (W0201, W0202, W0203) is an error where a later layer fails
    because of it, and does not with the other reading: the note says which. So it cannot be allowed, only mended.

    ```dl fails
    net f on image[N, H=32, W=32, 3]:
        conv(16, 3) -> maxpool(2) -> conv(32, 3) -> maxpool(2) -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> maxpool(2) -> conv(32, 3) -> maxpool(2) -> gap -> flatten -> linear(10)
    ```

    Related: W0201, W0202, W0203.
    """

    guess: Mistake

    @property
    def message(self) -> str:
        return self.guess.message

    @property
    def label(self) -> str:
        return self.guess.label


class SoftmaxOfOne(Mistake, code="W0205", name="softmax-of-one"):
    """A softmax goes over an axis of one value.

    The values along the axis are made to add up to 1; of a single one that is 1, whatever came in, and nothing before
    it learns. A score for each token, `linear(1)`, is weighed against those of the other tokens: `softmax(axis=1)`. One
    channel or feature that says yes or no is `sigmoid`.

    ```dl fails
    net f on tokens[N, T=16, 64]:
        weights = linear(1) -> softmax
        sum(it * weights, 1) -> linear(10)
    ```

    ```dl
    net f on tokens[N, T=16, 64]:
        weights = linear(1) -> softmax(axis=1)
        sum(it * weights, 1) -> linear(10)
    ```

    Related: E0342, W0204.
    """

    op: str
    axis: int
    shape: str
    tokens: bool
    written: bool  # the axis is an argument, which the mistake is at

    @property
    def message(self) -> str:
        return f"`{self.op}` goes over axis {self.axis} of {self.shape}, which has one value: each becomes {self.made}"

    @property
    def made(self) -> int:
        return 1 if self.op == "softmax" else 0

    @property
    def help(self) -> tuple[Help, ...]:
        over = f"{self.op}(axis=1)"
        places = Help(f"over the places: `{over}`", "1" if self.written else over, applicability=Applicability.MAYBE)
        alone = Help(
            "yes or no, for each alone: `sigmoid`",
            None if self.written else "sigmoid",
            applicability=Applicability.MAYBE,
        )
        return (*(places,) * self.tokens, *(alone,) * (self.op == "softmax"))


def unbatched(x: TensorType) -> Iterator[Guess]:
    """Whether a tensor is an input of a net whose header looks like one image."""
    dims = None if x.given is None else x.given.spec.dims
    if x.given is not None and dims is not None and len(dims) == x.rank:
        yield from no_batch(x, x.given, dims)


def guesses(op: Op, ins: Types, consts: Mapping[str, Const]) -> Iterator[Guess]:
    """What a use of a layer may have been meant otherwise for."""
    if not ins:
        return
    x = ins[0]
    if x.given is not None and x.given.spec.dims is not None and len(x.given.spec.dims) == x.rank:
        if reads_map(op):
            yield from channels_last(x, x.given, x.given.spec.dims)
        if reads_map(op) or isinstance(op, Flatten):
            yield from unbatched(x)
    if isinstance(op, (Conv, Deconv)):  # a union would be made anew at every use
        yield from torch_order(op, x, consts)
    if isinstance(op, (BatchNorm, GroupNorm, RmsNorm)):
        yield from large_eps(op, consts)
    if isinstance(op, (Softmax, LogSoftmax)):
        yield from softmax_of_one(op, x, consts)


def reads_map(op: Op) -> bool:
    """Whether a layer takes axis 1 for the channels of its input."""
    if isinstance(op, GlobalPool | Pad | Crop):
        return op.axis is None
    return bool(op.inputs) and op.inputs[0].channel == 1


# ---- headers


def name_of(dim: tree.DimSpec) -> str:
    """What an axis of a header is called, in small letters; empty for a number."""
    return dim.value.name.lower() if isinstance(dim.value, tree.Name) else ""


def large(size: Size, least: int = LARGE) -> bool:
    """Whether an axis has many places: open ones do."""
    return not isinstance(size, int) or size >= least


def reordered(port: tree.Port, dims: Sequence[tree.DimSpec]) -> str:
    """The text of an input with other axes."""
    start, end = port.span.start, port.spec.span.start
    kind = port.spec.span.text[: port.spec.span.text.index("[")]
    return f"{port.span.source.text[start:end]}{kind}[{', '.join(dim.span.text for dim in dims)}]"


def channels_last(x: TensorType, port: tree.Port, dims: Sequence[tree.DimSpec]) -> Iterator[Guess]:
    """An input whose header has the channels on another axis than 1."""
    axis = told_by_header(x)
    if axis is None:
        return
    rest = [a for a in range(1, x.rank) if a != axis]
    letters = {2: "t", 3: "hw", 4: "thw"}[x.rank - 1]
    said, channels = (spelled(dims[a]) for a in (1, axis))
    meant = reordered(port, [dims[0], dims[axis], *(dims[a] for a in rest)])
    yield ChannelsLast(port.span.text, axis, said, channels, meant, letters), port.span


def spelled(dim: tree.DimSpec) -> str:
    """An axis of a header in a word: its name, else its number."""
    return dim.value.span.text if dim.value is not None else dim.span.text


def known_channels(x: TensorType) -> int | None:
    """The channel axis of a net's input: 1 of features, images and volumes, unless the header speaks for another."""
    if x.rank not in (2, 4, 5) or not x.dtype.is_float:
        return None
    return 1 if told_by_header(x) is None else None


def told_by_header(x: TensorType) -> int | None:
    """The axis that the header of a net's input says holds the channels, where it is not axis 1."""
    dims = None if x.given is None else x.given.spec.dims
    return None if dims is None or len(dims) != x.rank or x.rank < 3 else told_axis(x, [name_of(dim) for dim in dims])


def told_axis(x: TensorType, names: Sequence[str]) -> int | None:
    """The axis that a header says holds the channels, where it is not axis 1; by names, else by numbers."""
    last, first = x.rank - 1, names[1]
    if x.rank == 3:
        told = first in TIME and (names[last] in CHANNELS or (isinstance(x.dims[last], int) and not names[last]))
        return last if told else None
    if x.rank not in (4, 5) or first in CHANNELS or x.dims[1] in COLOURS:
        return None
    few = [a for a in range(2, x.rank) if isinstance(x.dims[a], int) and x.dims[a] in COLOURS]
    places = [a for a in range(1, x.rank) if a not in few]
    if first in HEIGHT | WIDTH and (
        names[last] in CHANNELS or last in few or (x.rank == 4 and isinstance(x.dims[last], int))
    ):
        return last
    if len(few) != 1 or few[0] not in (last, x.rank - 3) or not all(large(x.dims[a]) for a in places[-2:]):
        return None
    (axis,) = few
    if x.rank == 4 and (axis != last or not large(x.dims[1])):
        return None
    alike = x.dims[places[-2]] == x.dims[places[-1]]
    return axis if x.dims[axis] == 3 or alike else None


def no_batch(x: TensorType, port: tree.Port, dims: Sequence[tree.DimSpec]) -> Iterator[Guess]:
    """An input that looks like one image: its first axis is a number of colours, or its height."""
    channel = lone_channels(x, [name_of(dim) for dim in dims])
    if channel is None:
        return
    order = [dims[channel], *(dim for axis, dim in enumerate(dims) if axis != channel)]
    texts = ["N", *(dim.span.text for dim in order)]
    opening, closing = dims[0].span.start - port.span.start, dims[-1].span.end - port.span.start
    meant = f"{port.span.text[:opening]}{', '.join(texts)}{port.span.text[closing:]}"
    first, second = (spelled(dim) for dim in dims[:2])
    yield NoBatch(port.span.text, first, second, spelled(dims[channel]), meant), port.span


def lone_channels(x: TensorType, names: Sequence[str]) -> int | None:
    """The axis of channels of an input that looks like one image without a batch."""
    first, last = x.dims[0], x.dims[-1]
    if x.rank == 4:
        square = x.dims[2] == x.dims[3] and large(x.dims[2])
        image = names[2] in HEIGHT and names[3] in WIDTH
        clip = first == 3 and x.dims[1] not in COLOURS and names[1] not in CHANNELS
        return 0 if clip and (square or image) else None
    if x.rank != 3:
        return None
    square = x.dims[1] == x.dims[2] and large(x.dims[1])
    image = names[1] in HEIGHT and names[2] in WIDTH
    photo = first == 3 and all(isinstance(size, int) and size >= PHOTO for size in x.dims[1:])
    if isinstance(first, int) and first in COLOURS and (square or image or photo):
        return 0
    if names[0] in ("c", "ch", "channels") and image:
        return 0
    square = first == x.dims[1] and large(first)
    image = names[0] in HEIGHT and names[1] in WIDTH
    return 2 if isinstance(last, int) and last in COLOURS and (square or image) else None


# ---- arguments


def torch_order(op: Conv | Deconv, x: TensorType, consts: Mapping[str, Const]) -> Iterator[Guess]:
    """`conv(3, 7, 3)` on three channels: three numbers in a row, of which the first is what comes in."""
    given = [consts[name] for name in ("out", "k", "s")]
    numbers = [const.value for const in given if isinstance(const.origin, tree.Number) and isinstance(const.value, int)]
    if len(numbers) < 3 or given[0].span.source.is_library or x.rank < 3:
        return
    text = given[0].span.source.text
    gaps = [text[a.span.end : b.span.start].strip() for a, b in pairwise(given)]
    out, kernel, stride = (int(str(number)) for number in numbers)
    # A kernel of less places than channels would as PyTorch's be fewer channels out than in.
    if gaps == [",", ","] and out == x.dims[1] and stride in (3, 5, 7) and kernel >= max(out, stride):
        yield TorchOrder(op.name, (out, kernel, stride)), given[0].span.to(given[2].span)


def large_eps(op: Op, consts: Mapping[str, Const]) -> Iterator[Guess]:
    """`bn(64)`: a whole number where `eps` stands by its place."""
    given = consts["eps"]
    number, source = given.value, given.span.source
    if not isinstance(given.origin, tree.Number) or not isinstance(number, int) or source.is_library or number < 1:
        return
    start, end = given.span.start, given.span.end
    before, after = source.text[:start].rstrip(), re.compile(_AFTER).match(source.text, end)
    if not before.endswith(("(", ",")) or after is None:
        return
    first = before.endswith("(")
    if first and after["close"]:
        start, end = len(before) - 1, after.end()
    elif first:
        end = after.start("next")
    else:
        start = len(before) - 1
    edits = () if after["placed"] is not None else (Edit(Span(source, start, end), ""),)
    yield LargeEps(op.name, number, edits), given.span


def softmax_of_one(op: Softmax | LogSoftmax, x: TensorType, consts: Mapping[str, Const]) -> Iterator[Guess]:
    """`linear(1) -> softmax`: one value along the axis."""
    axis, about = channel_axis(op.name, x, op.axis), consts["axis"].span
    if x.dims[axis] == 1 and not about.source.is_library:
        tokens = x.rank == 3 and axis == 2 and x.dims[1] != 1
        yield SoftmaxOfOne(op.name, axis, str(x), tokens, consts["axis"].origin is not None), about


_AFTER = r"\s*,?\s*(?P<next>(?P<close>\))|\w+\s*=(?!=)|(?P<placed>))"
"""What may stand after an argument: the closing bracket, one with a name, or another by its place (`placed`)."""
