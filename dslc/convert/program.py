"""`fully_convolutional`: a program whose classifiers read any size of image, with the same weights.

The text is edited, compiled again, and compared: every tensor must be there under its old name with as many elements.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dslc.api import MAX_OPS, compile_model, located, nets
from dslc.convert.errors import ConvertedFails, HeadKept, NothingToConvert
from dslc.convert.heads import instances, owners
from dslc.convert.plan import Plan, make_plan
from dslc.diagnostics.model import CompileError, Diagnostic, Edit, Severity, Sink
from dslc.ir.model import Call, Either, For, If, Instance, Model, Node
from dslc.names.loader import Loader, file_diagnostic
from dslc.ops.convolution import Conv
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.syntax.rewrite import Outline, Place, apply_edits

ROUNDS = 4
"""How often names and biases are added and the text is compiled again; one round settles all that are known."""

AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
"""What the sizes of a map are called, by how many there are."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A rewritten program. `before` and `after` are the models by net; `kept` are warnings of heads that stayed."""

    text: str
    before: dict[str, Model]
    after: dict[str, Model]
    kept: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What is compiled, before and after: a file or a text, with which arguments and sizes."""

    source: str | Path
    args: Mapping[str, object]
    sizes: Mapping[str, int]
    max_ops: int

    def model(self, net: str, text: str | None = None, given: bool = True) -> Model:
        """The model of a net; `text`: as if that were what the file holds. Raises `CompileError`."""
        args, sizes = (self.args, self.sizes) if given else ({}, {})
        if text is None or not isinstance(self.source, Path):
            return compile_model(text or self.source, net, args=args, sizes=sizes, max_ops=self.max_ops)
        loader = Loader(texts={self.source.absolute(): text})
        return compile_model(self.source, net, args=args, sizes=sizes, max_ops=self.max_ops, loader=loader)


def fully_convolutional(
    source: str | Path,
    net: str | None = None,
    *,
    args: Mapping[str, object] | None = None,
    sizes: Mapping[str, int] | None = None,
    max_ops: int = MAX_OPS,
) -> Converted:
    """The program with `flatten` and `linear` of the heads as convolutions, for one net or all complete ones.

    `source` is a path, the text of a program (a `str` with a newline), or `zoo:NAME`. The default sizes, `sizes` where
    given, settle the windows: at them the results are the same, as maps of one place. Raises `CompileError`:
    a program with mistakes, nothing to convert, or a conversion that would not be right.
    """
    path, asked = located(source)
    request = Request(path or str(source), args or {}, sizes or {}, max_ops)
    complete = nets(request.source, complete=True)
    net = asked if net is None and asked in complete else net
    chosen = [net] if net is not None else complete
    if net is None and len(chosen) < 2:
        chosen = chosen or [compile_model(request.source, args=request.args, max_ops=max_ops).entry]
    before = {name: request.model(name) for name in chosen}
    others = {}
    for name in complete:
        if name not in before:
            try:
                others[name] = request.model(name, given=False)
            except CompileError:
                continue  # it was wrong before
    file = before[chosen[0]].source
    outline = Outline(parse(file, Sink()))
    plan = make_plan(outline, before.values())
    kept = tuple(_kept(plan))
    if not plan.active:
        nothing = NothingToConvert(tuple(chosen), bool(plan.heads))
        raise CompileError((file_diagnostic(nothing, file.path), *kept))
    text, models = _settle(request, plan, before, others)
    return Converted(text, before, {name: models[name] for name in before}, kept)


def _kept(plan: Plan) -> list[Diagnostic]:
    """A warning for each head that stays, once for each place."""
    found: dict[object, Diagnostic] = {}
    for head in plan.heads:
        if head.obstacle is not None:
            reason, span = head.obstacle
            diagnostic = HeadKept(reason).at(span)
            found.setdefault(diagnostic.key, diagnostic)
    return list(found.values())


# ---- the text, until the weights have their old names


def _settle(
    request: Request, plan: Plan, before: Mapping[str, Model], others: Mapping[str, Model]
) -> tuple[str, dict[str, Model]]:
    """The new text and the models of all nets. Raises `CompileError` where they would not be right."""
    opened = _opened(plan)
    asked = _asked(plan, request.sizes)
    old = {**before, **others}
    try:
        text, models = _compiled(request, plan, [*asked, *opened], before, others)
    except CompileError:
        if not opened:
            raise
        opened = []
        text, models = _compiled(request, plan, [*asked, *opened], before, others)
    for _ in range(ROUNDS):
        added = [_mend(plan, name, old[name], models[name]) for name in old]
        if not any(added):
            break
        text, models = _compiled(request, plan, [*asked, *opened], before, others)
    for name in old:
        _same_weights(plan, name, old[name], models[name])
    return text, models


def _compiled(
    request: Request, plan: Plan, opened: list[Edit], before: Mapping[str, Model], others: Mapping[str, Model]
) -> tuple[str, dict[str, Model]]:
    """The text after the plan's edits and those of the input, and its models. Raises `CompileError`."""
    try:
        text = apply_edits(plan.outline.source.text, [*plan.edits(), *opened])
    except ValueError as overlap:
        raise _fails(plan, next(iter(before)), f"changes meet in one text: {overlap}") from None
    models = {}
    for name in (*before, *others):
        try:
            models[name] = request.model(name, text, given=name in before)
        except CompileError as error:
            first = next(d for d in error.diagnostics if d.severity is Severity.ERROR)
            where = f"line {first.span.line} of the new text: " if first.span.source.text == text else ""
            raise _fails(plan, name, f"{where}{first.message}") from None
    return text, models


