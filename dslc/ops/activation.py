"""Activations: functions of each element alone."""

from __future__ import annotations

from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import curves
from dslc.ops.base import (
    Graph,
    InferContext,
    Init,
    Local,
    Names,
    NoMacs,
    NoParams,
    Op,
    ParamSpec,
    Port,
    SameType,
    Types,
    attr,
    op,
)
from dslc.ops.counting import INPUT, FlopPerElement, Held, InPlace, Saved, SavesInput, SavesOutput
from dslc.ops.errors_product import ClampBounds
from dslc.ops.signals import Signal
from dslc.ops.torchtext import Arg, Form, In, PyInfix, TorchContext, call, keyword
from dslc.types.tensor import TensorType

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""Klambauer et al. 2017, as torch has them."""


class Elementwise(SameType, NoParams, NoMacs, FlopPerElement, InPlace, Local, Op):
    """Rules all of them share: the type stays, nothing is learned, each place is read alone.

    An activation counts one operation for each element, however it is computed. What training keeps is each one's
    own, by PyTorch's derivatives.yaml.
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(0, None)),)


@op("relu")
class Relu(SavesOutput, Elementwise):
    """Rectifier: `max(x, 0)` (Nair and Hinton 2010).

    ```dl
    net f on x[N, 64]:
        linear(32) -> relu -> linear(10)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.rectifier("relu", 0.0)

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.ReLU"), function=call("F.relu", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Relu", x))


@op("relu6")
class Relu6(SavesInput, Elementwise):
    """Rectifier with a ceiling: `min(max(x, 0), 6)` (Krizhevsky 2010; MobileNet).

    ```dl
    net f on x[N, 64]:
        linear(32) -> relu6 -> linear(10)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.clipped("relu6", 0.0, 6.0)

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.ReLU6"), function=call("F.relu6", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        dtype = ins[0].dtype
        return str(g.op("Clip", [x[0], g.scalar(0.0, dtype), g.scalar(6.0, dtype)]))


@op("leaky_relu")
class LeakyRelu(SavesInput, Elementwise):
    """Rectifier that lets a part of the negative side through: `x` if positive, else `negative_slope * x`.

    Maas et al. 2013.

    ```dl
    net f on x[N, 64]:
        linear(32) -> leaky_relu(0.2) -> linear(10)
    ```
    """

    negative_slope: float = attr(0.01)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.rectifier("leaky_relu", self.negative_slope)

    def torch(self, t: TorchContext) -> Form:
        slope = Arg(t.attr("negative_slope"), default=0.01)
        return Form(module=call("nn.LeakyReLU", slope), function=call("F.leaky_relu", In(0), slope))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("LeakyRelu", x, alpha=float(self.negative_slope)))


@op("rrelu")
class RandomRelu(Elementwise):
    """Leaky rectifier whose slope is drawn from `lower .. upper` in training, their mean at inference.

    Xu et al. 2015 (torch.nn.RReLU).

    ```dl
    net f on x[N, 64]:
        linear(32) -> rrelu -> linear(10)
    ```
    """

    lower: float = attr(1 / 8)
    upper: float = attr(1 / 3)

    def check(self) -> None:
        if self.lower > self.upper:
            raise Reject(ClampBounds(self.lower, self.upper, self.name), at="lower")

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        self.check()
        return x

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved(inputs=(0,), extra=(Held(1, ins[0].dims, ins[0].dtype),))  # and the slopes drawn

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.random_rectifier(self.lower, self.upper)

    def torch(self, t: TorchContext) -> Form:
        lower, upper = keyword("lower", t.attr("lower"), 1 / 8), keyword("upper", t.attr("upper"), 1 / 3)
        return Form(module=call("nn.RReLU", lower, upper), stateful=True)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("LeakyRelu", x, alpha=(self.lower + self.upper) / 2))


@op("elu")
class Elu(SavesInput, Elementwise):
    """Exponential linear unit: `x` if positive, else `alpha * (exp(x) - 1)` (Clevert et al. 2016).

    ```dl
    net f on x[N, 64]:
        linear(32) -> elu -> linear(10)
    ```
    """

    alpha: float = attr(1.0)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.exponential_unit("elu", self.alpha)

    def torch(self, t: TorchContext) -> Form:
        alpha = Arg(t.attr("alpha"), default=1.0)
        return Form(module=call("nn.ELU", alpha), function=call("F.elu", In(0), alpha))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Elu", x, alpha=float(self.alpha)))


@op("selu")
class Selu(SavesInput, Elementwise):
    """Self-normalising linear unit: `scale * elu(x, alpha)` with the constants of Klambauer et al. 2017.

    ```dl
    net f on x[N, 64]:
        linear(32) -> selu -> linear(10)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.exponential_unit("selu", SELU_ALPHA, SELU_SCALE)

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.SELU"), function=call("F.selu", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Selu", x))


@op("celu")
class Celu(SavesInput, Elementwise):
    """Exponential linear unit with a continuous slope: `x` if positive, else `alpha * (exp(x / alpha) - 1)`.

    Barron 2017.

    ```dl
    net f on x[N, 64]:
        linear(32) -> celu(0.5) -> linear(10)
    ```
    """

    alpha: float = attr(1.0, min=1e-6)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.exponential_unit("celu", self.alpha, width=self.alpha)

    def torch(self, t: TorchContext) -> Form:
        alpha = Arg(t.attr("alpha"), default=1.0)
        return Form(module=call("nn.CELU", alpha), function=call("F.celu", In(0), alpha))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        # celu(x) = alpha * elu(x / alpha): Elu has a CUDA kernel in onnxruntime, Celu has none.
        if self.alpha == 1:
            return str(g.op("Elu", x, alpha=1.0))
        alpha = g.scalar(self.alpha, ins[0].dtype)
        return str(g.op("Mul", [g.op("Elu", [g.op("Div", [x[0], alpha])], alpha=1.0), alpha]))


