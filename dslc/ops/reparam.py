"""Layers whose weight is computed from other parameters: weight and spectral normalisation.

`wn(conv(64, 3))` is the layer in the brackets with its own rules; only its weight is another one. The names in the
state dict are those of torch.nn.utils.parametrizations.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from dslc.ops.base import Graph, InferContext, Init, Names, Op, ParamSpec, Port, Reach, Types, Work, attr, op
from dslc.ops.convolution import Conv, Deconv
from dslc.ops.counting import Held, Saved, Storage
from dslc.ops.linear import Embedding, Linear
from dslc.ops.recovery import Known, known
from dslc.ops.signals import Signal, Weighs, figures
from dslc.ops.torchtext import Arg, Form, TorchContext, call, keyword
from dslc.record import replace
from dslc.types.tensor import TensorType

PREFIX = "parametrizations.weight."

FIRST_STEPS = 15
"""Steps of the power iteration at first (torch/nn/utils/parametrizations.py, _SpectralNorm)."""


class Reparametrised(Op):
    """What both share: every rule but those about the weight is the layer's own.

    A use answers for the layer's attributes, ports and name too, so that reports show them.
    """

    function: ClassVar[str]  # torch's
    holds: ClassVar[tuple[type[Op], ...]] = (Conv, Deconv, Linear, Embedding)
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(0, None), dtype="any"),)
    layer: Op = attr()

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        own = {name: rules for name, rules in type(self).attributes.items() if name != "layer"}
        self.__dict__.update(
            {
                "name": f"{type(self).name}({self.layer.name})",
                "inputs": self.layer.inputs,
                "attributes": {**self.layer.attributes, **own},
            }
        )

    def __getattr__(self, name: str) -> Any:
        layer = self.__dict__.get("layer")
        if layer is None:
            raise AttributeError(name)
        return getattr(layer, name)

    def __repr__(self) -> str:
        return f"{type(self).name}({self.layer!r})"

    def replace(self, **values: object) -> Op:
        """This use with other attributes, of its own or of the layer."""
        own = {name: values.pop(name, getattr(self, name)) for name in type(self).attributes if name != "layer"}
        return type(self)(layer=self.layer.replace(**values), **own)

    @property
    def core(self) -> Op:
        return self.layer

    def weight(self, ins: Types) -> ParamSpec:
        """The weight that the layer works with."""
        return next(spec for spec in self.layer.params(*ins) if spec.name == "weight")

    def others(self, ins: Types) -> tuple[ParamSpec, ...]:
        """The layer's other parameters."""
        return tuple(spec for spec in self.layer.params(*ins) if spec.name != "weight")

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType | Types:
        return self.layer.infer(c, *ins)

    def check(self) -> None:
        self.layer.check()

    def recover(self, ins: Known) -> Types:
        return self.layer.recover(ins) if known(self.layer) else ()

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return self.layer.macs(ins, outs)

    def acts(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return self.layer.acts(ins, outs)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return self.layer.flops(ins, outs)

    def storage(self, ins: Types, outs: Types) -> Storage:
        return self.layer.storage(ins, outs)

    def reach(self, ins: Types, outs: Types) -> Reach:
        return self.layer.reach(ins, outs)

    def with_weight(self, ins: Types, outs: Types, *extra: Held) -> Saved:
        """What the layer keeps, the weight computed for this pass (a table is read, not multiplied), and more."""
        saved, spec = self.layer.saved(ins, outs), self.weight(ins)
        made = () if isinstance(self.layer, Embedding) else (Held(spec.count, (), spec.dtype),)
        return replace(saved, extra=(*saved.extra, *made, *extra))

    def wrapped(self, t: TorchContext, *options: Arg) -> Form:
        """The layer's module inside torch's function."""
        form = self.layer.torch(t)
        assert form.module is not None
        module = call(f"nn.utils.parametrizations.{self.function}", form.module, *options)
        return replace(form, function=None, exact=None, module=module)

    def computed(self, g: Graph, names: Names, p: dict[str, str], ins: Types) -> str:
        """The weight as an initialiser, from the parameters it is made of."""
        return g.weight("weight", [p[PREFIX + name] for name in names], self.fold, self.weight(ins).shape)

    def fold(self, *arrays: Any) -> Any:
        """The weight in evaluation mode, in numpy."""
        raise NotImplementedError(f"{type(self).__name__}.fold")

    def through(
        self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types, weight: str
    ) -> str | tuple[str, ...]:
        """The layer's nodes with that weight."""
        return self.layer.onnx(g, x, {**p, "weight": weight}, ins, outs)


@op("wn")
class WeightNorm(Reparametrised):
    """Weight normalisation of a layer: its weight is `g * v / ||v||`, the length and the direction learned apart.

    `wn(conv(..))`, also of `deconv`, `linear` and `embedding`: the shapes and costs of that layer. The norm is taken of
    each slice along the first axis of the weight, for which there is one `g` (Salimans and Kingma, arXiv:1602.07868,
    eq. 2; torch.nn.utils.parametrizations.weight_norm: `original0` is g, `original1` v). The ONNX file has the product.

    ```dl
    net f on x[N, 1, T=256]:
        wn(conv(16, 3)) as first -> leaky_relu(0.1) -> wn(conv(16, 3, d=2))
    ```
    """

    function: ClassVar[str] = "weight_norm"

    def params(self, *ins: TensorType) -> tuple[ParamSpec, ...]:
        v = self.weight(ins)
        lengths = Init("length", (("of", f"{PREFIX}original1"),), default=True)
        g = ParamSpec(f"{PREFIX}original0", (v.shape[0], *(1,) * (len(v.shape) - 1)), lengths)
        return (*self.others(ins), g, replace(v, name=f"{PREFIX}original1"))

    def saved(self, ins: Types, outs: Types) -> Saved:
        v = self.weight(ins)
        return self.with_weight(ins, outs, Held(v.shape[0], (), v.dtype))  # ||v||

    def signal(self, ins: Types, outs: Types) -> Signal:
        return self.layer.signal(ins, outs)

    def torch(self, t: TorchContext) -> Form:
        return self.wrapped(t)

    def fold(self, *arrays: Any) -> Any:
        import numpy as np

        g, v = arrays
        axes = tuple(range(1, v.ndim))
        return g * (v / np.sqrt(np.square(v).sum(axis=axes, keepdims=True)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str | tuple[str, ...]:
        return self.through(g, x, p, ins, outs, self.computed(g, ("original0", "original1"), p, ins))


@op("sn")
class SpectralNorm(Reparametrised):
    """Spectral normalisation of a layer: its weight is `w / sigma`, sigma the largest singular value of `w`.

    `sn(conv(..))`, also of `deconv`, `linear` and `embedding`: the shapes and costs of that layer. `w` is read as a
    matrix whose rows are output channels; sigma is `u . (w v)`, where the buffers `_u` and `_v` follow the singular
    vectors by `steps` steps of the power iteration in each pass of training (Miyato et al., arXiv:1802.05957,
    algorithm 1; torch.nn.utils.parametrizations.spectral_norm). The ONNX file has the quotient.

    ```dl
    net critic on image[N, 3, H=32, W=32]:
        sn(conv(64, 4, s=2, p=1)) as c1 -> leaky_relu(0.2) -> gap -> flatten -> sn(linear(1)) as score
    ```
    """

    function: ClassVar[str] = "spectral_norm"
    steps: int = attr(1, min=1, keyword=True)
    eps: float = attr(1e-12, min=0, keyword=True)

    @property
    def axis(self) -> int:
        """The axis of output channels."""
        return 1 if isinstance(self.layer, Deconv) else 0

    def params(self, *ins: TensorType) -> tuple[ParamSpec, ...]:
        w = self.weight(ins)
        rows = w.shape[self.axis]
        columns = math.prod(w.shape) // rows
        sides = (("_u", rows, "left"), ("_v", columns, "right"))
        return (
            *self.others(ins),
            replace(w, name=f"{PREFIX}original"),
            *(ParamSpec(f"{PREFIX}0.{name}", (size,), self.vector(side), "buffer") for name, size, side in sides),
        )

    def vector(self, side: str) -> Init:
        """A singular vector of the first weight, as near as torch brings it."""
        of = (("of", f"{PREFIX}original"), ("side", side), ("axis", self.axis), ("eps", self.eps))
        return Init("singular", of, default=True)

    def saved(self, ins: Types, outs: Types) -> Saved:
        w = self.weight(ins)
        vectors = w.shape[self.axis] + w.count // w.shape[self.axis]
        return self.with_weight(ins, outs, Held(vectors + 1, (), w.dtype))  # copies of u and v, sigma

    def signal(self, ins: Types, outs: Types) -> Signal:
        rule = self.layer.signal(ins, outs)
        w = self.weight(ins)
        rows = figures(w.shape)[self.axis]
        return replace(rule, unit=(rows, math.prod(w.shape) // rows)) if isinstance(rule, Weighs) else rule

    def torch(self, t: TorchContext) -> Form:
        steps = keyword("n_power_iterations", t.attr("steps"), 1)
        return self.wrapped(t, steps, keyword("eps", t.attr("eps"), 1e-12))

    def fold(self, *arrays: Any) -> Any:
        import numpy as np

        w, u, v = arrays
        rows = np.moveaxis(w, self.axis, 0).reshape(len(u), -1)
        return w / np.dot(u, rows @ v)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str | tuple[str, ...]:
        return self.through(g, x, p, ins, outs, self.computed(g, ("original", "0._u", "0._v"), p, ins))
