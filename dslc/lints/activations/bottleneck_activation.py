"""An activation behind a linear bottleneck."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import ACTIVATIONS, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.arithmetic import Mul
from dslc.ops.convolution import Conv


class BottleneckActivation(Lint, code="W1204", name="bottleneck-activation"):
    """An activation follows the narrow end of an inverted residual block, and loses what it holds.

    Such a block widens its channels, convolves each by itself and projects them down again. The narrow map carries
    all from block to block; ReLU sets about half of its numbers to 0, and few channels hold nothing twice. With linear
    bottlenecks MobileNetV2 is more accurate (Sandler et al. 2018, sections 3.2 and 6.4, figure 6a); EfficientNet,
    MnasNet and MobileNetV3 have them too.

    ```dl fails
    block ir(out: int) on x[N, C, H, W]:
        cba(C * 6, 1, act=relu6) -> cba(C * 6, 3, g=C * 6, act=relu6) -> conv(out, 1) -> bn -> relu6

    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu6 -> ir(24) -> gap -> flatten -> linear(10)
    ```

    ```dl
    block ir(out: int) on x[N, C, H, W]:
        cba(C * 6, 1, act=relu6) -> cba(C * 6, 3, g=C * 6, act=relu6) -> conv(out, 1) -> bn

    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu6 -> ir(24) -> gap -> flatten -> linear(10)
    ```

    Related: W1205.
    """

    act: str
    wide: int
    narrow: int

    @property
    def message(self) -> str:
        return f"`{self.act}` behind a linear bottleneck, from {self.wide} channels to {self.narrow}"

    @property
    def label(self) -> str:
        return f"about half of the {self.narrow} are lost at each place"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for depthwise in net.of(Conv):
            op, shapes = op_of(depthwise), (depthwise.inputs[0].type.dims[1], depthwise.outs[0].type.dims[1])
            if not isinstance(op, Conv) or op.g == 1 or shapes != (op.g, op.g):
                continue
            act = narrow_end(net, depthwise, op.g)
            if act is not None and widened(net, depthwise, op.g):
                layer, narrow = op_of(act), net.shape(act.inputs[0])[1]
                if layer is not None:
                    yield net.at(cls(layer.name, op.g, narrow), act, help=without(act.node.span))


def pointwise(step: Step | None) -> bool:
    """Whether a step mixes channels alone."""
    op = None if step is None else op_of(step)
    return isinstance(op, Conv) and op.g == 1 and op.k in (1, (1, 1), (1,), (1, 1, 1))


def narrow_end(net: Network, depthwise: Step, wide: int) -> Step | None:
    """The activation behind the projection to at most half of the channels, gates by a product left out."""
    value = depthwise.outs[0]
    project = None
    for _ in range(6):
        readers = [step for step in net.readers(value) if isinstance(op_of(step), (*QUIET, *NORMS, *ACTIVATIONS, Mul))]
        project = next((step for step in net.readers(value) if pointwise(step)), None)
        gate = next((step for step in readers if isinstance(op_of(step), Mul)), None)
        if gate is None and project is not None:
            break
        if not readers:
            return None
        value = (gate or readers[0]).outs[0]
    if project is None or 2 * net.shape(project.outs[0])[1] > wide:
        return None
    act = net.after(project, *QUIET, *NORMS)
    return act if act is not None and isinstance(op_of(act), ACTIVATIONS) else None


def widened(net: Network, depthwise: Step, wide: int) -> bool:
    """Whether a pointwise layer before has made the channels at least twice as many."""
    expand = net.source(depthwise.inputs[0], *QUIET, *NORMS, *ACTIVATIONS)
    return expand is not None and pointwise(expand) and 2 * net.shape(expand.inputs[0])[1] <= wide