@op("gelu")
class Gelu(SavesInput, Elementwise):
    """Gaussian error linear unit: `x * Phi(x)`; `gelu("tanh")` approximates it (Hendrycks and Gimpel 2016).

    ```dl
    net f on x[N, 64]:
        linear(32) -> gelu -> linear(10)
    ```
    """

    approximate: str = attr("none", choices=("none", "tanh"))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.gelu(self.approximate == "tanh")

    def torch(self, t: TorchContext) -> Form:
        approximate = keyword("approximate", t.attr("approximate"), "none")
        return Form(module=call("nn.GELU", approximate), function=call("F.gelu", In(0), approximate))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Gelu", x, approximate=self.approximate))


@op("silu")
class Silu(SavesInput, Elementwise):
    """Sigmoid linear unit: `x * sigmoid(x)` (Elfwing et al. 2017).

    ```dl
    net f on x[N, 64]:
        linear(32) -> silu -> linear(10)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.swish("silu", 1.0)

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.SiLU"), function=call("F.silu", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        # onnxruntime fuses this pair; Swish begins at opset 24 and has no kernel.
        return str(g.op("Mul", [x[0], g.op("Sigmoid", x)]))


SWISH = '''\
class Swish(nn.Module):
    """`x * sigmoid(beta * x)` with a learned `beta`."""

    def __init__(self, init: float = 1.0) -> None:
        super().__init__()
        self.init = init
        self.beta = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.beta, self.init)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.beta * x)
'''


@op("swish")
class Swish(Elementwise):
    """`x * sigmoid(beta * x)` (Ramachandran et al. 2017, arXiv:1710.05941); `silu` is the case `beta=1`.

    With `learned`, `beta` is a parameter, one number that begins at the one given.

    ```dl
    net f on x[N, 64]:
        linear(32) -> swish(1.5) -> linear(10)
    ```
    """

    beta: float = attr(1.0)
    learned: bool = attr(False)

    def params(self, *ins: TensorType) -> tuple[ParamSpec, ...]:
        init = Init("constant", (("value", self.beta),), default=True)
        return (ParamSpec("beta", (1,), init),) if self.learned else ()

    def saved(self, ins: Types, outs: Types) -> Saved:
        if self.beta == 1 and not self.learned:
            return INPUT
        return Saved(inputs=(0,), extra=(Held(1, ins[0].dims, ins[0].dtype),))  # and the sigmoid

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.swish("swish", self.beta)

    def torch(self, t: TorchContext) -> Form:
        if self.learned:
            name = t.helper("Swish", SWISH)
            return Form(module=call(name, Arg(t.attr("beta"), default=1.0)), helpers=(name,))
        if self.beta == 1:
            return Form(module=call("nn.SiLU"), function=call("F.silu", In(0)))
        gate = call("F.sigmoid", PyInfix("*", t.attr("beta"), In(0)))
        return Form(function=PyInfix("*", In(0), gate))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        scaled = x[0]
        if self.learned:
            scaled = g.op("Mul", [x[0], p["beta"]])
        elif self.beta != 1:
            scaled = g.op("Mul", [x[0], g.scalar(self.beta, ins[0].dtype)])
        return str(g.op("Mul", [x[0], g.op("Sigmoid", [scaled])]))


@op("mish")
class Mish(SavesInput, Elementwise):
    """`x * tanh(softplus(x))` (Misra 2019).

    ```dl
    net f on x[N, 64]:
        linear(32) -> mish -> linear(10)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.MISH

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.Mish"), function=call("F.mish", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Mish", x))


@op("hswish")
class HardSwish(SavesInput, Elementwise):
    """`x * relu6(x + 3) / 6`, a `silu` of straight lines (Howard et al. 2019, MobileNetV3).

    ```dl
    net f on x[N, 64]:
        linear(32) -> hswish -> linear(10)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.HARD_SWISH

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.Hardswish"), function=call("F.hardswish", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("HardSwish", x))


@op("hsigmoid")
class HardSigmoid(SavesInput, Elementwise):
    """`relu6(x + 3) / 6`, a `sigmoid` of straight lines (Courbariaux et al. 2015; MobileNetV3).

    ```dl
    net f on x[N, 64]:
        linear(32) -> hsigmoid -> linear(10)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.HARD_SIGMOID

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.Hardsigmoid"), function=call("F.hardsigmoid", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("HardSigmoid", x, alpha=1 / 6, beta=0.5))


@op("sigmoid")
class Sigmoid(SavesOutput, Elementwise):
    """Logistic function: `1 / (1 + exp(-x))`.

    ```dl
    net f on x[N, 64]:
        linear(1) -> sigmoid
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.SIGMOID

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.Sigmoid"), function=call("F.sigmoid", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Sigmoid", x))


@op("tanh")
class Tanh(SavesOutput, Elementwise):
    """Hyperbolic tangent.

    ```dl
    net f on x[N, 64]:
        linear(32) -> tanh -> linear(10)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.TANH

    def torch(self, t: TorchContext) -> Form:
        return Form(module=call("nn.Tanh"), function=call("F.tanh", In(0)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Tanh", x))
