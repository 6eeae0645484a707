"""Fields along one axis, against the places each op really reads."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

import pytest

from dslc.analysis.field import Field, Number, Status, binned, joined, transposed, upsampled, window
from dslc.analysis.support import PHASES, PLACES, Mask, Support

Reads = Callable[[int], set[int]]
"""The places of the input that a place of the output reads, nothing cut off at the edges."""


def window_reads(k: int, s: int, p: int, d: int) -> Reads:
    return lambda u: {u * s - p + j * d for j in range(k)}


def transposed_reads(k: int, s: int, p: int, d: int) -> Reads:
    return lambda u: {(u + p - j * d) // s for j in range(k) if (u + p - j * d) % s == 0}


def nearest_reads(f: int) -> Reads:
    return lambda u: {u // f}


def linear_reads(f: int) -> Reads:
    def reads(u: int) -> set[int]:
        at = Fraction(2 * u + 1, 2 * f) - Fraction(1, 2)
        return {floor(at), ceil(at)}

    return reads


def through(chain: list[Reads], u: int) -> set[int]:
    """What place u of the last value reads of the input."""
    places = {u}
    for reads in reversed(chain):
        places = set().union(*(reads(place) for place in places))
    return places


def hull(chain: list[Reads], stride: Number, places: range) -> tuple[Number, Number]:
    """(L, H): least and greatest place read less S*u, over many u."""
    offsets = [(min(seen) - stride * u, max(seen) - stride * u) for u in places if (seen := through(chain, u))]
    return min(low for low, _ in offsets), max(high for _, high in offsets)


def own() -> Field:
    """The field of an input, followed with the places read."""
    return Field(support=Support())


def bits(mask: Mask) -> set[int]:
    """A mask as a set of places."""
    return {mask[0] + i for i in range(mask[1].bit_length()) if mask[1] >> i & 1}


def test_the_input_sees_itself() -> None:
    own = Field()
    assert [own.size, own.stride, own.padding, own.centre, own.spread] == [1, 1, 0, 0, 0]


def test_random_chains_of_windows_are_exact() -> None:
    draw = random.Random(0)
    for _ in range(200):
        field, chain = Field(), []
        for _ in range(draw.randint(1, 5)):
            k, s, d = draw.randint(1, 5), draw.randint(1, 3), draw.randint(1, 3)
            p = draw.randint(0, (k - 1) * d)
            field = window(field, k, s, p, d)
            chain.append(window_reads(k, s, p, d))
        for u in (-3, 0, 7):
            seen = through(chain, u)
            assert (min(seen), max(seen)) == (field.stride * u + field.low, field.stride * u + field.high)
        assert field.status is Status.EXACT
        assert field.size == field.smallest
        assert field.centre == Fraction(field.first, 2)


def test_the_closed_form_of_a_chain() -> None:
    """1 + sum of (k_i - 1) * product of the strides before (Araujo et al. 2019, equation 2)."""
    layers = [(7, 2), (3, 2), (3, 1), (3, 2), (1, 1), (5, 1)]
    field, size, stride = Field(), 1, 1
    for k, s in layers:
        field = window(field, k, s, k // 2, 1)
        size += (k - 1) * stride
        stride *= s
    assert (field.size, field.stride) == (size, stride)


@pytest.mark.parametrize(("k", "s", "p", "d"), [(4, 2, 1, 1), (3, 2, 1, 1), (2, 2, 0, 1), (5, 3, 2, 1), (4, 4, 0, 1)])
def test_transposed_convolution_is_the_hull_over_phases(k: int, s: int, p: int, d: int) -> None:
    chain = [window_reads(3, 1, 1, 1), transposed_reads(k, s, p, d)]
    field = transposed(window(Field(), 3, 1, 1, 1), k, s, p, d)
    low, high = hull(chain, field.stride, range(-6 * s, 6 * s))
    assert field.stride == Fraction(1, s)
    assert field.low <= low and high <= field.high, "nothing that is read lies outside"
    assert low - field.low < 1 and field.high - high < 1, "and it is as tight as whole places allow"
    assert field.status is Status.PHASE_DEPENDENT


def test_transposed_convolution_of_stride_1_is_exact() -> None:
    chain = [transposed_reads(4, 1, 1, 1)]
    field = transposed(Field(), 4, 1, 1, 1)
    assert (field.low, field.high) == hull(chain, 1, range(5))
    assert field.status is Status.EXACT


@pytest.mark.parametrize("f", [2, 3, 4, 8])
@pytest.mark.parametrize("nearest", [True, False])
def test_upsampling_is_the_hull_over_phases(f: int, nearest: bool) -> None:
    chain = [window_reads(3, 2, 1, 1), nearest_reads(f) if nearest else linear_reads(f)]
    field = upsampled(window(Field(), 3, 2, 1, 1), f, nearest)
    assert field.stride == Fraction(2, f)
    assert (field.low, field.high) == hull(chain, field.stride, range(-4 * f, 4 * f))
    assert field.status is Status.PHASE_DEPENDENT and field.cause == "upsampling"


@pytest.mark.parametrize(("n", "m"), [(7, 7), (14, 7), (13, 6), (10, 7), (3, 5), (6, 4)])
def test_adaptive_pooling_is_the_hull_over_bins(n: int, m: int) -> None:
    chain = [window_reads(3, 2, 1, 1), lambda u: set(range(floor(Fraction(u * n, m)), ceil(Fraction((u + 1) * n, m))))]
    field = binned(window(Field(), 3, 2, 1, 1), n, m)
    assert (field.low, field.high) == hull(chain, field.stride, range(-2 * m, 2 * m))
    assert field.status is (Status.EXACT if n % m == 0 else Status.PHASE_DEPENDENT)


@pytest.mark.parametrize("f", [Fraction(3, 2), Fraction(2, 3), Fraction(1, 2), Fraction(7, 4), Fraction(5, 1)])
@pytest.mark.parametrize("kind", ["nearest", "nearest-exact", "linear", "cubic"])
def test_upsampling_by_a_fraction_is_the_hull_over_phases(f: Fraction, kind: str) -> None:
    """The places that torch's interpolate reads (ATen, UpSample.h)."""

    def reads(u: int) -> set[int]:
        if kind == "nearest":
            return {floor(u / f)}
        if kind == "nearest-exact":
            return {floor((u + Fraction(1, 2)) / f)}
        x = (u + Fraction(1, 2)) / f - Fraction(1, 2)
        more = 0 if kind == "linear" or x.denominator == 1 else 1
        return set(range(floor(x) - more, ceil(x) + more + 1))

    words = {"nearest-exact": "exact", "cubic": "cubic"}
    field = upsampled(own(), float(f), kind.startswith("nearest"), words.get(kind, ""))
    assert (field.low, field.high) == hull([reads], field.stride, range(-20, 20))
    assert field.support is not None
    assert all(bits(field.support.at(u)) == reads(u) for u in range(-20, 20))


