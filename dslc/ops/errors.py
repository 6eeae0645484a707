"""Mistakes that op rules find."""

from __future__ import annotations

from math import gcd

from dslc.diagnostics.model import Applicability, Help, Mistake
from dslc.types.dim import Size
from dslc.types.tensor import TensorType


def near_divisors(count: int, wanted: int) -> list[int]:
    """The divisors of `count` next below and above `wanted`."""
    divisors = [d for d in range(1, count + 1) if count % d == 0] if count <= 65536 else [1, count]
    below = [d for d in divisors if d < wanted]
    above = [d for d in divisors if d > wanted]
    return below[-1:] + above[:1]


class BadGroups(Mistake, code="E0304"):
    """Channels do not split into that many groups.

    A grouped convolution gives each group an equal share of the input's and of the output's channels, so the number
    of groups must divide both. PyTorch raises the same error, when the module is made. Numbers that divide both
    counts are offered; `g=C` for `C` channels is a depthwise convolution.

    ```dl fails
    net f on x[N, 90, 32, 32]:
        conv(180, 3, g=8)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 90, 32, 32]:
        conv(180, 3, g=9)
        gap -> flatten
    ```

    Related: E0331, E0338, E0346.
    """

    op: str
    channels: int
    groups: int
    side: str  # "input" or "output"
    other: int  # channels of the other side

    @property
    def message(self) -> str:
        return f"`{self.op}` cannot split {self.channels} {self.side} channels into {self.groups} groups"

    @property
    def label(self) -> str:
        return f"{self.channels} is not a multiple of {self.groups}"

    @property
    def help(self) -> tuple[Help, ...]:
        near = near_divisors(gcd(self.channels, self.other), self.groups)
        if self.op == "gn":  # a group of one channel would be instance norm
            near = [n for n in near_divisors(self.channels, min(self.groups, self.channels)) if n < self.channels]
        if not near:
            return ()
        words = " and ".join(map(str, near))
        verb = "divides" if len(near) == 1 else "divide"
        sides = str(self.channels) if self.other == self.channels else f"{self.channels} and {self.other}"
        return (
            Help(f"{words} {verb} {sides}: write {near[-1]}", replace=str(near[-1]), applicability=Applicability.MAYBE),
        )


class WrongSides(Mistake, code="E0305"):
    """A size has another number of sides than the map has spatial axes.

    `3x3` is for images (two spatial axes), `3` fits any number of axes, `3x3x3` is for volumes. The number of
    spatial axes comes from the input: `image[N, 3, H, W]` has two. Write one number where all axes are treated
    alike.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3x3x3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3x3)
        gap -> flatten
    ```

    Related: E0308, E0360.
    """

    attribute: str
    value: tuple[int, ...]
    axes: int

    @property
    def message(self) -> str:
        text, axes = "x".join(map(str, self.value)), "axis" if self.axes == 1 else "axes"
        return f"`{self.attribute}` is {text}, but the map has {self.axes} spatial {axes}"

    @property
    def label(self) -> str:
        return f"needs one number, or {self.axes}"


class NoHalfPadding(Mistake, code="E0306"):
    """The default padding does not exist for this kernel and stride.

    `half` pads d*(k-1)/2 on each side. An even kernel has no such number, and where the stride is at least
    the kernel (a patch embedding) padding or not gives the same output size with other values. So it must be
    written.

    ```dl fails
    net f on x[N, 3, H=224, W=224]:
        conv(768, 16, s=16)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=224, W=224]:
        conv(768, 16, s=16, p=0)
        gap -> flatten
    ```

    Related: E0307, E0311, E0412.
    """

    op: str
    kernel: int
    stride: int
    dilation: int

    @property
    def message(self) -> str:
        return f"`{self.op}` with kernel {self.kernel}, stride {self.stride} has no default padding: write `p`"

    @property
    def label(self) -> str:
        if self.dilation * (self.kernel - 1) % 2:
            return "an even kernel has no middle"
        return f"windows of {self.kernel} at stride {self.stride} leave no overlap to centre"


class TooSmall(Mistake, code="E0307"):
    """The map is smaller than the window that should slide over it.

    Each stride divides the size; after enough of them nothing is left for the next kernel. `dslc check -v` and
    `dslc stats` show the size after each line, which tells where it shrinks. Pad, leave out a stride, or begin with
    a larger input.

    ```dl fails
    net f on x[N, 3, 8, 8]:
        conv(8, 3, p=0) -> maxpool(2, s=2) -> conv(8, 5, p=0)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 8, 8]:
        conv(8, 3, p=0) -> maxpool(2, s=2) -> conv(8, 3, p=0)
        gap -> flatten
    ```

    Related: E0306, E0322, E0411.
    """

    op: str
    size: Size
    kernel: int
    dilation: int
    padding: tuple[int, int]

    @property
    def message(self) -> str:
        reach = self.dilation * (self.kernel - 1) + 1
        pad = f" padded by {self.padding[0]} and {self.padding[1]}" if any(self.padding) else ""
        dilated = f" (dilated: {reach})" if reach != self.kernel else ""
        return f"`{self.op}` with kernel {self.kernel}{dilated} does not fit a map of size {self.size}{pad}"

    @property
    def label(self) -> str:
        return "nothing would be left"


