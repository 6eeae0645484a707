"""`decide`, `require`, `at_least`, `divide`, `pin` and what they leave behind, beyond random programs."""

from __future__ import annotations

import random
from operator import eq, ge, gt, le, lt, ne

import pytest

from dslc.diagnostics.model import Reject
from dslc.source import Source
from dslc.types.condition import NotMonotone, signs
from dslc.types.dim import Dim, Size, evaluate
from dslc.types.domain import EVERY
from dslc.types.sizes import Pinned, Relation, Sizes

SPAN = Source("net.dl", "line\n").span(0, 4)
OPERATORS = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
RELATIONS: list[Relation] = ["==", "!=", "<", "<=", ">", ">="]


def net(**defaults: int | None) -> tuple[Sizes, list[Dim]]:
    sizes = Sizes()
    return sizes, [sizes.symbol(name, default, SPAN) for name, default in defaults.items()]


def random_size(rng: random.Random, h: Dim) -> Size:
    """A size of one symbol: sums of floors, remainders and at times a square."""
    size: Size = rng.randint(-9, 9)
    for _ in range(rng.randint(1, 3)):
        part: Size = (rng.choice([1, 1, 3]) * h + rng.randint(-3, 9)) // rng.choice([1, 2, 3, 4, 8])
        part = part % rng.choice([2, 5]) if rng.random() < 0.2 else part
        part = part * part if rng.random() < 0.1 else part
        size = size + rng.choice([-2, -1, 1, 1, 1]) * part
    return size


def narrow(sizes: Sizes, h: Dim, rng: random.Random) -> None:
    """A few requirements that hold at the default."""
    default = sizes.value(h)
    if rng.random() < 0.5:
        mod = rng.choice([2, 3, 8])
        sizes.require("==", h % mod, default % mod, SPAN)
    if rng.random() < 0.4:
        sizes.require(">=", h, rng.randint(1, default), SPAN)
    if rng.random() < 0.3:
        sizes.require("<=", h, default + rng.randint(0, 60), SPAN)
    if rng.random() < 0.2:
        sizes.require("!=", h, default + rng.randint(1, 9), SPAN)


