"""nn.Sequentials: steps in order, equal neighbours folded, optional and repeated steps by lines of their own."""

from __future__ import annotations

import re
from abc import abstractmethod
from itertools import count
from keyword import iskeyword

from dslc.backends.torch import layout, terms
from dslc.backends.torch.layout import Group, Named, Px, flat
from dslc.backends.torch.merged import CompilerBug, MCall, MEither, MFor, MIf, MItem, MNode, MSeq, walk
from dslc.backends.torch.writer import Writer
from dslc.names.reserved import local_name
from dslc.record import entity

FOLD = 2
"""Equal neighbours in a Sequential from which they are one comprehension."""

ONE_LINE = 52
"""Columns of an OrderedDict up to which it stands inside the Sequential."""


@entity
class Sequentials(Writer):
    """Writes the Sequentials of one class."""

    depth: int = 0  # Sequentials being written

    @abstractmethod
    def make(self, item: MNode | MCall | MSeq, indent: int = 2) -> Px:
        """The expression that makes a module, after the lines that it needs."""

    def negated(self, item: MIf) -> str:
        """The condition of an `if`, so that `not` can stand before it."""
        assert item.condition.term is not None
        return self.text(item.condition.term, terms.COMPARISON)

    def sequential(self, function: str, items: list[MItem], indent: int, name: str = "") -> Px:
        """`nn.Sequential(..)`; lines before it where a step is optional or repeated by a parameter."""
        self.depth += 1
        try:
            if any(not plain(i) for i in items):
                return Group(function, (self._listed(items, indent, name),))
            entries: list[tuple[str, Px]] = []
            for item in items:
                assert isinstance(item, MNode | MCall | MSeq)
                entries.append((item.name, self.make(item, indent)))
            if [n for n, _ in entries] != [str(k) for k in range(len(entries))]:
                return Group(function, (self._named(entries, indent, name),))
        finally:
            self.depth -= 1
        steps = folded([px for _, px in entries])
        short = Group(function, tuple(steps))
        text = flat(short)
        one_line = text is not None and len(steps) <= 2 and not any(isinstance(s, Named) for s in steps)
        if one_line and 4 * indent + len(f"self.{name} = {text}") <= layout.WIDTH:
            return short
        return Group(function, tuple(steps), exploded=True)

    def _local(self, base: str) -> str:
        """A local of `__init__`. One that waits to be read by a Sequential around its own is never used again."""
        base = local_name(base) if base.isidentifier() else "layers"
        for name in (base if k == 1 else f"{base}_{k}" for k in count(1)):
            if name not in self.used:
                if self.depth > 1 or name != "layers":
                    self.used.add(name)
                return name
        raise AssertionError

    def _named(self, entries: list[tuple[str, Px]], indent: int, base: str) -> Px:
        """The OrderedDict of a Sequential whose steps have names; a long one after lines of its own."""
        rule = by_rule(entries)
        if rule is None and all(is_keyword_argument(n) for n, _ in entries):
            short = Group("OrderedDict", tuple(Named(f"{n}=", px) for n, px in entries))
            text = flat(short)
            if text is not None and len(text) <= ONE_LINE:
                return short
        name = self._local(base)
        if rule is not None:
            self.put(f"{name} = ", Group("", rule, clauses=True), indent=indent)
            return f"OrderedDict({name})"
        pairs = tuple(Named(f"{terms.quoted(n)}: ", px) for n, px in entries)
        self.put(f"{name}: dict[str, nn.Module] = ", Group("", pairs, "", "{}", exploded=True), indent=indent)
        return f"OrderedDict({name})"

    def _listed(self, items: list[MItem], indent: int, base: str) -> Px:
        """Lines that fill a local; what the Sequential is called with."""
        steps = [i for i in walk(items, False) if isinstance(i, MNode | MCall | MSeq)]
        keyed = any(not i.name.isdecimal() or i.template is not None for i in steps)
        name = self._local(base if keyed else "layers")
        kind = "OrderedDict[str, nn.Module]" if keyed else "list[nn.Module]"
        annotation = "" if name in self.annotated else f": {kind}"
        self.annotated.add(name)
        start = 0
        if keyed:
            self.put("", f"{name}{annotation} = OrderedDict()", indent=indent)
        else:
            while start < len(items) and plain(items[start]):
                start += 1
            made = [self.make(i, indent) for i in items[:start] if isinstance(i, MNode | MCall | MSeq)]
            first = tuple(folded(made))
            self.put(f"{name}{annotation} = ", Group("", first, "", "[]", exploded=len(first) > 1), indent=indent)
        self._fill(name, keyed, items[start:], indent)
        return name if keyed else f"*{name}"

    def _fill(self, name: str, keyed: bool, items: list[MItem], indent: int) -> None:
        run: list[Px] = []

        def flush() -> None:
            if len(run) == 1 and not isinstance(run[0], Named):
                self.put("", Group(f"{name}.append", (run[0],)), indent=indent)
            elif run:
                self.put(f"{name} += ", Group("", tuple(folded(run)), "", "[]", exploded=True), indent=indent)
            run.clear()

        for item in items:
            match item:
                case MNode() | MCall() | MSeq():
                    if isinstance(item, MNode) and item.optional and item.factory is not None:
                        flush()
                        factory = self.slot(item.factory)
                        self.put("", f"if {factory} is not None:", indent=indent)
                        self._one(name, keyed, item, f"{factory}()", indent + 1)
                    elif keyed:
                        self._one(name, keyed, item, self.make(item, indent), indent)
                    else:
                        before = len(self.lines)
                        px = self.make(item, indent)
                        if len(self.lines) > before:  # its own lines stand before it, and after what waits
                            own, self.lines[before:] = self.lines[before:], []
                            flush()
                            self.lines += own
                        run.append(px)
                case MIf():
                    flush()
                    condition = self.slot(item.condition)
                    if item.then:
                        self.put("", f"if {condition}:", indent=indent)
                        self._fill(name, keyed, item.then, indent + 1)
                    if item.other:
                        self.put("", "else:" if item.then else f"if not {self.negated(item)}:", indent=indent)
                        self._fill(name, keyed, item.other, indent + 1)
                case MFor():
                    flush()
                    assert item.count.term is not None
                    variable, turns = self.spelled[item.variable], self.text(item.count.term)
                    clause = f"for {variable} in range({turns})"
                    only = item.items[0] if len(item.items) == 1 and plain(item.items[0]) else None
                    if only is not None and not keyed and isinstance(only, MNode | MCall | MSeq):
                        px = self.make(only, indent)
                        if not re.search(rf"\b{variable}\b", flat(px) or variable):
                            clause = f"for _ in range({turns})"
                        self.put("", Group(f"{name}.extend", (px, clause), clauses=True), indent=indent)
                    else:
                        self.put("", f"{clause}:", indent=indent)
                        self._fill(name, keyed, item.items, indent + 1)
                case MEither():
                    raise CompilerBug("a choice by `training` is no step of a Sequential")
        flush()

    def _one(self, name: str, keyed: bool, item: MNode | MCall | MSeq, px: Px, indent: int) -> None:
        if keyed:
            key = self.template(item.template) if item.template is not None else terms.quoted(item.name)
            self.put(f"{name}[{key}] = ", px, indent=indent)
        else:
            self.put("", Group(f"{name}.append", (px,)), indent=indent)


