"""What layers refuse: which mistake, at which argument, and that the nearest use which is right is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from dslc.diagnostics.model import Mistake, Reject
from dslc.ops import errors, errors_axis, errors_map, errors_product, errors_tensor
from dslc.types.dim import symbol
from dslc.types.sizes import Sizes
from tests.ops.context import SPAN, infer
from tests.ops.export import export
from tests.ops.sample import Sample, maps, over_maps, over_tokens, plain, tokens

MAP = (1, 3, 8, 8)

REFUSED: list[tuple[str, Sample, type[Mistake], str | None, Sample]] = [
    ("conv", over_maps(1, 6, 8, 8, out=8, k=3, g=4), errors.BadGroups, "g", over_maps(1, 8, 8, 8, out=8, k=3, g=4)),
    ("conv", over_maps(1, 8, 8, 8, out=6, k=3, g=4), errors.BadGroups, "g", over_maps(1, 8, 8, 8, out=8, k=3, g=4)),
    ("conv", over_maps(1, 3, 8, 8, out=4, k=(3, 3, 3)), errors.WrongSides, "k", over_maps(1, 3, 8, 8, out=4, k=(3, 3))),
    ("conv", over_maps(1, 3, 8, 8, out=4, k=3, s=(1,)), errors.WrongSides, "s", over_maps(1, 3, 8, out=4, k=3, s=(1,))),
    ("conv", over_maps(1, 3, 8, 8, out=4, k=4), errors.NoHalfPadding, "k", over_maps(1, 3, 8, 8, out=4, k=4, p=1)),
    (
        "conv",
        over_maps(1, 3, 8, 8, out=4, k=3, p="same_tf", padding_mode="reflect"),
        errors_map.PaddingMode,
        "padding_mode",
        over_maps(1, 3, 8, 8, out=4, k=3, padding_mode="reflect"),
    ),
    (
        "conv",
        over_maps(1, 3, 2, 2, out=4, k=5, padding_mode="reflect"),
        errors_tensor.BadPadding,
        "p",
        over_maps(1, 3, 3, 3, out=4, k=5, padding_mode="reflect"),
    ),
    (
        "conv",
        over_maps(1, 3, 2, 2, out=4, k=7, padding_mode="circular"),
        errors_tensor.BadPadding,
        "p",
        over_maps(1, 3, 3, 3, out=4, k=7, padding_mode="circular"),
    ),
    ("conv", over_maps(1, 3, 4, 4, out=4, k=5, p=0), errors.TooSmall, None, over_maps(1, 3, 5, 5, out=4, k=5, p=0)),
    ("deconv", over_maps(1, 6, 4, 4, out=8, k=2, g=4), errors.BadGroups, "g", over_maps(1, 8, 4, 4, out=8, k=2, g=4)),
    (
        "deconv",
        over_maps(1, 3, 4, 4, out=4, k=3, s=2, op=2),
        errors_map.LargeOutputPadding,
        "op",
        over_maps(1, 3, 4, 4, out=4, k=3, s=2, op=1),
    ),
    (
        "deconv",
        over_maps(1, 3, 1, 1, out=4, k=3, p=2),
        errors_map.CroppedAway,
        "p",
        over_maps(1, 3, 1, 1, out=4, k=3, p=1),
    ),
    ("maxpool", over_maps(*MAP, k=3, p=2), errors_map.PoolPadding, "p", over_maps(*MAP, k=3, p=1)),
    (
        "maxpool",
        over_maps(*MAP, k=3, s=1, d=2, p="half"),
        errors_map.PoolPadding,
        "p",
        over_maps(*MAP, k=3),
    ),
    (
        "avgpool",
        over_maps(*MAP, k=(2, 3), p=(0, 2)),
        errors_map.PoolPadding,
        "p",
        over_maps(*MAP, k=2, p=1),
    ),
    ("avgpool", over_maps(1, 3, 2, 2, k=3), errors.TooSmall, None, over_maps(1, 3, 3, 3, k=3)),
    (
        "avgpool",
        over_maps(*MAP, k=3, p=((0, 1), (0, 1)), ceil=True),
        errors_map.UnevenCeil,
        "p",
        over_maps(*MAP, k=3, p=((0, 1), (0, 1))),
    ),
    ("adaptive_avgpool", over_maps(1, 3, 8, 8, out=(2, 2, 2)), errors.WrongSides, "out", over_maps(1, 3, 8, 8, out=2)),
    ("gn", over_maps(1, 6, 4, 4, groups=4), errors.BadGroups, "groups", over_maps(1, 6, 4, 4, groups=3)),
    ("shuffle", over_maps(1, 6, 4, 4, groups=4), errors.BadGroups, "groups", over_maps(1, 6, 4, 4, groups=3)),
    ("ln", over_maps(1, 6, 4, 4), errors.WrongChannelAxis, None, over_maps(1, 6, 4, 4, axis=1)),
    ("ln", over_tokens(1, 6, 4, axis=1), errors.WrongChannelAxis, None, over_tokens(1, 6, 4)),
    ("prelu", over_tokens(1, 6, 4, per_channel=True), errors.WrongChannelAxis, None, over_tokens(1, 6, 4)),
    (
        "lstm",
        over_tokens(1, 5, 6, hidden=4, proj=4),
        errors_product.LargeProjection,
        "proj",
        over_tokens(1, 5, 6, hidden=4, proj=3),
    ),
    ("glu", over_maps(1, 3, 4, 4), errors_tensor.CannotSplit, None, over_maps(1, 4, 4, 4)),
    *(
        (name, over_tokens(1, 2, 3), errors_tensor.CannotSplit, None, over_tokens(1, 2, 4))
        for name in ("geglu", "swiglu", "reglu")
    ),
    ("maxout", over_maps(1, 6, 4, 4, pieces=4), errors_tensor.CannotSplit, "pieces", over_maps(1, 6, 4, 4, pieces=2)),
    ("pixel_shuffle", over_maps(1, 6, 4, 4, r=2), errors_tensor.CannotSplit, None, over_maps(1, 8, 4, 4, r=2)),
    ("softmax", over_tokens(2, 3, axis=2), errors_tensor.NoSuchAxis, "axis", over_tokens(2, 3, axis=-2)),
    ("softmax", Sample((plain(2, 3, 4),)), errors_axis.NoChannelAxis, None, Sample((plain(2, 3, 4),), {"axis": 2})),
    ("l2norm", over_tokens(2, 3, axis=-3), errors_tensor.NoSuchAxis, "axis", over_tokens(2, 3, axis=1)),
    ("upsample", over_maps(1, 3, 4, 4), errors_map.UpsampleTarget, None, over_maps(1, 3, 4, 4, scale=2)),
    (
        "upsample",
        over_maps(1, 3, 4, 4, scale=2, size=8),
        errors_map.UpsampleTarget,
        None,
        over_maps(1, 3, 4, 4, size=8),
    ),
    (
        "upsample",
        Sample((maps(1, 3, 4, 4), maps(1, 3, 8, 8)), {"scale": 2}),
        errors_map.UpsampleTarget,
        None,
        Sample((maps(1, 3, 4, 4), maps(1, 3, 8, 8))),
    ),
    ("upsample", Sample((maps(1, 3, 4, 4), maps(1, 3, 8))), errors.WrongSides, "like", over_maps(1, 3, 4, 4, scale=2)),
    ("upsample", over_maps(1, 3, 4, 4, scale=(2, 2, 2)), errors.WrongSides, "scale", over_maps(1, 3, 4, 4, scale=2)),
    ("upsample", over_maps(1, 3, 4, 4, size=(8,)), errors.WrongSides, "size", over_maps(1, 3, 4, size=(8,))),
    (
        "upsample",
        over_maps(1, 3, 4, 4, scale=2, mode="trilinear"),
        errors_map.WrongMode,
        "mode",
        over_maps(1, 3, 4, 4, scale=2, mode="bilinear"),
    ),
    (
        "upsample",
        over_maps(1, 3, 4, 4, scale=2, align_corners=True),
        errors_map.WrongMode,
        "align_corners",
        over_maps(1, 3, 4, 4, scale=2, mode="bicubic", align_corners=True),
    ),
    (
        "upsample",
        over_maps(1, 3, 4, 4, scale=0.5, antialias=True),
        errors_map.WrongMode,
        "antialias",
        over_maps(1, 3, 4, 4, scale=0.5, mode="bicubic", antialias=True),
    ),
    (
        "normalize",
        over_maps(1, 3, 4, 4, mean=(0.5,), std=(1.0, 1.0, 1.0)),
        errors_map.WrongLength,
        "mean",
        over_maps(1, 1, 4, 4, mean=(0.5,), std=(1.0,)),
    ),
]


@pytest.mark.parametrize(
    ("name", "sample", "mistake", "at", "right"), [pytest.param(*case, id=f"{case[0]} {case[1]}") for case in REFUSED]
)
def test_refused(name: str, sample: Sample, mistake: type[Mistake], at: str | None, right: Sample) -> None:
    with pytest.raises(Reject) as rejected:
        infer(sample.op(name), sample.inputs)
    found = rejected.value
    assert type(found.mistake) is mistake
    assert found.at == at
    assert found.mistake.message
    assert infer(right.op(name), right.inputs)


def test_upsampling_below_one_place() -> None:
    """Half of a map of one place is none: refused as a size, with numbers and with symbols."""
    half = over_maps(1, 3, 1, 4, scale=0.5)
    with pytest.raises(Reject):
        infer(half.op("upsample"), half.inputs)
    sizes = Sizes()
    height = sizes.symbol("H", 8, SPAN)
    y = infer(half.op("upsample"), (maps(1, 3, 4, 4).with_dim(2, height),), sizes)[0]
    assert 1 not in sizes.domain["H"]
    assert sizes.evaluate(y.dims[2], {"H": 7}) == 3


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (errors.BadGroups("conv", 90, 8, "input", 180), "6 and 9 divide 90 and 180: write 9"),
        (errors.BadGroups("conv", 90, 8, "output", 20), "5 and 10 divide 90 and 20: write 10"),
        (errors.BadGroups("gn", 90, 100, "input", 90), "45 divides 90: write 45"),
        (errors.WrongChannelAxis("linear", "x", maps(1, 8, 4, 4), -1), "gap -> flatten"),
        (errors.WrongChannelAxis("conv", "x", tokens(1, 4, 4, 8), 1), 'rearrange("n h w c -> n c h w")'),
        (errors.WrongChannelAxis("conv", "x", tokens(1, 4, 8), 1), 'rearrange("n t c -> n c t")'),
        (errors_map.WrongMode("bilinear", 3), '"trilinear"'),
        (errors_map.WrongMode("nearest", 2, "antialias"), '"bicubic"'),
        (errors_map.NoOpenForm("adaptive_avgpool", symbol("H") // 2), "leave `H` out of `--dynamic`"),
        (errors_map.NoOpenForm("adaptive_avgpool", symbol("H")), "`avgpool(k, s)`"),
    ],
)
def test_help_names_the_step(mistake: Mistake, words: str) -> None:
    assert any(words in h.text for h in mistake.help), [h.text for h in mistake.help]


def test_no_antialiasing_to_one_column() -> None:
    """There torch's CPU kernel takes rows for columns; where only the columns change it does not."""
    given = {"mode": "bilinear", "antialias": True}
    with pytest.raises(Reject):
        infer(over_maps(1, 3, 8, 8, size=(4, 1), **given).op("upsample"), (maps(1, 3, 8, 8),))
    infer(over_maps(1, 3, 8, 8, size=(8, 1), **given).op("upsample"), (maps(1, 3, 8, 8),))
    infer(over_maps(1, 3, 8, 8, size=(1, 4), **given).op("upsample"), (maps(1, 3, 8, 8),))


