"""Applying blocks: arguments, ports and sizes bound, the body expanded, results checked."""

from __future__ import annotations

import re
from typing import Final, Literal

from dslc.bind.language import DTYPES
from dslc.bind.mistakes_body import NoResult, WrongInputs
from dslc.diagnostics.model import Frame
from dslc.elaborate.arguments import checked_parameter, report_missing
from dslc.elaborate.headers import bind_sizes, dim_names, fits
from dslc.elaborate.initial import open_initial
from dslc.elaborate.mistakes.flow import End
from dslc.elaborate.mistakes.layers import ExternFact, ExternSize, ExternTarget, NamesNoModule, NotASize
from dslc.elaborate.mistakes.limits import EndlessRecursion
from dslc.elaborate.naming import name_expansion, name_instance
from dslc.elaborate.outward import outward
from dslc.elaborate.recipe import Known, Recipe
from dslc.elaborate.recovery import composes_names
from dslc.elaborate.run import EXPANSION, MAX_DEPTH, Flowing, Place, Run, block_of, turned
from dslc.ir.model import Call, Instance, Value
from dslc.names.reserved import KEYWORDS
from dslc.record import frozen, replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentioned
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.dim import UNKNOWN, Dim, Size
from dslc.types.tensor import DType, TensorType
from dslc.values.faces import describe
from dslc.values.hole import HOLE, failed, hole, is_hole

LONGEST: Final = 72
"""Letters of a use that its trail quotes."""


def trail(what: str, call: Span, parent: Frame | None) -> Frame:
    """The frame of an expansion; its text is one line."""
    text = " ".join(what.split())
    return Frame(text if len(text) <= LONGEST else f"{text[: LONGEST - 4].rstrip()} ...", call, parent)


EXTERN_TARGET: Final = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"


def _repeated(block: tree.Block | tree.Extern, p: Place) -> tuple[str, Span | None]:
    """The block that calls itself, where that is not the one at the limit, and the last of its calls."""
    owner = block_of(p.owner)
    inner = owner.definition
    if inner is None or inner is block or owner.frame is None:
        return block.name, None
    return inner.name, owner.frame.call


@frozen
class Entry:
    """A port with the tensors it gets (`many`: several; optional: maybe none); none in place of one that failed."""

    port: tree.Port
    values: Known


def apply_block(
    run: Run,
    block: tree.Block | tree.Extern,
    home: Scope,
    recipe: Recipe,
    inputs: Known,
    p: Place,
    span: Span,
) -> Const:
    """One application of a block: an instance, or its body in place for an inline one.

    Where an input or argument fails, the body is looked at all the same, with what the header says of it.
    """
    run.spend(EXPANSION)
    if run.endless or (p.depth >= MAX_DEPTH and None in inputs):
        return run.lost(span, p)
    if p.depth >= MAX_DEPTH:
        run.endless = True
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
    sound = _enter(run, recipe, block, inputs, q, p, span, instance)
    body_of(run, block, q)
    results = results_of(run, block, q)
    outs = tuple(r for r in results if r is not None)
    if not sound or not outs or len(outs) < len(results):
        lost = run.lost(span, p)
        if not outs or len(outs) < len(results):
            return lost
        outs = tuple(Value(replace(r.type, words=()), None, None, i, span) for i, r in enumerate(outs))
        return literal(outs[0] if len(outs) == 1 else outs, span)
    if instance is None:
        whole = block_of(p.owner) not in run.broken  # else modules may be missing that nothing could make
        if recipe.name is not None and whole and not name_expansion(run, q.items, recipe, p, span):
            run.report(NamesNoModule(block.name), recipe.name_span or span, p)
        p.items.extend(q.items)
        return literal(outs[0] if len(outs) == 1 else outs, span)
    return _leave(run, instance, outs, tuple(v for v in inputs if v is not None), p, span)


def body_of(run: Run, block: tree.Block | tree.Extern, q: Place) -> None:
    if isinstance(block, tree.Block):
        open_initial(run, block, q)
        run.execute(block.suite, q)


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
    run.made += [(v, ("result", name), block_of(p.owner)) for v in outer]
    return literal(outer[0] if len(outer) == 1 else tuple(outer), span)