@pytest.mark.parametrize("f", [Fraction(3, 2), Fraction(2, 3), Fraction(1, 2), Fraction(2, 7), Fraction(4, 1)])
@pytest.mark.parametrize("cubic", [True, False])
def test_antialiasing_widens_the_kernel_where_a_map_shrinks(f: Fraction, cubic: bool) -> None:
    """Places whose centres lie less than the kernel's reach, times the step, from the centre of the one that reads."""

    def reads(u: int) -> set[int]:
        centre, reach = (u + Fraction(1, 2)) / f, max(1 / f, Fraction(1)) * (1 + cubic)
        return {j for j in range(-200, 200) if abs(j + Fraction(1, 2) - centre) < reach}

    field = upsampled(own(), float(f), nearest=False, kind="cubic wide" if cubic else "wide")
    assert (field.low, field.high) == hull([reads], field.stride, range(-20, 20))
    assert (field.support is None) == cubic, "a cubic kernel has zeros inside"
    if field.support is not None:
        assert all(bits(field.support.at(u)) == reads(u) for u in range(-20, 20))


@pytest.mark.parametrize(("n", "m"), [(4, 8), (4, 7), (7, 13), (8, 4), (5, 3)])
@pytest.mark.parametrize("cubic", [True, False])
def test_upsampling_with_aligned_corners_is_a_hull(n: int, m: int, cubic: bool) -> None:
    field = upsampled(Field(), m / n, nearest=False, kind="cubic corners" if cubic else "corners")
    for u in range(m):
        x = Fraction(u * (n - 1), m - 1)
        more = 1 if cubic and x.denominator != 1 else 0
        at = field.stride * u
        assert at + field.low <= floor(x) - more and ceil(x) + more <= at + field.high
    assert field.status is Status.PHASE_DEPENDENT


