"""Faults of norms and of dropout."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.ir.model import Node
from dslc.ir.walk import Step
from dslc.lints.kinds import MOVES, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.activation import Relu
from dslc.ops.convolution import Conv
from dslc.ops.linear import Linear
from dslc.ops.norm import BatchNorm
from dslc.ops.pool_adaptive import GlobalAvgPool
from tests.lints.faults import Planted, after, fault, given, maps, own


def alone(net: Network) -> Iterator[tuple[Step, int]]:
    """Rectifiers behind which a map goes on alone, and its width."""
    for step in maps(net, Relu):
        _, width, *sizes = net.shape(step.outs[0])
        if net.next(step) is not None and min(sizes) > 2:
            yield step, width


def tokens(net: Network) -> Iterator[tuple[Step, int]]:
    """Layers with weights or norms that give rows of tokens, and their width."""
    for step in own(net, Linear, *NORMS):
        y = step.outs[0].type
        if y.rank == 3 and y.channel == 2 and isinstance(y.dims[2], int):
            yield step, y.dims[2]


def last(net: Network) -> Iterator[Step]:
    """Linear maps whose numbers are the results of their network."""
    ends = {net.source(result, *QUIET, *MOVES) for result in net.results}
    yield from (step for step in own(net, Linear) if step in ends and step.outs[0] in net.results)


@fault("W1101")
def a_bias_that_is_taken_away(net: Network) -> Iterator[Planted]:
    for step in own(net, Conv):
        norm = net.next(step)
        if norm is None or not isinstance(op_of(norm), BatchNorm) or not isinstance(norm.node, Node):
            continue
        if norm.node.via is None:
            yield given(step, bias="true")


@fault("W1102", facts="batch=1")
def batch_norm_of_one_sample(net: Network) -> Iterator[Planted]:
    if not net.of(BatchNorm):
        for step, _ in alone(net):
            yield after(step, "bn")


@fault("N1121", facts="batch=2")
def batch_norm_of_two_samples(net: Network) -> Iterator[Planted]:
    if not net.of(BatchNorm):
        for step, _ in alone(net):
            yield after(step, "bn")


@fault("N1122", also=("W1106",))
def a_norm_behind_the_pool(net: Network) -> Iterator[Planted]:
    for step in maps(net, GlobalAvgPool):
        yield after(step, "bn")


@fault("W1103", also=("W1106",))
def groups_of_two_values(net: Network) -> Iterator[Planted]:
    for step in maps(net, GlobalAvgPool):
        yield after(step, f"gn({net.shape(step.outs[0])[1] // 2})")


@fault("N1123")
def a_group_for_each_channel(net: Network) -> Iterator[Planted]:
    for step, width in alone(net):
        yield after(step, f"gn({width})")


@fault("W1104", least=5)
def statistics_that_are_shared(net: Network) -> Iterator[Planted]:
    for step, width in alone(net):
        text, start = step.node.span.source.text, step.node.span.start
        begin = text.rindex("\n", 0, start) + 1
        indent = text[begin : len(text) - len(text[begin:].lstrip())]
        if text[begin:start].strip().endswith("->") or not text[begin:start].strip():
            turns = after(step, "planted_mix -> planted_norm -> relu -> planted_mix -> planted_norm -> relu").text
            made = f"{indent}module planted_norm = bn\n{indent}module planted_mix = conv({width}, 1, bias=false)\n"
            yield Planted(text[:begin] + made + turns[begin:], step.node.span.line + 2)


@fault("N1124")
def a_norm_in_a_recurrence(net: Network) -> Iterator[Planted]:
    for step, width in tokens(net):
        yield after(step, f"lstm(32) -> transpose(1, 2) -> bn -> transpose(1, 2) -> lstm({width})")


@fault("W1105")
def dropout_before_a_norm(net: Network) -> Iterator[Planted]:
    for step, _ in alone(net):
        yield after(step, "dropout(0.5) -> bn")


@fault("W1106")
def a_second_norm(net: Network) -> Iterator[Planted]:
    for step in maps(net, BatchNorm):
        if net.next(step) is not None:
            yield after(step, "bn")


@fault("W1107", facts="loss=mse")
def a_norm_at_the_end(net: Network) -> Iterator[Planted]:
    for step in last(net):
        if net.shape(step.outs[0])[-1] > 4:
            yield after(step, "ln")


@fault("W1108", also=("W1105",))
def dropout_of_nearly_all(net: Network) -> Iterator[Planted]:
    for step, _ in alone(net):
        yield after(step, "dropout(0.9)")


@fault("W1109")
def a_norm_over_the_width(net: Network) -> Iterator[Planted]:
    for step, _ in alone(net):
        if not any(isinstance(size, int) for size in step.outs[0].type.spatial):
            yield after(step, "channel_axis(-1) -> ln -> channel_axis(1)")


@fault("W1110")
def results_that_are_dropped(net: Network) -> Iterator[Planted]:
    for step in last(net):
        yield after(step, "dropout(0.5)")


@fault("N1125", also=("W1204",))
def a_norm_on_one_side(net: Network) -> Iterator[Planted]:
    for step, width in alone(net):
        yield after(
            step, f"concat(branches=[conv({width}, 1) -> bn -> relu, conv({width}, 1)]) -> conv({width}, 1) -> relu"
        )


@fault("N1127")
def dropout_of_nothing(net: Network) -> Iterator[Planted]:
    for step, _ in alone(net):
        yield after(step, "dropout(0)")
