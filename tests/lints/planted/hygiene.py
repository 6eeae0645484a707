"""Faults of what a program holds for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.lints.network import Network
from dslc.syntax import tree
from tests.lints.faults import Planted, after, before, edited, fault, own
from tests.lints.planted.convolution import open_maps
from tests.lints.planted.cost import rest_of_line


@fault("W1701")
def channels_left_out(net: Network) -> Iterator[Planted]:
    for step in own(net):
        value = step.inputs[0] if step.inputs else None
        if value in net.model.root.inputs and value.type.dtype.is_float and len(net.readers(value)) == 1:
            channels = net.shape(value)[1]
            for kept in range(1, min(channels, 3)):
                yield before(step, f"it[:, :{kept}]")


@fault("W1702")
def channels_computed_for_nothing(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, f"conv({width + 8}, 1) -> it[:, :{width}] -> relu")


@fault("N1703", least=5)
def a_layer_aside(net: Network) -> Iterator[Planted]:
    for step, _, _ in open_maps(net):
        if rest_of_line(step):
            continue
        source, end = step.node.span.source, step.node.span.end
        start = source.text.rindex("\n", 0, end) + 1
        indent = source.text[start:end][: len(source.text[start:end]) - len(source.text[start:end].lstrip())]
        planted = edited(step, end, end, f"\n{indent}_aside = conv(8, 1)")
        yield Planted(planted.text, source.position(end)[0] + 1)


@fault("N1704")
def a_size_of_its_own(net: Network) -> Iterator[Planted]:
    block = net.model.root.definition
    sizes = net.model.sizes
    if not isinstance(block, tree.Block) or block.span.source is not net.model.source:
        return
    first = block.suite.body[0].span
    start = first.source.text.rindex("\n", 0, first.start) + 1
    indent = first.source.text[start : first.start]
    for symbol, default in sizes.default.items():
        images = [value for value in net.model.root.inputs if value.type.rank == 4]
        if symbol in sizes.universal or not any(symbol == str(side) for v in images for side in v.type.dims[2:]):
            continue
        text = f'require {symbol} % {default} == 0, "a size of its own"\n{indent}'
        if not indent.strip():
            yield Planted(first.source.text[: first.start] + text + first.source.text[first.start :], first.line)


@fault("N1705")
def one_width_again_and_again(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, "conv(88, 1) -> relu -> " * 5 + f"conv({width}, 1) -> relu")


@fault("N1706")
def nothing_is_said(net: Network) -> Iterator[Planted]:
    block = net.model.root.definition
    if isinstance(block, tree.Block) and block.doc and block.span.source is net.model.source:
        lines = block.span.source.text.split("\n")
        number = block.name_span.line - 1
        first = number
        while first and lines[first - 1].startswith("##"):
            first -= 1
        if first < number:
            yield Planted("\n".join(lines[:first] + lines[number:]), first + 1)
