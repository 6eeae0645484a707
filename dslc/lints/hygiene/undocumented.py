"""A network that others may use, without a word on what it is."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network


class Undocumented(Lint, code="N1706", name="undocumented"):
    """A network has no documentation: nothing says what it computes, of what, and where it comes from.

    `##` lines above a definition are its documentation: they are shown where its name is used, and as
    the docstring of the generated class. Say what the inputs hold (range, normalisation), what the results mean, and
    the paper with its figure or table, as all of examples/ do; reports on models ask for as much (Mitchell et al. 2019,
    Model Cards). A name that begins with `_` is private and needs none.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    ## Classes of 32x32 images with values from -1 to 1: scores of ten classes.
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1705.
    """

    name: str
    params: int

    @property
    def message(self) -> str:
        return f"`{self.name}` has no documentation: write `##` lines above it"

    @property
    def label(self) -> str:
        return f"a network of {self.params:,} parameters"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        block = net.model.root.definition
        if net.model.doc or block is None or block.doc or block.name.startswith("_"):
            return
        params = sum(param.spec.count for param in net.model.params.values() if param.spec.kind == "param")
        yield cls(block.name, params).at(net.header)
