"""Expressions of `forward`: tensors as locals, ops from their rules, modules applied."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from keyword import iskeyword

from dslc.backends.torch import terms
from dslc.backends.torch.forms import Tree
from dslc.backends.torch.layout import Chain, Group, Named, Px, flat
from dslc.backends.torch.merged import Class, CompilerBug, MCall, MItem, MNode, MSeq, Slot, Sym, walk
from dslc.backends.torch.terms import ATOM, POSTFIX, Lit, text
from dslc.ir.walk import params_of
from dslc.record import entity, frozen
from dslc.types.tensor import DType


@frozen
class Expr:
    """Python of a value: how tightly it binds, and whether a type checker knows that it is a Tensor."""

    px: Px
    binds: int
    typed: bool

    @property
    def text(self) -> str:
        return flat(self.px) or ""

    def at(self, least: int) -> str:
        """The text, in brackets if it binds less than `least`."""
        return self.text if self.binds >= least else f"({self.text})"


OWN = "float_like"


@dataclass(slots=True)
class Pending:
    """An expression that waits to be nested in the next step."""

    sym: Sym
    expr: Expr
    item: MItem
    source: Sym | None  # what the whole expression is made from
    uses: int = 0  # how often it was read; a text that reads it twice would compute it twice


@entity
class Expressions(ABC):
    """Writes the expressions of one class's forward.

    `attribute` says how a module is reached (`self.conv1`); `spelled` how forward writes the class's names;
    `inlined` the sizes that are read where they are needed; `name_of` and `typed` what locals hold.
    """

    target: Class
    attribute: Callable[[MNode | MCall | MSeq], str]
    spelled: dict[str, str]
    inlined: dict[str, tuple[int, int]]
    name_of: dict[int, str] = field(default_factory=dict)
    typed: dict[str, bool] = field(default_factory=dict)
    pending: Pending | None = None
    own: str = ""  # the empty buffer of the network's own float type, if forward needs one

    def operand(self, sym: Sym) -> Expr:
        """A tensor as it can be read now."""
        if self.pending is not None and self.pending.sym is sym:
            self.pending.uses += 1
            return self.pending.expr
        if sym.kind == "param":
            return Expr(self.path(sym.path), ATOM, True)
        name = self.name_of.get(sym.id)
        if name is None:
            raise CompilerBug("a tensor is read before it is made")
        return Expr(name, ATOM, self.typed.get(name, True))

    def path(self, path: str) -> str:
        """A parameter read, from `self`."""
        found = "self"
        parts = path.split(".")
        for at, part in enumerate(parts):
            if part.isidentifier() and not iskeyword(part):
                found += f".{part}"
            elif at < len(parts) - 1:
                found = f'{found}.get_submodule("{part}")'
            else:
                found = f'{found}.get_parameter("{part}")'
        return found

    def slot(self, slot: Slot, ins: Sequence[Sym], least: int = 0) -> str:
        """A compile-time value in forward."""
        if slot.shape is not None:
            index, axis = slot.shape
            return f"{self.operand(ins[index]).at(POSTFIX)}.shape[{axis}]"
        if slot.term is None:
            raise CompilerBug(f"`{slot.hint}` has no text")
        return text(slot.term, self.spell, least)

    def spell(self, name: str) -> str:
        """A name of the class as forward writes it; a size that is read once, from its tensor."""
        place = self.inlined.get(name)
        if place is not None:
            sym = self.target.inputs[place[0]]
            return f"{self.name_of[sym.id]}.shape[{place[1]}]"
        return self.spelled.get(name, name)

    def element_type(self) -> str:
        """The network's own float type, `x.dtype`: of an input whose name never holds other elements, else of a weight,
        else of an empty buffer, which moves with the module.
        """
        others = {
            self.name_of.get(out.id)
            for item in walk(self.target.items)
            if isinstance(item, MNode | MCall | MSeq)
            for out in item.outs
            if out.values[0].type.dtype is not DType.FLOAT
        }
        for sym in self.target.inputs:
            if sym.values[0].type.dtype is DType.FLOAT and self.name_of.get(sym.id) not in others:
                return f"{self.operand(sym).at(POSTFIX)}.dtype"
        path = weight_of(self.target)
        if path:
            return f"{self.path(path)}.dtype"
        if not self.own:
            items = (i for i in walk(self.target.items) if isinstance(i, MNode | MCall | MSeq))
            used = {item.name for item in items} | set(self.target.stored.values()) | set(self.target.declared)
            self.own = next(name for name in chain([OWN], (f"{OWN}{k}" for k in count(2))) if name not in used)
        return f"self.{self.own}.dtype"

    def tree(self, tree: Tree, item: MNode) -> Expr:
        """The Python of a piece of an op's rule."""
        match tree.kind:
            case "leaf":
                assert isinstance(tree.leaf, Slot)
                return Expr(self.slot(tree.leaf, item.ins), _binds(tree.leaf), True)
            case "text":
                return Expr(tree.text, ATOM, True)
            case "none":
                return Expr("None", ATOM, True)
            case "in":
                return self.operand(item.ins[int(tree.text)])
            case "own":
                if tree.text in item.tied:
                    return self.operand(item.tied[tree.text])
                module = self.attribute(item)
                return Expr(f"{module}.{tree.text}", POSTFIX, True) if tree.text else Expr(module, POSTFIX, False)
            case "device":  # of a tensor made of sizes alone that of the class's input, whatever its name holds by now
                sym = item.ins[0] if item.ins else self.target.inputs[0]
                return Expr(f"{self.operand(sym).at(POSTFIX)}.device", POSTFIX, True)
            case "dtype":
                return Expr(self.element_type(), POSTFIX, True)
            case "attribute":
                of = self.tree(tree.kids[0], item)
                return Expr(f"{of.at(POSTFIX)}.{tree.text}", POSTFIX, True)
            case "call":
                return self.call(tree, item)
            case "infix":
                binds = terms.PRECEDENCE.get(tree.text, terms.BITS.get(tree.text, terms.COMPARISON))
                left, right = self.tree(tree.kids[0], item), self.tree(tree.kids[1], item)
                tight = (binds + 1, binds) if tree.text == "**" else (binds, binds + 1)
                tight = (binds + 1, binds + 1) if binds == terms.COMPARISON else tight
                return Expr(f"{left.at(tight[0])} {tree.text} {right.at(tight[1])}", binds, left.typed and right.typed)
            case "prefix":
                inner = self.tree(tree.kids[0], item)
                return Expr(f"{tree.text}{inner.at(terms.SIGN)}", terms.SIGN, inner.typed)
            case "index":
                value = self.tree(tree.kids[0], item)
                inside = ", ".join(self.slice(t, item) for t in tree.kids[1:])
                return Expr(f"{value.at(POSTFIX)}[{inside}]", POSTFIX, value.typed)
            case "sequence":
                items = tuple(self.tree(t, item).px for t in tree.kids)
                close = {"[": "]", "(": ")"}[tree.text]
                return Expr(Group("", items, "", tree.text + close), ATOM, True)
        raise CompilerBug(f"a torch rule has a part of kind {tree.kind}")

    def slice(self, tree: Tree, item: MNode) -> str:
        """One item of an index."""
        if tree.kind != "slice":
            return self.tree(tree, item).text
        start, stop, step = (("" if t.kind == "none" else self.tree(t, item).text) for t in tree.kids)
        spaced = any(" " in end for end in (start, stop, step))  # ruff gives an operator's weight to the colon
        before, after = (" " if spaced and start else ""), (" " if spaced and stop else "")
        body = f"{start}{before}:{after}{stop}"
        if not step:
            return body
        return f"{body} : {step}" if spaced else f"{body}:{step}"

    def call(self, tree: Tree, item: MNode) -> Expr:
        """A function, or a method of a tensor."""
        args = arguments(tree, lambda t: self.tree(t, item).px)
        if not tree.receiver:
            return Expr(Group(tree.text, args), POSTFIX, not tree.text.startswith("self."))
        receiver = self.tree(tree.kids[0], item)
        start = receiver.at(POSTFIX)
        made = Group(f"{start}.{tree.text}", args)
        before = receiver.px.parts if isinstance(receiver.px, Chain) and receiver.binds >= POSTFIX else (start,)
        link = (flat(made) or "")[len(start) :]
        return Expr(Chain((*before, link), made), POSTFIX, receiver.typed)

    def apply(self, item: MNode | MCall | MSeq) -> Expr:
        """A module or function applied."""
        if isinstance(item, MNode):
            if item.use.function is not None:
                return self.tree(item.use.function, item)
            if item.use.arguments is not None:
                args = [self.tree(t, item).px for t in item.use.arguments]
                return Expr(Group(self.attribute(item), tuple(args)), POSTFIX, False)
        function = self.attribute(item)
        given = tuple(self.operand(s).px for s in item.ins)
        made = Expr(Group(function, given), POSTFIX, False)
        if isinstance(item, MNode) and item.optional:
            return Expr(f"{made.text} if {function} is not None else {self.operand(item.ins[0]).text}", 0, False)
        return made