def test_upsampling_by_1_changes_nothing() -> None:
    field = window(Field(), 3, 1, 1, 1)
    assert upsampled(field, 1.0, nearest=True) is field


def test_numbers_stay_ints_until_something_upsamples() -> None:
    field = window(window(Field(), 3, 2, 1, 1), 5, 1, 2, 2)
    assert all(type(x) is int for x in (field.stride, field.low, field.high, field.smallest, field.first))
    back = upsampled(field, 2, nearest=True)
    assert back.stride == 1


# ---- paths that join


def test_joined_paths_are_the_hull_and_keep_the_smallest() -> None:
    small, large = window(Field(), 1, 2, 0, 1), window(Field(), 7, 2, 3, 1)
    both = joined(small, large, "add")
    assert [both.size, both.stride, both.smallest, both.spread] == [7, 2, 1, 0]
    assert both.status is Status.EXACT


def test_branches_that_look_elsewhere_are_unaligned() -> None:
    centred, shifted = window(Field(), 3, 1, 1, 1), window(Field(), 3, 1, 0, 1)
    both = joined(centred, shifted, "add")
    assert (both.low, both.high) == (-1, 2)
    assert both.spread == 1
    assert (both.status, both.cause, both.verdict) == (Status.UNALIGNED, "the paths into `add`", "unaligned by 1 px")
    later = window(both, 3, 1, 1, 1)
    assert later.status is Status.UNALIGNED and later.spread == 1
    assert joined(later, later.seen_whole("gap"), "mul").status is Status.GLOBAL


def test_different_strides_do_not_join() -> None:
    a, b = window(Field(), 3, 2, 1, 1), window(Field(), 3, 1, 1, 1)
    both = joined(a, b, "concat")
    assert both.status is Status.UNKNOWN and both.cause == "stride-mismatch at `concat`"


def test_a_gate_that_sees_everything_leaves_the_local_numbers() -> None:
    x = window(Field(), 3, 2, 1, 1)
    gate = window(x, 5, 1, 2, 1).seen_whole("gap")
    for both in (joined(x, gate, "mul"), joined(gate, x, "mul")):
        assert (both.low, both.high, both.smallest) == (x.low, x.high, x.smallest)
        assert (both.status, both.cause, both.local) == (Status.GLOBAL, "gap", True)


def test_a_gated_path_still_has_its_window() -> None:
    """A residual around squeeze-and-excitation: the wide path is global through its gate, and wide all the same."""
    x = window(Field(), 3, 2, 1, 1)
    wide = window(x, 3, 1, 1, 1)
    gated = joined(wide, wide.seen_whole("gap"), "mul")
    assert joined(gated, x, "add").size == joined(x, gated, "add").size == wide.size


def test_global_paths_of_different_strides_join() -> None:
    x = window(Field(), 3, 1, 1, 1)
    far = window(Field(), 3, 8, 1, 1).seen_whole("gap")
    assert joined(x, far, "add").stride == joined(far, x, "add").stride == 1
    both = joined(far, window(Field(), 3, 4, 1, 1).seen_whole("pool"), "add")
    assert both.status is Status.GLOBAL and not both.local


def test_the_worst_status_holds_with_its_cause() -> None:
    a = Field().marked(Status.PHASE_DEPENDENT, "upsampling")
    b = Field().marked(Status.UNKNOWN, "sort")
    assert (joined(a, b, "add").status, joined(b, a, "add").cause) == (Status.UNKNOWN, "sort")
    assert b.marked(Status.GLOBAL, "gap").cause == "sort"
    assert a.marked(Status.PHASE_DEPENDENT, "later").cause == "upsampling"


