"""An unknown size: arithmetic with it is unknown, every question is granted, nothing is learned, no number is had."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import get_args

import pytest

from dslc.source import Source
from dslc.types.condition import Relation
from dslc.types.dim import UNKNOWN, Size, Unknown, symbol
from dslc.types.sizes import Sizes

SPAN = Source("test.dl", "x").span(0, 1)
OTHERS: list[Size] = [0, 1, 7, symbol("H"), symbol("H") * 2 + 1, symbol("H") // 3, UNKNOWN]
ARITHMETIC: list[Callable[[Size, Size], Size]] = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.floordiv,
    operator.mod,
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: str(op.__name__))
def test_whatever_is_computed_with_it_is_unknown(op: Callable[[Size, Size], Size], other: Size) -> None:
    assert op(UNKNOWN, other) is UNKNOWN
    assert op(other, UNKNOWN) is UNKNOWN


def test_it_is_unknown_under_signs_and_powers_and_is_shown_by_a_mark() -> None:
    assert -UNKNOWN is UNKNOWN
    assert UNKNOWN**3 is UNKNOWN
    assert str(UNKNOWN) == repr(UNKNOWN) == "?"


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_it_is_equal_and_large_enough_and_divides_without_a_guard(other: Size) -> None:
    sizes = Sizes()
    sizes.symbol("H", 8, SPAN)
    assert sizes.equal(UNKNOWN, other, SPAN) is other
    assert sizes.equal(other, UNKNOWN, SPAN) is other
    assert sizes.divide(UNKNOWN, 5, SPAN) is UNKNOWN
    assert sizes.always_equal(UNKNOWN, other)
    sizes.at_least(UNKNOWN, other, SPAN)
    sizes.at_least(other, UNKNOWN, SPAN)
    for relation in get_args(Relation):
        sizes.require(relation, UNKNOWN, other, SPAN)
    assert sizes.reduce(UNKNOWN) is UNKNOWN
    assert not sizes.guards
    assert sizes.allowed() == "every H"


def test_its_number_and_its_order_are_asked_in_vain() -> None:
    sizes = Sizes()
    asked: list[Callable[[], object]] = [
        lambda: sizes.pin(UNKNOWN, SPAN),
        lambda: sizes.pin_axis(UNKNOWN, SPAN),
        lambda: sizes.value(UNKNOWN),
        lambda: sizes.decide("<", UNKNOWN, 3, SPAN),
        lambda: sizes.smaller(UNKNOWN, 3, SPAN),
        lambda: UNKNOWN < 3,
        lambda: UNKNOWN > 3,
        lambda: bool(UNKNOWN),
    ]
    for ask in asked:
        with pytest.raises(Unknown):
            ask()
