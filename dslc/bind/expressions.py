"""Expressions: every name gets its symbol, every call its signature, and what the text says of the value is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dslc.bind import language, static
from dslc.bind.binder import Binder, Place
from dslc.bind.mistakes import GivenTwice, WrongType
from dslc.bind.mistakes_body import NoSuite, TrainingCondition, WrongInputs
from dslc.bind.scopes import Scope, plain
from dslc.bind.signatures import Given, fill, missing, steps, without
from dslc.bind.static import INT, LAYER, TENSOR, TENSORS, UNKNOWN, VALUE, Static, listed
from dslc.bind.table import Kind, Signature, Symbol
from dslc.bind.values import UNSAID, layer_value, literal, wrong_value
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import left_run
from dslc.values.arithmetic import ARITY


def evaluate(b: Binder, expr: tree.Expr, p: Place) -> Static:
    """What the text of an expression says of its value."""
    b.around.append(expr)
    try:
        return _HANDLERS[type(expr)](b, expr, p)
    finally:
        b.around.pop()
        if len(b.around) == b.line.base and b.line.waits:
            b.finish_line(expr)


def flow(b: Binder, expr: tree.Expr, p: Place) -> Static:
    """What a line or a step of a chain makes: a layer is applied to the current value."""
    return applied(b, evaluate(b, expr, p), expr.span, p.it)


def applied(b: Binder, value: Static, span: Span, inputs: Static | None) -> Static:
    """What a layer makes of tensors; it must be complete, and get as many as it takes. All else stands for itself."""
    if value.kind != "layer":
        return value
    lacking = missing(value)
    if lacking and value.signature is not None:
        b.missing(value.signature, lacking, span)
    if value.inner is not None:
        return applied(b, value.inner, span, inputs)
    if value.signature is None:
        return TENSORS
    if inputs is not None and inputs.count is not None and value.signature.refuses(inputs.count):
        b.report(WrongInputs(value.signature.name, value.signature.inputs, inputs.count), span)
    return static.tensors(value.signature.results)


# ---- leaves


def _constant(b: Binder, expr: tree.Expr, p: Place) -> Static:
    return static.of_literal(expr)


def _text(b: Binder, expr: tree.Text, p: Place) -> Static:
    for piece in expr.pieces:
        if not isinstance(piece, str):
            evaluate(b, piece, p)
    return static.of_literal(expr)


def _word(b: Binder, expr: tree.Word, p: Place) -> Static:
    if expr.word == "training":
        b.report(TrainingCondition(), expr.span, expr=expr)
        return UNKNOWN
    return Static("none") if expr.word == "none" else VALUE if expr.word == "..." else static.of_literal(expr)


def _it(b: Binder, expr: tree.It, p: Place) -> Static:
    return p.it or UNKNOWN


def _name(b: Binder, expr: tree.Name, p: Place) -> Static:
    value = _meaning(b, b.resolve(expr, p, "read"), expr.span)
    if value.kind == "fn" and value.signature is not None and value.signature.kind == "alias":
        return _alias(b, value, [], tree.Call(expr.span, expr, ()), p)
    return value


def _meaning(b: Binder, symbol: Symbol | None, span: Span) -> Static:
    if symbol is None:
        return UNKNOWN
    value = b.value(symbol)
    if value.kind in ("layer", "fn") and value.span is None:
        return replace(value, span=span)
    return value


def _tick_name(b: Binder, expr: tree.TickName, p: Place) -> Static:
    before = len(b.found) + len(b.line.unknown)
    _text(b, expr.text, p)
    if len(b.found) + len(b.line.unknown) > before:
        return UNKNOWN
    found = b.resolve_ticked(expr, p)
    return static.joined(_meaning(b, symbol, expr.span) for symbol in found)


# ---- composites


def _tuple(b: Binder, expr: tree.Tuple, p: Place) -> Static:
    items = tuple(evaluate(b, item, p) for item in expr.items)
    kinds = {item.kind for item in items}
    if kinds == {"tensor"}:
        return static.tensors(len(items) if all(item.count == 1 for item in items) else None)
    if "unknown" in kinds and kinds <= {"unknown", "tensor"}:
        return UNKNOWN
    return Static("tuple", items=items)


def _list(b: Binder, expr: tree.List, p: Place) -> Static:
    return listed(static.joined([evaluate(b, item, p) for item in expr.items]))


def _comprehension(b: Binder, expr: tree.Comprehension, p: Place) -> Static:
    q = p
    for clause in expr.clauses:
        source = evaluate(b, clause.value, q)
        if clause.targets:
            q = q.inside(Scope("turn", q.scope))
            loop_targets(b, clause.targets, source, q)
    return listed(evaluate(b, expr.item, q))


def loop_targets(b: Binder, targets: tuple[tree.Name, ...], source: Static, p: Place) -> None:
    """Declare the names of a `for` in the scope of its turn."""
    items = static.items_of(source, len(targets))
    for target, item in zip(targets, items, strict=True):
        kind: Kind = "tensor" if item.kind == "tensor" else "loop"
        b.declare(target.name, target.span, kind, p, item)


def _unary(b: Binder, expr: tree.Unary, p: Place) -> Static:
    value = evaluate(b, expr.value, p)
    if value.kind in ("tensor", "unknown") or (expr.op == "-" and value.kind in static.NUMBERS):
        return value
    return VALUE


def _binary(b: Binder, expr: tree.Binary, p: Place) -> Static:
    first, operations = left_run(expr)
    value = evaluate(b, first, p)
    for node in operations:
        value = static.arithmetic(node.op, value, evaluate(b, node.right, p))
    return value


def _compare(b: Binder, expr: tree.Compare, p: Place) -> Static:
    kinds = [evaluate(b, value, p).kind for value in expr.values]
    if "none" in kinds or "in" in expr.ops or not {"tensor", "unknown"} & set(kinds):
        return static.of_literal(tree.Word(expr.span, "true"))
    return TENSOR if "tensor" in kinds else UNKNOWN


def _conditional(b: Binder, expr: tree.Conditional, p: Place) -> Static:
    training = isinstance(expr.condition, tree.Word) and expr.condition.word == "training"
    if not training:
        evaluate(b, expr.condition, p)
    return static.joined([evaluate(b, side, p) for side in (expr.then, expr.other)])


def _attribute(b: Binder, expr: tree.Attribute, p: Place) -> Static:
    value = evaluate(b, expr.value, p)
    if expr.name == "shape" and value.kind in ("tensor", "unknown"):
        return Static("tuple", items=(INT,))
    root = expr.value
    if (
        value.kind == "tensor"
        or (value.kind == "layer" and not isinstance(root, tree.Name | tree.TickName))
        or (isinstance(root, tree.Name) and b.of_language(root.name, p))
    ):
        b.foreign_attribute(p)
    return TENSOR if value.kind == "layer" else UNKNOWN


def _index(b: Binder, expr: tree.Index, p: Place) -> Static:
    value = evaluate(b, expr.value, p)
    for item in expr.items:
        evaluate(b, item, p)
    return static.index(value, expr.items)


def _slice(b: Binder, expr: tree.Slice, p: Place) -> Static:
    for end in (expr.start, expr.stop, expr.step):
        if end is not None:
            evaluate(b, end, p)
    return VALUE


def _lost(b: Binder, expr: tree.Lost, p: Place) -> Static:
    """What could not be read: its names may be anything, if they are nothing yet."""
    for name in expr.names:
        if p.scope.find(name) is None:
            p.scope.names[name] = Symbol("let", name, expr.span, b.definition, static=UNKNOWN)
            p.scope.maybe.add(name)
    if expr.suite is not None:
        b.execute(expr.suite, replace(p, scope=Scope("turn", p.scope), it=TENSORS, deferred=True))
    return UNKNOWN


# ---- layers


def _as(b: Binder, expr: tree.As, p: Place) -> Static:
    value = evaluate(b, expr.value, p)
    if isinstance(expr.name, tree.TickName):
        _text(b, expr.name.text, p)
    written = expr.name.name if isinstance(expr.name, tree.Name) else plain(expr.name.text)
    if written is not None:
        b.module_name(written, expr.name.span)
    return value


def _chain(b: Binder, expr: tree.Chain, p: Place) -> Static:
    """From a tensor, a chain flows at once; from a layer, it is a layer of several steps."""
    value = evaluate(b, expr.steps[0], p)
    first, q = value.kind, p
    value = applied(b, value, value.span or expr.steps[0].span, None if p.apart else p.it)
    if first != "tensor":
        q = replace(p, deferred=p.deferred or p.apart)
    for step in expr.steps[1:]:
        q = replace(q, it=value if value.kind == "tensor" else TENSORS)
        value = flow(b, step, q)
    if first == "unknown":
        return UNKNOWN
    return value if first == "tensor" else steps(expr.span)


def _seq(b: Binder, expr: tree.Seq, p: Place) -> Static:
    b.execute(expr.suite, replace(p, it=TENSORS, deferred=p.deferred or p.apart, apart=False, seq=True))
    return steps(expr.span)


def _call(b: Binder, expr: tree.Call, p: Place) -> Static:
    inside = replace(p, apart=True)
    arguments: Given = [(a, evaluate(b, a.value, inside)) for a in expr.arguments]
    symbol = b.resolve(expr.target, p, "call") if isinstance(expr.target, tree.Name) else None
    if symbol is not None and symbol.kind == "language":
        made = _of_language(b, symbol.name, arguments, expr, p)
        if made is not None:
            return made
    target = (
        _meaning(b, symbol, expr.target.span) if isinstance(expr.target, tree.Name) else evaluate(b, expr.target, p)
    )
    if expr.suite is not None:
        b.execute(expr.suite, p.suite())
    signature = target.signature
    if signature is None or target.kind not in ("layer", "fn"):
        b.record(fill(replace(target, signature=None), arguments, expr))
        return _of_unknown(target, arguments)
    if signature.kind == "fn":
        return _function(b, target, arguments, expr, p)
    if signature.kind == "alias":
        return _alias(b, target, arguments, expr, p)
    return _layer(b, target, arguments, expr, p)


def _of_unknown(target: Static, arguments: Given) -> Static:
    """A call of what only an expansion knows: with tensors a layer is applied, else it has more arguments."""
    kinds = {s.kind for a, s in arguments if a.name is None}
    if target.kind != "layer" or "unknown" in kinds or any(a.star for a, _ in arguments):
        return UNKNOWN
    return TENSORS if "tensor" in kinds else LAYER


def _layer(b: Binder, target: Static, arguments: Given, expr: tree.Call, p: Place) -> Static:
    """A layer with more arguments; applied at once where tensors are among them."""
    signature = target.signature
    assert signature is not None
    filled = fill(target, arguments, expr)
    b.record(filled)
    check_values(b, signature, filled.call.given, p)
    layer = filled.layer
    if expr.suite is not None:
        layer = _with_suite(b, layer, filled.call.given, expr, expr.suite)
    positional = {s.kind for a, s in arguments if a.name is None}
    if "tensor" in positional and _waits(layer):
        return TENSORS  # a layer is wanted, which elaboration says of the tensor
    named = {str(a.name) for a, s in arguments if a.name in signature.ports and s.kind == "tensor"}
    if "tensor" in positional or signature.most == 0 or (named and named >= set(signature.ports[: signature.least])):
        return applied(b, layer, expr.span, _given(signature, arguments))
    if "unknown" in positional or any(a.star for a, _ in arguments) or (set(signature.ports) & _names(arguments)):
        return UNKNOWN if signature.kind != "steps" else layer
    return layer


def _given(signature: Signature, arguments: Given) -> Static:
    """The tensors that a call gives: those by place, and those by the name of a port."""
    counts = [s.count for a, s in arguments if a.name is None and s.kind == "tensor"]
    counts += [1 for a, s in arguments if a.name in signature.ports and s.kind == "tensor"]
    unsure = any(s.kind == "unknown" or a.star for a, s in arguments) or signature.numbers
    return TENSORS if unsure or None in counts else static.tensors(sum(c for c in counts if c is not None))


def _waits(layer: Static) -> bool:
    """Whether a block must be given a layer, and has none: a tensor in its place is no input."""
    slots = layer.signature.slots if layer.signature is not None else ()
    return any(slot.layer and slot.name not in layer.given for slot in slots)


_NO_LAYERS: Final = {"int": "a whole number", "float": "a number", "bool": "`true` or `false`", "str": "a text"}


def check_values(
    b: Binder, signature: Signature, given: dict[str, tree.Expr], p: Place, function: tree.Call | None = None
) -> None:
    """Say which arguments are literals of a kind or size that the parameter does not take; `function`: of that call."""
    if b.quiet:
        return
    for slot in signature.slots:
        if slot.name not in given or slot.name in (signature.gather, signature.spread):
            continue
        expr = given[slot.name]
        value = literal(expr)
        if isinstance(expr, tree.Name) and b.of_language(expr.name, p):
            value = expr.name if expr.name in language.WORDS else layer_value(expr.name)
        wrong = None if value is UNSAID else wrong_value(signature.name, slot, value)
        if wrong is not None:
            b.report(wrong, expr.span, expr=function)
        elif value is UNSAID and slot.layer and isinstance(expr, tree.Name):
            symbol = p.scope.find(expr.name)
            found = _NO_LAYERS.get(b.value(symbol).kind) if symbol is not None else None
            if found is not None:
                wrong = WrongType(signature.name, slot.name, "a layer", f"{found} (`{expr.name}`)")
                b.report(wrong, expr.span, expr=expr)


def _names(arguments: Given) -> set[str]:
    return {a.name for a, _ in arguments if a.name is not None}


def _with_suite(b: Binder, layer: Static, given: dict[str, tree.Expr], expr: tree.Call, suite: tree.Suite) -> Static:
    """A trailing suite fills `body`, or `branches` if its lines begin with `|`."""
    assert layer.signature is not None
    parameter = "branches" if has_branches(suite) else "body"
    if parameter not in layer.signature.parameters:
        b.report(NoSuite(layer.signature.name, parameter), expr.target.span)
        return layer
    if parameter in given:
        b.report(GivenTwice(layer.signature.name, parameter), given[parameter].span)
    return without((parameter,), layer)


def _function(b: Binder, target: Static, arguments: Given, expr: tree.Call, p: Place) -> Static:
    """A `fn` of compile-time values, or an alias of a net with its parameters: all that it needs is given at once."""
    filled = fill(target, arguments, expr)
    b.record(filled)
    if target.signature is not None:
        check_values(b, target.signature, filled.call.given, p, expr)
    lacking = missing(filled.layer)
    if lacking and filled.layer.signature is not None:
        b.missing(filled.layer.signature, lacking, expr.span, expr)
    return b.result(filled.layer.signature)


def _alias(b: Binder, target: Static, arguments: Given, expr: tree.Call, p: Place) -> Static:
    """Values fill an alias's header, tensors flow into the net it stands for."""
    result = _function(b, target, arguments, expr, p)
    tensors = any(s.kind == "tensor" and a.name is None for a, s in arguments)
    return TENSORS if tensors and result.kind == "layer" else result if result.kind == "layer" else UNKNOWN


