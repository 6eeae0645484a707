"""Mistakes of indexing."""

from __future__ import annotations

from dslc.diagnostics.model import Mistake
from dslc.ops.errors_tensor import counted


class IndexOutOfRange(Mistake, code="E0335"):
    """An index or the end of a slice lies outside the axis.

    Python cuts a slice that is too long without a word, so that a table of 1024 positions would silently
    serve a longer text. Here the bounds of a slice must lie within the axis.

    ```dl fails
    net f on x[N, 64, 56, 56]:
        it[:, :, :60]
    ```

    ```dl
    net f on x[N, 64, 56, 56]:
        it[:, :, :50]
    ```

    Related: E0333, E0336, E0337.
    """

    index: str
    axis: int
    size: str
    slice: bool

    @property
    def message(self) -> str:
        what = "slice bound" if self.slice else "index"
        return f"{what} {self.index} is outside axis {self.axis}, which has {self.size}"


class EmptySlice(Mistake, code="E0336"):
    """A slice takes nothing, or steps backwards.

    A tensor without elements is never meant in a network, and PyTorch has no backward slices. `x[:, 4:2]` would
    give an axis of no places, which no layer takes; steps go forward only, as in PyTorch.

    ```dl fails
    net f on x[N, 64, 56, 56]:
        it[:, 32:32]
    ```

    ```dl
    net f on x[N, 64, 56, 56]:
        it[:, 32:64]
    ```

    Related: E0335, E0337.
    """

    text: str
    axis: int
    size: str
    step: int

    @property
    def message(self) -> str:
        if self.step < 1:
            return f"slice `{self.text}` of axis {self.axis} has step {self.step}"
        return f"slice `{self.text}` of axis {self.axis}, which has {self.size}, takes nothing"

    @property
    def label(self) -> str:
        return "a step is at least 1" if self.step < 1 else ""


class TooManyIndices(Mistake, code="E0337"):
    """More indices than the tensor has axes, or more than one `...`.

    Each index belongs to one axis from the left, `...` stands for those between: of rank 4, `x[:, 0]`, `x[..., 0]`
    and `x[:, :, 1:, 1:]` are fine. `none` makes a new axis and is not counted.

    ```dl fails
    net f on x[N, 10]:
        it[:, 0, 0]
    ```

    ```dl
    net f on x[N, 10]:
        it[:, 0:1]
    ```

    Related: E0333, E0335.
    """

    count: int
    shape: str
    rank: int
    dots: int

    @property
    def message(self) -> str:
        if self.dots > 1:
            return f"an index holds `...` {self.dots} times; it may stand once"
        return f"{self.count} indices for {self.shape}, which has {counted(self.rank, 'axis')}"
