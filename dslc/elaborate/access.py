"""Attributes and indices."""

from __future__ import annotations

from typing import Any

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label
from dslc.elaborate.apply_op import apply_op
from dslc.elaborate.declared import node_params, param_value
from dslc.elaborate.layers import op_layer
from dslc.elaborate.mistakes.modules import NoModuleTensor, UnappliedModule
from dslc.elaborate.mistakes.values import BadIndex, BadSlice, NoAttribute, NoItems, OneIndex, OutsideList
from dslc.elaborate.recipe import Recipe, Shared, is_tensor
from dslc.elaborate.run import Place, Run
from dslc.ir.model import Node, Value
from dslc.syntax import tree
from dslc.types.const import Const, literal
from dslc.types.dim import Dim
from dslc.values.faces import describe
from dslc.values.hole import failed, hole, is_hole
from dslc.values.kinds import is_number


def attribute(run: Run, expr: tree.Attribute, p: Place) -> Const:
    value = run.evaluate(expr.value, p)
    if failed(value):
        return value
    if isinstance(value.value, Value) and expr.name == "shape":
        value.value.readers.append(p.owner)
        return Const(value.value.type.dims, expr, p.scope, expr.span)
    if isinstance(value.value, Recipe) and value.value.layer.shared is not None:
        return _shared_tensor(run, value.value.layer.shared, expr, p)
    found = NoAttribute(expr.name, describe(value.value), isinstance(value.value, Value))
    return run.report(found, expr.name_span, p)


def _shared_tensor(run: Run, shared: Shared, expr: tree.Attribute, p: Place) -> Const:
    if shared.first is None and shared.failed:
        return run.lost(expr.span, p)
    if shared.first is None:
        return run.report(UnappliedModule(shared.name), expr.span, p, [Label(shared.span, "made here")])
    first = shared.first
    params = node_params(first) if isinstance(first, Node) else first.params
    found = params.get(expr.name)
    if found is None:
        missing = NoModuleTensor(shared.name, expr.name, nearest(expr.name, params))
        return run.report(missing, expr.name_span, p)
    return literal(param_value(found), expr.span)


def index(run: Run, expr: tree.Index, p: Place) -> Const:
    value = run.evaluate(expr.value, p)
    if failed(value):
        return value
    if isinstance(value.value, Value):
        return _index_tensor(run, value.value, expr, p)
    if not isinstance(value.value, list | tuple | range | str):
        return run.report(NoItems(describe(value.value)), expr.span, p)
    if len(expr.items) != 1:
        return run.report(OneIndex(len(expr.items)), expr.span, p)
    item = expr.items[0]
    if isinstance(item, tree.Slice):
        ends: list[Any] = [None if e is None else run.evaluate(e, p).value for e in (item.start, item.stop, item.step)]
        if any(map(is_hole, ends)):
            return hole(expr.span)
        wrong = [e for e in ends if e is not None and (not isinstance(e, int) or isinstance(e, bool))]
        if wrong or ends[2] == 0:
            return run.report(BadSlice(describe(wrong[0]) if wrong else "of a step of 0"), item.span, p)
        return Const(run.sized(value.value[slice(ends[0], ends[1], ends[2])]), expr, p.scope, expr.span)
    at = run.evaluate(item, p)
    if failed(at):
        return at
    if not isinstance(at.value, int) or isinstance(at.value, bool):
        return run.report(BadIndex(describe(at.value)), item.span, p)
    if not -len(value.value) <= at.value < len(value.value):
        return run.report(OutsideList(at.value, len(value.value)), item.span, p)
    found = value.value[at.value]
    if isinstance(found, Recipe) or is_tensor(found):
        return Const(found, None, None, expr.span)
    return Const(found, expr, p.scope, expr.span)


def _index_tensor(run: Run, value: Value, expr: tree.Index, p: Place) -> Const:
    items: list[object] = []
    inputs = [value]
    for item in expr.items:
        if isinstance(item, tree.Slice):
            ends = [None if e is None else run.evaluate(e, p) for e in (item.start, item.stop, item.step)]
            for part, end in enumerate(ends):
                if end is None:
                    continue
                if failed(end):
                    return hole(expr.span)
                if isinstance(end.value, bool) or not isinstance(end.value, int if part == 2 else int | Dim):
                    return run.report(BadSlice(describe(end.value)), item.span, p)
            items.append(tuple(ends))
            continue
        at = run.evaluate(item, p)
        if failed(at):
            return at
        if isinstance(at.value, Value):
            inputs.append(at.value)
            items.append("tensor")
        elif at.value is None or at.value is ...:
            items.append("none" if at.value is None else "...")
        elif is_number(at.value) and not isinstance(at.value, float):
            items.append(at)
        else:
            return run.report(BadIndex(describe(at.value)), item.span, p)
    bound = {"items": literal(tuple(items), expr.span)}
    layer = op_layer("index")
    return apply_op(run, layer.op, Recipe(layer, expr.span, p.scope, bound), tuple(inputs), p, expr.span)