def _enter(
    run: Run,
    recipe: Recipe,
    block: tree.Block | tree.Extern,
    inputs: Known,
    q: Place,
    p: Place,
    span: Span,
    instance: Instance | None,
) -> bool:
    """Bind parameters, ports and sizes in the block's scope; holes and unknown sizes for what failed. False if any."""
    known = {d.name: d for d in block.parameters}
    sound = not recipe.lost
    for name, const in recipe.bound.items():
        checked = checked_parameter(run, block.name, known[name], const, p)
        sound = sound and checked is not None
        q.scope.names[name] = Binding("parameter", checked or hole(const.span), known[name].span)
    ports = block.ports or (tree.Port(block.name_span, "it", tree.TensorSpec(block.name_span, None, None)),)
    entries = _entries(run, block.name, ports, inputs, p, span)
    later = _defaults(run, block, recipe, q, p, span, waiting=dim_names(ports))
    formal: list[Value | None] = []
    for entry in entries:
        values: list[Value | None] = []
        for value in entry.values:
            at = span if value is None else recipe.places.get(value, span)
            types = None if value is None else bind_sizes(run, block.name, entry.port, value, q, p, at)
            sound = sound and types is not None
            if value is None or types is None:
                values.append(stated_input(run, entry.port, q))
                continue
            inner = value if instance is None else Value(types, None, entry.port.name, 0, entry.port.span)
            if block.ports is None and instance is not None:
                inner.name = None
            values.append(inner)
        formal += values
        if block.ports is not None:
            q.scope.names[entry.port.name] = _port_binding(entry.port, values)
    for declared in later:
        sound = bind_default(run, declared, block.name, q) and sound
    if instance is not None:
        instance.inputs = tuple(value for value in formal if value is not None)
        for declared in block.parameters:
            argument = q.scope.names[declared.name].value
            if isinstance(argument, Const):  # else a port of its name stands there, which is told
                sound = sound and not failed(argument)
                instance.args[declared.name] = argument
        if isinstance(block, tree.Block):
            run.made += [(v, ("input", v.name or ""), instance) for v in instance.inputs]
    q.it = (formal[0] or HOLE) if formal else None
    if not sound:
        run.broken.add(block_of(q.owner))
    return sound


def _port_binding(port: tree.Port, values: list[Value | None]) -> Binding:
    if None in values:
        return Binding("let", hole(port.span), port.span)
    if port.many:
        return Binding("tensor", tuple(values), port.span)
    return Binding("tensor", values[0], port.span) if values else Binding("let", literal(None, port.span), port.span)


def stated_input(run: Run, port: tree.Port, q: Place) -> Value | None:
    """The input that a header states, where the one that is given failed; none where it states no rank."""
    dims = port.spec.dims
    for dim in dims or ():
        for name in (dim.value.name if isinstance(dim.value, tree.Name) else None, dim.rest_name):
            if name is not None and name not in q.scope.names:
                const = hole(dim.span) if name == dim.rest_name else literal(UNKNOWN, dim.span)
                q.scope.names[name] = Binding("dim", const, dim.span)
    return None if dims is None else _stated(run, port.spec, port.name, q, port.span)


def _stated(run: Run, spec: tree.TensorSpec, name: str | None, q: Place, span: Span) -> Value | None:
    """The tensor that a header states, with the sizes that are known here; none where it states no rank."""
    if spec.dims is None or any(dim.rest for dim in spec.dims):
        return None
    sizes: list[Size] = []
    for dim in spec.dims:
        there = dim.value is not None and all(name in q.scope.names for name in mentioned(dim.value))
        size = run.evaluate(dim.value, q).value if there and dim.value is not None else UNKNOWN
        sizes.append(size if isinstance(size, int | Dim) and not isinstance(size, bool) else UNKNOWN)
    return Value(TensorType(tuple(sizes), DTYPES.get(spec.dtype or "float", DType.FLOAT)), None, name, 0, span)


def _entries(run: Run, name: str, ports: tuple[tree.Port, ...], inputs: Known, p: Place, span: Span) -> list[Entry]:
    least = sum(not q.optional for q in ports)
    many = ports[-1].many
    if len(inputs) < least or (len(inputs) > len(ports) and not many):
        if None not in inputs:
            wanted = ", ".join(f"`{q.name}`" for q in ports)
            more = " or more" if many or least < len(ports) else ""
            words = f"{least}{more} tensor{'s' if least != 1 else ''} ({wanted})"
            run.report(WrongInputs(name, words, len(inputs)), span, p)
        inputs = (None,) * len(ports)
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
) -> list[tree.Parameter]:
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
            q.scope.names[declared.name] = Binding("parameter", hole(span), declared.span)
        elif mentioned(declared.default) & (waiting | {d.name for d in later}):
            later.append(declared)
        else:
            bind_default(run, declared, block.name, q)
    if missing and not recipe.lost:
        report_missing(run, recipe, missing, p, span)
    return later