# ---- calls of the language's own functions


def _of_language(b: Binder, name: str, arguments: Given, expr: tree.Call, p: Place) -> Static | None:
    """The value of a compile-time function or an initialiser; none of a layer.

    A name of both a layer and a function is the function of plain values.
    """
    kind = language.kind_of(name)
    if kind == "initialiser":
        b.initialiser(name, arguments, expr)
        return Static("init")
    kinds = {s.kind for a, s in arguments if a.name is None}
    if p.indexed and name in language.OF_INDICES and "tensor" not in kinds:
        return VALUE
    if name not in ARITY:
        return None
    if kind == "layer":
        if not kinds or "tensor" in kinds:
            return None
        if "unknown" in kinds:
            return UNKNOWN
    return _builtin(name, [s for _, s in arguments], any(a.star for a, _ in arguments))


def _builtin(name: str, values: list[Static], star: bool) -> Static:
    if name in ("range", "enumerate", "zip", "reversed"):
        items = [static.items_of(value, 1)[0] for value in values]
        if star or not items:
            return listed(UNKNOWN)
        if name == "range":
            return listed(INT)
        if name == "reversed":
            return listed(items[0])
        return listed(Static("tuple", items=(INT, items[0]) if name == "enumerate" else tuple(items)))
    if name in ("len", "int", "ceil", "floor"):
        return INT
    return Static("size") if name == "size" else VALUE


def has_branches(suite: tree.Suite) -> bool:
    """Whether the lines of a suite begin with `|`, also inside `for` and `if`."""
    for line in suite.body:
        if isinstance(line, tree.Branch):
            return True
        if isinstance(line, tree.For) and has_branches(line.suite):
            return True
        if isinstance(line, tree.If) and any(has_branches(s) for _, s in line.branches):
            return True
    return False


_HANDLERS: Final[dict[type[tree.Expr], Callable[[Binder, Any, Place], Static]]] = {
    tree.Number: _constant,
    tree.SizeLiteral: _constant,
    tree.Text: _text,
    tree.Word: _word,
    tree.Name: _name,
    tree.TickName: _tick_name,
    tree.It: _it,
    tree.Tuple: _tuple,
    tree.List: _list,
    tree.Comprehension: _comprehension,
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.Compare: _compare,
    tree.Conditional: _conditional,
    tree.Call: _call,
    tree.Attribute: _attribute,
    tree.Index: _index,
    tree.As: _as,
    tree.Chain: _chain,
    tree.Seq: _seq,
    tree.Slice: _slice,
    tree.Lost: _lost,
}
