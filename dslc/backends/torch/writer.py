"""Texts of a constructor: names of the class as `__init__` spells them, slots, and calls of classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from keyword import iskeyword

from dslc.backends.torch import layout, terms
from dslc.backends.torch.expressions import arguments
from dslc.backends.torch.forms import Tree
from dslc.backends.torch.layout import Group, Named, Px
from dslc.backends.torch.merged import Class, CompilerBug, MCall, MFor, MItem, Parameter, Slot, Template, walk
from dslc.backends.torch.terms import Lit, Term
from dslc.names.reserved import local_name
from dslc.record import entity


@entity
class Writer:
    """Writes lines of one class's constructor."""

    target: Class
    reserved: set[str]  # names of the file: classes, functions, helpers
    spelled: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)  # names that a new local may not have
    annotated: set[str] = field(default_factory=set)  # names whose type is declared

    def __post_init__(self) -> None:
        for key, parameter in self.target.parameters.items():
            self.spelled[key] = parameter.name
        taken = set(self.spelled.values()) | {"self"} | self.reserved
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

    def template(self, template: Template) -> str:
        """A module's name in a kept loop."""
        item = next(i for i in walk(self.target.items) if getattr(i, "template", None) is template)
        variable = self.spelled[self.variable_of(item)]
        return template_text(template, variable)

    def variable_of(self, item: MItem) -> str:
        """The variable of the innermost kept loop around an item."""
        found = ""
        for loop in walk(self.target.items):
            if isinstance(loop, MFor) and any(inner is item for inner in walk(loop.items)):
                found = loop.variable
        if not found:
            raise CompilerBug("a module's name depends on a loop that it is not in")
        return found


def is_attribute(name: str) -> bool:
    """Whether `self.name` can be written."""
    return name.isidentifier() and not iskeyword(name) and not name.startswith("__")


def template_text(template: Template, variable: str) -> str:
    """A module's name in a kept loop, as an f-string."""
    number = f"{variable} + {template.base}" if template.base > 0 else variable
    number = f"{variable} - {-template.base}" if template.base < 0 else number
    return f'f"{template.before}{{{number}}}{template.after}"'


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


def signature(target: Class) -> list[str]:
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
        if (
            parameter.default is not ...
            and isinstance(slot.term, Lit)
            and terms.same(slot.term.value, parameter.default)
        ):
            positional = False
            continue
        text = show(slot.term)
        if positional and (at < 2 or text == parameter.name) and parameter.name not in by_name:
            found.append(text)
        else:
            positional = False
            found.append(Named(f"{parameter.name}=", text))
    return tuple(found)
