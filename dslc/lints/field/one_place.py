"""Maps that shrink to one place while layers with windows follow."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import sides, written
from dslc.ops.convolution import Conv


class OnePlaceEarly(Lint, code="W1404", name="one-place-early"):
    """A map shrinks to one place before the last convolutions, whose kernels then meet nothing but padding.

    Over a map of one place a 3x3 kernel reads the place with the weight in its middle, and zeros with the other eight:
    these have no gradient and keep their initial values, and the layer is a 1x1 convolution that costs nine times as
    much. It happens where a network for 224 pixels gets 32: of five strides the last leaves one place. Networks for
    small images leave out the first strides (He et al. 2016, Deep Residual Learning, section 4.2, keeps 8x8 of 32x32).

    Counted at the default sizes; said at the layer that leaves one place.

    ```dl fails
    net f on image[N, 3, 32, 32] -> [N, 10]:
        for i in range(5): conv(16 * 2**i, 3, s=2) -> bn -> relu
        conv(512, 3) -> bn -> relu -> conv(512, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, 32, 32] -> [N, 10]:
        for i in range(2): conv(16 * 2**i, 3, s=2) -> bn -> relu
        conv(512, 3) -> bn -> relu -> conv(512, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1310, W1403.
    """

    layer: str
    layers: int
    dead: int

    @property
    def message(self) -> str:
        if not self.layer:
            return "a convolution over a map of one place: all of its kernel but one weight meets padding"
        later = "a larger kernel follows" if self.layers == 1 else f"{self.layers} larger kernels follow"
        return f"`{self.layer}` leaves a map of one place, and {later}"

    @property
    def label(self) -> str:
        return f"{self.dead:,} weights meet padding alone"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        found: dict[Step, list[Step]] = {}
        for step in net.of(Conv):
            windows = sides(net, step)
            if all(s.size == s.stride == 1 for s in windows) and any(s.kernel > 1 for s in windows):
                found.setdefault(shrinking(net, step), []).append(step)
        for cause, steps in found.items():
            op = None if cause in steps else op_of(cause)
            dead = sum(idle(net, step) for step in steps)
            name = "" if op is None else op.name
            related = [net.label(step, "over one place") for step in steps[:1] if step is not cause]
            yield net.at(cls(name, len(steps), dead), cause, written(cause, "s"), related)


def shrinking(net: Network, step: Step) -> Step:
    """The step that leaves one place, of those that a step's map goes through; the step itself of an input's map."""
    maker = net.before(step)
    while maker is not None and maker.inputs:
        value = maker.inputs[0]
        if value.type.rank != step.inputs[0].type.rank or any(n != 1 for n in net.shape(value)[2:]):
            return maker
        maker = net.maker(value)
    return step


def idle(net: Network, step: Step) -> int:
    """Weights that meet padding alone."""
    count = next((param.spec.count for param in net.params(step) if param.name == "weight"), 0)
    for side in sides(net, step):
        count = count // side.kernel * side.taps
    return next((param.spec.count for param in net.params(step) if param.name == "weight"), 0) - count
