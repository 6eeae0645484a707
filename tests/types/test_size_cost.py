"""Counts that depend on sizes: numbers, rows, formulas, peaks."""

from __future__ import annotations

import random
from math import prod

import pytest

from dslc.source import Source
from dslc.types.cost import Cost, Row, formula, peak, peak_text, rows
from dslc.types.dim import Dim, Size, evaluate
from dslc.types.sizes import Sizes

SPAN = Source("net.dl", "line\n").span(0, 4)


def net(**defaults: int | None) -> tuple[Sizes, list[Dim]]:
    sizes = Sizes()
    return sizes, [sizes.symbol(name, default, SPAN) for name, default in defaults.items()]


def up(x: Size, m: int) -> Size:
    return -(-x // m)


def resnet50_macs(h: Size, w: Size) -> Cost:
    """ResNet-50's convolutions by stage (width, blocks, stride before the stage), He et al. 2015, table 1."""
    costs = [Cost.of(7 * 7 * 3 * 64, [up(h, 2), up(w, 2)])]
    into, step = 64, 4
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            before = step
            if stage and not block:
                step *= 2
            costs.append(Cost.of(into * width, [up(h, before), up(w, before)]))
            costs.append(Cost.of(9 * width * width, [up(h, step), up(w, step)]))
            costs.append(Cost.of(width * 4 * width, [up(h, step), up(w, step)]))
            if not block:
                costs.append(Cost.of(into * 4 * width, [up(h, step), up(w, step)]))
            into = 4 * width
    return Cost.total([*costs, Cost.of(2048 * 1000)])


def test_resnet50() -> None:
    sizes, (h, w) = net(H=224, W=224)
    macs = resnet50_macs(h, w)
    assert macs.value(sizes) == 4_089_184_256
    assert str(formula(macs, sizes)) == "81,456*H*W + 2,048,000 at multiples of 32"
    table = rows(macs, sizes)
    assert table[0] == Row("9,408 x ceil(H/2) x ceil(W/2)", (112, 112), 118_013_952)
    assert [row.at for row in table] == [(112, 112), (56, 56), (28, 28), (14, 14), (7, 7), ()]
    assert sum(row.value for row in table) == macs.value(sizes)
    for side in (h, w):
        sizes.divide(side, 32, SPAN)
    assert str(formula(macs, sizes)) == "81,456*H*W + 2,048,000"
    assert rows(macs, sizes)[-2].text.endswith("x H/32 x W/32")


def test_a_formula_in_quotients_where_the_sizes_themselves_need_fractions() -> None:
    sizes, (h, w) = net(H=64, W=96)
    cost = Cost.of(3, [h // 32, w // 32]) + Cost.of(5, [h // 32]) + Cost.of(7)
    assert str(formula(cost, sizes)) == "3*(H/32)*(W/32) + 5*(H/32) + 7 at multiples of 32"
    sizes.divide(h, 32, SPAN)
    assert str(formula(cost, sizes)) == "3*(H/32)*(W/32) + 5*(H/32) + 7 at multiples of 32 for W"


def test_no_formula_away_from_the_multiples() -> None:
    sizes, (h,) = net(H=225)
    assert formula(Cost.of(3, [up(h, 2)]), sizes) is None


def test_the_largest_share_comes_first() -> None:
    sizes, (t,) = net(T=16)
    cost = Cost.of(100, [t, t]) + Cost.of(5_000, [t]) + Cost.of(10**9)
    assert str(formula(cost, sizes)) == "5,000*T + 100*T**2 + 1,000,000,000"
    sizes, (t,) = net(T=64)
    assert str(formula(cost, sizes)) == "100*T**2 + 5,000*T + 1,000,000,000"


def test_windows_at_their_multiples() -> None:
    sizes, (h,) = net(H=224)
    windows = Cost.of(10, [7 * up(h // 4, 7)])
    assert str(formula(windows, sizes)) == "70*(H/28) at multiples of 28"


def test_arithmetic() -> None:
    sizes, (n, h) = net(N=None, H=224)
    cost = Cost.of(3, [2, h, 5]) + Cost.of(1, [h]) * 2 + Cost.of(0, [n])
    assert cost.terms == {(h,): 32}
    assert cost.value(sizes) == 32 * 224
    assert cost.value(sizes, {"H": 10}) == 320
    assert (Cost.of(4, [n, h]) + Cost.of(-4, [n, h])).terms == {}
    assert str((Cost.of(2, [h, h + 1]) + Cost.of(1)).expanded()) == "2*H**2 + 2*H + 1"
    assert Cost().value(sizes) == 0
    assert str(formula(Cost(), sizes)) == "0"


@pytest.mark.parametrize("seed", range(30))
def test_formula_equals_the_sum_at_multiples(seed: int) -> None:
    rng = random.Random(seed)
    sizes, (h, w) = net(H=192, W=384)
    cost = Cost.total(
        Cost.of(
            rng.randint(1, 99),
            [(x + rng.randrange(m)) // m + rng.choice([0, -1]) for x in (h, w) for m in [rng.choice([1, 2, 3, 8])]],
        )
        for _ in range(4)
    )
    found = formula(cost, sizes)
    assert found is not None
    assert cost.value(sizes) == evaluate(cost.expanded(), sizes.default)
    code = compile(found.text.replace(",", "").replace("/", "//"), "formula", "eval")
    for at in ({"H": 48, "W": 24}, {"H": 480, "W": 240}, sizes.default):
        expected = sum(count * prod(evaluate(size, at) for size in product) for product, count in cost.terms.items())
        assert eval(code, dict(at)) == expected


def test_peaks() -> None:
    sizes, (h, w) = net(H=224, W=224)
    stem = Cost.of(64, [up(h, 2), up(w, 2)])
    wide = Cost.of(128, [up(h, 4), up(w, 4)]) + Cost.of(5000)
    deep = Cost.of(2048, [up(h, 32), up(w, 32)])
    both = stem + deep
    assert peak([stem, wide], sizes) == [stem, wide]
    assert peak([stem, wide, deep], sizes) == [stem]  # at multiples of 32, 16*H*W is above 8*H*W + 5,000
    assert peak([stem, wide, deep, both], sizes) == [both]
    assert peak([stem, stem], sizes) == [stem]
    assert peak_text([stem, deep], sizes) == "16*H*W at multiples of 32"  # at H = W = 2 the other one is larger
    assert peak_text([stem, wide], sizes) == "max(16*H*W, 8*H*W + 5,000) at multiples of 4"
    many = [Cost.of(100 - i, [h]) + Cost.of(i, [w]) for i in range(5)]
    assert len(peak(many, sizes)) == 5
    assert peak_text(many, sizes) == ""
