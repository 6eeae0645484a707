"""Applying blocks: arguments, ports and sizes bound, the body expanded, results checked."""

from __future__ import annotations

import re
from typing import Final, Literal

from dslc.bind.language import DTYPES
from dslc.bind.mistakes_body import NoResult, WrongInputs
from dslc.diagnostics.model import Frame
from dslc.elaborate.arguments import checked_parameter, report_missing
from dslc.elaborate.errors_body import EndlessRecursion
from dslc.elaborate.errors_use import BadOperation
from dslc.elaborate.headers import bind_sizes, dim_names, fits
from dslc.elaborate.initial import open_initial
from dslc.elaborate.naming import name_expansion, name_instance
from dslc.elaborate.outward import outward
from dslc.elaborate.recipe import Recipe
from dslc.elaborate.run import EXPANSION, MAX_DEPTH, Place, Run, block_of, turned
from dslc.ir.model import Call, Instance, Value
from dslc.names.reserved import KEYWORDS
from dslc.record import frozen, replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentioned
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.dim import Dim, Size
from dslc.types.tensor import TensorType
from dslc.values.faces import describe
from dslc.values.hole import HOLE, failed, hole


def trail(what: str, call: Span, parent: Frame | None) -> Frame:
    """The frame of an expansion; its text is one line."""
    return Frame(" ".join(what.split())[:72], call, parent)


EXTERN_TARGET: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def _repeated(block: tree.Block | tree.Extern, p: Place) -> tuple[str, Span | None]:
    """The block that calls itself, where that is not the one at the limit, and the last of its calls."""
    owner = block_of(p.owner)
    inner = owner.definition
    if inner is None or inner is block or owner.frame is None:
        return block.name, None
    return inner.name, owner.frame.call


@frozen
class Entry:
    """A port with the tensors it gets (`many`: several; optional: maybe none)."""

    port: tree.Port
    values: tuple[Value, ...]


def apply_block(
    run: Run,
    block: tree.Block | tree.Extern,
    home: Scope,
    recipe: Recipe,
    inputs: tuple[Value, ...],
    p: Place,
    span: Span,
) -> Const:
    """One application of a block: an instance, or its body in place for an inline one."""
    run.spend(EXPANSION)
    if p.depth >= MAX_DEPTH:
        turn, around = _repeated(block, p)
        return run.report(EndlessRecursion(turn, MAX_DEPTH), around or span, p)
    inline = isinstance(block, tree.Block) and block.kind == "inline"
    scope = Scope("block", home, block_of(p.owner) if inline else None, inline)
    frame = trail(recipe.span.text if recipe.bound else block.name, span, turned(p))
    if inline:
        q = Place(p.owner, scope, [], frame, None, p.depth + 1, p.initial)
        instance = None
    else:
        kind: Literal["extern", "block"] = "extern" if isinstance(block, tree.Extern) else "block"
        numbered = isinstance(block, tree.Block) and block.sequence
        instance = Instance(
            kind,
            block,
            block.name_span,
            p.owner,
            "",
            False,
            scope,
            {},
            (),
            frame,
            numbered=numbered,
            via=recipe.via,
        )
        name_instance(run, instance, recipe, block.name, p, span)
        run.owners.append(instance)
        scope.instance = instance
        q = Place(instance, scope, instance.body, frame, None, p.depth + 1, p.initial)
    if not _enter(run, recipe, block, inputs, q, p, span, instance):
        run.broken.add(block_of(p.owner))
        return hole(span)
    results = results_of(run, block, q, span) if body_of(run, block, q) else None
    if results is None or any(r is None for r in results):
        run.broken.add(block_of(p.owner))
        return hole(span)
    outs = tuple(r for r in results if r is not None)
    if instance is None:
        if recipe.name is not None and not name_expansion(run, q.items, recipe, p, span):
            text = f"`as` needs one module, and the expansion of `{block.name}` has none or several"
            run.report(BadOperation(text), recipe.name_span or span, p)
        p.items.extend(q.items)
        return literal(outs[0] if len(outs) == 1 else outs, span)
    return _leave(run, instance, outs, inputs, p, span)


def body_of(run: Run, block: tree.Block | tree.Extern, q: Place) -> bool:
    if isinstance(block, tree.Block):
        open_initial(run, block, q)
        run.execute(block.suite, q)
        return q.it is not HOLE
    return True


