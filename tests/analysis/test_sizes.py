"""Facts on the sizes of inputs: against gradients in PyTorch, and against compiles at every single size."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
import torch
from torch.nn import functional as F

from dslc.analysis.sizes import SizeFacts, input_sizes
from dslc.ir.model import Model
from dslc.ir.walk import flatten
from dslc.reports.sizes import size_lines
from tests.analysis.nets import compiled, cost_of

STRIDED = """
    net f on x[N, 3, H=32, W=32]:
        conv(8, 7, s=2) -> maxpool(3, s=2, p=1) -> conv(16, 3) -> conv(16, 1, s=2) -> conv(8, 3, s=2)
"""
FLOORED = """
    net f on x[N, 3, H=40, W=32]:
        conv(8, 3) -> maxpool(2) -> conv(16, 3) -> maxpool(2) -> conv(8, 3) -> conv(8, 3, s=2, p=0)
"""
CEILED = """
    net f on x[N, 3, H=37, W=32]:
        conv(8, 3, s=2) -> maxpool(3, s=2, ceil=true) -> conv(16, 3) -> maxpool(3, s=2, ceil=true) -> conv(8, 3)
"""
ATTENDED = """
    net f on x[N, 3, H=30, W=32]:
        conv(8, 3, s=2) -> maxpool(2) -> rearrange("n c h w -> n (h w) c")
        a = linear(8)
        a @ (a -> transpose(1, 2))
"""

# torch pads by half a window at most
POOLS = [pool for pool in product((1, 2, 3, 5), (2, 3, 4), (0, 1), (False, True)) if 2 * pool[2] <= pool[0]]


def facts(model: Model) -> dict[str, SizeFacts]:
    return {size.name: size for size in input_sizes(model, flatten(model))}


# ---- places that no window reads


def unread(size: int, k: int, s: int, p: int, ceil: bool) -> int:
    """Places without a gradient after the last one that has one, beyond what lies between two windows."""
    x = torch.ones(1, 1, size, requires_grad=True)
    F.avg_pool1d(x, k, s, p, ceil, count_include_pad=False).sum().backward()
    assert x.grad is not None
    last = int(x.grad[0, 0].nonzero().max())
    return max(0, size - 1 - last - max(0, s - k))


@pytest.mark.parametrize(("k", "s", "p", "ceil"), POOLS)
def test_unread_places_have_no_gradient(k: int, s: int, p: int, ceil: bool) -> None:
    pool = f"avgpool({k}, s={s}, p={p}, ceil={str(ceil).lower()}, count_include_pad=false)"
    left = {size: unread(size, k, s, p, ceil) for size in range(12, 30)}
    for size in range(12, 12 + s + 1):
        found = facts(compiled(f"net f on x[N, 3, T={size}]:\n    channel_axis(1) -> {pool}\n"))["T"]
        assert sum(loss.places for loss in found.lost) == left[size]
        assert found.whole is not None
        assert {other for other in left if other in found.whole} == {other for other in left if not left[other]}


def test_windows_that_read_everything_lose_nothing() -> None:
    for text in (
        STRIDED,
        CEILED,
        "net f on x[N, 3, H=33, W=32]:\n    conv(4, 3, s=3, p='same_tf')\n".replace("'", '"'),
    ):
        found = facts(compiled(text))["H"]
        assert found.lost == () and found.whole == found.allowed


def test_a_loss_names_the_first_window_that_has_it() -> None:
    found = facts(
        compiled("net f on x[N, 3, H=22, W=32]:\n    conv(4, 3) as a -> maxpool(4) as b -> maxpool(4) as c\n")
    )
    assert [(loss.path, loss.places, loss.size) for loss in found["H"].lost] == [("b", 2, 22), ("c", 1, 5)]
    assert found["W"].lost == () and found["W"].whole is not None
    assert [n for n in range(1, 70) if n in found["W"].whole] == [16, 32, 48, 64]


# ---- multiply-adds by size


def macs(text: str, height: int) -> int:
    """By a compile at that very size, written as a number."""
    return cost_of(compiled(text.replace(text[text.index("H=") : text.index(", W")], str(height)))).macs


@pytest.mark.parametrize("text", [STRIDED, FLOORED, CEILED, ATTENDED])
def test_alike_are_the_sizes_of_equal_cost(text: str) -> None:
    found = facts(compiled(text))["H"]
    assert found.alike is not None
    first, last = found.alike
    assert first <= found.default <= last
    assert {macs(text, size) for size in range(first, last + 1)} == {macs(text, found.default)}
    assert macs(text, first - 1) < macs(text, found.default) < macs(text, last + 1)


@pytest.mark.parametrize("text", [STRIDED, FLOORED, CEILED])
def test_best_have_the_least_above_the_slope(text: str) -> None:
    """Along one class the multiply-adds are a line; all classes have one slope, and the best the lowest line."""
    found = facts(compiled(text))["H"]
    assert found.whole is not None and found.best is not None
    step = found.period
    start = 2 * step
    slope = Fraction(macs(text, start + step) - macs(text, start), step)
    above = {size: macs(text, size) - slope * size for size in range(start, start + step)}
    assert macs(text, start + step + 1) == above[start + 1] + slope * (start + step + 1)
    least = min(excess for size, excess in above.items() if size in found.whole)
    for size, excess in above.items():
        assert (size in found.best) == (size in found.whole and excess == least)
    here = macs(text, found.default)
    assert found.excess == (here - slope * found.default - least) / here


def test_a_cost_of_second_degree_is_compared_with_its_curve() -> None:
    """On multiples of the period the attention's products are a polynomial of degree 2: nothing is above it there."""
    found = facts(compiled(ATTENDED.replace("H=30", "H=32")))["H"]
    assert found.period == 4 and found.excess == 0
    assert found.best is not None and found.best.mod == 4 and found.best.residues == {0}
    a, b, c, here = (macs(ATTENDED, n) for n in (28, 32, 36, 31))
    t = Fraction(31 - 28, 4)
    line = a + (b - a) * t + (c - 2 * b + a) * t * (t - 1) / 2
    worse = facts(compiled(ATTENDED.replace("H=30", "H=31")))["H"]
    assert worse.excess == (here - line) / here > 0


