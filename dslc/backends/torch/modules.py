"""`__init__`: the statements that make a class's modules, and Sequentials."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from keyword import iskeyword

from dslc.backends.torch import layout, terms
from dslc.backends.torch.body import arguments
from dslc.backends.torch.constructor import type_text
from dslc.backends.torch.forms import Tree
from dslc.backends.torch.layout import Group, Named, Px, flat
from dslc.backends.torch.merged import (
    Class,
    CompilerBug,
    MCall,
    MEither,
    MFor,
    MIf,
    MItem,
    MNode,
    MSeq,
    Parameter,
    Slot,
    Template,
    regions,
    walk,
)
from dslc.backends.torch.terms import Lit, Term
from dslc.names.reserved import MODULE_ATTRIBUTES, local_name

FOLD = 2
"""Equal neighbours in a Sequential from which they are one comprehension."""

ONE_LINE = 52
"""Columns of an OrderedDict up to which it stands inside the Sequential."""

OPTIONAL = "nn.Module | None"


@dataclass(slots=True)
class Optional:
    """How the condition of an `if` stands in a class: `test` is read in forward, `kind` says what holds it.

    `part`: the only module of the `if` is none where it is not taken. `flag`: an attribute holds the condition.
    """

    kind: str
    test: str
    name: str = ""


@dataclass(slots=True, eq=False)
class Modules:
    """Writes the constructor of one class."""

    target: Class
    note: Callable[[str], str]  # a comment that is made once in a file
    spelled: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    optional: dict[int, Optional] = field(default_factory=dict)
    annotated: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    depth: int = 0  # Sequentials being written

    def __post_init__(self) -> None:
        for key, parameter in self.target.parameters.items():
            self.spelled[key] = parameter.name
        taken = set(self.spelled.values()) | {"self"}
        for name in self.target.lets:
            spelled = local_name(name)
            while spelled in taken:
                spelled += "_"
            taken.add(spelled)
            self.spelled[name] = spelled
        for item in walk(self.target.items):
            if isinstance(item, MFor):
                base = local_name("i" if item.variable.startswith("@") else item.variable)
                spelled = base
                while spelled in taken:
                    spelled += "_"
                self.spelled[item.variable] = spelled
        self.used = taken
        self._choose_optional()

    # ---- texts

    def put(self, prefix: str, px: Px, suffix: str = "", indent: int = 2, comment: str = "") -> None:
        self.lines += layout.statement(prefix, px, suffix, indent, comment)

    def text(self, term: Term, least: int = 0) -> str:
        return terms.text(term, lambda n: self.spelled.get(n, n), least)

    def slot(self, slot: Slot) -> str:
        if slot.term is None:
            raise CompilerBug(f"`{slot.hint}` has no text in `__init__`")
        return self.text(slot.term)

    def tree(self, tree: Tree) -> Px:
        """The Python of a piece of a constructor."""
        match tree.kind:
            case "leaf":
                assert isinstance(tree.leaf, Slot)
                return self.slot(tree.leaf)
            case "text":
                return tree.text
            case "none":
                return "None"
            case "call" if not tree.receiver:
                return Group(tree.text, arguments(tree, self.tree))
            case "sequence":
                items = tuple(self.tree(t) for t in tree.kids)
                return Group("", items, "", tree.text + {"[": "]", "(": ")"}[tree.text])
        raise CompilerBug(f"a constructor has a part of kind {tree.kind}")

    def make(self, item: MNode | MCall | MSeq, indent: int = 2) -> Px:
        """The expression that makes a module; of a Sequential with optional steps, after the lines that it needs."""
        match item:
            case MNode():
                if item.factory is not None:
                    name = self.slot(item.factory)
                    return f"{name}() if {name} is not None else None" if item.optional else f"{name}()"
                assert item.use.module is not None
                return self.tree(item.use.module)
            case MCall():
                return Group(item.target.name, call_arguments(item, self.text))
            case MSeq():
                return self.sequential("nn.Sequential", item.items, indent, item.name)

    # ---- statements

    def items(self, items: list[MItem], indent: int) -> None:
        """Statements for the modules of a list of items."""
        for item in items:
            match item:
                case MNode():
                    if item.module and not item.again:
                        self.module(item, indent)
                case MCall() | MSeq():
                    if not item.again:
                        self.module(item, indent)
                case MIf():
                    self.choice(item, indent)
                case MFor():
                    if has_statements(item.items):
                        assert item.count.term is not None
                        variable, turns = self.spelled[item.variable], self.text(item.count.term)
                        self.put("", f"for {variable} in range({turns}):", indent=indent)
                        self.items(item.items, indent + 1)
                case MEither():
                    self.items(item.training, indent)
                    self.items(item.evaluation, indent)

    def module(self, item: MNode | MCall | MSeq, indent: int, annotation: str = "") -> None:
        """`self.name = ...`."""
        px = self.make(item, indent)
        comment = self.note(item.nodes[0].note) if isinstance(item, MNode) else ""
        if item.template is not None:
            self.put("", Group("self.add_module", (self.template(item.template), px)), indent=indent)
        elif is_attribute(item.name):
            self.put(f"self.{item.name}{annotation} = ", px, indent=indent, comment=comment)
        else:
            self.put("", Group("self.add_module", (terms.quoted(item.name), px)), indent=indent)

    def template(self, template: Template) -> str:
        """A module's name in a kept loop."""
        item = next(i for i in walk(self.target.items) if getattr(i, "template", None) is template)
        variable = self.spelled[self.variable_of(item)]
        return template_text(template, variable)

    def variable_of(self, item: MItem) -> str:
        """The variable of the innermost kept loop around an item."""
        for loop in walk(self.target.items):
            if isinstance(loop, MFor) and item in loop.items:
                return loop.variable
        raise CompilerBug("a module's name depends on a loop that it is not in")

    # ---- optional parts

    def _choose_optional(self) -> None:
        taken = {i.name for i in walk(self.target.items, False) if isinstance(i, MNode | MCall | MSeq)}
        taken |= set(MODULE_ATTRIBUTES) | set(self.target.declared) | set(self.target.stored.values())
        for item in walk(self.target.items, inside_sequentials=False):
            if not isinstance(item, MIf):
                continue
            if item.turns:
                self.optional[id(item)] = Optional("term", "")
                continue
            then, other = modules_of(item.then), modules_of(item.other)
            if len(then) == 1 and not other and item.then and then[0] in item.then and is_attribute(then[0].name):
                if not (isinstance(then[0], MNode) and then[0].optional) and then[0].template is None:
                    self.optional[id(item)] = Optional("then", f"self.{then[0].name} is not None", then[0].name)
                    continue
            if len(other) == 1 and not then and other[0] in item.other and is_attribute(other[0].name):
                if not (isinstance(other[0], MNode) and other[0].optional) and other[0].template is None:
                    self.optional[id(item)] = Optional("other", f"self.{other[0].name} is None", other[0].name)
                    continue
            self.optional[id(item)] = self._flag(item, taken)

    def _flag(self, item: MIf, taken: set[str]) -> Optional:
        """An attribute that holds a condition: a bare parameter under its own name, else one that says what it is for."""
        term = item.condition.term
        known = {terms_key(term): o for term, o in self._flags()}
        if terms_key(term) in known:
            return known[terms_key(term)]
        if isinstance(term, terms.Var) and term.name in self.spelled:
            base = self.spelled[term.name]
        else:
            first = next((i for i in walk(item.then or item.other, False)), None)
            base = "chosen"
            if isinstance(first, MNode):
                operand = next((s.name for s in reversed(first.ins) if s.name and s.name.isidentifier()), None)
                base = f"{first.nodes[0].op.name}_{operand}" if operand and len(first.ins) > 1 else f"use_{first.name}"
            elif isinstance(first, MCall | MSeq):
                base = f"use_{first.name}"
        base = local_name(base if base.isidentifier() else "chosen")
        while base in taken:
            base += "_"
        taken.add(base)
        found = Optional("flag", f"self.{base}", base)
        self.flags.append((term, found))
        return found

    flags: list[tuple[Term | None, Optional]] = field(default_factory=list)

    def _flags(self) -> list[tuple[Term | None, Optional]]:
        return self.flags

    def choice(self, item: MIf, indent: int) -> None:
        """The modules of an `if`."""
        held = self.optional[id(item)]
        condition = self.slot(item.condition)
        if held.kind in ("flag", "term"):
            if held.kind == "flag" and held.name not in self.annotated:
                self.annotated.add(held.name)
                self.put(f"self.{held.name} = ", condition, indent=indent)
            then, other = has_statements(item.then), has_statements(item.other)
            shared = {m.name for m in modules_of(item.then)} & {m.name for m in modules_of(item.other)}
            for name in sorted(shared):
                if is_attribute(name):
                    self.put("", f"self.{name}: nn.Module", indent=indent)
            if then:
                self.put("", f"if {condition}:", indent=indent)
                self.items(item.then, indent + 1)
            if other:
                self.put("", "else:" if then else f"if not {self._negated(item)}:", indent=indent)
                self.items(item.other, indent + 1)
            return
        region = item.then if held.kind == "then" else item.other
        part = modules_of(region)[0]
        if not plain(part) or any(isinstance(i, MIf) for i in region):
            self._optional_block(held, region, item, indent)
            return
        made = flat(self.make(part, indent + 1))
        if held.kind == "other":
            condition = f"not {self._negated(item)}"
        if made is not None:
            line = f"self.{held.name} = {made} if {condition} else None"
            if len(line) + 4 * indent <= layout.WIDTH:
                self.put("", line, indent=indent)
                return
        self._optional_block(held, region, item, indent)

    def _optional_block(self, held: Optional, region: list[MItem], item: MIf, indent: int) -> None:
        condition = self.slot(item.condition) if held.kind == "then" else f"not {self._negated(item)}"
        self.put("", f"self.{held.name}: {OPTIONAL} = None", indent=indent)
        self.put("", f"if {condition}:", indent=indent)
        self.items(region, indent + 1)

    def _negated(self, item: MIf) -> str:
        assert item.condition.term is not None
        return self.text(item.condition.term, terms.COMPARISON)

    # ---- Sequentials

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
                        self.put("", "else:" if item.then else f"if not {self._negated(item)}:", indent=indent)
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


