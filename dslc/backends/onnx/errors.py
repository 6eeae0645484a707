"""Mistakes in what is asked of an export or a run."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake, did_you_mean


class UnknownSymbol(Mistake, code="E0630"):
    """`--dynamic` names a size that the network's inputs do not have.

    Symbolic sizes are those with a name in the net's header: `image[N, 3, H=224, W=224]` has `N`, `H` and
    `W`.

    ```sh
    dslc build net.dl --dynamic N,H,W
    ```
    """

    name: str
    known: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        known = ", ".join(f"`{name}`" for name in self.known)
        return f"the inputs have no size `{self.name}`" + (f": there are {known}" if known else "")

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near, replace=False)


class PinnedSymbol(Mistake, code="E0631"):
    """`--dynamic` names a size that weights fix.

    A position table or a linear layer on a flattened map has a shape that depends on the input's size, so the
    network is defined for one size only.

    ```sh
    dslc build net.dl --dynamic N
    ```
    """

    name: str
    text: str  # of the pin, with its line

    @property
    def message(self) -> str:
        return f"`{self.name}` cannot stay symbolic: {self.text}"


class NoOnnx(Mistake, code="E0632"):
    """An `extern` block has no ONNX rule.

    Its PyTorch module is a user's own; a package that also registers an ONNX rule for it can be exported.
    Build the PyTorch source alone:

    ```sh
    dslc build net.dl --target torch
    ```
    """

    name: str

    @property
    def message(self) -> str:
        return f"`{self.name}` is extern and has no ONNX rule"
