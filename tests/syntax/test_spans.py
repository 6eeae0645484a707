"""Spans are exact: every node's text is its own, stands in its parent's, and reads as the node."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.dump import dump
from tests.syntax.sample import SAMPLES, block, expression, good, nodes, read


def span_of(node: object) -> Span:
    span = getattr(node, "span", None)
    assert isinstance(span, Span)
    return span


@pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
def test_text_begins_and_ends_with_the_node(path: Path) -> None:
    for node, _ in nodes(good(read(path)).items):
        text = span_of(node).text
        assert text == text.strip(), node
        assert text or isinstance(node, tree.Suite), node


@pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
def test_nodes_stand_in_their_parents(path: Path) -> None:
    for node, parents in nodes(good(read(path)).items):
        outer = [p for p in parents if not (isinstance(p, tree.Expr) and _under_a_suite(p, parents, node))]
        if outer:
            inner, around = span_of(node), span_of(outer[-1])
            assert around.start <= inner.start <= inner.end <= around.end, (dump_of(node), around.text, inner.text)


def _under_a_suite(parent: tree.Expr, parents: tuple[object, ...], node: object) -> bool:
    """Whether a node is in the trailing suite of an expression, whose span is that of the header."""
    below = [*parents[parents.index(parent) + 1 :], node]
    return any(isinstance(each, tree.Suite) for each in below)


def dump_of(node: object) -> str:
    return dump(node) if isinstance(node, tree.Expr | tree.Stmt | tree.Item) else repr(type(node))


@pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
def test_text_of_an_expression_reads_as_the_expression(path: Path) -> None:
    for node, _ in nodes(good(read(path)).items):
        if not isinstance(node, tree.Expr) or isinstance(node, tree.Slice) or "..." in dump(node):
            continue
        if isinstance(node, tree.Text) and node.span.text.startswith("`"):
            continue
        text = node.span.text
        bare = isinstance(node, tree.Tuple) and not text.startswith("(")
        assert dump(expression(text if bare else f"({text})")) == dump(node)


def spans(text: str, kind: type) -> list[str]:
    return [span_of(node).text for node, _ in sorted(nodes(good(text).items), key=_order) if isinstance(node, kind)]


def _order(found: tuple[object, object]) -> tuple[int, int]:
    span = span_of(found[0])
    return span.start, -span.end


def test_expressions_with_suites_span_their_headers() -> None:
    text = block("x = a -> f(1) as name:\n    b\nseq as s: c")
    assert spans(text, tree.Chain) == ["a -> f(1) as name"]
    assert spans(text, tree.As) == ["f(1) as name", "seq as s"]
    assert spans(text, tree.Call) == ["f(1)"]
    assert spans(text, tree.Seq) == ["seq"]
    assert spans(text, tree.Assign) == ["x = a -> f(1) as name:\n        b"]
    assert spans(text, tree.Step) == ["b", "seq as s: c", "c"]


def test_parts_of_headers() -> None:
    text = "net tiny(out: int = 3, f: layer(a)?) on x[N, H=3], *y: int64[..., i: T] -> z?[N, 2 * H] when training: f\n"
    assert spans(text, tree.Parameter) == ["out: int = 3", "f: layer(a)?"]
    assert spans(text, tree.TypeExpr) == ["int", "layer(a)?"]
    assert spans(text, tree.Port) == ["x[N, H=3]", "*y: int64[..., i: T]"]
    assert spans(text, tree.TensorSpec) == ["[N, H=3]", "int64[..., i: T]", "[N, 2 * H]"]
    assert spans(text, tree.DimSpec) == ["N", "H=3", "...", "i: T", "N", "2 * H"]
    assert spans(text, tree.Result) == ["z?[N, 2 * H] when training"]
    (item,) = good(text).items
    assert isinstance(item, tree.Block)
    assert item.name_span.text == "tiny" and item.span.text == text.rstrip()


def test_interpolations() -> None:
    text = block('require a, "x {b + c[0]} y"\nf as `n{i + 1}`')
    assert spans(text, tree.Binary) == ["b + c[0]", "i + 1"]
    assert spans(text, tree.Text) == ['"x {b + c[0]} y"', "`n{i + 1}`"]


def test_names_within() -> None:
    text = block("f(skip = a.b)")
    (argument,) = [n for n, _ in nodes(good(text).items) if isinstance(n, tree.Argument)]
    assert argument.name_span is not None
    assert (argument.span.text, argument.name_span.text) == ("skip = a.b", "skip")
    (attribute,) = [n for n, _ in nodes(good(text).items) if isinstance(n, tree.Attribute)]
    assert (attribute.span.text, attribute.name_span.text) == ("a.b", "b")
    (use,) = good('use "./parts.dl": head as h\n').items
    assert isinstance(use, tree.Use)
    assert use.path_span.text == '"./parts.dl"'
    assert [(there.span.text, here.span.text) for there, here in use.names] == [("head", "h")]


def test_several_lines() -> None:
    text = block("conv(8)\n    -> relu  # remark\n    -> bn\nf(a,\n  b)")
    assert spans(text, tree.Chain) == ["conv(8)\n        -> relu  # remark\n        -> bn"]
    assert spans(text, tree.Call)[1] == "f(a,\n      b)"


def test_names_in_headers_have_places_of_their_own() -> None:
    header = "block f(w: int = 26, act = relu) on x?[N, *S], *ids: int64[N, T=8] -> p3[N], aux? when training:"
    (found,) = good(f"{header}\n    param t: [i: w] = i\n    relu\n").items
    assert isinstance(found, tree.Block)
    assert [each.name_span.text for each in found.parameters] == ["w", "act"]
    for named, names in ((found.ports or (), ["x", "ids"]), (found.results or (), ["p3", "aux"])):
        assert [each.name_span.text for each in named if each.name_span is not None] == names
    tensor = found.suite.body[0]
    assert isinstance(tensor, tree.TensorDef)
    dims = (*(dim for port in found.ports or () for dim in port.spec.dims or ()), *(tensor.spec.dims or ()))
    assert [dim.name_span.text for dim in dims if dim.name_span is not None] == ["S", "i"]
