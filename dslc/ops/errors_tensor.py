"""Mistakes that the rules of tensor ops find: shapes, axes and borders.

Shapes stand here as text (`[N, 64, 56, 56]`). Others: errors_index.py, errors_pattern.py, errors_product.py.
"""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


def counted(count: int, thing: str) -> str:
    """`1 axis`, `3 axes`, `2 heads`."""
    if count == 1:
        return f"1 {thing}"
    return f"{count} {thing[:-2]}es" if thing.endswith("is") else f"{count} {thing}s"


class ShapeMismatch(Mistake, code="E0331"):
    """Two tensors that meet element by element have other sizes.

    Sizes must be equal axis by axis. A size of 1 is repeated to fit; any other is not, because equal sizes by
    chance would then hide a wrong network.

    ```dl fails
    net f on x[N, 64, 56, 56]:
        wide = conv(256, 1)
        it + wide
    ```

    ```dl
    net f on x[N, 64, 56, 56]:
        wide = conv(256, 1)
        conv(256, 1)
        it + wide
    ```

    Related: E0332, E0345, E0412.
    """

    op: str
    left: str
    right: str
    axis: int
    sizes: tuple[str, str]
    channels: bool = False
    sides: tuple[str, ...] = ()  # what joins two tensors calls them
    about: str = ""  # what the two sizes are

    @property
    def message(self) -> str:
        left, right = (f" of {side}" for side in self.sides) if self.sides else ("", "")
        return f"`{self.op}` joins {self.left}{left} and {self.right}{right}"

    @property
    def label(self) -> str:
        if self.about:
            return self.about
        if self.channels:
            return f"{self.sizes[0]} and {self.sizes[1]} channels"
        return f"axis {self.axis} is {self.sizes[0]} on one side and {self.sizes[1]} on the other"


class RankMismatch(Mistake, code="E0332"):
    """Two tensors that meet have different numbers of axes.

    PyTorch would align the shorter shape at the right and repeat it, which joins a vector of channels with
    the columns of a map. Here only a `param`, `buffer`, `const` or number may have fewer axes.

    ```dl fails
    net f on x[N, 64, 56, 56]:
        gate = gap -> flatten -> linear(64) -> sigmoid
        it * gate
    ```

    ```dl
    net f on x[N, 64, 56, 56]:
        gate = gap -> conv(64, 1) -> sigmoid
        it * gate
    ```

    Related: E0308, E0331.
    """

    op: str
    left: str
    right: str
    ranks: tuple[int, int]

    @property
    def message(self) -> str:
        return f"`{self.op}` joins {self.left} and {self.right}"

    @property
    def label(self) -> str:
        return f"{counted(self.ranks[0], 'axis')} and {counted(self.ranks[1], 'axis')}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("give both the same axes: `none` in an index adds one of size 1, `rearrange` any"),)


class NoSuchAxis(Mistake, code="E0333"):
    """An axis that the tensor does not have.

    Axes count from 0 (the batch); negative ones from the end. Axes are counted from 0, and from the end by -1: of
    `[N, C, H, W]` they are 0 to 3, or -4 to -1. PyTorch calls the argument `dim`.

    ```dl fails
    net f on x[N, 64, 56, 56]:
        mean(4)
        flatten
    ```

    ```dl
    net f on x[N, 64, 56, 56]:
        mean((2, 3))
        flatten
    ```

    Related: E0308, E0334, E0335.
    """

    op: str
    axis: int
    shape: str
    rank: int

    @property
    def message(self) -> str:
        return f"`{self.op}` is given axis {self.axis} of {self.shape}"

    @property
    def label(self) -> str:
        return f"axes are {-self.rank} to {self.rank - 1}"


class RepeatedAxis(Mistake, code="E0334"):
    """One axis is named twice.

    Each axis can be moved, summed or normed once. -1 and the number of the last axis are the same
    one, which is how two of them come together unseen.

    ```dl fails
    net f on x[N, 64, 56, 56]:
        mean((3, -1))
        flatten
    ```

    ```dl
    net f on x[N, 64, 56, 56]:
        mean((2, 3))
        flatten
    ```

    Related: E0326, E0333.
    """

    op: str
    axis: int
    shape: str

    @property
    def message(self) -> str:
        return f"`{self.op}` is given axis {self.axis} of {self.shape} twice"


class CannotSplit(Mistake, code="E0338"):
    """An axis does not divide into that many equal parts.

    `chunk(3)` and a pattern with `(three h d)` need equal parts, or one part would have another shape than the
    rest. Where the parts should differ, `split` takes their lengths.

    ```dl fails
    net f on x[N, 90, 8, 8]:
        a, b, c, d = chunk(4)
        concat(a, b, c, d)
    ```

    ```dl
    net f on x[N, 90, 8, 8]:
        a, b, c = chunk(3)
        concat(a, b, c)
    ```

    Related: E0339, E0358, E0414.
    """

    op: str
    size: int
    parts: int
    what: str  # of the axis: `axis 1`, `"(h d)"`

    @property
    def message(self) -> str:
        return f"`{self.op}` cannot divide {self.what}, which has {self.size}, by {self.parts}"

    @property
    def label(self) -> str:
        return f"{self.size} is not a multiple of {self.parts}"