def plain(item: MItem) -> bool:
    """Whether a step of a Sequential is one expression in every member."""
    if isinstance(item, MSeq):
        return all(map(plain, item.items))
    return isinstance(item, MNode | MCall) and not (isinstance(item, MNode) and item.optional)


def folded(made: list[Px]) -> list[Px]:
    """Equal neighbours as `*(X for _ in range(n))`."""
    found: list[Px] = []
    at = 0
    while at < len(made):
        end = at
        while end < len(made) and made[end] == made[at]:
            end += 1
        if end - at >= FOLD and not isinstance(made[at], Named):
            clause = f"for _ in range({end - at})"
            found.append(Named("*", Group("", (made[at], clause), clauses=True)))
        else:
            found += made[at:end]
        at = end
    return found


def by_rule(entries: list[tuple[str, Px]]) -> tuple[Px, Px] | None:
    """Pairs of a name and a step, and their `for`, where the steps are equal and the names count."""
    first = entries[0][1]
    if len(entries) <= FOLD or any(px != first for _, px in entries):
        return None
    head = entries[0][0].rstrip("0123456789")
    number = entries[0][0][len(head) :]
    start = int(number) if number and str(int(number)) == number else None
    if start is None or [n for n, _ in entries] != [f"{head}{start + k}" for k in range(len(entries))]:
        return None
    span = f"{len(entries)}" if start == 0 else f"{start}, {start + len(entries)}"
    return Group("", (f'f"{head}{{i}}"', first)), f"for i in range({span})"


def is_keyword_argument(name: str) -> bool:
    return name.isidentifier() and not iskeyword(name) and name not in ("self", "other")
