"""Faults of where parameters, multiply-adds and memory go."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.ir.walk import Step
from dslc.lints.network import Network, op_of
from dslc.ops.convolution import Conv
from dslc.ops.pool_adaptive import GlobalPool
from tests.lints.faults import Planted, after, before, fault, instead, own
from tests.lints.planted.convolution import cost, open_maps


def rest_of_line(step: Step) -> str:
    """What stands behind a step on its line."""
    text, end = step.node.span.source.text, step.node.span.end
    return text[end : text.find("\n", end)]


def params(net: Network) -> int:
    return sum(param.spec.count for param in net.model.params.values())


@fault("N1501")
def a_head_of_all_places(net: Network) -> Iterator[Planted]:
    for step in own(net, GlobalPool):
        if all(value.type.rank == 2 for value in net.results) and rest_of_line(step).startswith(" -> flatten"):
            channels = net.shape(step.inputs[0])[1]
            for width in (1024, 4096, 16384):
                if 49 * channels * width > 1.5 * params(net):
                    yield instead(
                        step, f"adaptive_avgpool(7) -> flatten -> linear({width}) -> relu -> reshape(N, {width}, 1, 1)"
                    )


@fault("N1502")
def a_layer_of_half(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net, 16):
        for kernel in (7, 15):
            if cost(net, step, kernel**2 * width**2) > 0.55:
                yield after(step, f"conv({width}, {kernel}) -> relu")


@fault("N1503")
def a_stem_at_full_size(net: Network) -> Iterator[Planted]:
    for step in own(net, Conv):
        if step.inputs[0] not in net.model.root.inputs or any(value.type.rank != 2 for value in net.results):
            continue
        places = net.shape(step.inputs[0])[2:]
        for width in (64, 128, 256, 512):
            macs = prod(places) * (9 * width**2 + 54 * width)
            if min(places) >= 64 and macs > 1.2 * net.numbers.cost.macs:
                yield before(step, f"conv({width}, 3) -> relu -> conv({width}, 3) -> relu -> conv(3, 3) -> relu")


@fault("N1505")
def a_concat_of_alike(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net, 8):
        alike = {net.shape(each.outs[0])[1] for each in net.steps if each.node.span == step.node.span}
        if cost(net, step, 9 * 2 * width**2) > 0.11 and len(alike) == 1:
            yield after(step, f"dense(conv({width}, 3, bias=false) -> relu) -> conv({width}, 3) -> relu")


@fault("N1506")
def biases_added(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, f"add([conv({width}, 3), conv({width}, 1)]) -> relu")


@fault("N1507")
def gates_of_one_feature(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        if width >= 32:
            yield after(step, f"scale(gap -> conv(1, 1) -> relu -> conv({width}, 1) -> sigmoid)")


@fault("N1508", facts="device=A100", also=("W1307",), least=5)
def many_depthwise_layers(net: Network) -> Iterator[Planted]:
    if any(net.shape(step.inputs[0])[1] == getattr(op_of(step), "g", 1) > 1 for step in net.of(Conv)):
        return
    seconds = 2 * net.numbers.cost.macs / 19.5e12 + 4 * params(net) / 1.555e12  # at the rates of an A100
    for step, width, _ in open_maps(net, 24):
        moved = 64 * 8 * prod(net.shape(step.outs[0])[1:])
        if width > 1 and moved / 1.555e12 > 0.3 * seconds:
            yield after(step, " -> ".join([f"conv({width}, 3, g={width}) -> relu"] * 64))


@fault("W1509", facts="batch=4096 memory=100MB")
def a_batch_of_thousands(net: Network) -> Iterator[Planted]:
    source = net.model.source
    if net.header.source is source:
        yield Planted(source.text, net.header.line)


@fault("N1510")
def a_pool_behind_a_pointwise(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        for times in (1, 4, 16):
            if cost(net, step, times * width**2) > 0.1:
                yield after(
                    step, f"conv({times * width}, 1) -> avgpool(2) -> relu -> conv({width}, 1) -> relu -> upsample(2)"
                )


@fault("N1511")
def a_pointwise_behind_an_upsampling(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        for times in (1, 4, 16):
            if cost(net, step, times * width**2) > 0.1:
                yield after(
                    step, f"maxpool(2) -> upsample(2) -> conv({times * width}, 1) -> relu -> conv({width}, 1) -> relu"
                )


@fault("N1504")
def a_long_shortcut(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net, 8):
        body = " -> relu -> ".join([f"conv({width}, 1)"] * 13)
        held = 4 * prod(net.shape(step.outs[0])[1:])
        for times, around in (
            (1, "{}"),
            (4, "upsample(2) -> {} -> avgpool(2)"),
            (16, "upsample(4) -> {} -> avgpool(4)"),
        ):
            if 9 * times * held > 4 * net.numbers.memory.peak:
                yield after(step, around.format(f"residual({body}) -> relu"))