def terms_key(term: Term | None) -> object:
    return term


def plain(item: MItem) -> bool:
    """Whether a step of a Sequential is one expression in every member."""
    if isinstance(item, MSeq):
        return all(map(plain, item.items))
    return isinstance(item, MNode | MCall) and not (isinstance(item, MNode) and item.optional)


def has_statements(items: list[MItem]) -> bool:
    """Whether items need lines of `__init__`: modules, or the attributes that hold conditions."""
    return bool(modules_of(items)) or any(isinstance(i, MIf) and not i.turns for i in walk(items, False))


def modules_of(items: list[MItem]) -> list[MNode | MCall | MSeq]:
    """The modules that items make, those of regions too."""
    found: list[MNode | MCall | MSeq] = []
    for item in items:
        if isinstance(item, MNode | MCall | MSeq):
            if not item.again and (not isinstance(item, MNode) or item.module):
                found.append(item)
        for region in regions(item):
            found += modules_of(region)
    return found


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


def is_attribute(name: str) -> bool:
    """Whether `self.name` can be written."""
    return name.isidentifier() and not iskeyword(name) and not name.startswith("__")


def is_keyword_argument(name: str) -> bool:
    return name.isidentifier() and not iskeyword(name) and name not in ("self", "other")


def template_text(template: Template, variable: str) -> str:
    """A module's name in a kept loop, as an f-string."""
    number = f"{variable} + {template.base}" if template.base > 0 else variable
    number = f"{variable} - {-template.base}" if template.base < 0 else number
    return f'f"{template.before}{{{number}}}{template.after}"'


