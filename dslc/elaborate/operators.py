"""Operators and comparisons: on compile-time values and tensors."""

from __future__ import annotations

from dslc.bind.language import COMPARISONS, OPERATORS
from dslc.diagnostics.model import Reject
from dslc.elaborate.apply_op import apply_op
from dslc.elaborate.layers import op_layer
from dslc.elaborate.mistakes.conditions import NotBool
from dslc.elaborate.mistakes.flow import NotATensor
from dslc.elaborate.mistakes.values import ManyCompared
from dslc.elaborate.recipe import Recipe, is_tensor
from dslc.elaborate.run import Place, Run
from dslc.ir.model import Value
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import left_run
from dslc.types.const import Const, literal
from dslc.values import arithmetic
from dslc.values.faces import describe
from dslc.values.hole import failed, hole
from dslc.values.kinds import is_number
from dslc.values.mistakes import Undefined


def unary(run: Run, expr: tree.Unary, p: Place) -> Const:
    value = run.evaluate(expr.value, p)
    if failed(value):
        return value
    if is_tensor(value.value):
        op = "logical_not" if expr.op == "not" else "neg"
        return _operate(run, op, [value], {}, p, expr.span)
    if expr.op == "not":
        if not isinstance(value.value, bool):
            return run.report(NotBool(describe(value.value)), expr.value.span, p)
        return Const(not value.value, expr, p.scope, expr.span)
    return Const(arithmetic.negate(value.value), expr, p.scope, expr.span)


def binary(run: Run, expr: tree.Binary, p: Place) -> Const:
    first, operations = left_run(expr)
    value = run.evaluate(first, p)
    for node in operations:
        try:
            value = _operator(run, node, value, p)
        except Reject as reject:
            value = run.report(reject.mistake, node.span, p, reject.related)
    return value


def _operator(run: Run, node: tree.Binary, left: Const, p: Place) -> Const:
    if node.op in ("and", "or") and not is_tensor(left.value):
        return _logical(run, node, left, p)
    right = run.evaluate(node.right, p)
    if failed(left) or failed(right):
        return hole(node.span)
    if is_tensor(left.value) or is_tensor(right.value):
        name = OPERATORS.get(node.op) or {"and": "logical_and", "or": "logical_or"}.get(node.op)
        if name is None:
            return run.report(Undefined(node.op, ("tensors",)), node.span, p)
        return _operate(run, name, [left, right], {}, p, node.span, (node.left, node.right))
    value = arithmetic.calculate(node.op, left.value, right.value)
    return Const(run.sized(value), node, p.scope, node.span)


def _logical(run: Run, node: tree.Binary, left: Const, p: Place) -> Const:
    if failed(left):
        return left
    if not isinstance(left.value, bool):
        return run.report(NotBool(describe(left.value)), node.left.span, p)
    if left.value == (node.op == "or"):
        return Const(left.value, node, p.scope, node.span)
    right = run.evaluate(node.right, p)
    if failed(right):
        return right
    if not isinstance(right.value, bool):
        return run.report(NotBool(describe(right.value)), node.right.span, p)
    return Const(right.value, node, p.scope, node.span)


def compare(run: Run, expr: tree.Compare, p: Place) -> Const:
    values = [run.evaluate(v, p) for v in expr.values]
    if failed(*values):
        return hole(expr.span)
    if any(is_tensor(v.value) for v in values):
        if len(values) != 2 or expr.ops[0] not in COMPARISONS:
            return run.report(ManyCompared(), expr.span, p)
        if any(v.value is None for v in values) and expr.ops[0] in ("==", "!="):
            return Const(expr.ops[0] == "!=", expr, p.scope, expr.span)
        return _operate(run, COMPARISONS[expr.ops[0]], values, {}, p, expr.span, expr.values)
    for value in values:
        run.sized(value.value)
    result = True
    for op, left, right in zip(expr.ops, values, values[1:], strict=False):
        if not arithmetic.compare(op, left.value, right.value, run.sizes, expr.span):
            result = False
            break
    return Const(result, expr, p.scope, expr.span)


def _operate(
    run: Run,
    op: str,
    operands: list[Const],
    attributes: dict[str, Const],
    p: Place,
    span: Span,
    texts: tuple[tree.Expr, ...] = (),
) -> Const:
    """An operator of which at least one operand is a tensor."""
    inputs: list[Value] = []
    bound = dict(attributes)
    for at, operand in enumerate(operands):
        if isinstance(operand.value, Value):
            inputs.append(operand.value)
        elif is_number(operand.value) or isinstance(operand.value, bool):
            bound["number"] = operand
            if at == 0:
                bound["swap"] = literal(True, operand.span)
        else:
            text = texts[at].span.text if texts else ""
            where = texts[at].span if texts else operand.span
            return run.report(NotATensor(describe(operand.value), text), where, p)
    layer = op_layer(op)
    recipe = Recipe(layer, span, p.scope, bound)
    written = tuple(t.span for t in texts) if len(inputs) == len(operands) else ()
    return apply_op(run, layer.op, recipe, tuple(inputs), p, span, written)
