"""Sets of allowed sizes against plain sets, and their text."""

from __future__ import annotations

import random

import pytest

from dslc.types.domain import EVERY, NOTHING, Domain, TooManyResidues, domain

TOP = 260


def members(d: Domain) -> set[int]:
    return {v for v in range(-5, TOP) if v in d}


def random_domain(rng: random.Random) -> tuple[Domain, set[int]]:
    """A domain, and its members below TOP worked out from the arguments."""
    mod = rng.choice([1, 1, 2, 3, 4, 6, 8, 12, 32])
    residues = rng.sample(range(mod), rng.randint(1, mod))
    lo = rng.choice([1, 1, rng.randint(1, 60)])
    hi = rng.choice([None, None, rng.randint(1, 250)])
    holes = rng.sample(range(1, 250), rng.choice([0, 0, 1, 5]))
    plain = {v for v in range(1, TOP) if v >= lo and (hi is None or v <= hi) and v % mod in residues and v not in holes}
    return domain(lo, hi, mod, residues, holes), plain


@pytest.mark.parametrize("seed", range(100))
def test_against_plain_sets(seed: int) -> None:
    rng = random.Random(seed)
    (a, plain_a), (b, plain_b) = random_domain(rng), random_domain(rng)
    assert members(a) == plain_a
    assert members(a & b) == plain_a & plain_b
    if a.hi is not None:
        assert a.count == len(plain_a)
        assert set(a.values()) == plain_a
        assert a.within(b) == (plain_a <= plain_b)
    elif b.hi is None:
        assert a.within(b) == ((a & b) == a)
    assert a.empty == (not plain_a)
    assert members(a.sufficient()) <= plain_a
    assert a.empty or not a.sufficient().empty


@pytest.mark.parametrize("seed", range(50))
def test_nearest(seed: int) -> None:
    d, plain = random_domain(random.Random(seed))
    for value in range(1, 200, 7):
        below = max((v for v in plain if v <= value), default=None)
        above = min((v for v in plain if v >= value), default=None)
        if above is None and d.hi is None:
            continue
        expected = (value,) if value in plain else tuple(v for v in (below, above) if v is not None)
        assert d.nearest(value) == expected


@pytest.mark.parametrize("seed", range(50))
def test_classes(seed: int) -> None:
    rng = random.Random(seed)
    d, _ = random_domain(rng)
    mod = rng.choice([1, 2, 3, 5, 8, 24])
    number, g, kept = d.classes(mod)
    hit = {v % mod for v in range(10_000) if v % d.mod in d.residues}
    assert number == len(hit)
    assert {r for r in range(mod) if r % g in kept} == hit


def test_the_modulus_is_minimal() -> None:
    assert domain(mod=8, residues={1, 3, 5, 7}) == domain(mod=2, residues={1})
    assert domain(mod=12, residues=range(12)) == EVERY
    assert domain(mod=12, residues={0, 1, 4, 5, 8, 9}).mod == 4
    assert domain(mod=30, residues={0, 6, 12, 18, 24}).mod == 6
    assert domain(5, 3) is NOTHING


def test_meeting_of_far_moduli_is_fast_or_refused() -> None:
    a, b = domain(mod=10**9, residues={0}), domain(mod=65_537, residues={0})
    assert (a & b).mod == 10**9 * 65_537
    with pytest.raises(TooManyResidues):
        _ = domain(mod=1009, residues=range(1, 1000)) & domain(mod=1013, residues=range(1, 1000))


@pytest.mark.parametrize(
    ("d", "text"),
    [
        (EVERY, "every H"),
        (NOTHING, "no H"),
        (domain(mod=32), "H % 32 == 0"),
        (domain(mod=32, residues={0, 29, 30, 31}), "H % 32 == 0 (exactly H % 32 in {0, 29..31})"),
        (domain(mod=16, residues={0, 1}), "H % 16 == 0 (exactly H % 16 in {0, 1})"),
        (domain(mod=4, residues={0, 2, 3}), "H % 2 == 0 (exactly H % 4 != 1)"),
        (domain(mod=2, residues={1}), "H % 2 == 1"),
        (domain(33), "H >= 33"),
        (domain(33, mod=32), "H % 32 == 0, H >= 64"),
        (domain(20, mod=32), "H % 32 == 0"),
        (domain(20, mod=32, residues={0, 31}), "H % 32 == 0 (exactly H % 32 in {0, 31})"),
        (domain(hi=1024), "H <= 1024"),
        (domain(116, 227), "116 <= H <= 227"),
        (domain(224, 224), "H == 224"),
        (domain(224, 250, mod=32), "H == 224"),
        (domain(holes={7}), "H != 7"),
        (domain(3, holes={4, 6}), "H >= 3, H != 4, H != 6"),
        (domain(3, holes={5, 7, 8, 9, 12}), "H >= 13 (exactly H >= 3, H not in {5, 7..9, 12})"),
        (
            domain(mod=40, residues=range(0, 40, 3)),
            "H % 40 == 0 (exactly H % 40 in {0, 3, 6, 9, 12, 15, 18, 21, ... (14 in all)})",
        ),
    ],
)
def test_text(d: Domain, text: str) -> None:
    assert d.text("H") == text


def test_range_text() -> None:
    assert domain(224, 239).range_text("H") == "224..239"
    assert domain(224, 300, mod=32).range_text("H") == "H % 32 == 0, 224 <= H <= 288"


def test_requires_are_the_simple_form() -> None:
    assert domain(64, mod=32, residues={0, 31}).requires("H") == ["H % 32 == 0", "H >= 64"]
    assert NOTHING.requires("H") == []