class WrongRank(Mistake, code="E0308"):
    """A layer is given a tensor with another number of axes than it works on.

    Convolutions and pools slide over maps, `[N, C, *S]` with one to three spatial axes; after `flatten` there is
    nothing to slide over. A tensor of rank 2 is `[N, D]`: features. One that lost its map too early needs the
    `flatten` moved behind the layers that slide.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        flatten -> conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        gap -> flatten
    ```

    Related: E0309, E0332, E0356.
    """

    op: str
    port: str
    type: TensorType
    least: int
    most: int | None

    @property
    def message(self) -> str:
        needed = f"{self.least} to {self.most}" if self.most is not None else f"at least {self.least}"
        needed = str(self.least) if self.most == self.least else needed
        return f"`{self.op}` takes a tensor of rank {needed}, but `{self.port}` is {self.type}"

    @property
    def label(self) -> str:
        return f"this has rank {self.type.rank}"


class WrongChannelAxis(Mistake, code="E0309"):
    """A layer works on the channels, and this tensor has them on another axis.

    `conv`, `bn`, `gn` and pools take maps, whose channels are on axis 1. `linear`, `ln` and `rmsnorm` take
    tokens or features, whose channels are the last axis. The step between is `gap` (the mean of a map),
    `flatten` (all its places side by side) or `rearrange` (places become tokens, or the reverse).

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3) -> linear(10)
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: E0308, E0342, E0368.
    """

    op: str
    port: str
    type: TensorType
    needed: int  # 1 for maps, -1 for the last

    @property
    def message(self) -> str:
        axis = "the last axis" if self.needed == -1 else f"axis {self.needed}"
        return f"`{self.op}` needs channels on {axis}, but {self.type} has them on axis {self.type.channel}"

    @property
    def label(self) -> str:
        if self.type.channel in (0, self.type.rank - 1):
            return "channels come last here" if self.type.channel else "channels come first here"
        return "a map" if self.needed == -1 else ""

    @property
    def help(self) -> tuple[Help, ...]:
        if self.type.channel not in (1, self.type.rank - 1):
            return ()
        places = {1: "t", 2: "h w", 3: "d h w"}.get(self.type.rank - 2)
        if self.needed == -1:
            first = Help("features of a map: `gap -> flatten` (the mean) or `flatten` (all places) before it")
            if places is None:
                return (first,)
            return first, Help(f'tokens of a map: `rearrange("n c {places} -> n ({places}) c")` before it')
        if places is None:
            return ()
        return (Help(f'a map: `rearrange("n {places} c -> n c {places}")` before it'),)


class WrongDtype(Mistake, code="E0310"):
    """A layer is given elements of another kind than it works on.

    Indices are integers and only `embedding`, `one_hot` and indexing read them; layers compute with floats. `ids:
    int64[N, T]` in a header says that the input is indices: `embedding(count, width)` turns them into floats,
    `cast(float)` takes numbers as they are.

    ```dl fails
    net f on ids: int64[N, T=16]:
        linear(8)
    ```

    ```dl
    net f on ids: int64[N, T=16]:
        embedding(100, 32) -> linear(8)
    ```

    Related: E0330, E0395, E0396.
    """

    op: str
    port: str
    type: TensorType
    needed: str  # "float", "int", "bool", "number" or "mask"

    @property
    def message(self) -> str:
        kind = {"int": "integers", "float": "floats", "bool": "booleans"}.get(self.needed)
        kind = kind or {"number": "numbers", "mask": "floats or booleans"}[self.needed]
        return f"`{self.op}` takes {kind}, but `{self.port}` is {self.type.dtype.value}"


class HeldLayer(Mistake, code="E0320"):
    """A norm of weights is asked of something that has no weight of its own.

    `wn` and `sn` compute the weight of one layer from other parameters. They take `conv`, `deconv`, `linear` or
    `embedding`, with its arguments and no tensor; of a part that is made of several layers, write them inside it.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        wn(cba(8)) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        wn(conv(8, 3)) -> relu -> gap -> flatten
    ```

    Related: E0384, E0375.
    """

    op: str
    given: str
    known: tuple[str, ...]

    @property
    def message(self) -> str:
        *most, last = (f"`{name}`" for name in self.known)
        return f"`{self.op}` takes a layer with one weight of its own ({', '.join(most)} or {last}), not {self.given}"
