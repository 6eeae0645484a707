"""Mistakes of sizes that no axis has, and of axes where none are given."""

from __future__ import annotations

from dslc.diagnostics.model import Mistake


class NoAxis(Mistake, code="E0326"):
    """A layer that works along axes is given none.

    PyTorch takes an empty list of axes for all of them, which nobody who builds that list means. An empty list of
    axes means all of them in one library, and none in another. Write the axes, or leave the argument out.

    ```dl fails
    net f on x[N, 64, 56, 56]:
        mean(())
    ```

    ```dl
    net f on x[N, 64, 56, 56]:
        mean((2, 3))
    ```

    Related: E0333, E0334.
    """

    op: str

    @property
    def message(self) -> str:
        return f"`{self.op}` is given no axis"


class BadSize(Mistake, code="E0327"):
    """A size that no axis can have.

    Sizes are 1 or more. In `reshape` -1 stands for what is left, in `expand` for an axis as it is.

    ```dl fails
    net f on x[N, 1, 16]:
        expand(N, 0, 16)
    ```

    ```dl
    net f on x[N, 1, 16]:
        expand(N, 8, 16)
    ```

    Related: E0361, E0389, E0411.
    """

    op: str
    size: int
    but: str  # what -1 is for; empty where it has no meaning

    @property
    def message(self) -> str:
        return f"`{self.op}` is given the size {self.size}"

    @property
    def label(self) -> str:
        return f"at least 1, or -1 for {self.but}" if self.but else "at least 1"
