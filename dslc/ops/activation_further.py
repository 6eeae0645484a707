"""Further activations: smooth rectifiers, clips and thresholds of each element."""

from __future__ import annotations

from dslc.diagnostics.model import Reject
from dslc.ops import curves
from dslc.ops.activation import Elementwise
from dslc.ops.base import (
    Graph,
    InferContext,
    Names,
    Types,
    attr,
    op,
)
from dslc.ops.counting import Held, Saved, SavesInput
from dslc.ops.errors_product import ClampBounds
from dslc.ops.signals import Signal
from dslc.ops.torchtext import Arg, Form, In, TorchContext, call, keyword
from dslc.types.tensor import TensorType

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""Klambauer et al. 2017, as torch has them."""


@op("softplus")
class Softplus(SavesInput, Elementwise):
    """Smooth rectifier: `log(1 + exp(beta * x)) / beta`, and `x` itself where `beta * x > threshold`.

    Dugas et al. 2001 (torch.nn.Softplus).

    ```dl
    net f on x[N, 64]:
        linear(1) -> softplus
    ```
    """

    beta: float = attr(1.0, min=1e-6)
    threshold: float = attr(20.0)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.softplus(self.beta)

    def torch(self, t: TorchContext) -> Form:
        beta = keyword("beta", t.attr("beta"), 1.0)
        threshold = keyword("threshold", t.attr("threshold"), 20.0)
        return Form(module=call("nn.Softplus", beta, threshold), function=call("F.softplus", In(0), beta, threshold))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        dtype = ins[0].dtype
        beta = g.scalar(self.beta, dtype)
        scaled = x[0] if self.beta == 1 else g.op("Mul", [x[0], beta])
        y = g.op("Softplus", [scaled])
        y = y if self.beta == 1 else g.op("Div", [y, beta])
        if self.threshold >= 20:  # softplus(20) - 20 is 2e-9: below what a float32 of that size tells apart
            return str(y)
        large = g.op("Greater", [scaled, g.scalar(self.threshold, dtype)])
        return str(g.op("Where", [large, x[0], y]))


@op("softsign")
class Softsign(Elementwise):
    """`x / (1 + |x|)`.

    ```dl
    net f on x[N, 64]:
        linear(32) -> softsign -> linear(10)
    ```
    """

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved(inputs=(0,), extra=(Held(1, ins[0].dims, ins[0].dtype),))  # and the divisor

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.SOFTSIGN

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.Softsign"), function=call("F.softsign", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Softsign", x))


@op("hardtanh")
class HardTanh(SavesInput, Elementwise):
    """Clips to `least .. most` (Collobert 2004; torch.nn.Hardtanh).

    ```dl
    net f on x[N, 64]:
        linear(32) -> hardtanh -> linear(10)
    ```
    """

    least: float = attr(-1.0)
    most: float = attr(1.0)

    def check(self) -> None:
        if self.least >= self.most:
            raise Reject(ClampBounds(self.least, self.most, self.name), at="least")

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        self.check()
        return x

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.clipped("hardtanh", self.least, self.most)

    def torch(self, t: TorchContext) -> Form:
        least, most = Arg(t.attr("least"), "min_val", -1.0), Arg(t.attr("most"), "max_val", 1.0)
        return Form(module=call("nn.Hardtanh", least, most), function=call("F.hardtanh", In(0), least, most))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        dtype = ins[0].dtype
        return str(g.op("Clip", [x[0], g.scalar(self.least, dtype), g.scalar(self.most, dtype)]))


@op("threshold")
class Threshold(SavesInput, Elementwise):
    """`x` where it exceeds `threshold`, else `value` (torch.nn.Threshold).

    ```dl
    net f on x[N, 64]:
        linear(32) -> threshold(0.1, 0.0) -> linear(10)
    ```
    """

    threshold: float = attr()
    value: float = attr()

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.threshold(self.threshold, self.value)

    def torch(self, t: TorchContext) -> Form:
        rest = (t.attr("threshold"), t.attr("value"))
        return Form(module=call("nn.Threshold", *rest), function=call("F.threshold", In(0), *rest))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        if self.value == 0:
            return str(g.op("ThresholdedRelu", x, alpha=float(self.threshold)))
        dtype = ins[0].dtype
        above = g.op("Greater", [x[0], g.scalar(self.threshold, dtype)])
        return str(g.op("Where", [above, x[0], g.scalar(self.value, dtype)]))