def _leave(
    run: Run, instance: Instance, outs: tuple[Value, ...], inputs: tuple[Value, ...], p: Place, span: Span
) -> Const:
    """The caller's side of an instance: its outputs as values with the caller's words."""
    instance.outputs = outs
    for value in outs:
        value.readers.append(instance)
    call = Call(instance, inputs, (), span, p.frame)
    outer = []
    for index, value in enumerate(outs):
        words = tuple(w and outward(w, instance.scope) for w in value.type.words)
        outer.append(Value(replace(value.type, words=words), call, None, index, span))
    call.outs = tuple(outer)
    for value in inputs:
        value.readers.append(call)
    p.items.append(call)
    name = instance.definition.name if instance.definition is not None else instance.name
    run.made += [(v, f"the result of `{name}`", block_of(p.owner)) for v in outer]
    return literal(outer[0] if len(outer) == 1 else tuple(outer), span)


def _enter(
    run: Run,
    recipe: Recipe,
    block: tree.Block | tree.Extern,
    inputs: tuple[Value, ...],
    q: Place,
    p: Place,
    span: Span,
    instance: Instance | None,
) -> bool:
    """Bind parameters, ports and sizes in the block's scope. False after a mistake."""
    known = {d.name: d for d in block.parameters}
    for name, const in recipe.bound.items():
        checked = checked_parameter(run, block.name, known[name], const, p)
        if checked is None:
            return False
        q.scope.names[name] = Binding("parameter", checked, known[name].span)
    ports = block.ports or (tree.Port(block.name_span, "it", tree.TensorSpec(block.name_span, None, None)),)
    entries = _entries(run, block.name, ports, inputs, p, span)
    if entries is None:
        return False
    later = _defaults(run, block, recipe, q, p, span, waiting=dim_names(ports))
    if later is None:
        return False
    formal: list[Value] = []
    for entry in entries:
        values = []
        for value in entry.values:
            types = bind_sizes(run, block.name, entry.port, value, q, p, span)
            if types is None:
                return False
            inner = value if instance is None else Value(types, None, entry.port.name, 0, entry.port.span)
            if block.ports is None and instance is not None:
                inner.name = None
            values.append(inner)
        formal += values
        if block.ports is not None:
            bound: object = tuple(values) if entry.port.many else (values[0] if values else None)
            if bound is None:
                q.scope.names[entry.port.name] = Binding("let", literal(None, entry.port.span), entry.port.span)
            else:
                q.scope.names[entry.port.name] = Binding("tensor", bound, entry.port.span)
    for declared in later:
        if not bind_default(run, declared, block, recipe, q, p, span):
            return False
    if instance is not None:
        instance.inputs = tuple(formal)
        for declared in block.parameters:
            argument = q.scope.names[declared.name].value
            assert isinstance(argument, Const)
            instance.args[declared.name] = argument
        if isinstance(block, tree.Block):
            run.made += [(v, f"the input `{v.name}`" if v.name else "the input", instance) for v in formal]
    q.it = formal[0] if formal else None
    return True


def _entries(
    run: Run, name: str, ports: tuple[tree.Port, ...], inputs: tuple[Value, ...], p: Place, span: Span
) -> list[Entry] | None:
    least = sum(not q.optional for q in ports)
    many = ports[-1].many
    if len(inputs) < least or (len(inputs) > len(ports) and not many):
        wanted = ", ".join(f"`{q.name}`" for q in ports)
        more = " or more" if many or least < len(ports) else ""
        words = f"{least}{more} tensor{'s' if least != 1 else ''} ({wanted})"
        run.report(WrongInputs(name, words, len(inputs)), span, p)
        return None
    entries = [Entry(port, inputs[i : i + 1]) for i, port in enumerate(ports)]
    if many:
        entries[-1] = Entry(ports[-1], inputs[len(ports) - 1 :])
    return entries


def _defaults(
    run: Run,
    block: tree.Block | tree.Extern,
    recipe: Recipe,
    q: Place,
    p: Place,
    span: Span,
    waiting: set[str],
) -> list[tree.Parameter] | None:
    """Evaluate defaults that need no size of the inputs; those that do are returned for later."""
    later: list[tree.Parameter] = []
    missing = []
    names = {d.name for d in block.parameters}
    waiting = waiting - names
    for declared in block.parameters:
        if declared.name in q.scope.names:
            continue
        if declared.default is None:
            missing.append(declared.name)
        elif mentioned(declared.default) & (waiting | {d.name for d in later}):
            later.append(declared)
        elif not bind_default(run, declared, block, recipe, q, p, span):
            return None
    if missing:
        report_missing(run, recipe, missing, p, span)
        return None
    return later


def bind_default(
    run: Run,
    declared: tree.Parameter,
    block: tree.Block | tree.Extern,
    recipe: Recipe,
    q: Place,
    p: Place,
    span: Span,
) -> bool:
    assert declared.default is not None
    const = run.evaluate(declared.default, q)
    checked = checked_parameter(run, block.name, declared, const, q)
    if checked is None:
        return False
    q.scope.names[declared.name] = Binding("parameter", checked, declared.span)
    return True


