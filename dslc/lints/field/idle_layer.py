"""Layers that hand on what they get."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.network import Network, op_of
from dslc.lints.windows import POOLS, number, sides
from dslc.ops.base import Op
from dslc.ops.borders import Crop, Pad
from dslc.ops.pool_adaptive import AdaptivePool
from dslc.ops.resample import ChannelShuffle, PixelShuffle, UpsampleMap
from dslc.ops.shape import Reshape
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.rewrite import kids


class IdleLayer(Lint, code="W1406", name="idle-layer"):
    """A layer does nothing: its result is its input.

    A pool of one place, an upsampling by 1, padding by 0, a `reshape` to the shape that is there, or `id` between two
    layers. By the definitions in docs/layers.md their results equal their inputs bit for bit. Each looks as if it did
    something, and where its number is a slip for another one (`maxpool(1)` for `maxpool(2)`) the network has another
    resolution, field and cost than its author thinks.

    Numbers that come from elsewhere are not spoken of: a block whose scale is a parameter may get 1. Nor is `id` as the
    argument or the other side of a choice, an adaptive pool of a map whose size is open, or
    `flatten`.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> maxpool(1) -> upsample(1) -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> maxpool(2) -> gap -> flatten -> linear(10)
    ```

    Related: W1309.
    """

    layer: str

    @property
    def message(self) -> str:
        return f"`{self.layer}` does nothing: its result is its input"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        found: dict[Span, list[Step]] = {}
        for step in net.of(
            *POOLS,
            UpsampleMap,
            AdaptivePool,
            Pad,
            Crop,
            ChannelShuffle,
            PixelShuffle,
            Reshape,
        ):
            found.setdefault(step.node.span, []).append(step)
        for uses in found.values():
            first = uses[0]
            op = op_of(first)
            if op is not None and net.place(first) == first.node.span and all(idle(net, step) for step in uses):
                yield net.at(cls(op.name), first, help=without(first.node.span))
        for span in identities(net):
            yield cls("id").at(span, help=without(span))


def idle(net: Network, step: Step) -> bool:
    """Whether a layer's result is its input, at every size and by what is written at the layer itself."""
    op, x, y = op_of(step), step.inputs[0].type, step.outs[0].type
    if not isinstance(op, Op) or x.dims != y.dims:
        return False
    if isinstance(op, POOLS):
        return number(step, "k") is not None and all(
            (s.kernel, s.stride, s.before, s.after) == (1, 1, 0, 0) for s in sides(net, step)
        )
    if isinstance(op, UpsampleMap):
        return op.scale is None or number(step, "scale") is not None
    if isinstance(op, Pad):
        return number(step, "p") is not None
    if isinstance(op, Crop):
        return op.margins is None or number(step, "margins") is not None
    if isinstance(op, ChannelShuffle):
        return number(step, "groups") is not None and op.groups in (1, x.dims[1])
    if isinstance(op, PixelShuffle):
        return number(step, "r") is not None
    if isinstance(op, AdaptivePool):
        return number(step, "out") is not None
    return isinstance(op, Reshape)


def identities(net: Network) -> Iterator[Span]:
    """Where `id` is a step of its own in the network's text: it leaves no trace in the network. As an argument, as
    a side of a choice, or under a name (`id as features`) it is meant.
    """
    definition = net.model.root.definition
    if not isinstance(definition, tree.Block) or not re.search(r"\bid\b", definition.span.text):
        return
    todo: list[object] = [definition.suite]
    while todo:
        part = todo.pop()
        if isinstance(part, tree.Chain):
            yield from (step.span for step in part.steps if isinstance(step, tree.Name) and step.name == "id")
        todo += kids(part)
