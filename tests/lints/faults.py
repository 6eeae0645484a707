"""Faults put into good programs by machine: for each rule a function that says where its fault can be planted.

A function under `@fault("W1301")`, in a file of planted/, is given a network of examples/ and yields programs with one
edit each: the whole text, and the line at which the rule must speak. `own`, `after`, `before`, `instead` and `given`
make such edits at the steps of the program's own text. It yields only where the fault is one; what does not compile is
left out by the test, which takes 20 of all places at random.
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
    of warnings that the same fault deserves. `least`: places that there are, of a rule that few networks have room for.
    `anywhere`: the rule speaks of a whole network, at the layer where what it says begins.
    """

    plant: Plant
    facts: str = ""
    also: frozenset[str] = frozenset()
    least: int = 10
    anywhere: bool = False


FAULTS: dict[str, Fault] = {}
"""By the rule's code."""


def fault(
    code: str, facts: str = "", also: tuple[str, ...] = (), least: int = 10, anywhere: bool = False
) -> Callable[[Plant], Plant]:
    """Makes a function the fault of the rule with this code."""

    def keep(plant: Plant) -> Plant:
        assert code not in FAULTS
        FAULTS[code] = Fault(plant, facts, frozenset(also), least, anywhere)
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
        if word is not None and span.start < word.span.start and word.span.end <= span.end:
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
