"""Samples of layers: convolutions, linear maps, pools, norms, activations, regularisers, resampling."""

from __future__ import annotations

from dataclasses import replace

from tests.ops.sample import Sample, ints, layer, maps, over_maps, over_tokens, plain, tokens

CONVOLUTIONS = {
    "conv": [
        over_maps(2, 3, 9, 8, out=5, k=3),
        over_maps(2, 4, 9, 8, out=6, k=(3, 5), s=(2, 1), d=(1, 2), p=(1, 2), g=2, bias=False),
        over_maps(2, 3, 11, out=4, k=5, s=2),
        over_maps(1, 2, 5, 6, 7, out=3, k=(1, 3, 3), p="valid"),
        over_maps(2, 3, 8, 9, out=4, k=3, s=2, p=((0, 1), (2, 1))),
        over_maps(2, 3, 8, 9, out=4, k=(4, 3), s=2, p="same_tf"),
        over_maps(2, 3, 8, 9, out=4, k=3, d=2, p="same_tf"),
        over_maps(2, 3, 8, 9, out=4, k=3, s=2, d=2, p="same_tf"),
        over_maps(2, 3, 9, 9, out=4, k=2, s=(4, 5), d=2, p="same_tf"),
        over_maps(2, 3, 8, 9, out=4, k=1, s=2, p="same_tf"),
        over_maps(2, 3, 13, out=4, k=2, s=3, p="same_tf"),
        over_maps(2, 6, 7, 7, out=12, k=3, g=6, d=2),
        over_maps(2, 3, 9, 8, out=5, k=3, s=2, padding_mode="reflect"),
        over_maps(2, 3, 9, 8, out=5, k=(3, 5), padding_mode="replicate", bias=False),
        over_maps(2, 3, 9, 8, out=5, k=3, padding_mode="circular"),
        over_maps(2, 3, 9, 8, out=5, k=1, padding_mode="reflect"),
        over_maps(2, 3, 9, 8, out=4, k=3, p=((0, 1), (2, 1)), padding_mode="circular"),
        over_maps(2, 3, 9, 8, out=4, k=4, p=((1, 2), (2, 1)), padding_mode="reflect"),
        over_maps(2, 3, 11, out=4, k=5, padding_mode="circular"),
        over_maps(2, 3, 11, out=4, k=5, padding_mode="reflect"),
        over_maps(1, 2, 5, 6, 7, out=3, k=(1, 3, 3), padding_mode="replicate"),
    ],
    "deconv": [
        over_maps(2, 3, 5, 6, out=4, k=4, s=2, p=1),
        over_maps(2, 4, 5, 6, out=6, k=3, s=(2, 3), p=(1, 0), op=(1, 2), g=2, bias=False),
        over_maps(2, 3, 7, out=4, k=3, s=2, op=1, d=2),
        over_maps(1, 2, 3, 4, 5, out=3, k=2, s=2),
        over_maps(2, 3, 5, 6, out=4, k=5, s=2, p="half"),
    ],
    "linear": [
        over_tokens(4, 7, out=5),
        over_tokens(2, 3, 7, out=5),
        over_tokens(2, 3, 7, out=5, bias=False),
        over_tokens(2, 3, 4, 7, out=2),
        Sample((tokens(4, 7),), {"out": 5, "bias": False}, given={"weight": (5, 7)}),
        Sample((tokens(2, 3, 7),), {"out": 5}, given={"weight": (5, 7)}),
        Sample((tokens(2, 3, 7),), {"out": 5}, given={"bias": (5,)}),
        Sample((tokens(2, 7),), {"out": 5}, given={"weight": (5, 7), "bias": (5,)}),
    ],
    "embedding": [
        Sample((ints(2, 5),), {"count": 11, "dim": 6}, below=11, open=(0, 1)),
        Sample((ints(3),), {"count": 11, "dim": 6}, given={"weight": (11, 6)}, below=11),
    ],
}

