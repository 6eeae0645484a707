"""Compile a few lines of the language for tests of analyses."""

from __future__ import annotations

from textwrap import dedent

from dslc.analysis.cost import Cost, costs
from dslc.analysis.field import Field
from dslc.analysis.receptive import Tracks, receptive_fields
from dslc.api import compile_model
from dslc.ir.model import Model, Node
from dslc.ir.walk import flatten


def compiled(text: str, net: str | None = None, **sizes: int) -> Model:
    return compile_model(dedent(text), net, sizes=sizes or None)


def cost_of(model: Model) -> Cost:
    return costs(model, flatten(model))


def macs_by_path(model: Model) -> dict[str, int]:
    """Multiply-adds of each use of an op that has some."""
    cost = cost_of(model)
    flat = flatten(model)
    return {s.path: cost.nodes[s.node].macs for s in flat.steps if cost.nodes[s.node].macs}


def tracks_of(model: Model, path: str = "") -> Tracks:
    """The tracks of an op's first result; without a path, of the net's first result."""
    flat = flatten(model)
    fields = receptive_fields(model, flat)
    if not path:
        return fields.get(flat.outputs[0][1], ())
    (step,) = [s for s in flat.steps if s.path == path]
    assert isinstance(step.node, Node)
    return fields.get(step.outs[0], ())


def field_of(model: Model, path: str = "", axis: int = 2, input: int = 0) -> Field:
    """The field along one axis of one input."""
    (found,) = [t.field for t in tracks_of(model, path) if t.axis == axis and t.input == input]
    return found
