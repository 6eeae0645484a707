"""Layer norm over an axis of places."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.ops.norm import LayerNorm, RmsNorm


class NormOfPlaces(Lint, code="W1109", name="norm-of-places"):
    """A layer norm is over the places of its input, not over their features, and has a weight for each place.

    Layer norm makes the features of one token, or of one place of a map, alike in mean and scale (Ba, Kiros and
    Hinton 2016, section 3). Over tokens instead it mixes all of them, those behind a token too, and its weights fix
    the length: an input of another length is refused. Which axis holds places is told by the input: one with a name
    and a default size beside one of a fixed number.

    ```dl fails
    net f on x[N, T=16, 64] -> [N, 10]:
        ln(axis=1) -> mean(1) -> linear(10)
    ```

    ```dl
    net f on x[N, T=16, 64] -> [N, 10]:
        ln -> mean(1) -> linear(10)
    ```

    Related: E0309.
    """

    norm: str
    axis: str
    places: int
    features: int

    @property
    def message(self) -> str:
        return f"`{self.norm}` is over the {self.places} places of `{self.axis}`, not over the {self.features} features"

    @property
    def label(self) -> str:
        return f"its weights fix `{self.axis}` at {self.places}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        pins = {pin.span: name for name, pin in net.model.sizes.pins.items()}
        for step in net.of(LayerNorm, RmsNorm) if pins else ():
            name, op = pins.get(step.node.span), op_of(step)
            if name is None or op is None or step.inputs[0].type.rank < 3:
                continue
            features = other(net, step)
            if features is not None:
                axis = axis_of(step)
                span = net.argument(step, "axis") if isinstance(op, LayerNorm) and op.axis == 1 else None
                yield net.at(cls(op.name, name, net.shape(step.inputs[0])[axis], features), step, span)


def axis_of(step: Step) -> int:
    """The axis that is normed, counted from either end."""
    op = op_of(step)
    return op.axis if isinstance(op, LayerNorm) else -1


def other(net: Network, step: Step) -> int | None:
    """The size of the axis that holds features, if it is not the one that is normed: of tokens the last one, of a map
    of images axis 1, where the other places have names of their own.
    """
    dims = step.inputs[0].type.dims
    if axis_of(step) == 1:
        return dims[-1] if isinstance(dims[-1], int) and len(dims) == 3 else None
    return dims[1] if len(dims) > 3 and isinstance(dims[1], int) and not isinstance(dims[2], int) else None
