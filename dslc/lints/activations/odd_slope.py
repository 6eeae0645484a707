"""Rectifiers whose slope below zero is not between 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.ops.activation import Celu, Elu, LeakyRelu, RandomRelu
from dslc.ops.gating import ParametricRelu


class OddSlope(Lint, code="W1211", name="odd-slope"):
    """The slope of a rectifier below zero is 1 or more, or negative.

    Slopes in use are 0.01 (Maas, Hannun and Ng 2013, section 2), 0.2, and 0.25 as the beginning of a learned one (He
    et al. 2015, Delving deep into rectifiers, section 2.1). At 1 the layer does nothing, and the maps on both sides of
    it are one; above it what is negative is made larger, and the mean square grows by (1 + slope^2) / 2 at each layer;
    a negative one makes the function fall and rise again, so that two inputs look alike.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> leaky_relu(2) -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> leaky_relu(0.2) -> linear(10)
    ```

    Related: W1206.
    """

    act: str
    slope: float

    @property
    def message(self) -> str:
        if self.slope == 1:
            return f"`{self.act}` with a slope of 1 does nothing"
        if self.slope < 0:
            return f"`{self.act}` with a slope of {self.slope:g} falls and rises again"
        return f"`{self.act}` with a slope of {self.slope:g} makes larger what is negative"

    @property
    def label(self) -> str:
        if self.slope <= 1:
            return "two inputs look alike" if self.slope < 0 else "it is a linear map"
        return f"{(1 + self.slope**2) / 2:.3g} times the mean square, at each such layer"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(LeakyRelu, RandomRelu, Elu, Celu, ParametricRelu):
            op = op_of(step)
            if isinstance(op, LeakyRelu):
                slope, name = op.negative_slope, "negative_slope"
            elif isinstance(op, ParametricRelu):
                slope, name = op.slope, "slope"
            elif isinstance(op, RandomRelu):
                slope, name = (op.lower, "lower") if op.lower < 0 else (op.upper, "upper")
            elif isinstance(op, Elu | Celu) and op.alpha < 0:
                slope, name = op.alpha, "alpha"
            else:
                continue
            if (slope < 0 or slope >= 1) and not (slope == 1 and isinstance(op, ParametricRelu)):
                yield net.at(cls(op.name, slope), step, net.argument(step, name))
