"""Layers that hand on what they get."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Applicability, Diagnostic, Edit, Help
from dslc.ir.model import Node
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import POOLS, number, sides
from dslc.ops.base import Op
from dslc.ops.borders import Crop, Pad
from dslc.ops.identity import Identity
from dslc.ops.pool_adaptive import AdaptivePool
from dslc.ops.resample import ChannelShuffle, PixelShuffle, UpsampleMap
from dslc.ops.shape import Flatten, Reshape
from dslc.source import Span


class IdleLayer(Lint, code="W1406", name="idle-layer"):
    """A layer does nothing: its result is its input.

    A pool of one place, an upsampling by 1, padding by 0, a `reshape` to the shape that is there, or `id` between two
    layers. Each looks as if it did something, and where its number is a slip for another one (`maxpool(1)` for
    `maxpool(2)`) the network has another resolution, field and cost than its author thinks. As docs/layers.md defines
    them, their results equal their inputs bit for bit; PyTorch and ONNX run some of them as copies all the same (Paszke
    et al. 2019, PyTorch, section 5.1: each operation is a call).

    Numbers that come from elsewhere are not spoken of: a block whose scale is a parameter may get 1. Nor is `id` as the
    argument or the other side of a choice.

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
            *POOLS, UpsampleMap, AdaptivePool, Pad, Crop, ChannelShuffle, PixelShuffle, Flatten, Reshape, Identity
        ):
            found.setdefault(step.node.span, []).append(step)
        for uses in found.values():
            first = uses[0]
            op = op_of(first)
            if op is not None and net.place(first) == first.node.span and all(idle(net, step) for step in uses):
                yield net.at(cls(op.name), first, help=without(first))


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
        return number(step, "g") is not None and op.groups in (1, x.dims[1])
    if isinstance(op, PixelShuffle):
        return number(step, "r") is not None
    if type(op) is Identity:
        return bare(step)
    return isinstance(op, Flatten | Reshape) or (isinstance(op, AdaptivePool) and number(step, "out") is not None)


def bare(step: Step) -> bool:
    """Whether `id` is a step of its own: not an argument, a side of a choice, or a name that is to be kept."""
    node = step.node
    if not isinstance(node, Node) or node.via is not None or node.explicit or node.span.text != "id":
        return False
    text, span = node.span.source.text, node.span
    return text[: span.start].rstrip(" \n").endswith(("->", ":")) and text[span.end :].lstrip(" ")[:2] in (
        "->",
        "\n",
        "",
    )


def without(step: Step) -> tuple[Help, ...]:
    """The program without a step that stands behind another."""
    span = step.node.span
    before = span.source.text[: span.start].rstrip()
    if not before.endswith("->"):
        return ()
    start = len(before[:-2].rstrip())
    return (
        Help("leave it out", edits=(Edit(Span(span.source, start, span.end), ""),), applicability=Applicability.MAYBE),
    )