class SplitSum(Mistake, code="E0339"):
    """The pieces of a split do not make up the axis.

    Their lengths together are the length of the axis, no place is left over: of 64 channels `split((48, 16),
    axis=1)`. `dslc check -v` shows the size that comes in.

    ```dl fails
    net f on x[N, 64, 8, 8]:
        a, b = split([48, 24])
        concat(b, a)
    ```

    ```dl
    net f on x[N, 64, 8, 8]:
        a, b = split([48, 16])
        concat(b, a)
    ```

    Related: E0338, E0371.
    """

    pieces: str
    total: str
    axis: int
    size: str

    @property
    def message(self) -> str:
        return f"pieces {self.pieces} add up to {self.total}, but axis {self.axis} has {self.size}"


class ReshapeCount(Mistake, code="E0340"):
    """A reshape to another number of elements.

    At most one size may be -1: it is what is left. The others must divide the elements of the tensor.

    ```dl fails
    net f on x[N, 256, 6, 6]:
        reshape(N, 9000)
    ```

    ```dl
    net f on x[N, 256, 6, 6]:
        reshape(N, 9216)
    ```

    Related: E0338, E0356.
    """

    shape: str
    elements: str
    target: str
    wanted: str
    inferred: int  # how many sizes are -1

    @property
    def message(self) -> str:
        if self.inferred > 1:
            return f"`reshape` to {self.target}: only one size may be -1"
        return f"`reshape` of {self.shape} to {self.target}"

    @property
    def label(self) -> str:
        if self.inferred > 1:
            return ""
        verb = "do not fit into" if self.inferred else "are not"
        return f"{self.wanted} elements {verb} {self.elements}"


class ExpandSize(Mistake, code="E0341"):
    """Only an axis of size 1 can be expanded.

    `expand` repeats a single place without copying it. `-1` keeps an axis as it is.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        expand(-1, 32, -1, -1)
    ```

    ```dl
    net f on x[N, 1, 16, 16]:
        expand(-1, 32, -1, -1)
    ```

    Related: E0331, E0332.
    """

    shape: str
    target: str
    axis: int
    size: str

    @property
    def message(self) -> str:
        return f"`expand` of {self.shape} to {self.target}"

    @property
    def label(self) -> str:
        if self.axis < 0:
            return "needs one size for each axis"
        return f"axis {self.axis} has {self.size}, which cannot become another size"


class BadPadding(Mistake, code="E0343"):
    """A padding or margin that the map cannot have.

    A padding is not negative (`crop` takes places away). Reflected padding repeats the map without its edge,
    so it is smaller than the map; circular padding is at most the map. Margins leave at least one place.

    ```dl fails
    net f on x[N, 8, 4, 4]:
        pad(4, mode="reflect")
    ```

    ```dl
    net f on x[N, 8, 4, 4]:
        pad(3, mode="reflect")
    ```

    Related: E0311, E0344.
    """

    op: str
    mode: str
    amount: int
    size: str
    most: str

    @property
    def message(self) -> str:
        if self.amount < 0:
            return f"`{self.op}` by {self.amount}"
        how = f" ({self.mode})" if self.mode else ""
        return f"`{self.op}`{how} by {self.amount} of an axis that has {self.size}"

    @property
    def label(self) -> str:
        return "at least 0" if self.amount < 0 else f"at most {self.most}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.amount >= 0 or self.op == "crop":
            return ()
        return (Help(f"`crop` takes places away: `crop({-self.amount})`, or a pair of numbers for each axis"),)


class CropForm(Mistake, code="E0344"):
    """A crop needs either margins or a tensor to be like.

    Margins say how much is cut off on each side of each axis, a tensor how large the result is: `crop(like=skip)`.
    With both, one of them would be passed over.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        crop()
    ```

    ```dl
    net f on x[N, 8, 16, 16]:
        crop(2)
    ```

    Related: E0315, E0343.
    """

    both: bool

    @property
    def message(self) -> str:
        return f"`crop` is given {'both margins and `like`' if self.both else 'neither margins nor `like`'}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("write margins, as in `crop(2)`, or a tensor, as in `crop(like=y)`"),)


class CannotFlatten(Mistake, code="E0359"):
    """A range of axes ends before it begins.

    `flatten(2, 1)` would join nothing. The first axis comes before the last, both counted from 0, or from the end
    by negative numbers.

    ```dl fails
    net f on x[N, 8, 4, 4]:
        flatten(3, 2)
    ```

    ```dl
    net f on x[N, 8, 4, 4]:
        flatten(2, 3)
    ```

    Related: E0333, E0334.
    """

    start: int
    end: int
    shape: str

    @property
    def message(self) -> str:
        return f"`flatten` of {self.shape} from axis {self.start} to axis {self.end}"