REPARAMETRISED = {
    "wn": [
        over_maps(2, 3, 9, 8, layer=layer("conv", out=5, k=3)),
        over_maps(2, 3, 9, 8, layer=layer("conv", out=4, k=(4, 3), s=2, p="same_tf", bias=False)),
        over_maps(2, 4, 11, layer=layer("conv", out=6, k=3, g=2, padding_mode="reflect")),
        over_maps(2, 3, 5, 6, layer=layer("deconv", out=4, k=4, s=2, p=1)),
        over_tokens(4, 7, layer=layer("linear", out=5)),
        over_tokens(2, 3, 7, layer=layer("linear", out=5, bias=False)),
        Sample((ints(2, 5),), {"layer": layer("embedding", count=11, dim=6)}, below=11, open=(0, 1)),
    ],
    "sn": [
        over_maps(2, 3, 9, 8, layer=layer("conv", out=5, k=3)),
        over_maps(2, 3, 9, 8, layer=layer("conv", out=5, k=3, s=2, p=1, bias=False), steps=2, eps=1e-6),
        over_maps(2, 3, 5, 6, layer=layer("deconv", out=4, k=4, s=2, p=1)),
        over_tokens(4, 7, layer=layer("linear", out=5)),
        over_tokens(2, 3, 7, layer=layer("linear", out=5)),
        Sample((ints(2, 5),), {"layer": layer("embedding", count=11, dim=6)}, below=11, open=(0, 1)),
    ],
}

NORMS = {
    "bn": [
        over_maps(2, 5, 4, 4),
        over_maps(4, 5),
        over_maps(4, 5, 6, eps=1e-3, momentum=0.01),
        over_maps(2, 3, 2, 4, 4, affine=False),
        over_maps(2, 5, 4, 4, momentum=None),
    ],
    "inorm": [over_maps(2, 5, 4, 4), over_maps(2, 5, 6, affine=True, eps=1e-3), over_maps(2, 3, 2, 4, 4)],
    "ln": [
        over_tokens(2, 3, 8),
        over_tokens(4, 8, eps=1e-6, bias=False),
        over_tokens(2, 3, 8, affine=False),
        over_maps(2, 5, 4, 3, axis=1),
        over_maps(2, 5, 4, axis=1, eps=1e-6),
        over_maps(2, 5, 2, 3, 4, axis=1, affine=False),
        over_maps(4, 5, axis=1),
    ],
    "gn": [
        over_maps(2, 6, 4, 5, groups=3),
        over_maps(2, 6, 4, groups=2, affine=False, eps=1e-3),
        over_maps(2, 6, 2, 3, 4, groups=6),
        over_maps(4, 6, groups=2),
    ],
    "rmsnorm": [
        over_tokens(2, 3, 8),
        over_tokens(4, 8, eps=1e-6),
        over_tokens(2, 3, 8, eps=1e-3, affine=False),
    ],
    "lrn": [
        over_maps(2, 7, 4, 4, size=5),
        over_maps(2, 7, 4, 4, size=4, alpha=0.5, beta=0.6, k=2.0),
        over_maps(2, 7, 6, size=3),
        over_maps(2, 3, 2, 3, 4, size=2, alpha=1.0),
    ],
    "l2norm": [
        over_maps(2, 5, 4, 4),
        over_tokens(2, 3, 8),
        over_tokens(4, 8, eps=4.0),
        over_maps(2, 5, 4, 4, axis=-1),
    ],
}

