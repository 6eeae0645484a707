"""Headers: each name of a definition's parameters, ports and sizes has one meaning."""

from __future__ import annotations

from typing import Final

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label, Sink
from dslc.names.errors import BoundTwice, TwoDefaults, UnknownType
from dslc.names.resolve import Program
from dslc.source import Span
from dslc.syntax import tree

PARAMETER_TYPES = ("int", "float", "bool", "str", "size", "layer", "init", "dtype")


def check_headers(program: Program, sink: Sink) -> None:
    """Report names bound twice in one header, and names that hide a layer or a definition of their file."""
    files = list(program.files.values())
    if program.main is not None and program.main not in files:
        files.insert(0, program.main)
    for loaded in files:
        for item in loaded.tree.items:
            if isinstance(item, tree.Block | tree.Extern | tree.Fn | tree.NetAlias):
                _check(item, program, set(loaded.scope.names), sink)


def _check_type(declared: tree.TypeExpr, sink: Sink, default: tree.Expr | None = None) -> None:
    if declared.kind not in PARAMETER_TYPES and not declared.items:
        from dslc.vocabulary.table import type_of  # for programs with mistakes only

        word, question = declared.kind, "?" * declared.optional
        meant = type_of(word) or _type_of(default) or _OPEN.get(word)
        near = nearest(word, PARAMETER_TYPES) if meant is None else None
        meant, near = (None if name is None else name + question for name in (meant, near))
        sink.add(UnknownType(word, PARAMETER_TYPES, near, meant).at(declared.span))
    for inner in declared.items:
        _check_type(inner, sink)


_OPEN: Final = {"list": "[int]", "tuple": "(int, int)", "number": "int"}
"""What words mean that say little, where a default says no more."""


def _type_of(default: tree.Expr | None) -> str | None:
    """The type that a default value has; none if it does not say."""
    match default:
        case tree.Word(word="true" | "false"):
            return "bool"
        case tree.Text():
            return "str"
        case tree.Number(value=value):
            return "int" if isinstance(value, int) else "float"
        case tree.SizeLiteral():
            return "size"
        case tree.List(items=(first, *_)):
            inner = _type_of(first)
            return None if inner is None else f"[{inner}]"
        case tree.Tuple(items=items):
            inners = [inner for item in items if (inner := _type_of(item)) is not None]
            return f"({', '.join(inners)})" if len(inners) == len(items) > 1 else None
    return None


def _check(
    item: tree.Block | tree.Extern | tree.Fn | tree.NetAlias, program: Program, defined: set[str], sink: Sink
) -> None:
    seen: dict[str, tuple[str, Span]] = {}

    def bind(name: str, what: str, span: Span) -> None:
        before = seen.get(name)
        if before is not None:
            sink.add(BoundTwice(name, before[0]).at(span, None, [Label(before[1], "it is bound here")]))
        elif name in defined:
            sink.add(BoundTwice(name, "a definition of this file").at(span))
        elif name in program.reserved:
            sink.add(BoundTwice(name, "a layer or function of the language").at(span))
        seen.setdefault(name, (what, span))

    for parameter in item.parameters:
        if parameter.type is not None:
            _check_type(parameter.type, sink, parameter.default)
        bind(parameter.name, "a parameter", parameter.name_span)
    ports = item.ports or () if isinstance(item, tree.Block | tree.Extern) else ()
    for port in ports:
        bind(port.name, "an input", port.name_span or port.span)
    for port in ports:
        for dim in port.spec.dims or ():
            known = seen.get(dim.value.name) if isinstance(dim.value, tree.Name) else None
            if isinstance(dim.value, tree.Name) and (known is None or known[0] == "an input"):
                bind(dim.value.name, "a size of the input", dim.value.span)
    _check_defaults(ports, sink)


def _check_defaults(ports: tuple[tree.Port, ...], sink: Sink) -> None:
    """A size that stands in several places has one default."""
    defaults: dict[str, tree.Expr] = {}
    for dim in (d for port in ports for d in port.spec.dims or ()):
        if not isinstance(dim.value, tree.Name) or dim.default is None:
            continue
        first = defaults.setdefault(dim.value.name, dim.default)
        if first.span.text != dim.default.span.text:
            mistake = TwoDefaults(dim.value.name, first.span.text, dim.default.span.text)
            sink.add(mistake.at(dim.span, None, [Label(first.span, "the first")]))
