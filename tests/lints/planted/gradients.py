"""Faults of depth and of recurrence, put between layers of maps; to those of time a map's places are a sequence."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.ir.walk import Step
from dslc.lints.gradients.causes import written
from dslc.lints.kinds import LINEAR, NORMS
from dslc.lints.network import Network
from tests.lints.faults import Planted, after, fault
from tests.lints.planted.convolution import open_maps
from tests.lints.planted.norms import last


def chain(layer: str, times: int) -> str:
    return " -> ".join([layer] * times)


def through_time(step: Step, layers: str) -> Planted:
    """The program with the places of a map as a sequence, of which each channel gets what its last place holds."""
    return after(
        step, f'(it + (flatten(2) -> transpose(1, 2) -> {layers} -> it[:, -1] -> rearrange("n d -> n d 1 1"))(it))'
    )


def trunks(net: Network) -> Iterator[tuple[Step, int]]:
    """Maps through which all goes that a network without norms reads, and their widths: a norm behind a fault brings
    what is left of values and gradients back to 1.
    """
    if net.of(*NORMS):
        return
    inputs = [value for value in net.model.root.inputs if value.type.dtype.is_float]
    for step, width, _ in open_maps(net, 4):
        if len(inputs) == 1 and alone(net, step):
            yield step, width


def alone(net: Network, step: Step) -> bool:
    """Whether no later step reads what was made before this one."""
    place = net.steps.index(step)
    made = {out for each in net.steps[: place + 1] for out in each.outs} | set(net.model.root.inputs)
    later = {value for each in net.steps[place + 1 :] for value in each.inputs}
    return later & made == {step.outs[0]} and not made & net.results


@fault("W1001")
def sigmoids_in_a_row(net: Network) -> Iterator[Planted]:
    for step, width in trunks(net):
        yield after(step, chain(f"conv({width}, 1) -> sigmoid", 12))


@fault("W1002", anywhere=True, least=5)
def layers_in_a_row(net: Network) -> Iterator[Planted]:
    if not written(net):
        for step, width in trunks(net):
            yield after(step, chain(f"conv({width}, 1) -> relu", max(20, len(net.of(*LINEAR)))))


@fault("W1003")
def weights_that_are_too_large(net: Network) -> Iterator[Planted]:
    for step, width in trunks(net):
        count = max(20, len(net.of(*LINEAR)))
        yield after(step, chain(f"conv({width}, 1, init=normal(std=0.5)) -> relu", count))


@fault("W1004", anywhere=True, least=5)
def biases_in_a_row(net: Network) -> Iterator[Planted]:
    layer = 'conv({}, 1, init=kaiming_normal(nonlinearity="relu"), bias_init=constant(10.0)) -> relu'
    for step, width in trunks(net):
        # windows over many places further on would keep inputs apart; in networks without a linear head (nin) gradients
        # vanish as well, which another rule says in place of this one
        if net.shape(step.outs[0])[2] < 20 and any(last(net)):
            yield after(step, chain(layer.format(width), 8))


@fault("W1005", also=("W1205",), anywhere=True)
def sums_in_a_row(net: Network) -> Iterator[Planted]:
    for step, width in trunks(net):
        count = max(30, len(net.of(*LINEAR)))
        yield after(step, chain(f'residual(conv({width}, 1, init=kaiming_normal(nonlinearity="relu")) -> relu)', count))


@fault("N1006")
def initialisers_of_others(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield after(step, chain(f"conv({width}, 3, init=xavier_normal) -> relu", 3))


@fault("W1007")
def a_long_memory_without_gates(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield through_time(step, f"rnn({width})")


@fault("W1011")
def a_recurrence_that_grows(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield through_time(step, f"rnn({width}, init=orthogonal(gain=6))")


@fault("W1008", facts="warmup=false")
def norms_on_the_stream(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        layers = chain(f"residual(linear({4 * width}) -> gelu -> linear({width})) -> ln", 12)
        yield through_time(step, layers)


@fault("N1009")
def gates_that_are_half_closed(net: Network) -> Iterator[Planted]:
    for step, width, _ in open_maps(net):
        yield through_time(step, f"lstm({width})")


@fault("W1010", facts="loss=mse")
def a_sigmoid_at_the_end(net: Network) -> Iterator[Planted]:
    for step in last(net):
        yield after(step, "sigmoid")
