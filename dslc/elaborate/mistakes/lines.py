"""Mistakes in where a line stands."""

from __future__ import annotations

from dslc.diagnostics.model import Mistake


class LateInitial(Mistake, code="E0478"):
    """An `init` statement stands below a layer of its body.

    It says how the weights of all layers of the body begin, so it is the first that is read there. A single layer
    takes its initialiser as an argument: `conv(8, 3, init=zeros)`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        init conv = zeros
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        init conv = zeros
        conv(8, 3)
        gap -> flatten
    ```

    Related: E0373, E0388.
    """

    @property
    def message(self) -> str:
        return "an `init` statement stands before the first layer of its body"


class GrownInSuite(Mistake, code="E0479"):
    """The suite of a layer changes a list of the body around it.

    A suite is a layer of its own, which may be applied once, several times, or not at all. So it cannot change what
    the body around it has computed; a `for` can.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        let maps = []
        residual:
            conv(3, 3)
            maps += [it]
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let maps = []
        for i in range(2):
            conv(3, 3)
            maps += [it]
        concat(*maps) -> gap -> flatten
    ```

    Related: E0373, E0443.
    """

    name: str

    @property
    def message(self) -> str:
        return f"the suite of a layer cannot change `{self.name}`, a list of the body around it"


class SeveralValues(Mistake, code="E0482"):
    """A line is several values, joined by commas alone.

    Several tensors flow to one layer from brackets, `(a, b) -> concat`. To name several values, write one line for
    each; a layer that makes several tensors is named by `a, b = chunk(2)`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        a = conv(8, 1)
        a, x
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        a = conv(8, 1)
        (a, x) -> concat
        gap -> flatten
    ```

    Related: E0366, E0371.
    """

    named: bool

    @property
    def message(self) -> str:
        how = "name them one a line" if self.named else "they flow only from brackets, as in `(a, b) -> layer`"
        return f"this line is several values; {how}"
