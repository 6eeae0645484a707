"""The file around the classes: header, imports, helpers, functions, and each class's text."""

from __future__ import annotations

import re
from dataclasses import field

import dslc
from dslc.backends.torch import layout, terms
from dslc.backends.torch.forward import forward_lines
from dslc.backends.torch.guards import check_function
from dslc.backends.torch.initialise import Initialiser
from dslc.backends.torch.layout import Group
from dslc.backends.torch.liveness import made
from dslc.backends.torch.merged import Class, Slot
from dslc.backends.torch.modules import Modules
from dslc.backends.torch.slots import Resolver
from dslc.backends.torch.tables import table
from dslc.backends.torch.terms import Fn, Term
from dslc.backends.torch.verify import check_code, check_head
from dslc.backends.torch.writer import signature
from dslc.ir.model import Model
from dslc.names.reserved import BUILTINS, GENERATED, KEYWORDS, local_name
from dslc.record import entity
from dslc.source import Texts
from dslc.syntax import tree

SOURCES = {
    "math": "import math",
    "OrderedDict": "from collections import OrderedDict",
    "Callable": "from collections.abc import Callable",
    "partial": "from functools import partial",
    "torch": "import torch",
    "F": "from torch.nn import functional as F",
}
"""Where the names of a file come from; `Tensor` and `nn` share a line."""


PROGRAM = "PROGRAM"
"""The constant of a file that carries its program."""


def class_name(name: str) -> str:
    """`inverted_residual` as `InvertedResidual`, `resnext50_32x4d` as `Resnext50_32x4d`."""
    words = [w for w in re.split(r"[^A-Za-z0-9]+", name) if w]
    text = ""
    for word in words:
        text += "_" if text and text[-1].isdigit() and word[0].isdigit() else ""
        text += word[0].upper() + word[1:]
    return f"Net{text}" if not text or text[0].isdigit() else text