def test_status_as_text() -> None:
    assert [s.text for s in Status] == [
        "exact",
        "unaligned",
        "phase-dependent",
        "partitioned",
        "global",
        "unknown",
    ]


# ---- the places read


def test_random_chains_read_what_their_ops_read() -> None:
    """Windows, transposed windows, upsamplings, bins and shifts in any order, against sets of places."""
    draw = random.Random(1)
    for _ in range(150):
        field, chain = own(), []
        for _ in range(draw.randint(1, 5)):
            k, s, d, p = draw.randint(1, 4), draw.randint(1, 3), draw.randint(1, 3), draw.randint(0, 3)
            f = draw.randint(2, 3)
            n, m = draw.randint(2, 6), draw.randint(2, 4)
            change = draw.choice(["window", "window", "transposed", "nearest", "linear", "bins", "shift"])
            if change == "window":
                field, reads = window(field, k, s, p, d), window_reads(k, s, p, d)
            elif change == "transposed":
                field, reads = transposed(field, k, s, p, d), transposed_reads(k, s, p, d)
            elif change == "nearest":
                field, reads = upsampled(field, f, nearest=True), nearest_reads(f)
            elif change == "linear":
                field, reads = upsampled(field, f, nearest=False), linear_reads(f)
            elif change == "bins":
                field, reads = binned(field, n, m), bin_reads(n, m)
            else:
                field, reads = field.shifted(p), window_reads(1, 1, -p, 1)
            chain.append(reads)
        assert field.support is not None
        for u in (-5, -1, 0, 1, 4, 11):
            seen = bits(field.support.at(u))
            assert seen == through(chain, u)
            if seen:
                assert field.stride * u + field.low <= min(seen) and max(seen) <= field.stride * u + field.high


def bin_reads(n: int, m: int) -> Reads:
    return lambda u: set(range(floor(Fraction(u * n, m)), ceil(Fraction((u + 1) * n, m))))


def test_random_branches_read_what_either_reads() -> None:
    draw = random.Random(2)
    for _ in range(50):
        sides = [(draw.randint(1, 5), 2, draw.randint(0, 3), draw.randint(1, 4)) for _ in range(2)]
        a, b = (window(own(), *side) for side in sides)
        both = joined(a, b, "add")
        assert both.support is not None
        assert bits(both.support.at(3)) == set().union(*(window_reads(*side)(3) for side in sides))


def test_density_of_dilated_stacks() -> None:
    """Gridding: equal dilations leave holes, 1, 2, 5 does not (Wang et al., arXiv:1702.08502, section 3.2)."""

    def density(*dilations: int) -> Fraction | None:
        field = own()
        for d in dilations:
            field = window(field, 3, 1, d, d)
        return None if field.support is None else field.support.density

    assert density(2, 2, 2) == Fraction(7, 13)
    assert density(1, 2, 5) == density(1, 2, 3) == 1
    assert density(2) == Fraction(3, 5)


def test_density_over_phases() -> None:
    """A transposed convolution of kernel 1 and stride 2 reads nothing in one phase of two."""
    field = transposed(window(own(), 3, 1, 1, 2), 1, 2, 0, 1)
    assert field.support is not None
    assert len(field.support.masks) == 2
    assert field.support.density == Fraction(3, 5)


def test_phases_that_read_alike_are_one() -> None:
    back = upsampled(own(), 2, nearest=True).shifted(0)
    pooled = window(back, 2, 2, 0, 1)
    assert pooled.support == Support()


def test_beyond_the_limits_nothing_is_stated() -> None:
    wide = window(own(), 3, 1, 0, PLACES)
    assert wide.support is None and wide.size == 2 * PLACES + 1
    many = own()
    for _ in range(9):
        many = transposed(many, 3, 2, 0, 1)
    assert PHASES < 2**9 and many.support is None


def test_a_wide_window_takes_few_steps() -> None:
    field = window(own(), PLACES, 1, 0, 1)
    assert field.support is not None and field.support.density == 1
