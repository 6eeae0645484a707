"""Kinds: what they hold, what a value becomes, their words; an attribute of no kind fails where it is declared."""

from __future__ import annotations

import pytest

from dslc.diagnostics.model import Sink
from dslc.elaborate.layers import BlockLayer, op_layer
from dslc.elaborate.recipe import Builtin, Recipe
from dslc.ops.activation import Relu
from dslc.ops.base import REGISTRY, Init, attr, op
from dslc.source import Source, Span
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.types.const import Scope
from dslc.types.dim import symbol
from dslc.types.tensor import DType
from dslc.values.kinds import Kind, of_annotation, of_default, of_type

NOWHERE = Span(Source("x.dl", ""), 0, 0)
FILE = Scope("file", None)
ZEROS = Recipe(op_layer("zeros"), NOWHERE, FILE)
T = symbol("T")


def annotated(text: str) -> Kind:
    return of_annotation(text, "here")


def header(text: str) -> tuple[Kind, tree.Parameter]:
    """The kind of the parameter `p` that a header gives."""
    block = parse(Source("x.dl", f"block b({text}) on x: id\n"), Sink()).items[0]
    assert isinstance(block, tree.Block)
    parameter = block.parameters[0]
    kind = of_type(parameter.type) if parameter.type is not None else of_default(parameter.default)
    assert kind is not None
    return kind, parameter


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        ("int", (3, -1, T), (3.0, True, None, "3")),
        ("float", (3, 0.5), (True, None, "3")),
        ("bool", (True,), (1, None)),
        ("int | None", (3, None), (3.5,)),
        ("Sides", (3, (3, 5), (T, 2)), ((3, 0.5), [3, 5], "3x3")),
        ("Padding", (1, (1, 2), ((0, 1), (2, 3)), [1, (0, T)]), ((0, 1.5), ((1, 2, 3),))),
        ("tuple[int, ...]", ((1, 2), [1, 2], ()), (1, (1, 2.5))),
        ("Init | None", (Init("zeros"), None, ZEROS), ("zeros", op_layer("conv"))),
        ("DType", (DType.FLOAT16, Builtin("float")), (Builtin("int"), "float16")),
        ("bool | str", (True, "auto"), (1, None)),
    ],
)
def test_kinds_of_attributes(annotation: str, good: tuple[object, ...], bad: tuple[object, ...]) -> None:
    kind = annotated(annotation)
    assert [v for v in good if not kind.holds(v)] == []
    assert [v for v in bad if kind.holds(v)] == []


def test_names_that_name_two_things_mean_what_is_asked_for() -> None:
    assert annotated("Init | None").meant(ZEROS) == Init("zeros")
    assert annotated("DType").meant(Builtin("float")) is DType.FLOAT
    assert annotated("Op").meant(ZEROS) is ZEROS


@pytest.mark.parametrize(
    ("text", "value", "fitted", "words"),
    [
        ("p: float", 3, 3.0, "a number"),
        ("p: float?", None, None, "a number or none"),
        ("p: [float]", range(2), [0.0, 1.0], "a list, each item a number"),
        ("p: (int, float)", [1, 2], (1, 2.0), "(a whole number, a number)"),
        ("p: size", (3, 3), (3, 3), "a size such as 3x3, or a whole number"),
        ("p = 3x3", 5, 5, "a size such as 3x3, or a whole number"),
        ("p = 0.5", 1, 1.0, "a number"),
    ],
)
def test_kinds_of_headers(text: str, value: object, fitted: object, words: str) -> None:
    kind, _ = header(text)
    assert kind.holds(value) and not kind.holds("text")
    assert (kind.fitted(value), kind.words) == (fitted, words)
    assert type(kind.fitted(value)) is type(fitted)


def test_a_layer_must_have_room_for_what_it_will_be_called_with() -> None:
    one, two = (header(f"p: layer({names})")[0] for names in ("out", "out, s"))
    block = parse(Source("x.dl", "block b(w: int) on x: id\n"), Sink()).items[0]
    assert isinstance(block, tree.Block)
    written = Recipe(BlockLayer(block, FILE), NOWHERE, FILE)
    assert one.holds(written) and not two.holds(written)
    assert two.words == "a layer that takes (out, s)"
    many = header("p: [layer(out, s)]")[0]
    assert not many.holds([written])


def test_an_attribute_of_no_kind_fails_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match=r"`Strange`, attribute `w`: `complex` is no kind of attribute; there are"):

        @op("strange")
        class Strange(Relu):
            """Nothing.

            It has a `w`.
            """

            w: complex = attr()

    assert "strange" not in REGISTRY
