"""The table of a program: every name means something, references are found, and renaming by them changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.api import compile_model, load_program
from dslc.bind.bodies import bind_file, new_binder
from dslc.bind.table import Symbol, Table, Use
from dslc.diagnostics.model import Sink
from dslc.ir.dump import dump
from dslc.names.resolve import FileNames
from dslc.source import Span
from dslc.syntax import tree
from tests.syntax.sample import nodes

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = sorted([*(ROOT / "examples").glob("*.dl"), *(ROOT / "stdlib").glob("*.dl")])


def loaded(path: Path) -> tuple[Table, FileNames]:
    sink = Sink()
    program = sink.finish(load_program(path, sink))
    assert program.main is not None
    b = new_binder()
    bind_file(b, program.main)
    assert not b.found, b.found[0].message
    return b.table, program.main


def names_in(file: tree.File) -> list[Span]:
    """The places of all names of a file: of headers, arguments, `use` lines, targets and uses."""
    spans: list[Span] = []
    for node, _ in nodes(file.items):
        match node:
            case tree.Name(name="_"):
                continue
            case tree.Name() | tree.TickName():
                spans.append(node.span)
            case tree.Parameter():
                spans.append(node.name_span)
            case tree.Port() | tree.Result() if node.name_span is not None:
                spans.append(node.name_span)
            case tree.DimSpec() if node.name_span is not None:
                spans.append(node.name_span)
            case tree.Block() | tree.Fn() | tree.NetAlias() | tree.Extern():
                spans.append(node.name_span)
            case tree.Use(names=names):
                spans += [name.span for pair in names for name in pair]
    return spans


def modules_and_quantities(file: tree.File) -> set[Span]:
    """Names that mean nothing in the program: of modules, and of what a budget limits."""
    spans: set[Span] = set()
    for node, _ in nodes(file.items):
        if isinstance(node, tree.As):
            spans.add(node.name.span)
        elif isinstance(node, tree.Budget):
            spans |= {limit.values[0].span for limit in node.limits}
        elif isinstance(node, tree.Setting) and node.target.name == "bias":
            spans.add(node.target.span)
    return spans


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_name_of_std_and_of_the_examples_means_something(path: Path) -> None:
    table, file = loaded(path)
    nameless = modules_and_quantities(file.tree)
    spans = [span for span in names_in(file.tree) if span not in nameless]
    assert spans
    for span in spans:
        use = table.at(span.source.path, span.start)
        assert use is not None, f"{span}: {span.text}"
        assert (use.span.start, use.span.end) == (span.start, span.end)
        assert use in table.uses(use.symbol)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_argument_by_name_is_one_of_what_is_called(path: Path) -> None:
    table, file = loaded(path)
    calls = {call.expr: call for body in table.bodies.values() for call in body.calls.values()}
    for node, _ in nodes(file.tree.items):
        if not isinstance(node, tree.Call) or node not in calls or (target := calls[node].target) is None:
            continue
        for argument in node.arguments:
            if argument.name is not None and target.spread is None:
                place = argument.name_span
                use = None if place is None else table.at(place.source.path, place.start)
                assert use is not None and use.role == "argument", argument.span.text
                assert use.symbol.name == argument.name


PROGRAM = """
use std.conv: bsconv as separable, fc

let base = 8
let three = conv(k=3)

fn widths(n: int, by: float = 2.0):
    let first = base
    [int(first * by**i) for i in range(n)]

block unit(out: int, act: layer = relu) on x[N, C, H, W] -> [N, out, H, W]:
    param gain: [C, 1, 1] = ones
    y = x * gain
    residual(skip=conv(out, 1)): three(out) -> bn -> act
    if out == C: it + y
    else: it + (y -> conv(out, 1))