POOLS = {
    "maxpool": [
        over_maps(2, 3, 9, 8, k=2),
        over_maps(2, 3, 9, 8, k=3, s=2, p=1),
        over_maps(2, 3, 10, 11, k=3, s=2, ceil=True),
        over_maps(2, 3, 10, 12, k=(2, 3), s=3, p=(1, 0), ceil=True),
        over_maps(2, 3, 11, k=3, s=2, d=2),
        over_maps(2, 3, 12, 10, k=2, s=2, d=5, p="same_tf"),
        over_maps(2, 3, 12, 11, k=(3, 2), s=5, d=(2, 3), p=1, ceil=True),
        over_maps(1, 2, 5, 6, 7, k=2, s=1),
        over_maps(2, 3, 8, 9, k=3, s=2, p="same_tf"),
        over_maps(2, 3, 8, 9, k=3, s=2, p=((0, 1), (1, 0))),
        over_maps(2, 3, 8, 9, k=3, s=1, p="half"),
    ],
    "avgpool": [
        over_maps(2, 3, 9, 8, k=2),
        over_maps(2, 3, 9, 8, k=3, s=2, p=1),
        over_maps(2, 3, 9, 8, k=3, s=2, p=1, count_include_pad=False),
        over_maps(2, 3, 10, 11, k=3, s=2, ceil=True),
        over_maps(2, 3, 10, 11, k=3, s=2, p=1, ceil=True),
        over_maps(2, 3, 10, 11, k=3, s=2, p=1, ceil=True, count_include_pad=False),
        over_maps(2, 3, 11, k=3, s=2),
        over_maps(1, 2, 5, 6, 7, k=2),
        over_maps(2, 3, 8, 9, k=3, s=2, p="same_tf"),
        over_maps(2, 3, 8, 9, k=3, s=2, p="same_tf", count_include_pad=False),
        over_maps(2, 3, 8, 9, k=3, s=2, p=((0, 1), (1, 0)), count_include_pad=False),
    ],
    "lppool": [
        replace(over_maps(2, 3, 9, 8, norm=2.0, k=2), positive=True),
        replace(over_maps(2, 3, 9, 8, norm=3.0, k=3, s=2), positive=True),
        replace(over_maps(2, 3, 11, norm=1.5, k=3, s=2, ceil=True), positive=True),
        replace(over_maps(1, 2, 5, 6, 7, norm=2.0, k=2), positive=True),
    ],
    "adaptive_avgpool": [
        over_maps(2, 3, 7, 9, out=1),
        Sample((maps(2, 3, 8, 9),), {"out": (4, 3)}, open=(0,)),
        Sample((maps(2, 3, 10, 7),), {"out": (4, 7)}, open=(0,)),
        Sample((maps(2, 3, 5, 6),), {"out": 7}, open=(0,)),
        Sample((maps(2, 3, 11),), {"out": 4}, open=(0,)),
        Sample((maps(2, 3, 5, 6, 7),), {"out": 4}, open=(0,)),
    ],
    "adaptive_maxpool": [
        over_maps(2, 3, 7, 9, out=1),
        Sample((maps(2, 3, 8, 9),), {"out": (4, 3)}, open=(0,)),
        Sample((maps(2, 3, 10, 7),), {"out": (4, 7)}, open=(0,)),
        Sample((maps(2, 3, 11),), {"out": 4}, open=(0,)),
        Sample((maps(2, 3, 5, 6, 7),), {"out": 4}, open=(0,)),
    ],
    "gap": [over_maps(2, 3, 7, 9), over_maps(2, 3, 7), over_maps(2, 3, 2, 4, 5)],
    "gmp": [over_maps(2, 3, 7, 9), over_maps(2, 3, 7), over_maps(2, 3, 2, 4, 5)],
}

ACTIVATIONS = {
    "relu": [over_maps(2, 3, 4, 4)],
    "relu6": [over_maps(2, 3, 4, 4)],
    "leaky_relu": [
        over_maps(2, 3, 4, 4),
        over_tokens(2, 8, negative_slope=0.2),
        over_tokens(2, 8, negative_slope=2),
    ],
    "prelu": [
        over_maps(2, 3, 4, 4),
        over_maps(2, 3, 4, 4, per_channel=True),
        over_maps(2, 3, 4, per_channel=True, slope=0.1),
        over_maps(4, 3, per_channel=True),
        over_tokens(2, 3, 8),
    ],
    "rrelu": [over_maps(2, 3, 4, 4), over_tokens(2, 8, lower=0.2, upper=0.4)],
    "elu": [over_maps(2, 3, 4, 4), over_tokens(2, 8, alpha=0.5)],
    "selu": [over_maps(2, 3, 4, 4)],
    "celu": [over_maps(2, 3, 4, 4), over_tokens(2, 8, alpha=0.5)],
    "gelu": [over_tokens(2, 3, 8), over_tokens(2, 3, 8, approximate="tanh")],
    "silu": [over_maps(2, 3, 4, 4)],
    "swish": [over_maps(2, 3, 4, 4), over_tokens(2, 8, beta=1.5), over_maps(2, 3, 4, learned=True, beta=0.5)],
    "mish": [over_maps(2, 3, 4, 4)],
    "hswish": [over_maps(2, 3, 4, 4)],
    "hsigmoid": [over_maps(2, 3, 4, 4)],
    "sigmoid": [over_tokens(2, 8)],
    "tanh": [over_tokens(2, 8)],
    "softplus": [over_tokens(2, 8), over_tokens(2, 8, beta=2.0, threshold=1.0), over_tokens(2, 8, beta=0.5)],
    "softsign": [over_tokens(2, 8)],
    "glu": [
        over_maps(2, 6, 4, 4),
        over_tokens(2, 3, 8),
        over_maps(2, 6, 4, 4, axis=2),
        Sample((plain(2, 8),)),
    ],
    "geglu": [over_tokens(2, 3, 8), over_maps(2, 6, 4, 4), over_maps(2, 6, 4, 4, axis=2)],
    "swiglu": [over_tokens(2, 3, 8), over_maps(2, 6, 4, 4), Sample((plain(2, 8),))],
    "reglu": [over_tokens(2, 3, 8), over_maps(2, 6, 4, 4), over_maps(2, 6, 4, 4, axis=-2)],
    "maxout": [
        over_maps(2, 6, 4, 4, pieces=3),
        over_tokens(2, 3, 8, pieces=2),
        over_maps(2, 6, 4, 4, pieces=2, axis=-2),
    ],
    "softmax": [
        over_maps(2, 6, 4, 4),
        over_tokens(2, 3, 8),
        over_maps(2, 6, 4, 4, axis=-1),
        Sample((plain(2, 8),)),
    ],
    "logsoftmax": [over_maps(2, 6, 4, 4), over_tokens(2, 3, 8), over_maps(2, 6, 4, 4, axis=2)],
    "hardtanh": [over_tokens(2, 8), over_tokens(2, 8, least=-0.5, most=0.25)],
    "threshold": [over_tokens(2, 8, threshold=0.1, value=0.0), over_tokens(2, 8, threshold=-0.5, value=2.0)],
}

