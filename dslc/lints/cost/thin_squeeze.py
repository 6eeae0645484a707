"""Gates of channels that are made of hardly any features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, LINEAR, MOVES, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.activation import HardSigmoid, Sigmoid
from dslc.ops.arithmetic import Mul
from dslc.ops.base import Op
from dslc.ops.pool_adaptive import GlobalPool
from dslc.ops.reduce import Mean

RATIO: Final = 32
"""Channels for each feature between, above which gates can hardly differ."""

MEANS: Final[tuple[type[Op], ...]] = (GlobalPool, Mean)


class ThinSqueeze(Lint, code="N1507", name="thin-squeeze"):
    """The gates of all channels are made of so few features that they hardly differ.

    Squeeze and excitation makes C gates of C/r features between two layers; r = 16 is where accuracy and size balance,
    and at r = 32 it has fallen off (Hu, Shen and Sun 2018, section 6.1 and table 10). Gates of m features lie on
    a surface of m dimensions, and behind a relu one feature or two are easily dead for all inputs. Published networks
    keep 8 and more (Howard et al. 2019; Woo et al. 2018 take at least one of 16). It is said below 4 features for 32
    channels or more, and of more than 32 channels for each feature.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu
        scale: gap -> conv(1, 1) -> relu -> conv(64, 1) -> sigmoid
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu
        scale: gap -> conv(8, 1) -> relu -> conv(64, 1) -> sigmoid
        gap -> flatten -> linear(10)
    ```

    Related: N1501.
    """

    channels: int
    features: int

    @property
    def message(self) -> str:
        few = "one feature" if self.features == 1 else f"{self.features} features"
        return f"gates of {self.channels} channels are made of {few}"

    @property
    def label(self) -> str:
        return f"{self.channels / self.features:g} channels for each; {max(4, self.channels // 16)} would be one for 16"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for gate in net.of(Mul):
            for port in range(len(gate.inputs)):
                squeeze = _squeeze(net, net.source(gate.inputs[port], *QUIET, *MOVES))
                if squeeze is None:
                    continue
                channels, features = net.shape(squeeze.inputs[0])[1], net.shape(squeeze.outs[0])[1]
                if (features < 4 and channels >= 32) or channels > RATIO * features:
                    yield net.at(cls(channels, features), squeeze, net.argument(squeeze, "out"))


def _squeeze(net: Network, gates: Step | None) -> Step | None:
    """The first of the two layers between a mean of a map and its gates, if gates are made so."""
    if gates is None or not isinstance(op_of(gates), Sigmoid | HardSigmoid):
        return None
    second = net.source(gates.inputs[0], *QUIET, *NORMS, *MOVES)
    if second is None or not isinstance(op_of(second), LINEAR):
        return None
    first = net.source(second.inputs[0], *QUIET, *NORMS, *ACTIVATIONS)
    if first is None or not isinstance(op_of(first), LINEAR):
        return None
    mean = net.source(first.inputs[0], *QUIET, *MOVES)
    alike = net.shape(first.inputs[0])[1] == net.shape(second.outs[0])[1]
    return first if mean is not None and isinstance(op_of(mean), MEANS) and alike else None
