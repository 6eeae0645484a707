"""`forward`: names of locals, which steps nest in one line, and the statements.

A value used by the next step alone is `x` (or `y` while `x` is live); one that lives longer bears the user's name,
else that of the module that made it. Steps of one source line nest where the outer one takes no other tensor, and
into a sum or concatenation, up to a short line.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from dslc.backends.torch import layout
from dslc.backends.torch.expressions import Expr, Expressions, Pending
from dslc.backends.torch.held import Held
from dslc.backends.torch.layout import Px, flat
from dslc.backends.torch.liveness import Lives, lives, reads, results
from dslc.backends.torch.merged import MCall, MEither, MFor, MIf, MItem, MNode, MSeq, Sym, walk
from dslc.backends.torch.terms import text
from dslc.names.reserved import local_name
from dslc.record import entity

NEST = 70
"""Columns of an expression up to which steps nest."""

CHOICE = 88
"""Columns of `a if c else b` up to which it stands on one line."""


@dataclass(slots=True)
class Line:
    """A statement of forward: `prefix px suffix`."""

    indent: int
    prefix: str
    px: Px
    suffix: str = ""
    comment: str = ""
    target: str = ""
    typed: bool = True


@entity
class Body(Expressions):
    """Writes the forward of one class.

    `condition` says how an `if` tests (`self.downsample is not None`), `comment` the shape of a value made from
    another; `reserved` are names that no local may have.
    """

    condition: Callable[[MIf], str] = field(kw_only=True)
    comment: Callable[[Sym, Sym | None], str] = field(kw_only=True)
    reserved: set[str] = field(kw_only=True)
    lives: Lives = field(init=False)
    lines: list[Line] = field(default_factory=list)
    held: Held = field(init=False)
    declared: set[str] = field(default_factory=set)
    want: dict[int, str] = field(default_factory=dict)
    free_at: dict[str, int] = field(default_factory=dict)  # of a loop's variable: from where its turn does not read it

    def write(self, inputs: Sequence[str], training: Iterable[int]) -> None:
        """The statements for the class's items; `training`: ids of the items that only training needs."""
        self.lives = lives(self.target)
        self.held = Held(self.lives, self.reserved, self.name_of)
        self.declared.update(inputs)
        for sym, name in zip(self.target.inputs, inputs, strict=True):
            self.bind(sym, name, True)
        self.region(self.target.items, 2, set(training))

    def finish(self) -> list[str]:
        """The lines of text."""
        found: list[str] = []
        for line in self.lines:
            found += layout.statement(line.prefix, line.px, line.suffix, line.indent, line.comment)
        return found

    # ---- names

    def bind(self, sym: Sym, name: str, typed: bool) -> None:
        """A name holds a tensor; its type is known if it was declared, or is that of what it was given."""
        self.held.bind(sym, name)
        self.typed[name] = typed or name in self.declared

    def choose(self, sym: Sym, now: int, item: MItem | None = None, avoid: Collection[str] = ()) -> str:
        """A name for a new value, that is free after `now`."""
        wanted = self.want.get(sym.id)
        if wanted is not None and (not self.held.busy(wanted, now) or self.free_at.get(wanted, now + 1) <= now):
            return wanted
        if sym.name is not None and sym.name != "it":
            base = local_name(sym.name)
            return self.held.first(base, lambda k: base if k == 1 else f"{base}_{k}", now, avoid)
        made, last = self.lives.made.get(sym.id, now), self.lives.last.get(sym.id, now)
        short = bisect_right(self.lives.unnamed, made) >= bisect_left(self.lives.unnamed, last)
        names: list[str] = ["x", "y", "z"] if short else []
        if not short and isinstance(item, MNode | MCall | MSeq):
            named = item.name.isidentifier() and (not isinstance(item, MNode) or item.module)
            names += [local_name(item.name)] if named else []
        for name in names if short else [*names, "y", "z", "w"]:
            if name not in avoid and not self.held.busy(name, now):
                return name
        return self.held.first("x{}", lambda k: f"x{k}", now, avoid)

    # ---- statements

    def region(self, items: list[MItem], indent: int, training: set[int]) -> None:
        """The statements of a list of items."""
        at = 0
        while at < len(items):
            item = items[at]
            if id(item) in training:
                end = at
                while end < len(items) and id(items[end]) in training:
                    end += 1
                self.trained(items[at:end], indent)
                at = end
                continue
            after = items[at + 1] if at + 1 < len(items) and id(items[at + 1]) not in training else None
            self.statement(item, after, indent)
            at += 1
        self.flush(indent)

    def statement(self, item: MItem, after: MItem | None, indent: int) -> None:
        match item:
            case MNode() | MCall() | MSeq():
                self.step(item, after, indent)
            case MIf():
                self.flush(indent)
                self.choice(self.condition(item), (item.then, item.other), item.joins, item, indent)
            case MEither():
                self.flush(indent)
                joins = [(item.out, *item.sides)]
                self.choice("self.training", (item.training, item.evaluation), joins, item, indent)
            case MFor():
                self.flush(indent)
                self.loop(item, indent)

    def flush(self, indent: int) -> None:
        """Write the expression that waits, as a statement."""
        if self.pending is None:
            return
        held, self.pending = self.pending, None
        self.assign(held.sym, held.expr, held.item, indent, source=held.source)

    def assign(
        self,
        sym: Sym,
        expr: Expr,
        item: MItem | None,
        indent: int,
        now: int | None = None,
        source: Sym | None = None,
    ) -> None:
        """`name = expr`."""
        now = self.lives.end.get(id(item), 0) if now is None else now
        name = self.choose(sym, now, item)
        self.put(indent, f"{name} = ", expr, name, self.comment(sym, source))
        self.bind(sym, name, expr.typed)

    def put(self, indent: int, prefix: str, expr: Expr, target: str, comment: str = "") -> None:
        self.lines.append(Line(indent, prefix, expr.px, "", comment, target, expr.typed))

    def step(self, item: MNode | MCall | MSeq, after: MItem | None, indent: int) -> None:
        """One module or function: nested in the next step, or a statement."""
        expr, source = self.nested(item, indent)
        now = self.lives.end[id(item)]
        read = [s for s in item.outs if s.id in self.lives.last]
        unpack = item.use.unpack if isinstance(item, MNode) else None
        if not read:
            return
        if len(item.outs) == 1 and unpack is None:
            if self.nests(item, after):
                self.pending = Pending(item.outs[0], expr, item, source)
            else:
                self.assign(item.outs[0], expr, item, indent, source=source)
            return
        names: list[str] = []
        for sym in item.outs:
            name = self.choose(sym, now, item) if sym in read else "_"
            while name in names and name != "_":
                name += "_"
            names.append(name)
            if sym in read:
                self.bind(sym, name, False)
        left = unpack.format(*names) if unpack is not None else ", ".join(names)
        self.put(indent, f"{left} = ", expr, "")

    def nested(self, item: MNode | MCall | MSeq, indent: int) -> tuple[Expr, Sym | None]:
        """The expression of a step and what it is made from; the one that waits is nested if the whole is short
        and reads it once.
        """
        if self.pending is not None and self.pending.sym not in reads(item):
            self.flush(indent)
        if self.pending is not None:
            self.pending.uses = 0
        expr = self.apply(item)
        whole = flat(expr.px)
        source = item.ins[0] if item.ins else None
        if self.pending is not None:
            if whole is None or len(whole) > NEST or self.pending.uses > 1:
                self.flush(indent)
                return self.apply(item), source
            source = self.pending.source
            self.pending = None
        return expr, source

    def nests(self, item: MNode | MCall | MSeq, after: MItem | None) -> bool:
        """Whether a step's result goes into the next step's text."""
        sym = item.outs[0]
        if not isinstance(after, MNode | MCall | MSeq) or sym.name is not None:
            return False
        if isinstance(item, MNode) and item.optional:
            return False
        if self.lives.count.get(sym.id) != 1 or self.lives.last.get(sym.id) != self.lives.place[id(after)]:
            return False
        if after.turn != item.turn or sym.id in self.want:
            return False
        function = item.use.function if isinstance(item, MNode) else None
        infix = function is not None and function.kind in ("infix", "index")
        same_line = item.span.source is after.span.source and item.span.line == after.span.line
        return ((infix or same_line) and _sole(after, sym)) or (isinstance(after, MNode) and _joins(after, sym))

    # ---- regions

    def choice(
        self,
        condition: str,
        sides: tuple[list[MItem], list[MItem]],
        joins: list[tuple[Sym, Sym, Sym]],
        item: MItem,
        indent: int,
    ) -> None:
        """`if condition: .. else: ..`, on one line where both sides are one expression."""
        joins = [j for j in joins if j[0].id in self.lives.last]
        now = self.lives.end[id(item)]
        if len(joins) == 1:
            one = self.one_line(condition, sides, joins[0], indent)
            if one is not None:
                self.assign(joins[0][0], one, item, indent, now)
                return
        names: list[str] = []
        for out, *inner in joins:
            name = self.join_name(out, sides, inner, now, names)
            names.append(name)
            for sym in inner:
                self.want[sym.id] = name
        self.held.begin()
        self.lines.append(Line(indent, f"if {condition}:", ""))
        self.held.beside.append((self.lives.middle[id(item)], now))
        wrote = self.side(sides[0], [j[1] for j in joins], names, indent)
        self.held.beside.pop()
        if not wrote:
            self.lines.pop()
        at = len(self.lines)
        self.lines.append(Line(indent, "else:" if wrote else f"if not {_bracketed(condition)}:", ""))
        self.held.restore()
        if not self.side(sides[1], [j[2] for j in joins], names, indent):
            self.lines.pop(at)
        self.held.end()
        for name, (out, *_) in zip(names, joins, strict=True):
            self.bind(out, name, False)

    def join_name(self, out: Sym, sides: tuple[list[MItem], ...], inner: list[Sym], now: int, taken: list[str]) -> str:
        """The name of what both sides of an `if` give: that of the value before it, if nothing reads it later."""
        for sym, side in zip(inner, sides, strict=True):
            name = self.name_of.get(sym.id)
            if side or name is None or name in taken or out.name not in (None, name) or sym.kind == "param":
                continue
            if self.lives.last.get(sym.id, 0) <= now:
                return name
        return self.choose(out, now, avoid=taken)

    def side(self, items: list[MItem], values: list[Sym], names: list[str], indent: int) -> bool:
        """The statements of one side; false if there are none."""
        start = len(self.lines)
        self.region(items, indent + 1, set())
        moved = [(n, self.operand(s)) for n, s in zip(names, values, strict=True)]
        moved = [(n, expr) for n, expr in moved if expr.text != n]
        if {n for n, _ in moved} & {expr.text for _, expr in moved}:
            left, right = ", ".join(n for n, _ in moved), ", ".join(expr.text for _, expr in moved)
            self.lines.append(Line(indent + 1, f"{left} = ", right))
        else:
            for name, expr in moved:
                self.put(indent + 1, f"{name} = ", expr, name)
        return len(self.lines) > start

    def one_line(
        self, condition: str, sides: tuple[list[MItem], list[MItem]], join: tuple[Sym, Sym, Sym], indent: int
    ) -> Expr | None:
        """`a if condition else b`, if both sides are one expression and it is short."""
        parts: list[Expr] = []
        for items, sym in zip(sides, join[1:], strict=True):
            if len(items) > 1 or (items and not isinstance(items[0], MNode | MCall | MSeq)):
                return None
            if items:
                item = items[0]
                assert isinstance(item, MNode | MCall | MSeq)
                if item.outs != (sym,) or (isinstance(item, MNode) and (item.optional or item.use.unpack)):
                    return None
                parts.append(self.apply(item))
            else:
                parts.append(self.operand(sym))
        whole = f"{parts[0].at(1)} if {condition} else {parts[1].at(0)}"
        if len(whole) + 4 * indent > CHOICE:
            return None
        return Expr(whole, 0, parts[0].typed and parts[1].typed)

    def loop(self, item: MFor, indent: int) -> None:
        """A kept loop."""
        name = ""
        if item.carried is not None:
            before, inside, after, _ = item.carried
            start = self.operand(before)
            keep = self.lives.last.get(before.id, 0) > self.lives.place[id(item)] or before.kind == "param"
            name = self.choose(inside, self.lives.place[id(item)]) if keep else start.text
            if name != start.text:
                self.put(indent, f"{name} = ", start, name)
            self.bind(inside, name, self.typed.get(name, start.typed))
            self.want[after.id] = name
            last = [self.lives.place[id(i)] for i in walk(item.items, False) if inside in reads(i)]
            self.free_at[name] = max(last, default=0)
        if item.children:
            made = next(i for i in item.items if isinstance(i, MCall | MSeq) or (isinstance(i, MNode) and i.module))
            assert isinstance(made, MNode | MCall | MSeq)
            variable = made.template.before.strip("_") if made.template is not None else made.name
            variable = local_name(variable if variable.isidentifier() else "layer")
            while self.held.busy(variable, 0) or variable == name:
                variable += "_"
            self.spelled[f"child {id(made)}"] = variable
            self.lines.append(Line(indent, f"for {variable} in self.children():", ""))
        else:
            variable = self.spelled.get(item.variable, item.variable)
            assert item.count.term is not None
            turns = text(item.count.term, lambda n: self.spelled.get(n, n))
            self.lines.append(Line(indent, f"for {variable} in range({turns}):", ""))
        size = len(self.lines)
        self.region(item.items, indent + 1, set())
        if item.carried is not None:
            expr = self.operand(item.carried[2])
            if expr.text != name:
                self.put(indent + 1, f"{name} = ", expr, name)
            self.bind(item.carried[3], name, self.typed.get(name, False))
        if len(self.lines) == size:
            self.lines.pop()

    def trained(self, items: list[MItem], indent: int) -> None:
        """Items that only training needs: `aux = self.aux(x) if self.training else None`, or a block."""
        self.flush(indent)
        made = [s for i in items for s in results(i)]
        inside = {id(i) for i in walk(items, False)}
        leaving = [s for s in made if self.lives.last.get(s.id, 0) > max(self.lives.end[i] for i in inside)]
        if len(items) == 1 and isinstance(items[0], MNode | MCall | MSeq) and len(leaving) == len(items[0].outs) == 1:
            expr = Expr(f"{self.apply(items[0]).text} if self.training else None", 0, False)
            self.assign(leaving[0], expr, items[0], indent)
            return
        names = []
        now = max(self.lives.end[i] for i in inside)
        for sym in leaving:
            name = self.choose(sym, now)
            while name in names:
                name += "_"
            names.append(name)
            self.want[sym.id] = name
            self.lines.append(Line(indent, f"{name}: Tensor | None = ", "None"))
            self.typed[name] = True
        self.lines.append(Line(indent, "if self.training:", ""))
        self.region(items, indent + 1, set())
        for sym, name in zip(leaving, names, strict=True):
            if self.name_of[sym.id] != name:
                self.put(indent + 1, f"{name} = ", self.operand(sym), name)
            self.bind(sym, name, False)

    # ---- the end

    def give(self, sym: Sym, indent: int) -> bool:
        """`return` of one tensor; whether a type checker knows that it is one."""
        name = self.name_of.get(sym.id)
        last = self.lines[-1] if self.lines else None
        if last is not None and sym.kind != "param" and last.indent == indent and last.prefix == f"{name} = ":
            self.lines[-1] = Line(indent, "return ", last.px)
            return last.typed
        expr = self.operand(sym)
        self.lines.append(Line(indent, f"return {expr.text}", ""))
        return expr.typed


