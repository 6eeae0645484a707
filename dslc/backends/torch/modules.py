"""`__init__`: the statements that make a class's modules, and Sequentials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dslc.backends.torch import layout, terms
from dslc.backends.torch.layout import Group, Px, flat
from dslc.backends.torch.merged import MCall, MEither, MFor, MIf, MItem, MNode, MSeq, regions, walk
from dslc.backends.torch.sequential import Sequentials, plain
from dslc.backends.torch.terms import Term
from dslc.backends.torch.writer import call_arguments, is_attribute
from dslc.names.reserved import LOADED, MODULE_ATTRIBUTES, local_name
from dslc.record import entity

OPTIONAL = "nn.Module | None"


@dataclass(slots=True)
class Optional:
    """How the condition of an `if` stands in a class: `test` is read in forward, `kind` says what holds it.

    `part`: the only module of the `if` is none where it is not taken. `flag`: an attribute holds the condition.
    """

    kind: str
    test: str
    name: str = ""


@entity
class Modules(Sequentials):
    """Writes the modules of one class. `note` gives a comment that is made once in a file."""

    note: Callable[[str], str] = field(kw_only=True)
    optional: dict[int, Optional] = field(default_factory=dict)
    flags: dict[Term | None, Optional] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Sequentials.__post_init__(self)
        self._choose_optional()

    def make(self, item: MNode | MCall | MSeq, indent: int = 2) -> Px:
        """The expression that makes a module; of a Sequential with optional steps, after the lines that it needs."""
        match item:
            case MNode():
                if item.factory is not None:
                    name = self.slot(item.factory)
                    other = "nn.Identity()" if item.filled else "None"
                    partial = item.optional or item.filled
                    return f"{name}() if {name} is not None else {other}" if partial else f"{name}()"
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

    # ---- optional parts

    def _choose_optional(self) -> None:
        taken = {i.name for i in walk(self.target.items, False) if isinstance(i, MNode | MCall | MSeq)}
        taken |= set(MODULE_ATTRIBUTES | LOADED) | set(self.target.declared) | set(self.target.stored.values())
        nested = {id(i) for m in walk(self.target.items, False) for r in regions(m) for i in r}
        for item in walk(self.target.items, inside_sequentials=False):
            if not isinstance(item, MIf):
                continue
            if item.turns:
                self.optional[id(item)] = Optional("term", "")
                continue
            then, other = modules_of(item.then), modules_of(item.other)
            if len(then) == 1 and not other and then[0] in item.then and certain(then[0]):
                self.optional[id(item)] = Optional("then", f"self.{then[0].name} is not None", then[0].name)
            elif len(other) == 1 and not then and other[0] in item.other and certain(other[0]):
                self.optional[id(item)] = Optional("other", f"self.{other[0].name} is None", other[0].name)
            else:
                self.optional[id(item)] = self._flag(item, taken, id(item) in nested)

    def _flag(self, item: MIf, taken: set[str], nested: bool) -> Optional:
        """An attribute that holds a condition: under the name of a bare parameter, else of what it is for."""
        term = item.condition.term
        if term in self.flags:
            return self.flags[term]
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
        if not nested:  # one in another `if` is not there where that is not taken
            self.flags[term] = found
        return found

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
                self.put("", "else:" if then else f"if not {self.negated(item)}:", indent=indent)
                self.items(item.other, indent + 1)
            return
        region = item.then if held.kind == "then" else item.other
        part = modules_of(region)[0]
        if not plain(part) or any(isinstance(i, MIf) for i in region):
            self._optional_block(held, region, item, indent)
            return
        lines, used = len(self.lines), set(self.used)
        made = flat(self.make(part, indent + 1))
        if len(self.lines) > lines:  # lines of its own belong into the `if`
            del self.lines[lines:]
            self.used, made = used, None
        if held.kind == "other":
            condition = f"not {self.negated(item)}"
        if made is not None:
            line = f"self.{held.name} = {made} if {condition} else None"
            if len(line) + 4 * indent <= layout.WIDTH:
                self.put("", line, indent=indent)
                return
        self._optional_block(held, region, item, indent)

    def _optional_block(self, held: Optional, region: list[MItem], item: MIf, indent: int) -> None:
        condition = self.slot(item.condition) if held.kind == "then" else f"not {self.negated(item)}"
        self.put("", f"self.{held.name}: {OPTIONAL} = None", indent=indent)
        self.put("", f"if {condition}:", indent=indent)
        self.items(region, indent + 1)


def certain(item: MNode | MCall | MSeq) -> bool:
    """Whether an attribute holds a module exactly where the statement that makes it runs."""
    return is_attribute(item.name) and item.template is None and not (isinstance(item, MNode) and item.optional)


def has_statements(items: list[MItem]) -> bool:
    """Whether items need lines of `__init__`: modules, or the attributes that hold conditions."""
    return bool(modules_of(items)) or any(isinstance(i, MIf) and not i.turns for i in walk(items, False))


def modules_of(items: list[MItem]) -> list[MNode | MCall | MSeq]:
    """The modules that items make, those of regions too."""
    found: list[MNode | MCall | MSeq] = []
    for item in items:
        if isinstance(item, MNode | MCall | MSeq) and not item.again and (not isinstance(item, MNode) or item.module):
            found.append(item)
        for region in regions(item):
            found += modules_of(region)
    return found