@pytest.mark.parametrize(
    "attributes", [{"scale": 0.5, "mode": "bilinear", "antialias": True}, {"size": 3, "mode": "area"}]
)
def test_what_is_no_whole_number_of_an_open_size_has_no_open_form(attributes: dict[str, Any]) -> None:
    sizes = Sizes()
    x = maps(2, 3, 8, 8).with_dim(2, sizes.symbol("H", 8, SPAN))
    op = over_maps(2, 3, 8, 8, **attributes).op("upsample")
    outs = infer(op, (x,), sizes)
    with pytest.raises(Reject) as rejected:
        export(op, (x,), outs, {}, sizes, ("H",))
    assert isinstance(rejected.value.mistake, errors_map.NoOpenForm)
    export(op, (x,), outs, {}, sizes)


@pytest.mark.parametrize("name", ["adaptive_avgpool", "adaptive_maxpool"])
def test_adaptive_pool_has_no_open_form(name: str) -> None:
    """`--dynamic H` over bins is refused at the export; over a number, or into one bin, it is not."""

    def attempt(out: Any, dynamic: tuple[str, ...]) -> None:
        sizes = Sizes()
        x = maps(2, 3, 8, 8).with_dim(2, sizes.symbol("H", 8, SPAN))
        op = over_maps(2, 3, 8, 8, out=out).op(name)
        export(op, (x,), infer(op, (x,), sizes), {}, sizes, dynamic)

    with pytest.raises(Reject) as rejected:
        attempt(3, ("H",))
    assert isinstance(rejected.value.mistake, errors_map.NoOpenForm)
    attempt(3, ())
    attempt(1, ("H",))