REGULARISERS = {
    "dropout": [over_tokens(2, 8), over_tokens(2, 8, p=0.1)],
    "dropout2d": [over_maps(2, 3, 4, 4), over_maps(2, 3, 4, p=0.1), over_maps(2, 3, 2, 3, 4)],
    "alpha_dropout": [over_tokens(2, 8), over_tokens(2, 8, p=0.1)],
    "droppath": [over_tokens(2, 3, 8, p=0.2), over_maps(2, 3, 4, 4, p=0.5, mode="batch")],
}

RESAMPLING = {
    "upsample": [
        over_maps(2, 3, 4, 5, scale=2),
        over_maps(2, 3, 4, 5, scale=1.5),
        over_maps(2, 3, 7, 8, scale=0.5, mode="bilinear"),
        over_maps(2, 3, 4, 5, scale=(2, 3), mode="bilinear"),
        over_maps(2, 3, 4, 5, scale=2, mode="bilinear", align_corners=True),
        over_maps(2, 3, 4, 5, scale=2, mode="bicubic"),
        over_maps(2, 3, 4, 5, scale=2, mode="nearest-exact"),
        over_maps(2, 3, 7, scale=2, mode="linear"),
        over_maps(2, 3, 7, scale=2),
        over_maps(1, 2, 3, 4, 5, scale=2, mode="trilinear"),
        over_maps(1, 2, 3, 4, 5, scale=2),
        over_maps(2, 3, 4, 5, size=(7, 9)),
        over_maps(2, 3, 4, 5, size=8, mode="bilinear"),
        over_maps(2, 3, 4, 5, size=(7, 9), mode="bilinear", align_corners=True),
        Sample((maps(2, 3, 4, 5), maps(2, 7, 9, 11)), {"mode": "bilinear"}, open=(0,)),
        Sample((maps(2, 3, 4, 5), maps(2, 7, 9, 11)), open=(0,)),
    ],
    "pixel_shuffle": [over_maps(2, 12, 4, 5, r=2), over_maps(2, 9, 4, 5, r=3)],
    "shuffle": [
        over_maps(2, 6, 4, 5, groups=3),
        over_maps(2, 6, 4, groups=2),
        over_maps(2, 6, 2, 3, 4, groups=2),
    ],
    "normalize": [
        over_maps(2, 3, 4, 4, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        over_maps(2, 1, 7, mean=(0.5,), std=(2.0,)),
        over_maps(4, 2, mean=(0.5, 0.1), std=(2.0, 3.0)),
    ],
}

LAYERS: dict[str, list[Sample]] = {
    "id": [over_maps(2, 3, 4, 4)],
    **CONVOLUTIONS,
    **REPARAMETRISED,
    **NORMS,
    **POOLS,
    **ACTIVATIONS,
    **REGULARISERS,
    **RESAMPLING,
}