def _fails(plan: Plan, net: str, reason: str, span: Span | None = None) -> CompileError:
    return CompileError((ConvertedFails(net, reason).at(span or plan.active[0].flattens[0].span),))


def _initial(old: Node, new: Node) -> Iterator[tuple[str, str]]:
    """The arguments that a converted layer lacks to begin as it did, because an `init` statement names one of both."""
    for name in [n for n in old.params if n in new.params] if isinstance(new.op, Conv) else ():
        before, after = old.params[name].spec, new.params[name].spec
        if (before.init.kind, before.init.args) != (after.init.kind, after.init.args):
            numbers = ", ".join(f"{key}={value!r}" for key, value in before.init.args if isinstance(value, float))
            own = f"{before.init.kind}({numbers})"
            yield before.by, own if before.init.default else old.consts[before.by].span.text


def _mend(plan: Plan, net: str, old: Model, new: Model) -> bool:
    """Add what keeps the names of the weights as they were, biases and initial values; whether anything was added."""
    before, after = owners(old), owners(new)
    if len(before) != len(after):
        raise _fails(plan, net, f"it has {len(after)} layers with weights, where it had {len(before)}")
    calls = {call.instance: call.span for call in _calls(old)}
    added = False
    for one, other in zip(before, after, strict=True):
        if isinstance(other, Node) and isinstance(other.op, Conv) and {*one.params} - {*other.params} == {"bias"}:
            assert isinstance(one, Node)
            plan.biases.add((one.span.start, one.span.end))
            added = True
        if isinstance(one, Node) and isinstance(other, Node):
            for name, text in _initial(one, other):
                plan.initial.setdefault((one.span.start, one.span.end), {})[name] = text
                added = True
        if one.path == other.path:
            continue
        for mine, its in zip(_line(one), _line(other), strict=False):
            if mine.name != its.name:
                span = mine.span if isinstance(mine, Node) else calls[mine]
                added |= _name(plan, net, mine.name, span)
                break
        else:
            raise _fails(plan, net, f"`{one.path}` would be called `{other.path}`")
    return added


def _name(plan: Plan, net: str, name: str, span: Span) -> bool:
    """Name the module of a step as it was called before."""
    expr = plan.outline.find(span)
    place: Place = (span.start, span.end)
    text = name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f"`{name}`"
    if not isinstance(expr, tree.Call | tree.Name | tree.Seq):
        raise _fails(plan, net, f"`{name}` would get another name: name it with `as`", span)
    if plan.names.setdefault(place, text) != text:
        taken = plan.names[place].strip("`")
        raise _fails(plan, net, f"this line makes `{taken}` and `{name}`: name them with `as`, as in `fc{{i}}`", span)
    return True


def _same_weights(plan: Plan, net: str, old: Model, new: Model) -> None:
    """Every tensor has its old name and as many elements."""
    before = {name: math.prod(p.spec.shape) for name, p in old.params.items()}
    after = {name: math.prod(p.spec.shape) for name, p in new.params.items()}
    for name in (*before, *after):
        if before.get(name) != after.get(name):
            counts = [f"{c:,} elements" if c is not None else "missing" for c in (before.get(name), after.get(name))]
            raise _fails(plan, net, f"`{name}` was {counts[0]}, and would be {counts[1]}")


def _line(owner: Node | Instance) -> list[Node | Instance]:
    """An owner of weights and the instances around it, outermost first, without the root."""
    found: list[Node | Instance] = [owner]
    above = owner.owner if isinstance(owner, Node) else owner.parent
    while above is not None and above.parent is not None:
        found.append(above)
        above = above.parent
    return found[::-1]


def _calls(model: Model) -> list[Call]:
    """Every use of an instance."""
    found = []
    stack: list[object] = [i for instance in instances(model.root) for i in instance.body]
    while stack:
        item = stack.pop()
        if isinstance(item, Call):
            found.append(item)
        elif isinstance(item, If):
            stack += item.items
        elif isinstance(item, For):
            stack += [i for turn in item.turns for i in turn]
        elif isinstance(item, Either):
            stack += [*item.training, *item.evaluation]
    return found


# ---- the input


def _opened(plan: Plan) -> list[Edit]:
    """Edits that make fixed sizes of the input defaults: `x[N, 1, 32, 32]` becomes `x[N, 1, H=32, W=32]`.

    Only where one input is a map, and the names are free.
    """
    source = plan.outline.source
    edits: dict[Place, Edit] = {}
    for model in {head.model for head in plan.active}:
        block = model.root.definition
        assert block is not None
        maps = [port.spec.dims[2:] for port in block.ports or () if port.spec.dims and len(port.spec.dims) > 2]
        if block.span.source.path != source.path or len(maps) != 1:
            continue
        for name, dim in zip(AXES.get(len(maps[0]), ()), maps[0], strict=False):
            free = not re.search(rf"\b{name}\b", block.span.text) and name not in plan.outline.names
            if isinstance(dim.value, tree.Number) and free:
                edits[dim.span.start, dim.span.end] = Edit(dim.span, f"{name}={dim.span.text}")
    return list(edits.values())


def _asked(plan: Plan, sizes: Mapping[str, int]) -> list[Edit]:
    """Edits that make the sizes asked for the defaults of the input, since the windows are those of these sizes."""
    edits: dict[Place, Edit] = {}
    for model in {head.model for head in plan.active}:
        block = model.root.definition
        assert block is not None
        dims = [dim for port in block.ports or () for dim in port.spec.dims or ()]
        for dim in dims if block.span.source.path == plan.outline.source.path else ():
            if isinstance(dim.value, tree.Name) and dim.value.name in sizes and dim.default is not None:
                span = dim.default.span
                edits[span.start, span.end] = Edit(span, str(sizes[dim.value.name]))
    return list(edits.values())