def _sole(item: MNode | MCall | MSeq, sym: Sym) -> bool:
    """Whether a step's text takes a tensor first and numbers after it, or calls a method of it."""
    if item.ins.count(sym) != 1:
        return False
    if not isinstance(item, MNode):
        return len(item.ins) == 1
    if item.use.arguments is not None or item.use.unpack is not None or item.optional:
        return False
    tree = item.use.function
    if tree is None:
        return len(item.ins) == 1
    receiver = False
    while tree.kind == "call" and tree.receiver and tree.kids[0].kind in ("call", "in"):
        tree, receiver = tree.kids[0], True
    if tree.kind == "call" and tree.kids and not tree.receiver:
        receiver = all(kid.kind in ("leaf", "none", "text") for kid in tree.kids[1:])
        tree = tree.kids[0]
    return receiver and tree.kind == "in" and item.ins[int(tree.text)] is sym


def _joins(item: MNode, sym: Sym) -> bool:
    """Whether a step adds or concatenates a tensor with others: `x + f(x)`, `torch.cat([x, f(x)], 1)`."""
    tree = item.use.function
    if tree is None or item.ins.count(sym) != 1:
        return False
    if tree.kind == "infix":
        return all(kid.kind == "in" for kid in tree.kids)
    return tree.kind == "call" and tree.text == "torch.cat" and not tree.receiver


def _bracketed(condition: str) -> str:
    return f"({condition})" if " " in condition and not condition.startswith("self.training") else condition
