"""Mistakes of rewriting a program."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class NothingToConvert(Mistake, code="E0681"):
    """No classifier of the program can become convolutional, so nothing was written.

    `--fully-convolutional` looks for a map `[N, C, h, w]` that `flatten` turns into features, and for the
    `linear` layers behind it. A network that has only convolutions and pools is fully convolutional already.

    ```sh
    dslc convert --fully-convolutional net.dl -o dense.dl
    ```

    Related: E0683, W0682.
    """

    nets: tuple[str, ...]
    refused: bool  # whether there was a head, which could not be converted

    @property
    def of_program(self) -> bool:
        return True

    @property
    def message(self) -> str:
        names = ", ".join(f"`{name}`" for name in self.nets) or "this program, which has no net complete by itself,"
        why = "no head can be converted" if self.refused else "no map is flattened"
        return f"there is nothing to convert in {names}: {why}"


class HeadKept(Mistake, code="W0682", name="head-kept"):
    """A `flatten` of a map, and what reads it, stay as they are: the warning says what stands in the way.

    A head becomes convolutional where each step between `flatten` and the result is a `linear` layer, or works
    on each feature alone, or on all features of a place (activations, dropout, batch norm, softmax over the
    channels, sums, concatenation), and is written in the file itself. What reads features in another way
    (`reshape`, `ln` on the last axis, a recurrence) has no convolution that does the same.

    ```sh
    dslc convert --fully-convolutional net.dl -o dense.dl
    ```

    Related: E0681, E0683.
    """

    reason: str

    @property
    def message(self) -> str:
        return f"this head stays as it is: {self.reason}"


class ConvertedFails(Mistake, code="E0683"):
    """The converted program would not be right: it does not compile, or has other weights. Nothing was written.

    What the conversion cannot see by itself is a line that depends on the features being flat: a size that is
    compared, a `require`, a budget, a block of another file that takes `[N, D]`. Change that line, or give the
    head a form that does not depend on it.

    ```sh
    dslc convert --fully-convolutional net.dl -o dense.dl
    ```

    Related: E0654, E0681.
    """

    net: str
    reason: str

    @property
    def of_program(self) -> bool:
        return True

    @property
    def message(self) -> str:
        return f"`{self.net}` with a convolutional head would not be right: {self.reason}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("nothing was written; `dslc explain E0683` says what can stand in the way"),)
