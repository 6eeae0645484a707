"""Size work of published networks: the sizes that occur and the guards learned, as golden text.

Each network is its chain of size-changing ops only, along one axis where the axes do the same.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dslc.diagnostics.model import Reject
from dslc.source import Source
from dslc.types.cost import Cost, formula
from dslc.types.dim import Dim, Size
from dslc.types.sizes import Pinned, Sizes

SPAN = Source("net.dl", "line\n").span(0, 4)


class Axis:
    """The size along one axis while ops change it, and the texts it had on the way."""

    def __init__(self, sizes: Sizes, size: Size) -> None:
        self.sizes = sizes
        self.size = size
        self.seen: dict[str, None] = {}

    def to(self, size: Size) -> Axis:
        self.size = self.sizes.reduce(size)
        self.sizes.at_least(self.size, 1, SPAN)
        self.seen[self.sizes.text(self.size)] = None
        return self

    def window(self, k: int, s: int = 1, p: int = 0, d: int = 1) -> Axis:
        """Convolution or pool."""
        reach = d * (k - 1) + 1
        self.sizes.at_least(self.size + 2 * p, reach, SPAN)
        return self.to((self.size + 2 * p - reach) // s + 1)

    def ceil_pool(self, k: int, s: int, p: int = 0) -> Axis:
        """Pool in ceil mode: the last window starts inside the input or its left padding."""
        return self.to((self.size + p - 1 + min(p + s - k, 0)) // s + 1)

    def deconv(self, k: int, s: int, p: int = 0) -> Axis:
        return self.to((self.size - 1) * s - 2 * p + k)

    def join(self, other: Size) -> Axis:
        return self.to(self.sizes.equal(self.size, other, SPAN, "+"))


def sizes_of(net: Callable[[Axis], None], default: int, name: str = "H") -> tuple[list[str], str]:
    """The texts of the sizes of a network, in order, and what it allows."""
    sizes = Sizes()
    axis = Axis(sizes, sizes.symbol(name, default, SPAN))
    net(axis)
    return list(axis.seen), sizes.allowed()


def resnet50(x: Axis) -> None:
    x.window(7, 2, 3).window(3, 2, 1)
    for stride in (1, 2, 2, 2):
        skip = Axis(x.sizes, x.size).window(1, stride).size
        x.window(1).window(3, stride, 1).window(1).join(skip)
        x.window(3, 1, 1)


def efficientnet_b0(x: Axis) -> None:
    x.window(3, 2, 1)
    for k, s in ((3, 1), (3, 2), (5, 2), (3, 2), (5, 1), (5, 2), (3, 1)):
        x.window(k, s, (k - 1) // 2)


def aspp(x: Axis) -> None:
    x.window(7, 2, 3).window(3, 2, 1).window(3, 2, 1).window(3, 2, 1)
    branches = [Axis(x.sizes, x.size).window(3, 1, d, d).size for d in (6, 12, 18)]
    for branch in branches:
        x.join(branch)


def vgg16(x: Axis) -> None:
    for convs in (2, 2, 3, 3, 3):
        for _ in range(convs):
            x.window(3, 1, 1)
        x.window(2, 2)


def convnext_tiny(x: Axis) -> None:
    x.window(4, 4)
    for _ in range(3):
        x.window(7, 1, 3).window(2, 2)


def densenet121(x: Axis) -> None:
    x.window(7, 2, 3).window(3, 2, 1)
    for _ in range(3):
        x.window(3, 1, 1).window(2, 2)


def googlenet(x: Axis) -> None:
    x.window(7, 2, 3).ceil_pool(3, 2).window(3, 1, 1).ceil_pool(3, 2)
    x.ceil_pool(3, 2).ceil_pool(2, 2)


def inception_v3(x: Axis) -> None:
    x.window(3, 2).window(3).window(3, 1, 1).window(3, 2).window(1).window(3).window(3, 2)
    for _ in range(2):
        pooled = Axis(x.sizes, x.size).window(3, 2).size
        x.window(3, 1, 1).window(3, 2).join(pooled)


def dcgan(x: Axis) -> None:
    x.deconv(4, 1)
    for _ in range(4):
        x.deconv(4, 2, 1)


def wavenet(x: Axis) -> None:
    for _ in range(2):
        for i in range(10):
            x.window(2, d=2**i)


def lstm(x: Axis) -> None:
    x.to(x.size).to(x.size)


def unet_2015(x: Axis) -> None:
    skips = []
    for _ in range(4):
        x.window(3).window(3)
        skips.append(x.size)
        x.window(2, 2)
    x.window(3).window(3)
    for skip in reversed(skips):
        x.deconv(2, 2)
        x.sizes.at_least(skip, x.size, SPAN)
        x.window(3).window(3)


@pytest.mark.parametrize(
    ("net", "default", "first", "last", "allowed"),
    [
        (resnet50, 224, "ceil(H/2)", "ceil(H/32)", "every H"),
        (efficientnet_b0, 224, "ceil(H/2)", "ceil(H/32)", "every H"),
        (aspp, 513, "ceil(H/2)", "ceil(H/16)", "every H"),
        (vgg16, 224, "H", "H // 32", "H >= 32"),
        (convnext_tiny, 224, "H // 4", "H // 32", "H >= 32"),
        (densenet121, 224, "ceil(H/2)", "(H + 3) // 32", "H >= 29"),
        (googlenet, 224, "ceil(H/2)", "(H + 17) // 32", "H >= 15"),
        (inception_v3, 299, "(H - 1) // 2", "(H - 43) // 32", "H >= 75"),
        (dcgan, 1, "H + 3", "16*H + 48", "every H"),
        (wavenet, 4096, "H - 1", "H - 2046", "H >= 2047"),
        (lstm, 128, "H", "H", "every H"),
        (unet_2015, 572, "H - 2", "16*((H + 4) // 16) - 188", "H >= 188"),
    ],
)
def test_sizes_and_guards(net: Callable[[Axis], None], default: int, first: str, last: str, allowed: str) -> None:
    texts, kept = sizes_of(net, default)
    assert (texts[0], texts[-1], kept) == (first, last, allowed)


@pytest.mark.parametrize(
    ("net", "default", "texts"),
    [
        (resnet50, 224, "ceil(H/2) ceil(H/4) ceil(H/8) ceil(H/16) ceil(H/32)"),
        (vgg16, 224, "H; H // 2; H // 4; H // 8; H // 16; H // 32"),
        (densenet121, 224, "ceil(H/2); ceil(H/4); (H + 3) // 8; (H + 3) // 16; (H + 3) // 32"),
        (googlenet, 224, "ceil(H/2); (H + 1) // 4; (H + 1) // 8; (H + 1) // 16; (H + 17) // 32"),
        (
            inception_v3,
            299,
            "(H - 1) // 2; (H - 5) // 2; (H - 7) // 4; (H - 15) // 4; (H - 19) // 8; (H - 27) // 16; (H - 43) // 32",
        ),
        (dcgan, 1, "H + 3; 2*H + 6; 4*H + 12; 8*H + 24; 16*H + 48"),
    ],
)
def test_every_size(net: Callable[[Axis], None], default: int, texts: str) -> None:
    found, _ = sizes_of(net, default)
    assert found == (texts.split("; ") if ";" in texts else texts.split())


def unet(sizes: Sizes, h: Size) -> Size:
    x = Axis(sizes, h)
    skips = []
    for _ in range(4):
        skips.append(x.window(3, 1, 1).size)
        x.window(2, 2)
    for skip in reversed(skips):
        x.deconv(2, 2).join(skip)
    return x.size


def test_unet_learns_its_guard_in_four_steps() -> None:
    sizes = Sizes()
    h = sizes.symbol("H", 256, SPAN)
    assert unet(sizes, h) is h
    steps = [guard for guard in sizes.guards if guard.relation == "=="]
    allowed = sizes.guards[0].allowed
    texts = []
    for guard in steps:
        allowed = allowed & guard.allowed
        texts.append(sorted(r % 16 for r in range(allowed.lo, allowed.lo + 64) if r in allowed))
    assert [sorted(set(t)) for t in texts] == [list(range(8)), [0, 1, 2, 3], [0, 1], [0]]
    assert sizes.allowed() == "H % 16 == 0"
    assert (steps[-1].by, steps[-1].text) == ("+", "H % 2 == 0")
    assert sizes.text(h // 16) == "H/16"


def fpn(sizes: Sizes, h: Size) -> list[Size]:
    x = Axis(sizes, h).window(7, 2, 3).window(3, 2, 1)
    levels = [x.size] + [x.window(3, 2, 1).size for _ in range(3)]
    found = [levels[-1]]
    for level in reversed(levels[:-1]):
        found.append(sizes.equal(level, 2 * found[-1], SPAN, "+"))
    return found


def test_fpn() -> None:
    sizes = Sizes()
    h, w = sizes.symbol("H", 224, SPAN), sizes.symbol("W", 224, SPAN)
    assert [str(level) for level in fpn(sizes, h)] == ["ceil(H/32)", "ceil(H/16)", "ceil(H/8)", "ceil(H/4)"]
    fpn(sizes, w)
    assert len(sizes.guards) == 6
    assert sizes.allowed() == "H % 32 == 0 (exactly H % 32 in {0, 29..31}); W as H"


def vit(sizes: Sizes) -> Size:
    h, w = sizes.port("H", 224, SPAN), sizes.port("W", 224, SPAN)
    rows, cols = (Axis(sizes, x).window(16, 16).size for x in (h, w))
    tokens = rows * cols + 1
    return sizes.pin(tokens, SPAN)


def test_vit_is_pinned_at_its_default() -> None:
    sizes = Sizes()
    pinned = []
    for _ in range(3):
        try:
            assert vit(sizes) == 197
        except Pinned as again:
            pinned.append(again.symbol)
            sizes = Sizes(pins=sizes.pins | {again.symbol: again.pin})
    assert pinned == ["H", "W"]
    assert sizes.pins["H"].text == "H == 224 (pinned by net.dl:1; these weights would fit 224..239)"
    assert sizes.allowed() == "; ".join(pin.text for pin in sizes.pins.values())


def swin_stages(sizes: Sizes, h: Size) -> list[Size]:
    """Per stage the size rounded up to windows of 7."""
    x = Axis(sizes, h).window(4, 4)
    padded = []
    for stage in range(4):
        if stage:
            x.to((x.size + x.size % 2) // 2)
        padded.append(x.size + -x.size % 7)
    return padded


def test_swin() -> None:
    sizes = Sizes()
    h = sizes.symbol("H", 256, SPAN)
    padded = swin_stages(sizes, h)
    assert sizes.allowed() == "H >= 4"
    assert [str(size) for size in padded] == [
        "7*((H + 24) // 28)",
        "7*((H + 52) // 56)",
        "7*((H + 108) // 112)",
        "7*((H + 220) // 224)",
    ]
    texts = []
    for size in padded:
        with pytest.raises(Reject) as refused:
            sizes.decide(">=", 7, size, SPAN)
        texts.append(refused.value.mistake.message)
    assert texts == [
        f"`7 >= {size}` holds for H <= {top} only" for size, top in zip(padded, (31, 59, 115, 227), strict=True)
    ]


@pytest.mark.parametrize(
    ("low", "high", "answers"), [(228, None, [False] * 4), (116, 227, [False, False, False, True])]
)
def test_swin_under_its_require(low: int, high: int | None, answers: list[bool]) -> None:
    sizes = Sizes()
    h = sizes.symbol("H", 228 if high is None else 224, SPAN)
    sizes.require(">=", h, low, SPAN)
    if high is not None:
        sizes.require("<=", h, high, SPAN)
    assert [sizes.decide(">=", 7, size, SPAN) for size in swin_stages(sizes, h)] == answers


def test_gpt2() -> None:
    sizes = Sizes()
    t = sizes.symbol("T", 1024, SPAN)
    sizes.at_least(1024, t, SPAN)
    width, layers, vocab = 768, 12, 50257
    linear = Cost.of(layers * 12 * width * width + width * vocab, [t])
    attention = Cost.of(layers * 2 * width, [t, t])
    assert sizes.allowed() == "T <= 1024"
    assert str(formula(linear + attention, sizes)) == "123,532,032*T + 18,432*T**2"


def test_same_tf_padding_is_one_expression() -> None:
    sizes = Sizes()
    h = sizes.symbol("H", 224, SPAN)
    out = -(-h // 2)
    assert isinstance(out, Dim)
    assert str(out) == "ceil(H/2)"
    assert str(sizes.reduce((out - 1) * 2 + 3 - h)) == "2*ceil(H/2) - H + 1"