@entity
class File:
    """What is the same for all classes of a file."""

    model: Model
    classes: list[Class]
    helpers: dict[str, str]
    functions: set[str]
    stamp: str = ""
    embed: Texts | None = None
    externs: dict[str, str] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    check: tuple[list[str], list[tuple[str, int, int]]] = field(default_factory=lambda: ([], []))
    result: str = ""
    resets: bool = False  # a class of the file has `reset_parameters`
    untyped: bool = False

    def name_classes(self) -> None:
        """Give every class a name of its own."""
        taken = set(GENERATED) | set(BUILTINS) | set(KEYWORDS) | set(self.helpers) | self.functions
        taken |= {"_check_size", PROGRAM} | {n for c in self.classes for n in local_names(c)}
        root = self.classes[-1]
        for target in (root, *self.classes[:-1]):
            base = self._base(target, root)
            name, number = base, 1
            while name in taken:
                number += 1
                name = f"{base}{number}" if not base[-1].isdigit() else f"{base}_{number}"
            taken.add(name)
            target.name = name
            if target.kind == "extern":
                assert isinstance(target.definition, tree.Extern)
                self.externs[name] = target.definition.path
        self.taken = {c.name for c in self.classes} | set(self.helpers) | self.functions | {"_check_size"}
        self.check = check_function(self.model)

    def _base(self, target: Class, root: Class) -> str:
        if target is root:
            return class_name(self.model.entry)
        if target.definition is not None:
            return class_name(target.definition.name)
        names = {m.name.rstrip("0123456789").rstrip("_-") for m in target.members}
        only = next(iter(names)) if len(names) == 1 else ""
        return class_name(only) if only and not only.isdecimal() else "Group"

    def note(self, text: str) -> str:
        """A comment on why something was chosen, once in a file."""
        kind = text.split(" ")[-1]
        if not text or kind in self.notes:
            return ""
        self.notes.add(kind)
        return f"# {text}"

    # ---- the whole

    def assemble(self, functions: list[list[str]], bodies: list[list[str]]) -> str:
        """The text of the file."""
        blocks = [self._helper(name) for name in self._used_helpers(bodies)]
        blocks += functions
        if self.check[0]:
            blocks.append(list(self.check[0]))
        root = bodies.pop()
        blocks += bodies
        if self.result:
            blocks.append(self._result())
        blocks.append(root)
        code = "\n\n\n".join("\n".join(b) for b in blocks)
        used = check_code(code).used
        imports = self._imports(used)
        head = "\n".join(self._header())
        check_head(f"{head}\n{imports}\n", used, self.externs)
        relaxed = ["allow-untyped-calls"] if ".unflatten(" in code else []
        relaxed += ["no-warn-return-any"] if self.untyped else []
        if "torch.empty_like(" in code:  # the weight that `wn` or `sn` computes
            relaxed.append('disable-error-code="arg-type, assignment, index, union-attr"')
        directive = f"# mypy: {', '.join(relaxed)}\n" if relaxed else ""
        return f"{head}\n\n{directive}{imports}\n\n\n{code}\n{embedded(self.embed) if self.embed else ''}"

    def _used_helpers(self, bodies: list[list[str]]) -> list[str]:
        if not self.helpers:
            return []
        text = "\n".join("\n".join(b) for b in bodies)
        found: dict[str, None] = {}
        todo = [n for n in self.helpers if re.search(rf"\b{n}\b", text)]
        while todo:
            name = todo.pop(0)
            inner = [n for n in self.helpers if n != name and re.search(rf"\b{n}\b", self.helpers[name])]
            if any(n not in found for n in inner):
                todo = [*(n for n in inner if n not in found), name, *todo]
                continue
            found[name] = None
        return list(found)

    def _helper(self, name: str) -> list[str]:
        return self.helpers[name].strip("\n").split("\n")

    def _header(self) -> list[str]:
        root = self.model.root
        definition = root.definition
        assert isinstance(definition, tree.Block)
        ports = ", ".join(self._port(p) for p in definition.ports or ())
        results = ", ".join(_spaced(r.span.text) for r in definition.results or ())
        arrow = f" -> {results}" if results else ""
        path = self.model.source.path
        path = path.rsplit("/", 1)[-1] if path.startswith(("/", "..")) or ":" in path else path
        doc = "\n".join(layout.clean(definition.doc))
        text = f"{self.model.entry}: {ports}{arrow}.\n\n{doc}{chr(10) if doc else ''}"
        version = getattr(dslc, "__version__", "0.1")
        args = ", ".join(f"{name}={value!r}" for name, value in self.model.given.items())
        sizes = ", ".join(f"{name}={size}" for name, size in self.model.asked.items())
        made = f"{path}{' with ' if args else ''}{args}{' at ' if sizes else ''}{sizes}"
        text += f"Generated by dslc {version} from {made}: edit that file, not this one."
        text += f" Build {self.stamp}." if self.stamp else ""
        if self.externs:
            text += f"\nIt imports code that dslc did not write: {', '.join(sorted(set(self.externs.values())))}."
        return layout.docstring(text, 0)

    def _port(self, port: tree.Port) -> str:
        dims = ", ".join(self._size(d) for d in port.spec.dims or ())
        dtype = f"{port.spec.dtype} " if port.spec.dtype else ""
        return f"{port.name} {dtype}[{dims}]" if port.spec.dims is not None else port.name

    def _size(self, size: tree.DimSpec) -> str:
        """A size of an input as it is written, but a default as the number that it is for this entry."""
        if size.default is None or size.value is None:
            return _spaced(size.span.text)
        name, sizes = size.value.span.text, self.model.sizes
        return f"{name}={sizes.pins[name].value if name in sizes.pins else sizes.default[name]}"

    def _imports(self, used: set[str]) -> str:
        """The import lines that the code needs, sorted as ruff's isort rules do."""
        standard = [SOURCES[n] for n in ("math",) if n in used]
        standard += [SOURCES[n] for n in ("OrderedDict", "Callable", "partial") if n in used]
        typing = [n for n in ("Any", "NamedTuple") if n in used]
        standard += [f"from typing import {', '.join(typing)}"] if typing else []
        third = [SOURCES["torch"]] if "torch" in used else []
        lines = []
        pair = [n for n in ("Tensor", "nn") if n in used]
        if pair:
            lines.append(("torch", f"from torch import {', '.join(pair)}"))
        if "F" in used:
            lines.append(("torch.nn", SOURCES["F"]))
        for name, path in self.externs.items():
            module, _, cls = path.partition(":")
            lines.append((module, f"from {module} import {cls}" + (f" as {name}" if cls != name else "")))
        third += [line for _, line in sorted(lines)]
        return "\n\n".join("\n".join(part) for part in (standard, third) if part)

    def _result(self) -> list[str]:
        """The NamedTuple that a root with results of training returns."""
        root = self.classes[-1]
        lines = [f"class {self.result}(NamedTuple):"]
        for name, train in zip(output_names(root), root.first.train_only, strict=True):
            lines.append(f"    {name}: Tensor{' | None' if train else ''}")
        return lines


def embedded(texts: Texts) -> str:
    """A program as a constant: the text of each of its files by name, the main one first."""
    main, files = texts
    lines = ["", "", f"{PROGRAM} = {{"]
    for name, text in sorted(files, key=lambda file: file[0] != main):
        lines.append(f'    {terms.quoted(name)}: """\\')
        lines += layout.escaped(text)
        lines[-1] += '""",'
    return "\n".join([*lines, "}", ""])


def local_names(target: Class) -> set[str]:
    """The names of parameters and tensors of a class, which no class may bear."""
    found = {p.name for p in target.parameters.values()} | set(target.lets) | set(target.local)
    return found | {s.name for s in (*target.inputs, *made(target)) if s.name is not None}


def _spaced(text: str) -> str:
    return " ".join(text.split())


def output_names(target: Class) -> list[str]:
    """Names of a class's results: the header's, else `out`."""
    first = target.first
    found: list[str] = []
    names = first.output_names or (None,) * len(target.outputs)
    for name in names:
        base = local_name(name) if name and name.isidentifier() else "out"
        while base in found or base.startswith("_") or base in ("count", "index"):
            base = f"{base.lstrip('_')}_"
        found.append(base)
    return found