def test_no_rounding_no_facts() -> None:
    found = facts(compiled("net f on x[N, T=16, 8]:\n    linear(4)\n"))["T"]
    assert found.period == 1 and found.alike == (16, 16) and found.best == found.whole == found.allowed
    flat = facts(compiled("net f on x[N, 8, T=16]:\n    channel_axis(1) -> gap -> flatten -> linear(4)\n"))["T"]
    assert flat.alike is None


def test_a_period_too_long_is_said() -> None:
    pools = " -> ".join(f"maxpool({p})" for p in (2, 3, 5, 7, 11, 13))
    text = f"net f on x[N, 3, T=9000]:\n    channel_axis(1) -> {pools}\n"
    model = compiled(text.replace("9000", "31000"))
    found = facts(model)["T"]
    assert found.period == 30030 and found.whole is None and found.best is None
    assert "rounding repeats only every 30,030 sizes, too many to compare" in "\n".join(size_lines([found]))


# ---- what the network asks for


def test_lines_that_ask() -> None:
    """Of the lines that narrow H, only those that matter in the end; one entry for each line."""
    found = facts(
        compiled("""
        net f on x[N, 3, H=64, W=64]:
            a = conv(8, 3)
            b = a -> maxpool(2)
            c = b -> maxpool(2)
            d = c -> maxpool(2)
            e = d -> upsample(2) -> upsample(2)
            e + b
    """)
    )["H"]
    assert [n for n in range(1, 50) if n in found.allowed] == [8, 9, 16, 17, 24, 25, 32, 33, 40, 41, 48, 49]
    assert [line.span.line for line in found.demands] == [4, 8]  # H >= 2 keeps out 1, the other two lines add nothing
    assert [n for n in range(1, 40) if n in found.demands[1].allowed] == [n for n in range(1, 40) if n % 8 < 2]


def test_pins_and_sizes_given_by_others() -> None:
    pinned = facts(compiled("net f on x[N, 3, T=16]:\n    flatten -> linear(4)\n"))["T"]
    assert pinned.pin is not None and pinned.allowed.single == 16 and pinned.best is None
    tied = facts(compiled("net f on x[N, 3, H=32, W=32]:\n    require W == H\n    conv(4, 3, s=2)\n"))
    assert str(tied["W"].given) == "H" and tied["W"].best is None
    assert tied["H"].alike == (31, 32)


def test_rounding_is_a_share_of_the_default() -> None:
    found = facts(compiled(STRIDED.replace("H=32", "H=33")))["H"]
    assert found.excess > 0
    text = "\n".join(size_lines([found]))
    assert f"(nearest: 32 and 48); {float(100 * found.excess):.2g}% of those at 33 are above that" in text


def test_a_fixed_input_has_no_facts() -> None:
    assert facts(compiled("net f on x[N, 3, 32, 32]:\n    conv(4, 3, s=2)\n")) == {}


def test_lines_of_text() -> None:
    fewest = "fewest multiply-adds for each place"
    model = compiled("""
        net f on x[N, 3, H=46, W=48]:
            require W >= 24
            conv(8, 3, s=2) -> maxpool(2) as pool -> conv(8, 3)
    """)
    assert size_lines(input_sizes(model, flatten(model))) == [
        "H = 46: any size from 3 up",
        "  `maxpool` asks for H >= 3 (<text>:4)",
        "  45..46 have the same multiply-adds: 46 is the largest of them",
        "  at 46 `pool` leaves 1 of 23 places unread",
        "  every place is read: H such that H % 4 in {0, 3} (nearest: 44 and 47)",
        f"  {fewest}: H a multiple of 4 (nearest: 44 and 48)",
        "W = 48: any size from 24 up",
        "  `require` asks for W >= 24 (<text>:3)",
        "  47..48 have the same multiply-adds: 48 is the largest of them",
        "  every place is read: W such that W % 4 in {0, 3}, W >= 24",
        f"  {fewest}: W a multiple of 4 from 24 up",
    ]