def results_of(run: Run, block: tree.Block | tree.Extern, q: Place, span: Span) -> tuple[Value | None, ...] | None:
    """The values a body gives back, checked against the header."""
    if isinstance(block, tree.Extern):
        return _extern_results(run, block, q, span)
    if not block.results:
        if isinstance(q.it, tuple):
            return q.it
        return (q.it,) if isinstance(q.it, Value) else None
    outs: list[Value | None] = []
    names: list[str | None] = []
    train_only: list[bool] = []
    for result in block.results:
        value = _result(run, block, result, q)
        if value is None and result.optional:
            continue
        outs.append(value)
        names.append(result.name)
        train_only.append(result.when_training)
    instance = block_of(q.owner)
    if not q.scope.inline:
        instance.output_names, instance.train_only = tuple(names), tuple(train_only)
    return tuple(outs)


def _result(run: Run, block: tree.Block, result: tree.Result, q: Place) -> Value | None:
    if result.name is None:
        value = q.it
    else:
        found = q.scope.names.get(result.name)
        value = None
        if found is not None:
            found.used = True
            value = found.value if isinstance(found.value, Value) else None
    if not isinstance(value, Value):
        if result.optional and (result.name is None or result.name not in q.scope.names):
            return None
        if isinstance(value, tuple):
            run.report(WrongInputs("the result", "one tensor", len(value)), result.span, q)
        else:
            run.report(NoResult(result.name or "a result"), result.span, q)
        return None
    if result.spec is not None and not fits(run, f"the result of `{block.name}`", result.spec, value, q, result.span):
        return None
    return value


def _extern_results(run: Run, block: tree.Extern, q: Place, span: Span) -> tuple[Value | None, ...]:
    """The tensors a user's module is said to make."""
    names = re.split("[.:]", block.path)
    written = len(block.target.pieces) == 1 and EXTERN_TARGET.fullmatch(block.path)
    if not written or not KEYWORDS.isdisjoint(names):
        text = f'an `extern` block names a class as `"package.module:Class"`, not as `{block.target.span.text}`'
        run.report(BadOperation(text), block.target.span, q)
        return (None,)
    outs: list[Value | None] = []
    for index, result in enumerate(block.results):
        spec = result.spec
        assert spec is not None and spec.dims is not None
        dims: list[Size] = []
        words: list[Const | None] = []
        for dim in spec.dims:
            if dim.value is None:
                text = "the result of an `extern` block has a size on each axis: `_` and `...` have none"
                run.report(BadOperation(text), dim.span, q)
                return (None,)
            size = run.evaluate(dim.value, q)
            if not isinstance(size.value, int | Dim) or isinstance(size.value, bool):
                if not failed(size):
                    text = f"a size is a whole number, not {describe(size.value)}"
                    run.report(BadOperation(text), dim.span, q)
                return (None,)
            dims.append(size.value)
            words.append(size)
        channel = 1 if len(dims) in (2, 4, 5) else None
        dtype = DTYPES[spec.dtype or "float"]
        outs.append(
            Value(
                TensorType(tuple(dims), dtype, channel, tuple(words)),
                None,
                result.name,
                index,
                result.span,
            )
        )
    instance = block_of(q.owner)
    for value in instance.inputs:
        value.readers.append(instance)
    for name, expr in block.facts:
        fact = run.evaluate(expr, q)
        if failed(fact):
            continue
        wrong = _wrong_fact(run, name, fact.value)
        if wrong:
            run.report(BadOperation(wrong), expr.span, q)
        else:
            instance.facts[name] = fact.value
    return tuple(outs)


def _wrong_fact(run: Run, name: str, value: object) -> str:
    """What is wrong with a number that an `extern` block states; empty if nothing is.

    `macs` may depend on the sizes of the input; `params` are whole, and `reach` is a window of one place at least.
    """
    least = {"macs": 0, "params": 0, "reach": 1}.get(name)
    if least is None:
        return f"an `extern` block states macs, params and reach, not `{name}`"
    if value is None:
        return ""  # not known for these arguments
    if isinstance(value, Dim) and name == "macs":
        value = run.sizes.value(value)
    elif isinstance(value, Dim):
        return f"`{name}` is a number, and `{value}` depends on the size of the input"
    if not isinstance(value, int) or isinstance(value, bool):
        return f"`{name}` is a whole number, not {describe(value)}"
    return "" if value >= least else f"`{name}` is at least {least}, not {value}"