# ---- functions


def function_lines(fn: Fn) -> list[str]:
    """A `fn` of the program as a Python function."""
    kinds: dict[str, str] = {}
    parameters = []
    for name, kind, default in fn.parameters:
        kinds[name] = kind if kind in ("int", "float", "bool", "str") else ""
        if not kinds[name]:
            kinds[name] = static_type(default, kinds) if default is not None else "float"
        text = f"{local_name(name)}: {kinds[name]}"
        parameters.append(text if default is None else f"{text} = {terms.text(default, local_name)}")
    body: list[str] = []
    for name, term in fn.lets:
        kinds[name] = static_type(term, kinds)
        body += layout.statement(f"{local_name(name)} = ", terms.text(term, local_name), "", 1)
    result = static_type(fn.result, kinds)
    head = layout.statement("def ", Group(fn.name, tuple(parameters)), f" -> {result}:")
    return [
        *head,
        *layout.docstring(fn.doc, 1),
        *body,
        *layout.statement("return ", terms.text(fn.result, local_name), "", 1),
    ]


def static_type(term: Term, kinds: dict[str, str]) -> str:
    """The Python type of a term whose names have these types."""
    match term:
        case terms.Lit(value):
            return type(value).__name__ if value is not None else "None"
        case terms.Var(name):
            return kinds.get(name, "float")
        case terms.Infix("/", _, _):
            return "float"
        case terms.Infix("and" | "or", _, _) | terms.Comparison() | terms.Prefix("not", _):
            return "bool"
        case terms.Infix(_, left, right):
            return _wider(static_type(left, kinds), static_type(right, kinds))
        case terms.Prefix(_, value):
            return static_type(value, kinds)
        case terms.Choice(_, then, other):
            return _wider(static_type(then, kinds), static_type(other, kinds))
        case terms.Apply("int" | "round" | "len" | "math.ceil" | "math.floor", _, _, None):
            return "int"
        case terms.Apply("float" | "math.log" | "math.sqrt" | "math.exp" | "math.sin" | "math.cos", _, _, None):
            return "float"
        case terms.Apply(_, args, _, None):
            return _wider(*(static_type(a, kinds) for a in args))
        case terms.Apply(_, _, _, terms.Fn() as body):
            inner = {n: k if k else "float" for n, k, _ in body.parameters}
            for name, line in body.lets:
                inner[name] = static_type(line, inner)
            return static_type(body.result, inner)
    return "float"


def _wider(*kinds: str) -> str:
    return "float" if "float" in kinds else kinds[0]


# ---- classes


def class_lines(target: Class, resolver: Resolver, file: File) -> list[str]:
    """The text of one class."""
    base = "nn.Sequential" if target.sequential else "nn.Module"
    lines = [f"class {target.name}({base}):"]
    root = target is file.classes[-1]
    doc = target.definition.doc if target.definition is not None and not root else ""
    if target.why:
        first = target.first.definition.name if target.first.definition is not None else target.first.name
        doc = f"{doc.rstrip()}\n\nAnother class of `{first}`: {target.why}."
    lines += layout.docstring(doc, 1)
    modules = Modules(target, file.taken, note=file.note)
    tables = Initialiser(modules, lambda d: table(d, lambda n: _stored(target, n), [_size(target, s) for s in d.shape]))
    constructor = constructor_lines(target, modules, tables)
    forward, own = ([], "") if target.sequential else forward_lines(target, resolver, modules, file)
    annotations = tables.annotations()
    if own:
        annotations.append(f"    {own}: Tensor")
        constructor.insert(1, f'        self.register_buffer("{own}", torch.empty(0), persistent=False)')
    if annotations:
        lines += [*([""] if len(lines) > 1 else []), *annotations]
    if len(lines) > 1:
        lines.append("")
    lines += layout.statement("def ", Group("__init__", ("self", *signature(target))), " -> None:", 1)
    lines += constructor
    reset = tables.method(root, file.resets)
    file.resets |= bool(reset)
    lines += [*reset, *tables.exact()]
    return [*lines, "", *forward] if forward else lines


def _stored(target: Class, name: str) -> str:
    return f"self.{target.stored[name]}" if name in target.stored else name


def _size(target: Class, slot: Slot) -> str:
    assert slot.term is not None
    return terms.text(slot.term, lambda n: _stored(target, n))


def constructor_lines(target: Class, modules: Modules, tables: Initialiser) -> list[str]:
    """The statements of `__init__`."""
    if target.sequential:
        for name, term in target.lets.items():
            modules.put(f"{modules.spelled[name]} = ", modules.text(term))
        px = modules.sequential("super().__init__", target.items, 2, "layers")
        modules.put("", px)
        tables.declare()
        return modules.lines
    modules.put("", "super().__init__()")
    for name, term in target.lets.items():
        modules.put(f"{modules.spelled[name]} = ", modules.text(term))
    for key, attribute in target.stored.items():
        modules.put(f"self.{attribute} = ", modules.spelled[key])
    tables.declare()
    modules.items(target.items, 2)
    return modules.lines