net f(depth: int = 2, classes: int = 10) on image[N, 3, H=32, W=32] -> [N, classes]:
    let maps = []
    for i, w in enumerate(widths(n=depth)):
        unit(w, act=gelu) as `unit{i}`
        `level{i}` = it
        maps += [it -> separable(8)]
    concat(*maps, `level{0}` -> pw(8))
    require H % 2 == 0, "{depth} levels of even maps"
    gap -> fc(classes) -> flatten
    budget params <= 1M
"""


def symbol_at(table: Table, text: str, after: str = "") -> Symbol:
    """What the first occurrence of a name after a text means."""
    start = PROGRAM.index(after) + len(after)
    use = table.at("<text>", PROGRAM.index(text, start))
    assert use is not None
    return use.symbol


@pytest.fixture(scope="module")
def table() -> Table:
    program = load_program(PROGRAM, Sink())
    assert program.table is not None and not program.told.diagnostics
    return program.table


def roles(uses: list[Use]) -> list[str]:
    return [use.role for use in uses]


def test_definition_and_references(table: Table) -> None:
    out = symbol_at(table, "out", "block unit(")
    assert (out.kind, out.name, out.span and out.span.text) == ("parameter", "out", "out")
    assert roles(table.uses(out)) == ["bind", *["read"] * 5]
    assert symbol_at(table, "out", "-> [N, ") is out
    act = symbol_at(table, "act", "unit(w, ")
    assert act is symbol_at(table, "act", "out: int, ")
    assert roles(table.uses(act)) == ["bind", "read", "argument"]
    assert symbol_at(table, "H", "require ").kind == "size"
    assert symbol_at(table, "y", "    else: it + (").kind == "tensor"
    assert symbol_at(table, "three", "conv(out, 1)): ").kind == "definition"
    assert symbol_at(table, "gelu").kind == "language"


def test_names_of_other_files(table: Table) -> None:
    here = symbol_at(table, "separable")
    assert roles(table.uses(here)) == ["bind", "call"] and here.item is not None
    there = symbol_at(table, "bsconv")
    assert there is not here and there.item is here.item and roles(table.uses(there)) == ["import"]
    assert there.span is not None and there.span.source.is_library
    assert roles(table.uses(symbol_at(table, "fc"))) == ["import", "call"]


def test_a_family_is_one_symbol(table: Table) -> None:
    level = symbol_at(table, "`level{i}`")
    assert (level.name, level.kind) == ("level{i}", "tensor") and level.family is not None
    assert [use.span.text for use in table.uses(level)] == ["`level{i}`", "`level{0}`"]


def test_what_calls_give(table: Table) -> None:
    calls = {call.expr.span.text: call for body in table.bodies.values() for call in body.calls.values()}
    given = {text: {name: e.span.text for name, e in call.given.items()} for text, call in calls.items()}
    assert given["three(out)"] == {"out": "out"}
    assert given["unit(w, act=gelu)"] == {"out": "w", "act": "gelu"}
    assert given["widths(n=depth)"] == {"n": "depth"}
    target = calls["unit(w, act=gelu)"].target
    assert target is not None and target.text == "unit(out, act=relu)"
    assert target.item is symbol_at(table, "unit").item


def renamed(text: str, uses: list[Use], name: str) -> str:
    for use in reversed(uses):
        text = text[: use.span.start] + name + text[use.span.end :]
    return text


def test_renaming_by_references_changes_nothing_but_the_name(table: Table) -> None:
    """Each name of the program that is no family: the renamed program compiles to the same network."""
    whole = dump(compile_model(PROGRAM))
    symbols = dict.fromkeys(use.symbol for body in table.bodies.values() for use in body.uses)
    tried = 0
    for symbol in symbols:
        uses = table.uses(symbol)
        if symbol.span is None or symbol.family is not None or symbol.span.source.is_library:
            continue
        text = renamed(PROGRAM, uses, "renamed")
        assert text.count("renamed") == len(uses)
        found = dump(compile_model(text))
        assert found.replace("renamed", "*").replace(symbol.name, "*") == whole.replace(symbol.name, "*"), symbol.name
        tried += 1
    assert tried > 25
