"""Faults of convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.ir.walk import Step
from dslc.lints.network import Network
from dslc.ops.activation import Relu
from dslc.ops.norm import BatchNorm
from dslc.ops.pool import MaxPool
from dslc.source import Span
from tests.lints.faults import Planted, after, fault, maps


def open_maps(net: Network, least: int = 8) -> Iterator[tuple[Step, int, int]]:
    """Activations and pools behind which a map of so many places goes on alone: with its width and its size. A line
    that is used at several widths is left out: a layer of one of them would be a bottleneck at another.
    """
    widths: dict[Span, set[int]] = {}
    for step in net.of(Relu, MaxPool):
        widths.setdefault(step.node.span, set()).add(net.shape(step.outs[0])[1])
    for step in maps(net, Relu, MaxPool):
        _, width, *sizes = net.shape(step.outs[0])
        if net.next(step) is not None and min(sizes) >= least and len(widths[step.node.span]) == 1:
            yield step, width, min(sizes)


@fault("W1301")
def a_kernel_below_its_stride(net: Network) -> Iterator[Planted]:
    for step, _, _ in open_maps(net, 24):
        yield after(step, "avgpool(2, s=3)")


@fault("W1302")
def a_stride_of_single_places(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net, 16):
        yield after(step, f"conv({width}, 1, s=2) -> relu -> upsample(2)")


@fault("W1303", also=("W1405",))
def an_even_kernel(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, f"conv({width}, 4, p=same_tf) -> relu")


@fault("W1304", also=("W1310",))
def dilations_alike(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net, 24):
        pair = f"conv({width}, 3, d=4) -> relu -> conv({width}, 3, d=4) -> relu"
        yield after(step, f"maxpool(2) -> {pair} -> maxpool(2) -> upsample(4)")


@fault("W1305")
def a_checkerboard(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, f"deconv({width}, 3, s=2, p=1, op=1) -> relu")


@fault("W1306")
def a_frame_of_constants(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, f"conv({width}, 1, p=1) -> relu")


@fault("W1307")
def groups_apart(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        if width % 16 == 0:
            yield after(step, f"conv({width}, 3, g=4) -> relu -> conv({width}, 3, g=4) -> relu")


@fault("W1308")
def a_scale_for_each_channel(net: Network) -> Iterator[Planted]:
    for step in maps(net, BatchNorm):
        width = net.shape(step.outs[0])[1]
        if net.next(step) is not None and width > 1:
            yield after(step, f"conv({width}, 1, g={width})")


@fault("W1309")
def a_dilation_of_one_place(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, f"conv({width}, 1, d=2) -> relu")


@fault("W1310", also=("W1304",))
def a_dilation_beyond_the_map(net: Network) -> Iterator[Planted]:
    for step, width, size in open_maps(net):
        yield after(step, f"conv({width}, 3, d={size}) -> relu")


def cost(net: Network, step: Step, weights: int) -> float:
    """What the multiply-adds of a further layer with so many weights are of all, itself among them at each use."""
    more = weights * prod(net.shape(step.outs[0])[2:])
    uses = sum(each.node.span == step.node.span for each in net.steps)
    return more / (net.numbers.cost.macs + uses * more)


@fault("N1320")
def a_large_kernel(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        if cost(net, step, 49 * width**2) > 0.06:
            yield after(step, f"conv({width}, 7) -> relu")


@fault("N1321")
def a_wide_pair(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, f"conv({4 * width}, 3) -> relu -> conv({width}, 3) -> relu")


@fault("N1322")
def a_costly_kernel(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        if width >= 64 and cost(net, step, 15**2 * width**2) > 0.3:
            yield after(step, f"conv({width}, 15) -> relu")


@fault("N1323")
def a_width_of_odd_size(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        if width % 8 == 0 and cost(net, step, 2 * 121 * 17 * width) > 0.3:  # of it 7/17 for nothing
            yield after(step, f"conv(17, 11) -> relu -> conv({width}, 11) -> relu")


@fault("N1324", also=("W1406",))
def a_window_that_does_not_fit(net: Network) -> Iterator[Planted]:
    for step, _, size in open_maps(net):
        sizes = [n for n in range(2, size // 4 + 1) if size // n * n <= 0.93 * size]
        if sizes and len(set(net.shape(step.outs[0])[2:])) == 1:
            yield after(step, f"avgpool({sizes[0]}) -> upsample(size={size})")


@fault("N1325")
def a_map_that_grows(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, f"conv({width}, 3, p=2) -> relu")