def weight_of(target: Class) -> str:
    """Where a weight of the network's own type is, from `self`, in all members of a class: one with a plain name, if
    there is any. Empty where they own none.
    """
    found: list[str] = []
    for at, member in enumerate(target.members):
        start = len(member.path) + 1 if member.path else 0
        paths = [p.path[start:] for p in params_of(member) if p.spec.dtype is DType.FLOAT]
        found = paths if at == 0 else [path for path in found if path in set(paths)]
    plain = (path for path in found if all(part.isidentifier() for part in path.split(".")))
    return next(plain, found[0] if found else "")


def arguments(tree: Tree, show: Callable[[Tree], Px]) -> tuple[Px, ...]:
    """The arguments of a call, without those that are at their default."""
    kids = tree.arguments
    keys, defaults = tree.keys or (None,) * len(kids), tree.defaults or (...,) * len(kids)
    shown: list[Px] = []
    dropping = True
    for kid, key, default in reversed(list(zip(kids, keys, defaults, strict=True))):
        if at_default(kid, default) and (key is not None or dropping):
            continue
        if key is None:
            dropping = False
        value = show(kid)
        shown.append(value if key is None else Named(f"{key}=", value))
    return tuple(reversed(shown))


def at_default(tree: Tree, default: object) -> bool:
    """Whether an argument is a literal equal to the callee's default."""
    if default is ... or tree.kind not in ("leaf", "none"):
        return False
    if tree.kind == "none":
        return default is None
    slot = tree.leaf
    if not isinstance(slot, Slot) or not isinstance(slot.term, Lit):
        return False
    value = slot.term.value
    if isinstance(value, bool) or isinstance(default, bool):
        return value is default
    return terms.same(value, default) or (
        isinstance(value, int | float) and isinstance(default, int | float) and value == default
    )


def _binds(slot: Slot) -> int:
    if slot.shape is not None or slot.term is None:
        return POSTFIX
    return terms.binding(slot.term)
