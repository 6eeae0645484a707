"""Faults of activations and of what stands at the end of a network."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.lints.kinds import ACTIVATIONS
from dslc.lints.network import Network
from dslc.ops.activation import Relu
from dslc.ops.linear import Linear
from tests.lints.faults import Planted, after, fault, instead, own
from tests.lints.planted.norms import alone, last


@fault("W1201")
def a_pair_of_linear_maps(net: Network) -> Iterator[Planted]:
    for step, width in alone(net):
        yield after(step, f"conv({width}, 3) -> conv({width}, 3) -> relu")
    for step in own(net, Linear):
        yield after(step, f"linear({net.shape(step.outs[0])[-1]})")


@fault("W1202", also=("W1204", "W1205"))
def two_activations(net: Network) -> Iterator[Planted]:
    for step in own(net, *ACTIVATIONS):
        yield after(step, "tanh")
        yield after(step, "relu")


@fault("W1203")
def two_softmaxes(net: Network) -> Iterator[Planted]:
    for step in last(net):
        yield after(step, "softmax -> logsoftmax")


@fault("W1204")
def an_activated_bottleneck(net: Network) -> Iterator[Planted]:
    for step, width in alone(net):
        wide = 6 * width
        expand, each = f"conv({wide}, 1) -> bn -> relu6", f"conv({wide}, 3, g={wide}) -> bn -> relu6"
        yield after(step, f"{expand} -> {each} -> conv({width}, 1) -> bn -> relu6")


@fault("W1205")
def an_activated_branch(net: Network) -> Iterator[Planted]:
    for step, width in alone(net):
        yield after(step, f"residual(conv({width}, 3) -> relu -> conv({width}, 3) -> relu)")


@fault("W1206")
def a_bias_that_shuts_units(net: Network) -> Iterator[Planted]:
    for step, width in alone(net):
        yield after(step, f"conv({width}, 1, bias_init=constant(-8)) -> relu")


@fault("W1207", facts="loss=cross_entropy")
def a_softmax_that_the_loss_has(net: Network) -> Iterator[Planted]:
    for step in last(net):
        yield after(step, "softmax")


@fault("W1209")
def a_softmax_of_the_batch(net: Network) -> Iterator[Planted]:
    for step in last(net):
        yield after(step, "softmax(axis=0)")


@fault("W1210")
def logits_with_an_activation(net: Network) -> Iterator[Planted]:
    for step in last(net):
        yield after(step, "relu -> softmax")


@fault("W1211")
def a_slope_above_one(net: Network) -> Iterator[Planted]:
    for step in own(net, Relu):
        yield instead(step, "leaky_relu(2)")


@fault("N1221")
def results_above_zero(net: Network) -> Iterator[Planted]:
    for step in last(net):
        if len(net.of(Linear)) > 1:
            yield after(step, "relu")
