"""From heads to edits: what the text of each step becomes, where one text stands for several uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dslc.convert.heads import Change, Head, find_heads
from dslc.diagnostics.model import Edit
from dslc.ir.model import Call, Either, For, If, Item, Model, Node
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.rewrite import Outline, Place

Turn = dict[str, object]
"""The targets of a loop with their values in one turn."""


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One use of a step's text, by one net: what becomes of it, and the turns of the loops around, outermost first."""

    change: Change
    turns: tuple[Turn, ...]


@dataclass(slots=True)
class Plan:
    """The heads of several nets of one file, and what their conversion changes in its text.

    `names`, `biases` and `initial` values are added to steps of the old text, so that the weights keep their names, and
    begin as they did: what an `init` statement says of linear layers is not what it says of convolutions.
    """

    outline: Outline
    heads: list[Head] = field(default_factory=list)
    sites: dict[Place, list[Use]] = field(default_factory=dict)
    names: dict[Place, str] = field(default_factory=dict)
    biases: set[Place] = field(default_factory=set)
    initial: dict[Place, dict[str, str]] = field(default_factory=dict)

    @property
    def active(self) -> list[Head]:
        return [head for head in self.heads if head.obstacle is None]

    def edits(self) -> list[Edit]:
        """All changes of the text. Headers stand once, however many nets they serve."""
        found: dict[Place, Edit] = {}
        dropped = []
        for place, uses in self.sites.items():
            expr = self.outline.at[place]
            base = _base(expr)
            if uses[0].change.kind != "drop":
                for edit in self._rewritten(base, place, uses):
                    found[edit.span.start, edit.span.end] = edit
            elif (given := _tensor(base)) is not None:
                for edit in _around(expr.span, given, "", ""):
                    found[edit.span.start, edit.span.end] = edit
            else:
                dropped.append(expr)
        for place, name in self.names.items():
            end = self.outline.at[place].span.end
            if _tensor(self.outline.at[place]) is None:
                found[end, end] = Edit(Span(self.outline.source, end, end), f" as {name}")
        for header in (h for head in self.active for h in head.headers):
            at = header.spec.span.end - 1
            found[at, at] = Edit(Span(self.outline.source, at, at), ", _" * header.axes)
        return [*self.outline.without(dropped), *found.values()]

    def _rewritten(self, base: tree.Expr, place: Place, uses: Sequence[Use]) -> list[Edit]:
        """The edits that make `linear(..)` a `conv(..)`, and a pool of the whole map one of windows."""
        change, window = uses[0].change, window_text(uses)
        assert window is not None
        given = _tensor(base)
        if change.kind == "pool":
            words = ", ".join([window, *([] if change.stepped else ["s=1"])])
            if given is None:
                return [Edit(base.span, f"{change.pool}({words})")]
            return _around(base.span, given, f"{change.pool}(", f", {words})", brackets=False)
        assert isinstance(base, tree.Call)
        valid = ["p=valid"] if any(side > 1 for use in uses for side in use.change.window) else []
        out = next((a for a in base.arguments if a.name is None and a is not given), None)
        last = base.arguments[-1]
        after_out = [window, *valid] if out is not None else []
        after_last = [] if out is not None else [f"k={window}", *valid]
        if place in self.biases:
            after_last.append("bias=true")
        after_last += [f"{name}={text}" for name, text in self.initial.get(place, {}).items()]
        if given is not None and place in self.names:  # `as` names a layer, not the tensor of a call
            words = ", ".join(
                word
                for a in base.arguments
                if a is not given
                for word in (a.span.text, *(after_out if a is out else ()), *(after_last if a is last else ()))
            )
            return _around(base.span, given, "(", f" -> conv({words}) as {self.names[place]})")
        edits = [Edit(base.target.span, "conv")]
        if out is last:
            edits.append(_insert(last.span, [*after_out, *after_last]))
        else:
            edits += [_insert(out.span, after_out)] if out is not None else []
            edits += [_insert(last.span, after_last)] if after_last else []
        return edits


def make_plan(outline: Outline, models: Iterable[Model]) -> Plan:
    """The plan for all heads that can be converted; the others get an obstacle."""
    plan = Plan(outline)
    uses: dict[Node, tuple[Turn, ...]] = {}
    at: dict[Place, list[Node]] = {}
    for model in models:
        plan.heads += find_heads(model)
        for node, turns in contexts(model, outline):
            uses[node] = turns
            if node.span.source.path == outline.source.path:
                at.setdefault((node.span.start, node.span.end), []).append(node)
    for head in plan.heads:
        for node, change in head.changes.items():
            if reason := _cannot_edit(outline, node, change):
                head.refuse(reason, node.span)
                break
    while True:
        changes = {node: change for head in plan.active for node, change in head.changes.items()}
        plan.sites = {
            (node.span.start, node.span.end): [Use(changes[n], uses[n]) for n in _at(at, node) if n in changes]
            for node in changes
        }
        again = False
        for head in plan.active:
            for node in head.changes:
                if reason := _conflict(node, _at(at, node), changes, plan.sites[node.span.start, node.span.end]):
                    head.refuse(reason, node.span)
                    again = True
                    break
        if not again:
            return plan


def _at(at: dict[Place, list[Node]], node: Node) -> list[Node]:
    return at[node.span.start, node.span.end]


