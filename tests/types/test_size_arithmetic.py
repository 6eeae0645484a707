"""Arithmetic, normal form and text of sizes."""

from __future__ import annotations

import gc
import random
from operator import lt as less_than

import pytest

from dslc.diagnostics.model import Reject
from dslc.types.dim import Dim, Size, evaluate, substitute, sym, symbol
from dslc.types.period import single_floor

H, W, N = symbol("H"), symbol("W"), symbol("N")


def random_size(rng: random.Random, depth: int) -> tuple[Size, str]:
    """A size and the same expression as Python text."""
    if depth == 0:
        number = rng.randint(-6, 9)
        leaves: list[tuple[Size, str]] = [(H, "H"), (W, "W"), (number, f"({number})")]
        return rng.choice(leaves)
    left, a = random_size(rng, depth - 1)
    op = rng.choice("+-*/%+-/")
    if op in "/%":
        number = rng.choice([2, 3, 4, 6, 7, -3, 32])
        return (left // number, f"({a}//{number})") if op == "/" else (left % number, f"({a}%{number})")
    right, b = random_size(rng, rng.randrange(depth))
    if op == "+":
        return left + right, f"({a}+{b})"
    if op == "-":
        return left - right, f"({a}-{b})"
    return left * right, f"({a}*{b})"


@pytest.mark.parametrize("seed", range(40))
def test_arithmetic_means_what_it_means_in_python(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        size, text = random_size(rng, rng.randint(1, 5))
        code = compile(text, "size", "eval")
        for h, w in ((0, 0), (1, 1), (-5, 17), (224, 320), (33, 1000)):
            assert evaluate(size, {"H": h, "W": w}) == eval(code, {"H": h, "W": w}), text


@pytest.mark.parametrize("seed", range(20))
def test_printed_text_is_the_size(seed: int) -> None:
    rng = random.Random(1000 + seed)
    for _ in range(10):
        size, _ = random_size(rng, rng.randint(1, 5))
        code = compile(str(size).replace("ceil(", "up("), "text", "eval")
        for h, w in ((3, 5), (224, 321), (37, 64)):
            names = {"H": h, "W": w, "up": lambda x: -(-x // 1)}
            assert evaluate(size, {"H": h, "W": w}) == eval(code, names), str(size)


def test_a_constant_is_an_int() -> None:
    assert type(H - H) is int
    assert type(0 * H) is int
    assert type((2 * H + 3) % 2) is int
    assert (2 * H + 3) % 2 == 1
    assert (H + 5) - H == 5


def test_the_same_structure_is_the_same_object() -> None:
    assert symbol("H") is H
    assert (H + 1) // 2 is (H - 1) // 2 + 1
    assert H * W is W * H
    assert (H // 2) // 3 is H // 6
    assert H + 1 != H + 2


def test_interning_survives_collection() -> None:
    kept = (symbol("fresh") + 3) // 8
    gc.collect()
    assert (symbol("fresh") + 3) // 8 is kept


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((4 * H + W) // 4, "H + W // 4"),
        ((3 * H) // 2, "(3*H) // 2"),
        ((H + 31) // 32, "ceil(H/32)"),
        ((H + 3) // 8, "(H + 3) // 8"),
        ((H + 1) // 4 - 2, "(H - 7) // 4"),
        (((H + 1) // 2 + 1) // 2, "ceil(H/4)"),
        ((H // 4 + 6) // 7 * 7, "7*((H + 24) // 28)"),
        (-(H // -2), "ceil(H/2)"),
        (H % 32, "H % 32"),
        (3 * (H % 32), "3*(H % 32)"),
        (H + -H % 7, "7*ceil(H/7)"),
        (16 * ((H + 4) // 16) - 188, "16*((H + 4) // 16) - 188"),
        ((H // 2) * (W // 2) * 8, "8*(H // 2)*(W // 2)"),
        (H * W // 49, "(H*W) // 49"),
        (((H // 32) * (W // 32)) // 49, "((H // 32)*(W // 32)) // 49"),
        (5 - H, "5 - H"),
        (-H, "-H"),
        (-(H // 8), "-(H // 8)"),
        (H * H + 2 * H - 1, "H**2 + 2*H - 1"),
        (H // 4 - H // 8, "H // 4 - H // 8"),
        ((3 * ((3 * H) // 2)) // 2, "(3*((3*H) // 2)) // 2"),
    ],
)
def test_normal_form_and_text(size: Size, text: str) -> None:
    assert str(size) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (H // 4 - H // 8, "(H + 4) // 8"),
        (H - H // 2, "ceil(H/2)"),
        (H + H // 2, "(3*H) // 2"),
        (3 * (H // 4) - 3 * (H // 8) + 5, "3*((H + 4) // 8) + 5"),
        ((H + 4) // 8 - (H + 4) // 16, "(H + 12) // 16"),
        (H // 2 - (H + 1) // 2 + H % 2, "0"),
    ],
)
def test_rule_s_finds_the_single_floor(size: Size, text: str) -> None:
    assert str(single_floor(size)) == text
    for h in range(200):
        assert evaluate(single_floor(size), {"H": h}) == evaluate(size, {"H": h})


@pytest.mark.parametrize("size", [(3 * (H // 2)) // 2 + H, H // 2 + H // 3, H // 2 + W // 2, H // 5000 - H // 5001])
def test_rule_s_leaves_what_has_no_single_floor(size: Size) -> None:
    assert single_floor(size) is size


def test_chains_of_three_halves_stay_one_term() -> None:
    size: Size = H
    for _ in range(10):
        size = 3 * size // 2
    assert isinstance(size, Dim)
    assert len(size.terms) == 1
    assert len(str(size)) < 120


def test_exact_division_of_polynomials() -> None:
    assert (H // 2) * (W // 2) * 8 // (H // 2) == 8 * (W // 2)
    assert (H * H - W * W) // (H - W) == H + W
    assert (H * W) % W == 0
    assert 0 // H == 0
    for left, right in ((H, W), (1000, H), (H * W + 1, W), (H, 2 * H)):
        with pytest.raises(Reject) as refused:
            _ = left // right
        assert refused.value.mistake.code == "E0401"
        with pytest.raises(Reject):
            _ = left % right


def test_what_a_size_does_not_do() -> None:
    with pytest.raises(TypeError, match=r"`ceil\(H/2\)` has no order"):
        less_than((H + 1) // 2, 3)
    with pytest.raises(TypeError, match="`W` has no order"):
        sorted([H, W], key=lambda size: size)
    with pytest.raises(TypeError, match="`H` has no truth value"):
        bool(H)
    with pytest.raises(TypeError, match="unsupported operand"):
        H + 1.0  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported operand"):
        H * True
    with pytest.raises(ZeroDivisionError, match="`H` divided by 0"):
        H // 0


def test_powers() -> None:
    assert H**0 == 1
    assert H**3 is H * H * H


def test_substitute() -> None:
    size = (H + 31) // 32 * W
    assert substitute(size, {sym("H"): 64}) is 2 * W
    assert substitute(size, {sym("H"): 32 * N}) is N * W
    assert substitute(size, {sym("W"): H}) is H * ((H + 31) // 32)
