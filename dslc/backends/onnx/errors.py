"""Mistakes in what is asked of an export or a run."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake, did_you_mean


class UnknownSymbol(Mistake, code="E0630"):
    """`--dynamic` names a size that the network's inputs do not have.

    Symbolic sizes are those with a name in the net's header: `image[N, 3, H=224, W=224]` has `N`, `H` and `W`.
    Those with a number and no name, as the 3, are fixed in the program, and no option opens them.

    ```sh
    dslc build net.dl --dynamic N,H,W
    ```

    Related: E0631, E0636.
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
    network is defined for one size only. Take the table's size from a parameter and build one file for each size by
    `--size`, or make the layer independent of it: `gap` before `linear`.

    ```sh
    dslc build net.dl --dynamic N
    ```

    Related: E0406, E0630, E0635.
    """

    name: str
    text: str  # of the pin, with its line

    @property
    def message(self) -> str:
        return f"`{self.name}` cannot stay symbolic: {self.text}"


class UnknownInput(Mistake, code="E0633"):
    """`dynamic={"img": {0: "N"}}` names what is no input of the network.

    Inputs have the names of the net's header: `net f on image[N, 3, H=224, W=224]` has `image`. Names of results may be
    given too, as torch.onnx takes them; their sizes follow from the inputs'.

    ```python
    net.to_onnx("net.onnx", dynamic={"image": {0: "N"}})
    ```

    ```sh
    dslc build net.dl --dynamic N
    ```

    Related: E0630, E0634.
    """

    name: str
    known: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        known = ", ".join(f"`{name}`" for name in self.known)
        return f"the network has no input `{self.name}`: there {'is' if len(self.known) == 1 else 'are'} {known}"

    @property
    def help(self) -> tuple[Help, ...]:
        return did_you_mean(self.near, replace=False)


class NoAxis(Mistake, code="E0634"):
    """`dynamic={"image": {4: "N"}}` names an axis that the input does not have.

    Axes are counted from 0; -1 is the last one. The header of the net has the axes in their order, and is shown.

    ```python
    net.to_onnx("net.onnx", dynamic={"image": {0: "N"}})
    ```

    ```sh
    dslc build net.dl --dynamic N
    ```

    Related: E0633, E0635.
    """

    name: str
    axis: int
    sizes: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"`{self.name}` has no axis {self.axis}: it is [{', '.join(self.sizes)}]"


class FixedAxis(Mistake, code="E0635"):
    """`dynamic={"image": {1: "C"}}` asks for an axis whose size is a number in the program.

    Only a size with a name can stay open: in `image[N, 3, H=224, W=224]` those of axes 0, 2 and 3. Give the size a name
    in the net's header, or leave the axis out.

    ```python
    net.to_onnx("net.onnx", dynamic={"image": {0: "N", 2: "H"}})
    ```

    ```sh
    dslc build net.dl --dynamic N,H
    ```

    Related: E0631, E0634.
    """

    name: str
    axis: int
    size: int
    open: tuple[tuple[int, str], ...]  # axes of this tensor that can be, with their sizes

    @property
    def message(self) -> str:
        return f"axis {self.axis} of `{self.name}` is {self.size} in the program, and cannot stay open"

    @property
    def help(self) -> tuple[Help, ...]:
        words = ", ".join(f'{axis}: "{size}"' for axis, size in self.open)
        return (Help(f"these can: `{{{words}}}`"),) if words else ()


class OtherName(Mistake, code="E0636"):
    """`dynamic={"image": {0: "batch"}}` gives a size another name than the program does.

    A size that stays open has one name everywhere: in the program, in reports, and in the graph. Write the program's,
    or leave names out: `{"image": [0]}`.

    ```python
    net.to_onnx("net.onnx", dynamic={"image": {0: "N"}})
    ```

    ```sh
    dslc build net.dl --dynamic N
    ```

    Related: E0630, E0633.
    """

    name: str
    axis: int
    given: str
    size: str

    @property
    def message(self) -> str:
        return f"axis {self.axis} of `{self.name}` is called `{self.size}` in the program, not `{self.given}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f'write `dynamic={{"{self.name}": {{{self.axis}: "{self.size}"}}}}`'),)


class NoOnnx(Mistake, code="E0632"):
    """An `extern` block has no ONNX rule.

    Its PyTorch module is a user's own; a package that also registers an ONNX rule for it can be exported. Build the
    PyTorch source alone: ONNX has no place for Python code, so there is nothing that could be written for it by
    itself.

    ```sh
    dslc build net.dl --target torch
    ```

    Related: E0656, E0657.
    """

    name: str

    @property
    def message(self) -> str:
        return f"`{self.name}` is extern and has no ONNX rule"
