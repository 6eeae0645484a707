"""Sizes in words: what is printed for the sizes that tensor ops make, on small blocks."""

from __future__ import annotations

import pytest

from dslc.api import compile_model
from dslc.ir.model import Instance
from dslc.ir.walk import flatten
from dslc.ops import words
from dslc.syntax import tree
from dslc.types.const import Const, Ref, literal
from dslc.types.tensor import TensorType
from tests.ops.context import SPAN


def shown(const: Const | None) -> str:
    """A constant in its words; `?` where only its value is known."""
    return "?" if const is None or const.origin is None else spelled(const.origin, const)


def spelled(expr: tree.Expr, const: Const) -> str:
    match expr:
        case Ref(const=inner):
            if inner.origin is None:
                return str(inner.value)
            inside = spelled(inner.origin, inner)
            return f"({inside})" if " " in inside else inside
        case tree.Name(name=name):
            return name
        case tree.Number(value=value):
            return str(value)
        case tree.Binary(op=op, left=left, right=right):
            return f"{spelled(left, const)} {op} {spelled(right, const)}"
    return type(expr).__name__


def last_type(body: str, ports: str = "x[N, T, D]", parameters: str = "heads: int = 4") -> TensorType:
    """The type of a block's last value, inside the block."""
    program = f"block part({parameters}) on {ports}:\n"
    program += "".join(f"    {line}\n" for line in body.splitlines())
    given = {"x[N, T, D]": "x[N, T=16, 192]", "x[N, C, H, W]": "x[N, 64, H=32, W=32]"}[ports]
    model = compile_model(program + f"\nnet f on {given}:\n    part\n")
    parts = [step for step in flatten(model).steps if step.path.startswith("part")]
    assert parts
    instance = next(item.instance for item in model.root.body if hasattr(item, "instance"))
    assert isinstance(instance, Instance)
    return instance.outputs[0].type


@pytest.mark.parametrize(
    ("body", "axis", "expected"),
    [
        ('rearrange("n t (h d) -> n h t d", h=heads)', 1, "heads"),
        ('rearrange("n t (h d) -> n h t d", h=heads)', 3, "D // heads"),
        ('rearrange("n t (h d) -> n h t d", h=heads)', 2, "T"),
        ('rearrange("n t (h d) -> n h t d", h=heads) -> rearrange("n h t d -> n t (h d)")', 2, "D"),
        ('rearrange("n t (h d) -> n h t d", h=heads) -> rearrange("n h t d -> n t (d h)")', 2, "D"),
        ('linear(3 * D) -> rearrange("n t (three h d) -> three n h t d", three=3, h=heads)', 4, "D // heads"),
        ("a, _b = linear(2 * D) -> chunk(2, axis=2)\na", 2, "D"),
        ("concat(it, it, axis=2)", 2, "2 * D"),
        ("y = linear(8)\nconcat(it, y, axis=2)", 2, "D + 8"),
        ("concat(it[:, :1], it[:, 1:], axis=1)", 2, "D"),
        ("it[:, 1:]", 1, "T - 1"),
        ("flatten", 1, "T * D"),
        ("it + it[:, :1]", 1, "T"),
        ("it[:, :1] + it", 1, "T"),
    ],
)
def test_words_of_tokens(body: str, axis: int, expected: str) -> None:
    assert shown(last_type(body).word(axis)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a, b = chunk(2)\nconcat(b, conv(C // 2, 1)(a))", "C"),
        ("a, b = chunk(2)\nconcat(a, a, b, b)", "2 * C"),
        ('rearrange("n (g c) h w -> n (c g) h w", g=heads)', "C"),
        ("a, _b = split([16, 48])\na", "16"),
        ("gap -> flatten", "C"),
        ("gate = gap -> conv(C, 1) -> sigmoid\nit * gate", "C"),
    ],
)
def test_words_of_channels(body: str, expected: str) -> None:
    type_ = last_type(body, "x[N, C, H, W]")
    assert type_.channel == 1
    assert shown(type_.word(1)) == expected


def named(name: str, value: int) -> Const:
    return Const(value, tree.Name(SPAN, name), None, SPAN)


def test_long_sums_are_known_by_value_only() -> None:
    terms = [(i, named(f"c{i}", i)) for i in range(1, 40)]
    assert words.total(terms) is None
    short = words.total(terms[:3])
    assert short is not None
    assert short.value == 6


def test_unknown_sizes_have_no_words() -> None:
    width = named("D", 12)
    assert words.product([(12, width), (5, None)]) is not None
    assert words.product([(4, None), (5, None)]) is None
    assert words.total([(4, literal(4, SPAN)), (5, None)]) is None
    assert words.quotient((12, None), [(3, None)]) is None


def test_a_quotient_comes_back_only_by_what_divided_it() -> None:
    width, heads = named("D", 12), named("h", 4)
    part = words.quotient((12, width), [(4, heads)])
    assert part is not None
    assert part.value == 3
    assert words.product([(4, None), (3, part)]) is not None
    other = words.product([(4, named("g", 4)), (3, part)])
    assert other is not None
    assert shown(other) != "D"
