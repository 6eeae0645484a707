"""Faults of attention, put between the layers of maps: rows are sequences, their places are tokens."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.lints.network import Network
from tests.lints.faults import Planted, after, fault
from tests.lints.planted.convolution import open_maps


def rows(width: int, heads: int, attention: str) -> str:
    """Attention along each row of a map, with heads of its own."""
    apart = f'rearrange("n (three k d) h w -> three n h k w d", three=3, k={heads})'
    back = 'rearrange("n h k w d -> n (k d) h w")'
    projected = f"conv({3 * width}, 1, init=kaiming_normal)"
    return f"{projected} -> {apart} -> unbind(0) -> {attention} -> {back} -> conv({width}, 1) -> relu"


@fault("W1603")
def scores_without_a_scale(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        if width % 16 == 0:
            yield after(step, rows(width, width // 16, "sdpa(scale=1.0)"))


@fault("N1602")
def heads_of_four(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        if width % 4 == 0:
            yield after(step, rows(width, width // 4, "sdpa"))


def apart(layers: str) -> str:
    """A map times what attention over its places gives for each channel."""
    return f'(it * (flatten(2) -> transpose(1, 2) -> {layers} -> mean(1) -> rearrange("n d -> n d 1 1"))(it))'


@fault("N1604", also=("W1601",))
def places_with_all_places(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        cost, places = net.numbers.cost, prod(net.shape(step.outs[0])[2:])
        for wider in (1, 4, 16):
            if 2 * places**2 * wider * width > 2 * (cost.macs + 4 * places * wider * width**2):
                three = ", ".join([f"(linear({wider * width}))(it)"] * 3)
                yield after(step, apart(f"sdpa({three}) -> linear({width})"))


@fault("N1606", also=("W1601",))
def keys_with_a_bias(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, apart(f"sdpa((linear({width}))(it), (linear({width}))(it), (linear({width}))(it))"))
