"""What the generator knows of a tensor: sizes, element type, axis of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Side:
    """A size: `size` is its value at the defaults; an open one has the name of what it is, equal where it is equal."""

    size: int
    name: str | None = None

    @property
    def fixed(self) -> bool:
        return self.name is None

    @property
    def mixed(self) -> bool:
        """Whether it is of several open sizes: a bound on it is a condition on two symbols, which is refused."""
        return self.name is not None and self.name.startswith("*")


def sides(*sizes: int) -> tuple[Side, ...]:
    """Fixed sizes."""
    return tuple(map(Side, sizes))


@dataclass(frozen=True)
class Kind:
    """The type of a tensor. `channel` is what the compiler takes for the channels' axis; none: this does not know.

    `small`: whole numbers from 0 to 4, so that they can be rows of a table. `split`: the axes that hold the channels
    which a pattern has taken apart.
    """

    dims: tuple[Side, ...]
    dtype: str = "float"
    channel: int | None = None
    small: bool = False
    split: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.channel is not None:
            object.__setattr__(self, "split", ())

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(side.size for side in self.dims)

    @property
    def elements(self) -> int:
        count = 1
        for side in self.dims:
            count *= side.size
        return count

    @property
    def is_float(self) -> bool:
        return self.dtype == "float"

    @property
    def is_int(self) -> bool:
        return self.dtype in ("int64", "int32")

    @property
    def is_map(self) -> bool:
        """Whether layers of maps take it: channels of a known number on axis 1."""
        return (
            self.is_float
            and 3 <= self.rank <= 5
            and self.channel == 1
            and self.dims[1].fixed
            and not any(side.mixed for side in self.dims)
        )

    @property
    def is_tokens(self) -> bool:
        """Whether layers of features take it: channels of a known number on the last axis."""
        return self.is_float and self.rank >= 2 and self.channel == self.rank - 1 and self.dims[-1].fixed

    @property
    def places(self) -> tuple[Side, ...]:
        return self.dims[2:]

    def with_side(self, axis: int, side: Side) -> Kind:
        dims = list(self.dims)
        dims[axis] = side
        return replace(self, dims=tuple(dims))

    def with_places(self, places: Sequence[Side], channels: int | None = None) -> Kind:
        """A map with other places, and other channels where they are given."""
        middle = self.dims[1] if channels is None else Side(channels)
        return replace(self, dims=(self.dims[0], middle, *places), channel=1)

    def picked(self, source: Sequence[int | Side]) -> Kind:
        """Axes taken from this one by number, or new; the channels go along."""
        dims = tuple(self.dims[s] if isinstance(s, int) else s for s in source)
        channel = None if self.channel is None or self.channel not in source else list(source).index(self.channel)
        split = tuple(map(list(source).index, self.split)) if set(self.split) <= set(source) else ()
        return replace(self, dims=dims, channel=channel, split=split)

    def without(self, axis: int) -> Kind:
        """One place of an axis: of channels taken apart the other parts are left."""
        after = self.picked([a for a in range(self.rank) if a != axis])
        left = tuple(a - (a > axis) for a in self.split if a != axis)
        if axis not in self.split:
            return after
        return replace(after, channel=left[0]) if len(left) == 1 else replace(after, split=left)

    def of(self, dtype: str) -> Kind:
        return replace(self, dtype=dtype, small=False)
