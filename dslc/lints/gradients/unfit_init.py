"""An initialiser that is made for another activation than the one behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic, Help
from dslc.ir.walk import Step
from dslc.lints import drawn
from dslc.lints.base import Lint
from dslc.lints.gradients.causes import weights
from dslc.lints.kinds import ACTIVATIONS, LINEAR, MOVES, QUIET, SATURATING
from dslc.lints.network import Network, op_of
from dslc.ops.activation import Gelu, LeakyRelu, Relu, Relu6, Silu
from dslc.ops.base import Init, Op
from dslc.ops.pool import AvgPool, MaxPool

RECTIFIERS: tuple[type[Op], ...] = (Relu, Relu6, LeakyRelu, Gelu, Silu)
"""Activations that let about half of the mean square through."""


LEAST = 3
"""Such layers in a row, with no norm and no sum between, from which on it is said."""

NEAR = 0.9


class UnfitInit(Lint, code="N1006", name="unfit-init"):
    """The initialiser of a layer is made for another activation than the one that follows.

    Xavier's keeps the mean square of a linear map; a ReLU behind it takes half, so that the RMS of values and of
    gradients falls by 0.71 a layer, by 1000 over twenty (Glorot and Bengio 2010 for tanh; He et al. 2015 for ReLU).
    Kaiming's has twice that variance, which is right before a ReLU; before tanh or a sigmoid it drives units into
    the flat parts. The rule speaks of three such layers in a row or more: a
    norm or a residual sum between them takes the scale away again.

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
    count: int

    @property
    def message(self) -> str:
        other = "tanh" if self.init.startswith("xavier") else "ReLU"
        return f"`{self.init}` is made for {other}, and `{self.act}` follows"

    @property
    def label(self) -> str:
        if self.init.startswith("xavier"):
            return f"multiplies the RMS by {self.gain:.2f}, by {self.gain**self.count:.2g} with {self.count} in a row"
        return f"`{self.act}` gets {self.gain:.2f} times the RMS of the layer's input, {self.count} times in a row"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.init.startswith("xavier"):
            return (Help(f'`{self.init.replace("xavier", "kaiming")}(nonlinearity="relu")` keeps the mean square'),)
        gain = {"tanh": "(gain=5/3)", "sigmoid": "()"}.get(self.act, "()")
        return (Help(f"`{self.init.replace('kaiming', 'xavier')}{gain}` is the one for `{self.act}`"),)

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        runs: dict[Step | None, list[tuple[Step, str, float]]] = {}
        for step in net.of(*LINEAR):
            found = unfit(net, step)
            if found is not None:
                before = net.source(step.inputs[0], *ACTIVATIONS, *QUIET, *MOVES, MaxPool, AvgPool)
                runs[step] = run = runs.pop(before, [])
                run.append((step, *found))
        for run in runs.values():
            for step, act, gain in run if len(run) >= LEAST else ():
                init = next(weights(net, step)).spec.init
                yield net.at(cls(init.kind, act, gain, len(run)), step, net.argument(step, "init"))


def unfit(net: Network, step: Step) -> tuple[str, float] | None:
    """The activation behind a layer whose initialiser is not for it, and what both make of the RMS."""
    weight = next(weights(net, step), None)
    after = net.after(step, *QUIET)
    act = None if after is None else op_of(after)
    if weight is None or act is None or weight.spec.init.default or not misfit(weight.spec.init, act):
        return None
    gain = drawn.gain(weight.spec)
    if gain is None:
        return None
    if weight.spec.init.kind.startswith("xavier"):
        gain /= math.sqrt(2)
        if gain > NEAR:  # its fans differ so far that it keeps the mean square all the same
            return None
    return act.name, gain


def misfit(init: Init, act: Op) -> bool:
    """Whether an initialiser and an activation are of two kinds; a gain that was stated is what was meant."""
    args = dict(init.args)
    if not init.kind.startswith(("xavier", "kaiming")):
        return False
    if init.kind.startswith("xavier"):
        return isinstance(act, RECTIFIERS) and args.get("gain", 1.0) == 1.0
    rectified = args.get("nonlinearity", "leaky_relu") in ("relu", "leaky_relu") and abs(float(args.get("a", 0.0))) < 1
    return isinstance(act, SATURATING) and rectified
