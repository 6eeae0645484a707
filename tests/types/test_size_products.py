"""Equalities of products of two sizes against trying every pair of remainders."""

from __future__ import annotations

import random
from math import prod

import pytest

from dslc.diagnostics.model import Reject
from dslc.source import Source
from dslc.types.dim import Size, evaluate
from dslc.types.sizes import Sizes

SPAN = Source("net.dl", "line\n").span(0, 4)


def side(rng: random.Random, x: Size) -> tuple[Size, int]:
    """A size along one axis and the product of its strides."""
    stride = rng.choice([1, 2, 3, 4])
    size = (x + rng.choice([0, 0, stride - 1, 1])) // stride
    if rng.random() < 0.3:
        again = rng.choice([2, 3])
        return (size + rng.choice([0, again - 1])) // again, stride * again
    return size * rng.choice([1, 1, 2]), stride


def random_pair(rng: random.Random, h: Size, w: Size) -> tuple[Size, Size, int, int]:
    """Two products in H and W that are like each other, and a period of each symbol."""
    (a, p), (b, q) = side(rng, h), side(rng, w)
    kind = rng.randrange(6)
    if kind == 0:
        return a * b, 2 * (a // 2) * b, 2 * p, q
    if kind == 1:
        return a * b, 2 * (a // 2) * 3 * (b // 3), 2 * p, 3 * q
    if kind == 2:
        m = rng.choice([2, 3, 4, 6])
        return a * b, m * ((a * b) // m), m * p, m * q
    if kind == 3:
        return (a + 1) * b, (a + 1) * 2 * ((b + 1) // 2), p, 2 * q
    if kind == 4:
        return a * b + a, a * (b // 2 * 2 + 1), p, 2 * q
    (c, r), (d, s) = side(rng, h), side(rng, w)
    return a * b, c * d, p * r, q * s


def good_pairs(a: Size, b: Size, p: int, q: int) -> set[tuple[int, int]]:
    """Remainder pairs on which a == b at nine points of the class, which settles degree two."""
    return {
        (r, s)
        for r in range(p)
        for s in range(q)
        if all(
            evaluate(a, at) == evaluate(b, at)
            for at in ({"H": r + p * i, "W": s + q * j} for i in (1, 2, 3) for j in (1, 2, 3))
        )
    }


def check(seed: int) -> str:
    rng = random.Random(seed)
    sizes = Sizes()
    names = {"H": rng.choice([24, 36, 48, 49, 96]), "W": rng.choice([24, 36, 48, 50, 96])}
    h, w = (sizes.symbol(name, default, SPAN) for name, default in names.items())
    a, b, p, q = random_pair(rng, h, w)
    good = good_pairs(a, b, p, q)
    rows, cols = {r for r, _ in good}, {s for _, s in good}
    is_product = len(good) == len(rows) * len(cols)
    expected = (
        "coincidence"
        if not good
        else "mixed"
        if not is_product
        else "always"
        if len(good) == p * q
        else "guard"
        if names["H"] % p in rows and names["W"] % q in cols
        else "default"
    )
    try:
        kept = sizes.equal(a, b, SPAN)
    except Reject as refused:
        code = refused.mistake.code
        wrong_default = evaluate(a, names) != evaluate(b, names)
        match expected:
            case "coincidence":
                assert code == "E0412" if wrong_default else code in ("E0413", "E0407"), (seed, refused)
            case "mixed":
                assert code == "E0408", (seed, refused)
            case _:
                assert (expected, code) == ("default", "E0412"), (seed, refused)
        return expected
    assert expected in ("always", "guard"), (seed, str(a), str(b))
    assert kept in (a, b)
    for name, mod, residues in (("H", p, rows), ("W", q, cols)):
        allowed = sizes.domain[name]
        assert all((v in allowed) == (v % mod in residues) for v in range(1, prod((mod, 5)))), (seed, name)
    return expected


@pytest.mark.parametrize("block", range(5))
def test_random_products(block: int) -> None:
    found = [check(1000 * block + i) for i in range(100)]
    assert all(found.count(kind) > 3 for kind in ("always", "guard", "mixed", "default", "coincidence"))


def test_factor_by_factor_needs_no_pairs() -> None:
    sizes = Sizes()
    h, w = sizes.symbol("H", 2048, SPAN), sizes.symbol("W", 4096, SPAN)
    a, b = (h // 1024) * (w // 2048), 4 * (h // 2048) * (w // 4096)
    assert sizes.equal(a, b, SPAN) is a
    assert [sizes.domain[name].mod for name in "HW"] == [2048, 4096]
    assert 1023 in sizes.domain["H"].residues
    assert 1024 not in sizes.domain["H"].residues


def test_a_symbol_inside_one_floor_is_asked_as_that_floor() -> None:
    sizes = Sizes()
    h, w = sizes.symbol("H", 1568, SPAN), sizes.symbol("W", 1568, SPAN)
    with pytest.raises(Reject) as refused:
        sizes.divide((h // 32) * (w // 32), 49, SPAN)
    assert refused.value.mistake.code == "E0408"
    (help,) = refused.value.mistake.help
    assert help.text == "write `require (H // 32) % 7 == 0` and `require (W // 32) % 7 == 0`"
    for size in (h, w):
        sizes.require("==", (size // 32) % 7, 0, SPAN)
    assert sizes.allowed() == "H % 224 == 0 (exactly H % 224 in {0..31}); W as H"
    assert str(sizes.divide((h // 32) * (w // 32), 49, SPAN)) == "((H // 32)*(W // 32)) // 49"


def test_a_floor_that_skips_numbers_is_no_variable() -> None:
    sizes = Sizes()
    h, w = sizes.symbol("H", 400, SPAN), sizes.symbol("W", 400, SPAN)
    for size, code in ((h // 2, "E0408"), ((5 * h) // 2, "E0404")):
        with pytest.raises(Reject) as refused:
            sizes.divide(size * w, 200, SPAN)
        assert refused.value.mistake.code == code
