"""Mistakes in the patterns of `rearrange`, `reduce` and `repeat`."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class PatternText(Mistake, code="E0354"):
    """A pattern that cannot be read.

    A pattern names the axes before and after `->`. Brackets group axes that are one axis of the tensor: `(h
    w)`. `1` is an axis of size 1, `...` any number of axes that stay as they are.

    ```dl fails
    net f on x[N, 16, 192]:
        rearrange("n t (h d -> n h t d", h=3)
    ```

    ```dl
    net f on x[N, 16, 192]:
        rearrange("n t (h d) -> n h t d", h=3)
    ```

    Related: E0348, E0355, E0356.
    """

    op: str
    pattern: str
    why: str

    @property
    def message(self) -> str:
        return f'`{self.op}` cannot read "{self.pattern}": {self.why}'


class PatternAxes(Mistake, code="E0355"):
    """The two sides of a pattern do not name the same axes.

    `rearrange` moves axes: each stands once on each side. `reduce` may drop axes on the right, `repeat` may
    add some, with their sizes.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        rearrange("n c h w -> n (h w)")
    ```

    ```dl
    net f on x[N, 8, 16, 16]:
        rearrange("n c h w -> n (h w) c")
    ```

    Related: E0354, E0357.
    """

    op: str
    pattern: str
    axes: tuple[str, ...]
    why: str

    @property
    def message(self) -> str:
        names = ", ".join(f"`{axis}`" for axis in self.axes)
        return f'`{self.op}` of "{self.pattern}": {names} {self.why}'

    @property
    def help(self) -> tuple[Help, ...]:
        if self.op == "rearrange" and "only on the left" in self.why:
            return (Help("`reduce` drops axes, by their mean or maximum"),)
        if self.op == "rearrange" and "only on the right" in self.why:
            return (Help("`repeat` makes new axes"),)
        return ()


class PatternRank(Mistake, code="E0356"):
    """A pattern names another number of axes than the tensor has.

    A pattern has one name for each axis, in their order, brackets counting as one: of a map `"n c h w"`. `...`
    stands for those that are not named.

    ```dl fails
    net f on x[N, 8, 16, 16]:
        rearrange("n t d -> n d t")
    ```

    ```dl
    net f on x[N, 8, 16, 16]:
        rearrange("n c h w -> n h w c")
    ```

    Related: E0308, E0354, E0355.
    """

    op: str
    left: str
    axes: int
    shape: str
    open: bool

    @property
    def message(self) -> str:
        return f'`{self.op}` reads {self.shape} as "{self.left}"'

    @property
    def label(self) -> str:
        return f"{'at least ' if self.open else ''}{self.axes} axes are named"


class PatternSize(Mistake, code="E0357"):
    """The sizes of a pattern's axes are not all known, or one is given that the pattern does not have.

    Of the axes in one bracket, all but one need a size: `rearrange("n (h d) -> n h d", h=8)`. So does each
    new axis of `repeat`.

    ```dl fails
    net f on x[N, 16, 192]:
        rearrange("n t (h d) -> n h t d")
    ```

    ```dl
    net f on x[N, 16, 192]:
        rearrange("n t (h d) -> n h t d", h=3)
    ```

    Related: E0355, E0358.
    """

    op: str
    pattern: str
    axes: tuple[str, ...]
    surplus: bool
    near: str | None = None

    @property
    def message(self) -> str:
        names = ", ".join(f"`{axis}`" for axis in self.axes)
        if self.surplus:
            return f'`{self.op}` is given a size of {names}, which "{self.pattern}" does not have'
        return f'`{self.op}` of "{self.pattern}" needs the size of {names}'

    @property
    def help(self) -> tuple[Help, ...]:
        if self.near is not None:
            return (Help(f"did you mean `{self.near}`?"),)
        return () if self.surplus else (Help(f"write it as an argument: `{self.axes[0]}=..`"),)


class PatternMismatch(Mistake, code="E0358"):
    """The sizes given for a pattern's axes do not make up the tensor's axis.

    The product of the sizes in a bracket is the size of the axis: `(h d)` of 64 with `h=4` has `d` of 16. Of a
    bracket one name may be left to be found.

    ```dl fails
    net f on x[N, 16, 192]:
        rearrange("n t (h d) -> n h t d", h=3, d=32)
    ```

    ```dl
    net f on x[N, 16, 192]:
        rearrange("n t (h d) -> n h t d", h=3, d=64)
    ```

    Related: E0338, E0357, E0414.
    """

    op: str
    axis: str  # what the pattern says of it: `(h d)`, `1`
    product: str
    size: str
    shape: str
    number: int  # which axis of the shape

    @property
    def message(self) -> str:
        where = f"axis {self.number} of {self.shape}"
        if self.axis == "1":
            return f"`{self.op}` takes {where} for one place, which is what `1` says, and it has {self.size}"
        return f"`{self.op}` makes `{self.axis}` {self.product} by the sizes given, and {where} has {self.size}"