@pytest.mark.parametrize("seed", range(300))
def test_decide_answers_for_every_allowed_size(seed: int) -> None:
    rng = random.Random(seed)
    sizes, (h,) = net(H=rng.randint(20, 120))
    narrow(sizes, h, rng)
    left, relation = random_size(rng, h), rng.choice(RELATIONS)
    right: Size = rng.choice([rng.randint(-20, 60), (h + rng.randint(0, 3)) // rng.choice([1, 2])])
    allowed = [v for v in range(1, 1200) if v in sizes.domain["H"]]
    answers = {OPERATORS[relation](evaluate(left, {"H": v}), evaluate(right, {"H": v})) for v in allowed}
    try:
        assert answers == {sizes.decide(relation, left, right, SPAN)}
    except Reject as refused:
        assert refused.mistake.code == "E0409"
        assert answers == {True, False}


@pytest.mark.parametrize("seed", range(300))
def test_require_keeps_exactly_what_it_says(seed: int) -> None:
    rng = random.Random(5000 + seed)
    sizes, (h,) = net(H=rng.randint(20, 120))
    narrow(sizes, h, rng)
    left, relation, right = random_size(rng, h), rng.choice(RELATIONS), rng.randint(-20, 60)
    before = [v for v in range(1, 1200) if v in sizes.domain["H"]]
    meant = [v for v in before if OPERATORS[relation](evaluate(left, {"H": v}), right)]
    try:
        sizes.require(relation, left, right, SPAN)
    except Reject as refused:
        fails = sizes.default["H"] not in meant
        assert refused.mistake.code == ("E0415" if fails else "E0416")
        if not fails:  # some classes for ever, others for a while: no set of the kind that is kept
            assert meant and meant[-1] > 1100
        return
    assert [v for v in range(1, 1200) if v in sizes.domain["H"]] == meant
    assert sizes.decide(relation, left, right, SPAN)


@pytest.mark.parametrize("seed", range(200))
def test_signs_of_polynomials(seed: int) -> None:
    rng = random.Random(seed)
    factors = [rng.randint(-9, 9) for _ in range(rng.randint(1, 4))]
    last = rng.choice([None, None, rng.randint(0, 30)])

    def value(t: int) -> int:
        return sum(c * t**k for k, c in enumerate(factors))

    found = signs([value(t) for t in range(len(factors))], last)
    covered = {t: sign for low, high, sign in found for t in range(low, 400 if high is None else high + 1)}
    top = 400 if last is None else last + 1
    assert covered == {t: (value(t) > 0) - (value(t) < 0) for t in range(top)}


def test_a_far_turn_is_given_up() -> None:
    with pytest.raises(NotMonotone):
        signs([t * t - 100_000 * t for t in range(3)], None)


def test_a_slope_and_a_remainder_leave_holes() -> None:
    sizes, (h,) = net(H=50)
    sizes.at_least(h, 7 * (h % 5) - 3, SPAN)
    kept = {v for v in range(1, 200) if v in sizes.domain["H"]}
    assert kept == {v for v in range(1, 200) if v >= 7 * (v % 5) - 3}
    assert sizes.domain["H"].holes
    assert sizes.allowed() == "H >= 25 (exactly H >= 5, H not in {7..9, 13, 14, 19, 24})"


def test_the_final_set_is_the_intersection_of_the_guards() -> None:
    sizes, (h,) = net(H=256)
    sizes.equal(h // 4, 2 * (h // 8), SPAN)
    sizes.at_least(h // 16, 3, SPAN)
    sizes.divide(h, 8, SPAN)
    meet = EVERY
    for guard in sizes.guards:
        meet = meet & guard.allowed
    assert meet == sizes.domain["H"]
    assert [guard.text for guard in sizes.guards] == [
        "H % 8 == 0 (exactly H % 8 in {0..3})",
        "H >= 48",
        "H % 8 == 0",
    ]


def test_what_follows_is_no_new_guard() -> None:
    sizes, (h,) = net(H=256)
    sizes.divide(h, 32, SPAN)
    for stride in (2, 4, 8, 16):
        sizes.equal(h // stride, 2 * (h // (2 * stride)), SPAN)
        sizes.at_least(h // stride, 1, SPAN)
    assert len(sizes.guards) == 1


def test_the_shorter_is_kept() -> None:
    sizes, (h,) = net(H=224)
    assert str(sizes.equal(2 * -(-h // 32), -(-h // 16), SPAN)) == "ceil(H/16)"
    assert sizes.equal(7, 7, SPAN) == 7


def test_after_an_error_nothing_is_narrowed() -> None:
    sizes, (h, w) = net(H=224, W=226)
    with pytest.raises(Reject):
        sizes.equal((h // 2) * (w // 2), 4 * (h // 4) * (w // 4), SPAN)
    assert not sizes.guards
    assert sizes.allowed() == "every H, W"


def test_the_batch_is_quantified() -> None:
    sizes, (n, h) = net(N=None, H=224)
    assert str(sizes.divide(n * h, 2, SPAN)) == "(H*N) // 2"
    assert sizes.allowed() == "H % 2 == 0"
    assert sizes.value(n * h) == 224
    assert sizes.evaluate(n * h, {"N": 3}) == 672
    assert sizes.decide(">=", n, 1, SPAN)
    assert not sizes.decide("==", n * h, 0, SPAN)


def test_a_bounded_size_may_be_equal_by_chance() -> None:
    sizes, (h,) = net(H=230)
    sizes.require(">=", h, 224, SPAN)
    sizes.require("<=", h, 239, SPAN)
    sizes.equal(h // 16, 14, SPAN)
    sizes.at_least(15, h // 16, SPAN)
    assert sizes.decide("==", h // 16, 14, SPAN)
    assert sizes.allowed() == "224 <= H <= 239"


def test_equal_symbols() -> None:
    sizes, (h, w) = net(H=224, W=224)
    sizes.divide(w, 32, SPAN)
    sizes.require("==", h, w, SPAN)
    assert sizes.same == {"W": h}
    assert sizes.domain["H"].mod == 32
    assert sizes.equal(h // 7, w // 7, SPAN) is h // 7
    assert sizes.decide(">=", h, w, SPAN)
    assert sizes.reduce(w * h) is h * h
    assert sizes.allowed() == "H % 32 == 0; W == H"


def test_a_symbol_in_terms_of_another_moves_its_sizes() -> None:
    sizes, (s, t) = net(S=30, T=63)
    sizes.require("==", t % 4, 3, SPAN)
    sizes.require("<=", t, 100, SPAN)
    sizes.require(">=", t, 20, SPAN)
    sizes.require("!=", t, 51, SPAN)
    sizes.require("==", t, 2 * s + 3, SPAN)
    kept = {v for v in range(1, 200) if v in sizes.domain["S"]}
    assert kept == {v for v in range(1, 200) if 20 <= 2 * v + 3 <= 100 and v % 2 == 0 and v != 24}
    assert sizes.same == {"T": 2 * s + 3}
    assert [g.text for g in sizes.guards if g.relation == "is"] == ["T == 2*S + 3"]
    assert sizes.equal(t - 3, 2 * s, SPAN) is not None


def test_moving_sizes_that_fit_already_is_no_guard() -> None:
    sizes, (s, t) = net(S=30, T=63)
    sizes.require("==", s % 2, 0, SPAN)
    sizes.require("==", t % 4, 3, SPAN)
    sizes.require("==", t, 2 * s + 3, SPAN)
    assert [guard.text for guard in sizes.guards] == ["S % 2 == 0", "T % 4 == 3", "T == 2*S + 3"]


def test_three_symbols_in_a_row() -> None:
    sizes, (a, b, c) = net(A=12, B=6, C=3)
    sizes.require("==", a, 2 * b, SPAN)
    sizes.require("==", b, 2 * c, SPAN)
    assert sizes.reduce(a) is sizes.reduce(4 * c)
    sizes.require("==", c, 3, SPAN)
    assert sizes.reduce(a + b) == 18
    assert sizes.reduce(a) == 12


def test_a_required_number_is_a_number() -> None:
    sizes, (h,) = net(H=224)
    sizes.require("==", h, 224, SPAN)
    assert sizes.pin(h // 16, SPAN) == 14
    assert sizes.reduce(h + 1) == 225
    assert sizes.allowed() == "H == 224"


def test_require_of_products_splits_where_it_can() -> None:
    sizes, (h, w) = net(H=224, W=224)
    sizes.require("==", (h // 2) * (w // 3), (h // 4) * (w // 6) * 4, SPAN)
    assert sizes.allowed() == "H % 4 == 0 (exactly H % 4 in {0, 1}); W % 6 == 0 (exactly W % 6 in {0..2})"


def test_pins() -> None:
    sizes, (h, w) = net(H=224, W=320)
    with pytest.raises(Pinned) as pinned:
        sizes.pin((h // 16) * (w // 16), SPAN)
    assert (pinned.value.symbol, pinned.value.default, pinned.value.span) == ("H", 224, SPAN)
    assert pinned.value.fits == "224..239"
    again = Sizes(pins={"H": pinned.value.pin})
    assert again.port("H", 224, SPAN) == 224
    w = again.symbol("W", 320, SPAN)
    assert again.port("W", 320, SPAN) is w
    with pytest.raises(Pinned) as pinned:
        again.pin(14 * w, SPAN)
    assert pinned.value.fits == ""
    assert pinned.value.pin.text == "W == 320 (pinned by net.dl:1)"


def test_what_would_fit_is_allowed_too() -> None:
    sizes, (h,) = net(H=232)
    sizes.require(">=", h, 230, SPAN)
    with pytest.raises(Pinned) as pinned:
        sizes.pin(h // 16, SPAN)
    assert pinned.value.fits == "230..239"


def test_smaller_and_larger() -> None:
    sizes, (h,) = net(H=64)
    assert sizes.smaller(h, h + 1, SPAN) is h
    assert sizes.larger(h // 2, 3 * h, SPAN) is 3 * h
    sizes.require(">=", h, 7, SPAN)
    assert sizes.smaller(7, h, SPAN) == 7


def test_shown_and_text() -> None:
    sizes, (h, w) = net(H=224, W=320)
    assert sizes.shown(-(-h // 16)) == "`ceil(H/16)` (14 at H=224)"
    assert sizes.shown(h * w) == "`H*W` (71680 at H=224, W=320)"
    assert sizes.shown(7) == "7"
    sizes.divide(h, 32, SPAN)
    assert sizes.text(-(-h // 32)) == "H/32"
    assert sizes.text((h // 32) * (w // 32)) == "(H/32)*(W // 32)"
    assert sizes.text(5 * (h // 32) - 1) == "5*(H/32) - 1"
    assert sizes.text((h + 4) // 8) == "H/8"
    assert sizes.text(h // 32 - 1) == "H/32 - 1"
    assert str(h // 32) == "H // 32"


def test_allowed_of_one_and_of_all() -> None:
    sizes, (_, h, w, t) = net(N=None, H=224, W=224, T=16)
    assert sizes.allowed() == "every H, W, T"
    sizes.divide(h, 32, SPAN)
    sizes.divide(w, 32, SPAN)
    sizes.at_least(t, 9, SPAN)
    assert sizes.allowed() == "H % 32 == 0; W as H; T >= 9"
    assert sizes.allowed("T") == "T >= 9"


def test_bounds_of_products() -> None:
    sizes, (n, h, w) = net(N=None, H=64, W=64)
    sizes.at_least(h, 6, SPAN)
    sizes.at_least(n * (h - 5), 1, SPAN)
    sizes.at_least(n * h * w, n * (h + w - 1), SPAN)
    assert [guard.text for guard in sizes.guards] == ["H >= 6"]
    assert sizes.decide("<", 5 * n, n * h, SPAN)
    with pytest.raises(Reject):
        sizes.at_least(n * (h - 6), 1, SPAN)


def test_division_by_zero_is_refused() -> None:
    sizes, (h,) = net(H=64)
    for size in (h, 6):
        with pytest.raises(Reject) as refused:
            sizes.divide(size, 0, SPAN)
        assert refused.value.mistake.code == "E0414"


def test_a_remainder_by_a_large_number() -> None:
    sizes, (h,) = net(H=123_456)
    large = 300_007
    sizes.require("==", (3 * h + 5) % large, (3 * 123_456 + 5) % large, SPAN)
    assert (sizes.domain["H"].mod, min(sizes.domain["H"].residues)) == (large, 123_456)
    assert not sizes.decide("==", 2 * (h % large), 7, SPAN)
    assert not sizes.decide("==", h % large, large, SPAN)