def bind_default(run: Run, declared: tree.Parameter, block: str, q: Place) -> bool:
    """Give a parameter its default, which may read the names above it in the header; whether it fits its type."""
    assert declared.default is not None
    const = run.evaluate(declared.default, q)
    checked = checked_parameter(run, block, declared, const, q)
    q.scope.names[declared.name] = Binding("parameter", checked or hole(const.span), declared.span)
    return checked is not None


def results_of(run: Run, block: tree.Block | tree.Extern, q: Place) -> Known:
    """The values a body gives back, checked against the header; what it states for one that failed, or none."""
    if isinstance(block, tree.Extern):
        return _extern_results(run, block, q)
    if not block.results:
        if isinstance(q.it, tuple):
            return q.it
        return (q.it if isinstance(q.it, Value) else None,)
    outs: list[Value | None] = []
    names: list[str | None] = []
    train_only: list[bool] = []
    for result in block.results:
        value = _result(run, block, result, q)
        if value is None and result.optional:
            continue
        if value is None and result.spec is not None:
            value = _stated(run, result.spec, None, q, result.span)
        outs.append(value)
        names.append(result.name)
        train_only.append(result.when_training)
    instance = block_of(q.owner)
    if not q.scope.inline:
        instance.output_names, instance.train_only = tuple(names), tuple(train_only)
    return tuple(outs)


def _result(run: Run, block: tree.Block, result: tree.Result, q: Place) -> Value | None:
    value: Flowing
    if result.name is None:
        value = q.it
    else:
        found = q.scope.names.get(result.name)
        value = None
        if found is not None:
            found.used = True
            value = found.value if isinstance(found.value, Value) else None
            if isinstance(found.value, Const) and failed(found.value):
                value = HOLE
    if is_hole(value):
        run.lost(result.span, q)
        return None
    if not isinstance(value, Value):
        if result.optional and (result.name is None or result.name not in q.scope.names):
            return None
        if isinstance(value, tuple):
            run.report(WrongInputs("the result", "one tensor", len(value)), result.span, q)
        elif any(t in run.told for line in block.suite.body if isinstance(line, tree.Assign) for t in line.targets):
            run.lost(result.span, q)  # the line that was meant is told
        else:
            if result.name is None or block_of(q.owner) not in run.broken or not composes_names(block):
                run.report(NoResult(result.name or "a result"), result.span, q)
        return None
    if result.spec is not None and not fits(run, End(block.name), result.spec, value, q, result.span):
        return None
    return value


def _extern_results(run: Run, block: tree.Extern, q: Place) -> tuple[Value | None, ...]:
    """The tensors a user's module is said to make."""
    names = re.split("[.:]", block.path)
    written = len(block.target.pieces) == 1 and re.fullmatch(EXTERN_TARGET, block.path, re.ASCII)
    if not written or not KEYWORDS.isdisjoint(names):
        run.report(ExternTarget(block.target.span.text), block.target.span, q)
        return (None,)
    outs: list[Value | None] = []
    for index, result in enumerate(block.results):
        spec = result.spec
        assert spec is not None and spec.dims is not None
        dims: list[Size] = []
        words: list[Const | None] = []
        for dim in spec.dims:
            if dim.value is None:
                run.report(ExternSize(), dim.span, q)
                return (None,)
            size = run.evaluate(dim.value, q)
            if not isinstance(size.value, int | Dim) or isinstance(size.value, bool):
                if not failed(size):
                    run.report(NotASize(describe(size.value)), dim.span, q)
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
        if wrong is not None:
            run.report(wrong, expr.span, q)
        else:
            instance.facts[name] = fact.value
    return tuple(outs)


def _wrong_fact(run: Run, name: str, value: object) -> ExternFact | None:
    """What is wrong with a number that an `extern` block states; none if nothing is.

    `macs` may depend on the sizes of the input; `params` are whole, and `reach` is a window of one place at least.
    """
    least = {"macs": 0, "params": 0, "reach": 1}.get(name)
    if least is None:
        return ExternFact(name, describe(value), "unknown")
    if value is None:
        return None  # not known for these arguments
    if isinstance(value, Dim) and name == "macs":
        value = run.sizes.value(value)
    elif isinstance(value, Dim):
        return ExternFact(name, str(value), "symbolic")
    if not isinstance(value, int) or isinstance(value, bool):
        return ExternFact(name, describe(value), "kind")
    return None if value >= least else ExternFact(name, str(value), str(least))
