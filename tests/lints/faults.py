"""Faults put into good programs by machine: for each rule a function that says where its fault can be planted.

A function under `@fault("W1301")` is given a network of examples/ and yields programs with one edit each: the whole
text, and the line at which the rule must speak. `own`, `after`, `before`, `instead` and `given` make such edits at the
steps of the program's own text. It yields only where the fault is one; what does not compile is left out by the test,
which takes 20 of all places at random.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from dslc.ir.walk import Step
from dslc.lints.network import Network, op_of
from dslc.ops.base import Op
from dslc.record import frozen


@frozen
class Planted:
    """A program with a fault, and the line, counted from 1, where it was put."""

    text: str
    line: int


Plant: TypeAlias = Callable[[Network], Iterator[Planted]]


@frozen
class Fault:
    """How a rule's fault is planted. `facts`: what is stated beside the program, as `batch=1 loss=mse`. `also`: codes
    of warnings that the same fault deserves.
    """

    plant: Plant
    facts: str = ""
    also: frozenset[str] = frozenset()


FAULTS: dict[str, Fault] = {}
"""By the rule's code."""


def fault(code: str, facts: str = "", also: tuple[str, ...] = ()) -> Callable[[Plant], Plant]:
    """Makes a function the fault of the rule with this code."""

    def keep(plant: Plant) -> Plant:
        assert code not in FAULTS
        FAULTS[code] = Fault(plant, facts, frozenset(also))
        return plant

    return keep


def own(net: Network, *kinds: type[Op]) -> Iterator[Step]:
    """The uses of some ops that are written in the network's own file, each line's text once; all ops where no kind is
    named.
    """
    seen = set()
    for step in net.steps:
        span = step.node.span
        if span.source is net.model.source and span not in seen and (not kinds or isinstance(op_of(step), kinds)):
            seen.add(span)
            yield step


def maps(net: Network, *kinds: type[Op], axes: int = 2) -> Iterator[Step]:
    """Those whose result is a map of so many spatial axes."""
    return (s for s in own(net, *kinds) if s.outs[0].type.rank == axes + 2 and s.outs[0].type.channel == 1)


def edited(step: Step, start: int, end: int, text: str) -> Planted:
    """The program with another text between two places of a step's file."""
    source = step.node.span.source
    return Planted(source.text[:start] + text + source.text[end:], source.position(start)[0])


def after(step: Step, layer: str) -> Planted:
    """The program with a layer more, behind a step."""
    return edited(step, step.node.span.end, step.node.span.end, f" -> {layer}")


def before(step: Step, layer: str) -> Planted:
    """The program with a layer more, in front of a step."""
    return edited(step, step.node.span.start, step.node.span.start, f"{layer} -> ")


def instead(step: Step, layer: str) -> Planted:
    """The program with another layer in place of a step, under the same name."""
    span = step.node.span
    named = re.search(r" as (?:\w+|`[^`]*`)$", span.text)
    return edited(step, span.start, span.end, layer + (named[0] if named else ""))


def given(step: Step, **values: object) -> Planted:
    """The program with other arguments of a layer: those that are written get these values, the others are added.

    Arguments of a layer written without any come in parentheses.
    """
    span, words = step.node.span, getattr(step.node, "consts", {})
    found, more = [], []
    for name, value in values.items():
        word = words.get(name)
        if word is not None and span.start <= word.span.start and word.span.end <= span.end:
            found.append((word.span.start - span.start, word.span.end - span.start, str(value)))
        else:
            more.append(f"{name}={value}")
    text = span.text
    named = re.search(r" as (?:\w+|`[^`]*`)$", text)
    tail = named[0] if named else ""
    close = len(text) - len(tail)
    if more and text[:close].endswith(")"):
        found.append((close - 1, close - 1, ", " + ", ".join(more)))
    elif more:
        found.append((close, close, f"({', '.join(more)})"))
    for start, end, value in sorted(found, reverse=True):
        text = text[:start] + value + text[end:]
    return edited(step, span.start, span.end, text)


# ---- convolutions and fields