# ---- calls of classes


def keyword_only(parameters: list[Parameter]) -> set[str]:
    """The names of parameters that follow one with a default and have none: they are given by name only."""
    found: set[str] = set()
    optional = False
    for parameter in parameters:
        if parameter.default is not ...:
            optional = True
        elif optional:
            found.add(parameter.name)
    return found


def signature(target: Class, spelled: dict[str, str]) -> list[str]:
    """The parameters of a class's constructor, without `self`."""
    parameters = list(target.parameters.values())
    by_name = keyword_only(parameters)
    found = []
    for parameter in parameters:
        if parameter.name in by_name:
            continue
        default = "" if parameter.default is ... else f" = {terms.literal(parameter.default)[0]}"
        found.append(f"{parameter.name}: {parameter.type}{default}")
    if by_name:
        found.append("*")
        found += [f"{p.name}: {p.type}" for p in parameters if p.name in by_name]
    return found


def call_arguments(item: MCall, show: Callable[[Term], str]) -> tuple[Px, ...]:
    """Two positional arguments at most, the rest by keyword; those at their default are left out."""
    parameters = list(item.target.parameters.values())
    by_name = keyword_only(parameters)
    found: list[Px] = []
    positional = item.target.kind != "extern"
    for at, parameter in enumerate(parameters):
        slot = item.slots[parameter.name]
        assert slot.term is not None
        if parameter.default is not ... and isinstance(slot.term, Lit) and terms.same(slot.term.value, parameter.default):
            positional = False
            continue
        text = show(slot.term)
        if positional and (at < 2 or text == parameter.name) and parameter.name not in by_name:
            found.append(text)
        else:
            positional = False
            found.append(Named(f"{parameter.name}=", text))
    return tuple(found)


__all__ = ["Modules", "Optional", "signature", "type_text"]
