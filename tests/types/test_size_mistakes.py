"""Every mistake about sizes, raised, with its words; and the limits that keep size work small."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from time import process_time

import pytest

from dslc.diagnostics.model import Mistake, Reject
from dslc.source import Source
from dslc.types import errors, limits
from dslc.types.dim import Dim, Size, symbol
from dslc.types.sizes import Sizes

SPAN = Source("net.dl", "line\n").span(0, 4)


def net(**defaults: int | None) -> tuple[Sizes, list[Dim]]:
    sizes = Sizes()
    return sizes, [sizes.symbol(name, default, SPAN) for name, default in defaults.items()]


def refused(ask: Callable[[], object]) -> Mistake:
    """The mistake of a question that must be refused."""
    with pytest.raises(Reject) as caught:
        ask()
    return caught.value.mistake


def said(mistake: Mistake) -> list[str]:
    """Code, message and proposals."""
    return [mistake.code, mistake.message, *(help.text for help in mistake.help)]


def test_joined_sizes() -> None:
    sizes, (h,) = net(H=225)
    assert said(refused(lambda: sizes.equal(-(-h // 16), 2 * -(-h // 32), SPAN, "+"))) == [
        "E0412",
        "`+` joins 15 and 16 at H=225: `ceil(H/16)` and `2*ceil(H/32)`",
        "needs H % 32 in {0, 17..31}; the nearest sizes are 224 and 241",
    ]


def test_later_proposals_meet_what_was_refused_before() -> None:
    sizes, (h,) = net(H=225)
    levels = [-(-h // stride) for stride in (32, 16, 8, 4)]
    found = [refused(partial(sizes.equal, b, 2 * a, SPAN, "+")) for a, b in pairwise(levels)]
    assert [said(mistake)[2] for mistake in found] == [
        "needs H % 32 in {0, 17..31}; the nearest sizes are 224 and 241",
        "needs H % 16 in {0, 9..15}; the nearest sizes are 224 and 249",
        "needs H % 8 in {0, 5..7}; the nearest sizes are 224 and 253",
    ]
    assert not sizes.guards


def test_joined_sizes_on_two_axes() -> None:
    sizes, (h, w) = net(H=225, W=30)
    assert said(refused(lambda: sizes.equal(h * w, 4 * (h // 2) * (w // 2), SPAN, "concat"))) == [
        "E0412",
        "`concat` joins 6750 and 6720 at H=225, W=30: `H*W` and `4*(H // 2)*(W // 2)`",
        "needs H % 2 == 0; the nearest sizes are 224 and 226",
    ]


def test_joined_sizes_that_never_meet() -> None:
    sizes, (h,) = net(H=224)
    assert said(refused(lambda: sizes.equal(h, h - 2, SPAN, "+"))) == [
        "E0412",
        "`+` joins 224 and 222 at H=224: `H` and `H - 2`",
    ]
    assert refused(lambda: sizes.equal(h // 2, 7, SPAN)).message == ("this joins 112 and 7 at H=224: `H // 2` and `7`")


def test_coincidence() -> None:
    sizes, (h, w) = net(H=224, W=320)
    assert said(refused(lambda: sizes.equal(h // 32, 7, SPAN, "head"))) == [
        "E0413",
        "`head` joins `H // 32` and `7`: both 7 at H=224, but not in general",
        "write `224` for `H=224` in the net's port",
    ]
    assert said(refused(lambda: sizes.equal(h * w, 71680, SPAN))) == [
        "E0413",
        "this joins `H*W` and `71680`: both 71680 at H=224, W=320, but not in general",
        "write `224, 320` for `H=224, W=320` in the net's port",
    ]


def test_different_symbols() -> None:
    sizes, (h, w, t) = net(H=224, W=224, T=448)
    assert said(refused(lambda: sizes.equal(-(-h // 2), -(-w // 2), SPAN))) == [
        "E0407",
        "`H` and `W` are different sizes (both 224 by default)",
        "write `require H == W`",
    ]
    assert said(refused(lambda: sizes.equal(t, 2 * h, SPAN))) == [
        "E0407",
        "`T` and `2*H` are different sizes (both 448 by default)",
        "write `require T == 2*H`",
    ]


def test_not_a_product() -> None:
    sizes, (h, w) = net(H=224, W=224)
    assert said(refused(lambda: sizes.divide(h * w, 49, SPAN, "rearrange"))) == [
        "E0408",
        "`(H*W) % 49 == 0` depends on `H` and `W` together",
        "write `require H % 7 == 0` and `require W % 7 == 0`",
    ]
    sizes, (h, w) = net(H=98, W=5)
    assert said(refused(lambda: sizes.divide(h * w, 49, SPAN)))[2] == "write `require H % 49 == 0`"
    sizes.require("==", h % 49, 0, SPAN)
    assert str(sizes.divide(h * w, 49, SPAN)) == "(H*W) // 49"


def test_open_condition() -> None:
    sizes, (h,) = net(H=224)
    assert said(refused(lambda: sizes.decide(">=", 7, -(-h // 32), SPAN))) == [
        "E0409",
        "`7 >= ceil(H/32)` holds for H <= 224 only",
        "write `require H <= 224`, `require H >= 225`, or `224` for `H` in the net's port",
    ]
    larger, (x,) = net(H=300)
    assert said(refused(lambda: larger.decide(">=", 7, -(-x // 32), SPAN)))[2] == (
        "write `require H >= 225`, `require H <= 224`, or `300` for `H` in the net's port"
    )
    assert said(refused(lambda: sizes.decide("==", h % 2, 0, SPAN)))[1:] == [
        "`H % 2 == 0` holds for H % 2 == 0 only",
        "write `require H % 2 == 0`, `require H % 2 == 1`, or `224` for `H` in the net's port",
    ]
    assert said(refused(lambda: sizes.decide("==", h, 224, SPAN)))[1:] == [
        "`H == 224` holds for H == 224 only",
        "write `require H == 224`, `require H != 224`, or `224` for `H` in the net's port",
    ]
    assert refused(lambda: sizes.smaller(h, 100, SPAN)).message == "`H <= 100` holds for H <= 100 only"


def test_open_comparison() -> None:
    sizes, (h, w) = net(H=224, W=224)
    mistake = refused(lambda: sizes.decide(">", h, w, SPAN))
    assert said(mistake) == [
        "E0410",
        "whether `H > W` holds depends on `H` and `W` together",
        "write `require H == W`",
        "write a number for `H` and `W` in the net's port, or bounds, as in `require H >= 64`",
    ]
    assert mistake.label == "false at the default sizes, not decided for all"
    assert refused(lambda: sizes.at_least(h, w, SPAN)).code == "E0410"
    far = refused(lambda: sizes.decide(">=", h * h - 100_000 * h, 0, SPAN))
    assert far.message == "whether `H**2 - 100000*H >= 0` holds depends on `H`"


def test_too_small() -> None:
    sizes, (h,) = net(H=20)
    assert said(refused(lambda: sizes.at_least(h // 16, 2, SPAN, "maxpool"))) == [
        "E0411",
        "`H // 16` (1) is too small at H=20: `maxpool` needs at least 2",
        "needs H >= 32; the nearest size is 32",
    ]
    assert said(refused(lambda: sizes.at_least(h // 2, h, SPAN))) == [
        "E0411",
        "`H // 2` (10) is too small at H=20: it must be at least `H` (20)",
    ]
    sizes, (h, w) = net(H=20, W=30)
    assert refused(lambda: sizes.at_least(h, w, SPAN, "crop")).message == (
        "`H` (20) is too small at H=20, W=30: `crop` needs at least `W` (30)"
    )
    assert refused(lambda: sizes.at_least(3, 5, SPAN)).message == "`3` is too small: it must be at least 5"


def test_not_divisible() -> None:
    sizes, (h,) = net(H=225)
    assert said(refused(lambda: sizes.divide(h, 2, SPAN, "rearrange"))) == [
        "E0414",
        "`rearrange` cannot divide `H` (225) by 2 at H=225",
        "needs H % 2 == 0; the nearest sizes are 224 and 226",
    ]
    mistake = refused(lambda: sizes.divide(7, 2, SPAN))
    assert (mistake.message, mistake.label) == ("cannot divide `7` by 2", "7 is not a multiple of 2")
    assert refused(lambda: sizes.divide(2 * h + 1, 2, SPAN)).message == ("cannot divide `2*H + 1` (451) by 2 at H=225")


def test_require_fails() -> None:
    sizes, (h, w) = net(H=225, W=224)
    assert said(refused(lambda: sizes.require("==", h % 32, 0, SPAN))) == [
        "E0415",
        "`H % 32 == 0` does not hold at H=225",
        "needs H % 32 == 0; the nearest sizes are 224 and 256",
    ]
    assert said(refused(lambda: sizes.require("==", h, w, SPAN))) == [
        "E0415",
        "`H == W` does not hold at H=225, W=224",
        "needs W == 225; the nearest size is 225",
    ]
    assert said(refused(lambda: sizes.require("==", h, w + 300, SPAN))) == [
        "E0415",
        "`H == W + 300` does not hold at H=225, W=224",
        "needs H == 524",
    ]
    assert refused(lambda: sizes.require(">=", 2, 3, SPAN)).message == "`2 >= 3` does not hold"


def test_require_form() -> None:
    sizes, (h, w) = net(H=336, W=224)
    assert said(refused(lambda: sizes.require("==", 2 * h, 3 * w, SPAN))) == [
        "E0416",
        "`2*H == 3*W` does not give one of `H` and `W` in terms of the others",
        "write one size alone on a side: `require W == ...`",
    ]
    assert refused(lambda: sizes.require(">=", h, w, SPAN)).code == "E0416"
    kept = refused(lambda: sizes.require("<=", h * (h % 2), 400, SPAN))
    assert kept.message == "`H**2 - 2*H*(H // 2) <= 400` is no set of sizes of `H` that can be kept"


def test_universal() -> None:
    sizes, (n, h) = net(N=None, H=224)
    assert said(refused(lambda: sizes.divide(n, 2, SPAN))) == [
        "E0405",
        "`N % 2 == 0` does not hold for every `N`, and `N` has no default",
    ]
    for ask in (
        lambda: sizes.equal(n, h, SPAN),
        lambda: sizes.equal(n, 2 * (n // 2), SPAN),
        lambda: sizes.at_least(n, 2, SPAN),
        lambda: sizes.at_least(n, h, SPAN),
        lambda: sizes.decide("<", n, 8, SPAN),
        lambda: sizes.decide("<", n, h, SPAN),
        lambda: sizes.require("==", n, h, SPAN),
        lambda: sizes.require("==", n, 1, SPAN),
    ):
        assert refused(ask).code == "E0405"
    assert said(refused(lambda: sizes.pin(n * h, SPAN))) == [
        "E0406",
        "a weight's shape depends on `N` (`H*N`), which has no default",
    ]
    assert sizes.allowed() == "every H"


def test_division_by_a_size() -> None:
    sizes, (h, w) = net(H=224, W=224)
    assert said(refused(lambda: sizes.divide(h * w + 1, w, SPAN))) == [
        "E0401",
        "`H*W + 1` cannot be divided by `W`, which depends on the input",
        "divide by a number, or write numbers for these sizes in the net's port",
    ]
    assert sizes.divide(h * w, w, SPAN) is h


def test_different_numbers() -> None:
    assert said(refused(lambda: Sizes().equal(3, 4, SPAN, "+"))) == ["E0412", "`+` joins 3 and 4"]


# ---- limits


def test_too_many_remainders() -> None:
    sizes, (h,) = net(H=1 << 18)
    half = h // (1 << 17)
    assert said(refused(lambda: sizes.equal(half * (1 << 17), h, SPAN))) == [
        "E0404",
        "this depends on `H % 131072`, more than 65536 cases",
        "write `require H % 131072 == 0`",
        "write a number for `H` in the net's port",
    ]
    sizes.require("==", h % (1 << 17), 0, SPAN)
    assert sizes.equal(half * (1 << 17), h, SPAN) is h
    assert sizes.decide("==", h % (1 << 17), 0, SPAN)
    assert not sizes.decide("==", h % (1 << 17), 5, SPAN)
    assert sizes.allowed() == "H % 131072 == 0"
    assert refused(lambda: sizes.require("!=", h % (1 << 34), 1 << 18, SPAN)).code == "E0415"
    assert refused(lambda: sizes.require("!=", h % (1 << 34), 1 << 17, SPAN)).code == "E0416"
    assert refused(lambda: sizes.require(">=", h % (1 << 34), 1, SPAN)).code == "E0404"


def test_too_many_pairs() -> None:
    sizes, (h, w) = net(H=257, W=300)
    assert said(refused(lambda: sizes.divide(h * w, 257, SPAN))) == [
        "E0404",
        "this depends on `H % 257` and `W % 257`, more than 65536 cases",
        "write `require H % 257 == 0`",
        "write a number for `H` in the net's port",
    ]
    sizes.require("==", h % 257, 0, SPAN)
    assert sizes.value(sizes.divide(h * w, 257, SPAN)) == 300


def test_too_many_kept_remainders() -> None:
    sizes, (h,) = net(H=1009 * 1013)
    sizes.require("!=", h % 1009, 1, SPAN)
    assert refused(lambda: sizes.require("!=", h % 1013, 1, SPAN)).code == "E0416"
    mistake = refused(lambda: sizes.require("<", h % 1013, 1000, SPAN))
    assert mistake.message == "this depends on `H % 1022117`, more than 65536 cases"


def test_too_long() -> None:
    h = symbol("H")
    terms: Size = 0
    for i in range(45):
        terms = terms + h // (i + 2)
    assert said(refused(lambda: terms * terms)) == [
        "E0402",
        "this size is a sum of 1035 terms; the limit is 1000",
        "write numbers for the sizes in the net's port",
    ]
    assert refused(lambda: h**17).message == "this size is a polynomial of degree 17; the limit is 16"


def test_too_deep() -> None:
    assert isinstance(three_halves_of(symbol("H"), 16), Dim)
    assert said(refused(lambda: three_halves_of(symbol("H"), 17))) == [
        "E0403",
        "this size rounds `H` down more than 16 times, one inside the other",
        "write a number for `H` in the net's port",
    ]


# ---- the pages

MISTAKES = [
    mistake
    for module in (errors, limits)
    for _, mistake in inspect.getmembers(module, inspect.isclass)
    if issubclass(mistake, Mistake) and mistake is not Mistake
]


def questions() -> dict[str, Callable[[], object]]:
    """For each code the shortest question that has the mistake as its answer."""
    sizes, (n, h, w) = net(N=None, H=225, W=225)
    return {
        "E0401": lambda: 1 // h,
        "E0402": lambda: h**17,
        "E0403": lambda: three_halves_of(h, 17),
        "E0404": lambda: sizes.equal(h, (h // (1 << 17)) * (1 << 17), SPAN),
        "E0405": lambda: sizes.divide(n, 2, SPAN),
        "E0406": lambda: sizes.pin(n, SPAN),
        "E0407": lambda: sizes.equal(h, w, SPAN),
        "E0408": lambda: sizes.divide(h * w, 25, SPAN),
        "E0409": lambda: sizes.decide("==", h, 225, SPAN),
        "E0410": lambda: sizes.decide("<", h, w, SPAN),
        "E0411": lambda: sizes.at_least(h, 226, SPAN),
        "E0412": lambda: sizes.equal(h, 2 * (h // 2), SPAN),
        "E0413": lambda: sizes.equal(h, 225, SPAN),
        "E0414": lambda: sizes.divide(h, 2, SPAN),
        "E0415": lambda: sizes.require("==", h, 224, SPAN),
        "E0416": lambda: sizes.require("==", 2 * h, 2 * w + h % 2 - 1, SPAN),
    }


def three_halves_of(size: Size, times: int) -> Size:
    for _ in range(times):
        size = 3 * size // 2
    return size


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.code)
def test_every_mistake_is_raised_and_has_a_page(mistake: type[Mistake]) -> None:
    found = refused(questions()[mistake.code])
    assert type(found) is mistake
    assert found.message[0] in "``0123456789" or found.message[0].islower()
    assert found.message[-1] != "."
    page = inspect.getdoc(mistake) or ""
    assert page.count("```dl fails\nnet f on ") + page.count("```dl fails\nblock ") == 1
    assert page.count("```dl\nnet f on ") + page.count("```dl\nblock ") == 1


def test_codes_are_without_gaps() -> None:
    assert sorted(mistake.code for mistake in MISTAKES) == [f"E04{n:02}" for n in range(1, 17)]


def test_the_largest_questions_are_quick() -> None:
    started = process_time()
    sizes, (h, w) = net(H=30030 * 4, W=256 * 5)
    sizes.equal(30030 * (h // 30030), h, SPAN)
    sizes, (h, w) = net(H=1 << 18, W=256 * 5)
    sizes.equal(-(-h // (1 << 15)), 2 * -(-h // (1 << 16)), SPAN)
    sizes, (h, w) = net(H=256 * 3, W=256 * 5)
    refused(lambda: sizes.divide(h * w, 256, SPAN))
    assert process_time() - started < 5