def literal(step: Step, name: str) -> bool:
    """Whether an argument is written as a number, or not at all, so that `given` can set it."""
    return number(step, name) is not None or not step.node.consts[name].origin if isinstance(step.node, Node) else False


def shrinkable(net: Network, axes: int = 2) -> Iterator[Step]:
    """Layers behind which one map of 16 places or more goes on alone."""
    for step in maps(net, Conv, BatchNorm, Relu, MaxPool, axes=axes):
        if net.next(step) is not None and min(net.shape(step.outs[0])[2:]) >= 16:
            yield step


@fault("W1301")
def a_kernel_below_its_stride(net: Network) -> Iterator[Planted]:
    for step in shrinkable(net):
        yield after(step, "avgpool(2, s=3)")


@fault("W1302")
def a_stride_of_single_places(net: Network) -> Iterator[Planted]:
    for step in shrinkable(net):
        yield after(step, f"conv({step.outs[0].type.dims[1]}, 1, s=2)")


@fault("W1303")
def an_even_kernel(net: Network) -> Iterator[Planted]:
    for step in maps(net, Conv, BatchNorm, Relu, MaxPool):
        if net.next(step) is not None:
            yield after(step, f"conv({step.outs[0].type.dims[1]}, 4, p=same_tf)")


@fault("W1304")
def dilations_alike(net: Network) -> Iterator[Planted]:
    for step in shrinkable(net):
        if any(s.stride > 1 for s in sides(net, step)):  # a stage begins: nothing has filled the holes before
            width = step.outs[0].type.dims[1]
            yield after(step, f"conv({width}, 3, d=2) -> relu -> conv({width}, 3, d=2) -> gap")


@fault("W1305")
def a_checkerboard(net: Network) -> Iterator[Planted]:
    for step in maps(net, Conv, BatchNorm, Relu, MaxPool, Deconv):
        if net.next(step) is not None:
            yield after(step, f"deconv({step.outs[0].type.dims[1]}, 3, s=2, p=1, op=1)")


@fault("W1306")
def a_frame_of_constants(net: Network) -> Iterator[Planted]:
    for step in maps(net, Conv, BatchNorm, Relu, MaxPool):
        if net.next(step) is not None:
            yield after(step, f"conv({step.outs[0].type.dims[1]}, 1, p=1)")


@fault("W1307")
def groups_apart(net: Network) -> Iterator[Planted]:
    for step in maps(net, Conv, BatchNorm, Relu, MaxPool):
        width = step.outs[0].type.dims[1]
        if net.next(step) is not None and isinstance(width, int) and width % 16 == 0:
            yield after(step, f"conv({width}, 3, g=4) -> relu -> conv({width}, 3, g=4)")


@fault("W1308")
def a_scale_for_each_channel(net: Network) -> Iterator[Planted]:
    for step in maps(net, BatchNorm):
        if net.next(step) is not None:
            width = step.outs[0].type.dims[1]
            yield after(step, f"conv({width}, 1, g={width})")


@fault("W1309")
def a_dilation_of_one_place(net: Network) -> Iterator[Planted]:
    for step in maps(net, Conv, BatchNorm, Relu, MaxPool):
        if net.next(step) is not None:
            yield after(step, f"conv({step.outs[0].type.dims[1]}, 1, d=2)")


@fault("W1310")
def a_dilation_beyond_the_map(net: Network) -> Iterator[Planted]:
    for step in maps(net, Conv, BatchNorm, Relu, MaxPool):
        size = max(net.shape(step.outs[0])[2:])
        if net.next(step) is not None and size > 1:
            yield after(step, f"conv({step.outs[0].type.dims[1]}, 3, d={size})")


@fault("W1401")
def a_larger_image(net: Network) -> Iterator[Planted]:
    """A classifier for an image sixteen times as large."""
    for step in own(net, GlobalPool):
        for size in (1024, 2048, 4096, 8192, 16384):
            head = re.search(r"H=(\w+), W=\1\]", step.node.span.source.text)
            if head and isinstance(net.model.root.inputs[0].type.dims[-1], Dim):
                text = step.node.span.source.text
                yield Planted(text[: head.start()] + f"H={size}, W={size}]" + text[head.end() :], step.node.span.line)
