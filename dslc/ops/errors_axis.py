"""Mistakes about which axis holds the channels, where an op would have to guess.

What is wrong is said with both readings: one way to write each of them. docs/language.md, "Which axis", has the rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from dslc.diagnostics.model import Applicability, Help, Mistake
from dslc.types.dim import Size
from dslc.types.tensor import TensorType

TURNED = 'channel_axis(-1) -> rearrange("n t c -> n c t")'
"""Tokens as a map."""


def channels(size: Size | str) -> str:
    """`1 channel`, `T channels`."""
    return f"{size} channel" if str(size) == "1" else f"{size} channels"


def places(text: str) -> str:
    """`1 place`, `T places`, `4, T places`."""
    return f"{text} place" if text == "1" else f"{text} places"


class NoChannelAxis(Mistake, code="E0342"):
    """Which axis holds the channels is not known here, so the axis must be written.

    Maps have their channels on axis 1, tokens and features on the last axis. An input of three axes may be either,
    until a layer needs one of them: `conv`, `bn`, `gn` and `inorm` work on maps, `linear`, `ln`, `rmsnorm` and
    recurrent layers on tokens. A pattern that takes the channel axis apart, `rearrange("n t (h d) -> n h t d")`, leaves
    it unknown until another puts its parts together again, and what reduces the channels away leaves none.

    Layers that work on the channels (`softmax`, `l2norm`, `glu`, `chunk`, `split`, `concat`) or on the places beside
    them (`pad`, `crop`, pools) then ask: `axis=` says along which axis they work, and `channel_axis(-1)` before them
    says where the channels are, to all layers that follow.

    ```dl fails
    net f on x[N, T=16, 8]:
        pad(((1, 0),)) -> linear(4)
    ```

    ```dl
    net f on x[N, T=16, 8]:
        pad(((1, 0),), axis=1) -> linear(4)
    ```

    Related: E0309, E0333.
    """

    op: str
    type: TensorType
    on: str = "channels"  # what it works on: `channels`, wherever they are; `places`, wherever; a `map`
    axis: bool = True  # whether it takes `axis=`

    @property
    def axes(self) -> Sequence[int]:
        """The axes that may hold the channels, the last first."""
        return range(self.type.rank - 1, 0, -1)

    @property
    def like_a_map(self) -> bool:
        """Whether a map is the likelier reading: a fixed size on axis 1, and an open one on the last of three."""
        dims = self.type.dims
        return len(dims) == 3 and isinstance(dims[1], int) and not isinstance(dims[2], int)

    @property
    def message(self) -> str:
        works = "maps" if self.on == "map" else self.on
        return f"`{self.op}` works on {works}, and which axis of {self.type} holds the channels is not known"

    @property
    def label(self) -> str:
        return " or ".join(f"axis {axis} ({self.type.dims[axis]})" for axis in reversed(self.axes)) + "?"

    @property
    def readings(self) -> tuple[tuple[int, str], ...]:
        """The axes to write, each with what the tensor is then: of the channels, or of the places for `places`."""
        dims, last = self.type.dims, self.type.rank - 1
        if self.on == "channels":
            axes = reversed(self.axes) if self.like_a_map else self.axes
            return tuple((axis, f"along axis {axis}, of {dims[axis]}") for axis in axes)
        rest = ", ".join(map(str, dims[1:last]))
        tokens, maps = f"tokens, {places(rest)} of {channels(dims[last])}", f"a map of {channels(dims[1])}"
        found = ((1, tokens), (2, maps)) if self.on == "places" else ((last, tokens), (1, maps))
        return found[::-1] if self.like_a_map else found

    @property
    def help(self) -> tuple[Help, ...]:
        if self.on == "map":
            before = {1: "channel_axis(1)"}
            return tuple(Help(f"{said}: `{before.get(axis, TURNED)}` before it") for axis, said in self.readings)
        return tuple(Help(f"{said}: `axis={axis}`") for axis, said in self.readings)


class PaddedAxes(Mistake, code="E0398"):
    """A mode of `pad` that reads the tensor itself leaves two axes as they are.

    PyTorch mirrors, repeats and wraps at most all but two axes: those of batch and channels. Zeros, or another `value`,
    may stand anywhere.

    ```dl fails
    net f on x[N, T=16, 8]:
        pad(1, mode="reflect", axis=(1, 2)) -> linear(4)
    ```

    ```dl
    net f on x[N, T=16, 8]:
        pad(1, mode="reflect", axis=1) -> linear(4)
    ```

    Related: E0343, E0342.
    """

    mode: str
    axes: tuple[int, ...]
    shape: str
    rank: int

    @property
    def message(self) -> str:
        listed = ", ".join(map(str, self.axes))
        return f"`pad` with mode `{self.mode}` is given the axes {listed} of {self.shape}"

    @property
    def label(self) -> str:
        return "two axes stay as they are, the batch first"

    @property
    def help(self) -> tuple[Help, ...]:
        fitting = tuple(axis for axis in self.axes if axis)[: self.rank - 2]
        said = str(fitting[0]) if len(fitting) == 1 else str(fitting)
        return (Help(f"`axis={said}`", said, applicability=Applicability.MAYBE),) if fitting else ()


class PatternLetters(Mistake, code="E0399"):
    """The letters of a pattern call the channels of a map `h` or `w`, and another axis `c`.

    A pattern names the axes by their order alone: what is called `h` is whatever stands there. Maps have their
    channels on axis 1, so the letters of a map are `n c h w`; other letters would move, or mix, other axes than they
    say. Where the channels are elsewhere, `channel_axis` before the pattern says so. Letters that say nothing, such as
    `a b c d`, are never taken for more.

    ```dl fails
    net f on image[N, 3, H=32, W=32]:
        conv(64, 4, s=4, p=0) -> rearrange("n h w c -> n (h w) c") -> ln -> linear(32)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(64, 4, s=4, p=0) -> rearrange("n c h w -> n (h w) c") -> ln -> linear(32)
    ```

    Related: E0309, W0201.
    """

    pattern: str
    type: TensorType
    channel: int
    named: int  # the axis that is called `c`
    letter: str  # what the channels are called
    meant: str

    @property
    def message(self) -> str:
        size = channels(self.type.dims[self.channel])
        return f"`{self.pattern}` calls axis {self.channel} of {self.type}, its {size}, `{self.letter}`"

    @property
    def label(self) -> str:
        return f"the letters on the left stand for {self.type}, in this order"

    @property
    def help(self) -> tuple[Help, ...]:
        return (
            Help(
                f'channels on axis {self.channel}: `"{self.meant}"`',
                f'"{self.meant}"',
                applicability=Applicability.MAYBE,
            ),
            Help(f"channels on axis {self.named}: `channel_axis({self.named})` before it says so"),
        )


class PairsForAxes(Mistake, code="E0397"):
    """As many pairs of amounts as axes are needed.

    `pad` and `crop` take one number for all axes, or for each axis a number or a pair, before and after. They are
    given for the axes that `axis` names, in their order, or else for all places.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        pad(((1, 0), (0, 1)), axis=2) -> conv(8, 3)
    ```

    ```dl
    net f on x[N, 8, 16, 16]:
        pad(((1, 0), (0, 1)), axis=(2, 3)) -> conv(8, 3)
    ```

    Related: E0305, E0333.
    """

    attribute: str
    count: int
    axes: tuple[int, ...]

    @property
    def message(self) -> str:
        given = f"{self.count} pair" if self.count == 1 else f"{self.count} pairs"
        listed = ", ".join(map(str, self.axes))
        return f"`{self.attribute}` has {given} for {'axis' if len(self.axes) == 1 else 'the axes'} {listed}"

    @property
    def label(self) -> str:
        return f"needs one number, or {len(self.axes)}"
