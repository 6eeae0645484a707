"""An initialiser that is made for another activation than the one behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic, Help
from dslc.lints.base import Lint
from dslc.lints.gradients.causes import weights
from dslc.lints.kinds import LINEAR, QUIET, SATURATING
from dslc.lints.network import Network, op_of
from dslc.ops.activation import Gelu, LeakyRelu, Relu, Relu6, Silu
from dslc.ops.base import Init, Op
from dslc.ops.initialisers import fans, gain_of

RECTIFIERS: tuple[type[Op], ...] = (Relu, Relu6, LeakyRelu, Gelu, Silu)
"""Activations that let about half of the mean square through."""


class UnfitInit(Lint, code="N1006", name="unfit-init"):
    """The initialiser of a layer is made for another activation than the one that follows.

    Xavier's keeps the mean square of a linear map; a ReLU behind it takes half, so that the RMS of values and of
    gradients falls by 0.71 a layer, by 1000 over twenty (Glorot and Bengio 2010 for tanh; He et al. 2015 for ReLU).
    Kaiming's has twice that variance, which is right before a ReLU; before tanh or a sigmoid it drives units into
    the flat parts. A norm between the two takes the scale away again, and the rule is silent.

    ```dl fails
    net f on x[N, 256] -> [N, 10]:
        for i in range(20): linear(256, init=xavier_normal()) -> relu
        linear(10)
    ```

    ```dl
    net f on x[N, 256] -> [N, 10]:
        for i in range(20): linear(256, init=kaiming_normal(nonlinearity="relu")) -> relu
        linear(10)
    ```

    Related: W1002, W1003.
    """

    init: str
    act: str
    gain: float

    @property
    def message(self) -> str:
        other = "tanh" if self.init.startswith("xavier") else "ReLU"
        return f"`{self.init}` is made for {other}, and `{self.act}` follows"

    @property
    def label(self) -> str:
        if self.init.startswith("xavier"):
            return f"values and gradients are multiplied by {self.gain:.2f} here"
        return f"`{self.act}` gets values of {self.gain:.2f} times the RMS of the layer's input"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.init.startswith("xavier"):
            return (Help(f'`{self.init.replace("xavier", "kaiming")}(nonlinearity="relu")` keeps the mean square'),)
        gain = {"tanh": "(gain=5/3)", "sigmoid": "()"}.get(self.act, "()")
        return (Help(f"`{self.init.replace('kaiming', 'xavier')}{gain}` is the one for `{self.act}`"),)

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(*LINEAR):
            init = next((param.spec.init for param in weights(net, step)), None)
            if init is None or init.default or not init.kind.startswith(("xavier", "kaiming")):
                continue
            after = net.after(step, *QUIET)
            act = None if after is None else op_of(after)
            if act is None or not misfit(init, act):
                continue
            gain = math.sqrt(scale(init, next(weights(net, step)).spec.shape))
            if init.kind.startswith("xavier"):
                gain /= math.sqrt(2)
                if gain > 0.9:  # its fans differ so far that it keeps the mean square all the same
                    continue
            yield net.at(cls(init.kind, act.name, gain), step, net.argument(step, "init"))


def misfit(init: Init, act: Op) -> bool:
    """Whether an initialiser and an activation are of two kinds; a gain that was stated is what was meant."""
    args = dict(init.args)
    if init.kind.startswith("xavier"):
        return isinstance(act, RECTIFIERS) and args.get("gain", 1.0) == 1.0
    rectified = args.get("nonlinearity", "leaky_relu") in ("relu", "leaky_relu") and abs(float(args.get("a", 0.0))) < 1
    return isinstance(act, SATURATING) and rectified


def scale(init: Init, shape: tuple[int, ...]) -> float:
    """By how much a layer multiplies the mean square of its inputs: fan_in times the variance of its weights."""
    args = dict(init.args)
    into, out = fans(shape)
    if init.kind.startswith("xavier"):
        return float(args.get("gain", 1.0)) ** 2 * 2 * into / (into + out)
    gain = gain_of(str(args.get("nonlinearity", "leaky_relu")), float(args.get("a", 0.0)))
    return gain * gain * (into / out if args.get("mode") == "fan_out" else 1.0)