def _cannot_edit(outline: Outline, node: Node, change: Change) -> str | None:
    """Why the text of a step cannot be changed."""
    name = f"`{node.op.name}`"
    if node.span.source.path != outline.source.path:
        return f"{name} is written in {node.span.source.path}, which is the file to convert"
    if node.via is not None:
        return f"{name} comes through the parameter `{node.via}`: write the layer in the body"
    expr = outline.find(node.span)
    base = _base(expr) if expr is not None else None
    target = base.target if isinstance(base, tree.Call) else base
    if not isinstance(target, tree.Name) or target.name != node.op.name:
        return f"{name} is not written at this line: write the layer itself, not a name for it"
    if isinstance(base, tree.Call) and any(a.star for a in base.arguments):
        return f"the arguments of {name} are unpacked from a list"
    if change.kind == "conv" and not (isinstance(base, tree.Call) and base.arguments):
        return f"{name} gets its arguments elsewhere: write them at this line"
    return None


def _conflict(node: Node, others: Sequence[Node], changes: dict[Node, Change], uses: Sequence[Use]) -> str | None:
    """Why one text cannot serve all its uses."""
    kinds = {(changes[n].kind, changes[n].pool, changes[n].stepped) if n in changes else None for n in others}
    if len(kinds) > 1:
        return f"`{node.span.text}` also serves where it has to stay as it is"
    if changes[node].kind != "drop" and window_text(uses) is None:
        sizes = sorted({_sides(u.change.window) for u in uses})
        return f"`{node.span.text}` serves maps of {' and '.join(sizes)} places: write a line for each"
    return None


def window_text(uses: Sequence[Use]) -> str | None:
    """The window of a step's text: a number or a size, or a choice by the turn of a loop around it; none if neither."""
    windows = [_sides(use.change.window) for use in uses]
    if len(set(windows)) == 1:
        return windows[0]
    depth = min(len(use.turns) for use in uses)
    for level in reversed(range(depth)):
        for name in uses[0].turns[level]:
            text = _choice(name, [use.turns[level].get(name) for use in uses], windows)
            if text is not None:
                return text
    return None


def _choice(name: str, values: Sequence[object], windows: Sequence[str]) -> str | None:
    """`7 if i == 0 else 1`: windows by the value of a loop's target; the commonest is what is left."""
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return None
    by_value: dict[object, str] = {}
    for value, window in zip(values, windows, strict=True):
        if by_value.setdefault(value, window) != window:
            return None
    common = Counter(by_value.values()).most_common()
    rest = "1" if common[0][1] == common[-1][1] and "1" in by_value.values() else common[0][0]
    cases = [f"{window} if {name} == {value} else " for value, window in by_value.items() if window != rest]
    return "".join(cases) + rest if len(cases) <= 4 else None


def _sides(window: tuple[int, ...]) -> str:
    return str(window[0]) if len(set(window)) == 1 else "x".join(map(str, window))


def _base(expr: tree.Expr) -> tree.Expr:
    """The layer of a step, without its name."""
    while isinstance(expr, tree.As):
        expr = expr.value
    return expr


def _tensor(base: tree.Expr) -> tree.Argument | None:
    """The tensor of a call that applies its layer at once: `flatten(x)`, `linear(x, 10)`."""
    if not isinstance(base, tree.Call) or not isinstance(base.target, tree.Name):
        return None
    given = [a for a in base.arguments if a.name is None]
    if not given:
        return None
    name = base.target.name
    if name == "flatten":
        return None if isinstance(given[0].value, tree.Number | tree.Unary) else given[0]
    needs = 0 if name in ("gap", "gmp") or any(a.name == "out" for a in base.arguments) else 1
    return given[0] if len(given) > needs else None


def _around(whole: Span, given: tree.Argument, before: str, after: str, brackets: bool = True) -> list[Edit]:
    """A call that becomes its tensor with other text around it; the tensor's own text may be edited too."""
    simple = isinstance(given.value, tree.Name | tree.TickName | tree.Call | tree.Index | tree.It | tree.Attribute)
    if brackets and not simple and given.span.text == given.value.span.text:
        before, after = f"{before}(", f"){after}"
    start, end = Span(whole.source, whole.start, given.span.start), Span(whole.source, given.span.end, whole.end)
    return [Edit(start, before), Edit(end, after)]


def _insert(after: Span, words: Iterable[str]) -> Edit:
    return Edit(Span(after.source, after.end, after.end), "".join(f", {word}" for word in words))


def contexts(model: Model, outline: Outline) -> list[tuple[Node, tuple[Turn, ...]]]:
    """Every use of an op, with the turns of the loops that its text stands in."""
    found = []
    stack: list[tuple[Item, tuple[tuple[Span, Turn], ...]]] = [(i, ()) for i in model.root.body]
    while stack:
        item, turns = stack.pop()
        if isinstance(item, Node):
            found.append((item, tuple(turn for site, turn in turns if _inside(item.span, site))))
        elif isinstance(item, Call):
            stack += [(i, turns if item.instance.kind == "seq" else ()) for i in item.instance.body]
        elif isinstance(item, If):
            stack += [(i, turns) for i in item.items]
        elif isinstance(item, Either):
            stack += [(i, turns) for i in (*item.training, *item.evaluation)]
        else:
            stack += [(i, turns + more) for more, turn in _turns(item, outline) for i in turn]
    return found


def _turns(loop: For, outline: Outline) -> list[tuple[tuple[tuple[Span, Turn], ...], list[Item]]]:
    """The turns of a loop with their targets' values; none are named for a loop of another file."""
    line = outline.loops.get((loop.site.start, loop.site.end))
    if line is None or loop.site.source.path != outline.source.path:
        return [((), turn) for turn in loop.turns]
    names = [target.name for target in line.targets]
    pairs = zip(loop.loops, loop.turns, strict=True)
    return [(((loop.site, dict(zip(names, (c.value for c in v), strict=False))),), turn) for v, turn in pairs]


def _inside(span: Span, site: Span) -> bool:
    return span.source.path == site.source.path and site.start <= span.start and span.end <= site.end
