"""Samples of operators and of the ops that shape, join, reduce and attend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dslc.ops.base import REGISTRY, Op
from dslc.types.const import Const, literal
from dslc.types.tensor import DType, TensorType
from tests.ops.context import SPAN
from tests.ops.sample import Sample, bools, ints, maps, over_maps, over_tokens, plain, tokens


def use(name: str, **attributes: Any) -> Op:
    """The op of a name with attributes."""
    return REGISTRY[name](**attributes)


def const(value: object) -> Const:
    """A literal in an op's attribute."""
    return literal(value, SPAN)


def span(start: int | None = None, stop: int | None = None, step: int | None = None) -> tuple[Const | None, ...]:
    """The item of an index that is a slice."""
    return tuple(None if end is None else const(end) for end in (start, stop, step))


def factors(**sizes: int) -> tuple[tuple[str, Const], ...]:
    """The sizes of a pattern's axes."""
    return tuple((name, const(size)) for name, size in sizes.items())


def two(a: TensorType, b: TensorType, **attributes: Any) -> Sample:
    """A sample on two tensors whose batch may be open."""
    return Sample((a, b), attributes, open=(0,) if a.dims[0] == b.dims[0] else ())


def int32(*dims: int) -> TensorType:
    """Indices of 32 bits."""
    return TensorType(dims, DType.INT32)


MAP, GATE = maps(2, 3, 5, 4), maps(2, 3, 1, 1)


def arithmetic(number: float) -> list[Sample]:
    """Samples of an operator on numbers."""
    return [
        two(MAP, MAP),
        two(MAP, GATE),
        two(tokens(1, 5, 6), tokens(2, 5, 6)),
        two(ints(2, 5), ints(2, 5)),
        two(plain(2, 5), ints(2, 5)),
        over_maps(2, 3, 5, 4, number=number),
        over_maps(2, 3, 5, 4, number=number, swap=True),
        Sample((ints(2, 5),), {"number": 3}),
        Sample((ints(2, 5),), {"number": number, "swap": True}),
    ]


OPERATORS = {
    "add": arithmetic(0.5),
    "sub": arithmetic(0.5),
    "mul": arithmetic(2.5),
    "div": [
        two(MAP, MAP),
        two(MAP, GATE),
        Sample((ints(2, 5),), {"number": 4}),
        Sample((ints(2, 5), plain(2, 5))),
        over_maps(2, 3, 5, 4, number=255),
        over_tokens(2, 5, number=2.0, swap=True),
    ],
    "pow": [
        over_maps(2, 3, 5, 4, number=2),
        Sample((plain(2, 5),), {"number": 0.5}, positive=True),
        Sample((plain(2, 5), plain(2, 5)), positive=True),
        over_tokens(2, 5, number=2.0, swap=True),
        Sample((ints(2, 5),), {"number": 3}),
    ],
    **{
        name: [
            two(MAP, MAP),
            two(MAP, GATE),
            two(ints(2, 9), ints(2, 9)),
            two(ints(2, 9), plain(2, 9)),
            over_maps(2, 3, 5, 4, number=0),
            over_tokens(2, 9, number=0.25, swap=True),
            Sample((ints(2, 9),), {"number": 2}),
        ]
        for name in ("lt", "le", "gt", "ge", "eq", "ne")
    },
    "logical_and": [two(bools(2, 9), bools(2, 9)), two(bools(2, 3, 4), bools(2, 1, 4))],
    "logical_or": [two(bools(2, 9), bools(2, 9)), two(bools(2, 3, 4), bools(2, 1, 4))],
    "logical_not": [Sample((bools(2, 9),), open=(0, 1))],
    "neg": [over_maps(2, 3, 5, 4), Sample((ints(2, 5),))],
}
OPERATORS["eq"].append(two(bools(2, 9), bools(2, 9)))
OPERATORS["ne"].append(two(bools(2, 9), bools(2, 9)))

FUNCTIONS = {
    **{name: [over_maps(2, 3, 5, 4), over_tokens(2, 6)] for name in ("exp", "sin", "cos", "abs")},
    **{name: [replace(over_maps(2, 3, 5, 4), positive=True)] for name in ("log", "sqrt")},
    "clamp": [
        over_maps(2, 3, 5, 4, min=-0.5, max=0.5),
        over_maps(2, 3, 5, 4, min=0.0),
        over_tokens(2, 6, max=0.25),
    ],
}

INDICES = {
    "index": [
        Sample((tokens(2, 5, 6),), {"items": (span(), const(0))}, open=(0, 1)),
        Sample((tokens(2, 5, 6),), {"items": (span(), const(-1))}, open=(0, 1)),
        Sample((tokens(2, 5, 6),), {"items": (span(), span(1))}, open=(0, 1)),
        Sample((tokens(2, 5, 6),), {"items": (span(), span(None, -1), span(2, 5))}, open=(0, 1)),
        Sample((maps(2, 3, 8, 7),), {"items": ("...", span(None, None, 2))}, open=(0, 2, 3)),
        Sample((maps(2, 3, 8, 7),), {"items": ("...", span(1, None, 2), span(None, -2, 3))}, open=(0, 2, 3)),
        Sample((maps(2, 3, 8, 7),), {"items": (span(), span(-2), const(3), const(-4))}, open=(0,)),
        Sample((tokens(2, 6),), {"items": (span(), span(), "none", "none")}, open=(0,)),
        Sample((tokens(2, 6),), {"items": ("none", "...", "none")}, open=(0,)),
        Sample((plain(9, 4), ints(2, 5)), {"items": ("tensor",)}, below=9),
        Sample((plain(3, 9, 4), int32(5)), {"items": (span(), "tensor")}, below=9),
        Sample((maps(2, 9, 4), ints(5)), {"items": (span(), "tensor")}, below=9, open=()),
        Sample((plain(3, 9, 4), ints(2, 5)), {"items": (const(1), span(), "tensor")}, below=4),
        Sample((plain(6, 9, 4), ints(2, 5), ints(5)), {"items": ("tensor", "tensor")}, below=6),
        Sample((plain(3, 6, 9, 4), ints(2, 5), ints(2, 1)), {"items": (span(), "tensor", "tensor")}, below=6),
        Sample((plain(6, 3, 9, 4), ints(2, 5), ints(5)), {"items": ("tensor", span(1), "tensor")}, below=6),
    ],
}

SHAPES = {
    "flatten": [
        over_maps(2, 3, 5, 4),
        over_maps(2, 3, 5, 4, start=2),
        over_maps(2, 3, 5, 4, start=0, end=1),
        over_maps(2, 3, 5, 4, start=-3, end=-2),
        over_maps(2, 3, 1, 1),
        Sample((ints(2, 3, 4),), {"start": 1}),
    ],
    "reshape": [
        Sample((maps(2, 6, 5, 4),), {"sizes": (2, -1, 10)}),
        Sample((maps(2, 6, 5, 4),), {"sizes": (const(2), const(3), const(2), const(20))}),
        Sample((tokens(2, 6, 5),), {"sizes": (12, 5)}),
    ],
    "unbind": [
        Sample((tokens(3, 2, 5, 6),), open=(1, 2)),
        Sample((tokens(2, 5, 6),), {"axis": -2}, open=(0,)),
        Sample((tokens(2, 1, 6),), {"axis": 1}, open=(0,)),
    ],
    "split": [
        over_maps(2, 7, 5, 4, sizes=(2, 4, 1)),
        over_maps(2, 6, 5, 4, sizes=2),
        over_tokens(2, 5, 6, sizes=(5, 1), axis=-1),
        over_tokens(2, 5, 6, sizes=6),
    ],
    "chunk": [
        over_maps(2, 6, 5, 4, n=2),
        over_tokens(2, 6, 5, n=3, axis=1),
        over_tokens(2, 6, 5, n=1),
    ],
    "cat": [
        two(maps(2, 3, 5, 4), maps(2, 1, 5, 4)),
        Sample((tokens(2, 5, 6), tokens(2, 5, 1), tokens(2, 5, 2)), open=(0,)),
        two(tokens(2, 1, 6), tokens(2, 5, 6), axis=1),
        two(plain(2, 3), ints(2, 3), axis=-1),
        Sample((maps(2, 3, 5, 4),)),
    ],
    "stack": [
        two(maps(2, 3, 5, 4), maps(2, 3, 5, 4)),
        two(tokens(2, 5, 6), tokens(2, 5, 6), axis=-1),
        two(tokens(2, 6), ints(2, 6), axis=1),
    ],
    "transpose": [
        over_maps(2, 3, 5, 4, a=1, b=2),
        over_tokens(2, 5, 6, a=-1, b=-2),
        Sample((ints(2, 3),), {"a": 0, "b": 1}),
    ],
    "expand": [
        Sample((tokens(1, 1, 6),), {"sizes": (3, -1, -1)}),
        Sample((tokens(1, 5, 1),), {"sizes": (const(3), const(5), const(4))}),
        Sample((maps(2, 3, 5, 4),), {"sizes": (-1, 3, -1, 4)}, open=(0, 2)),
    ],
}

PATTERNS = {
    "rearrange": [
        over_maps(2, 3, 5, 4, pattern="n c h w -> n (h w) c"),
        over_maps(2, 3, 5, 4, pattern="n c h w -> n h w c"),
        over_maps(2, 3, 5, 4, pattern="n ... -> n (...)"),
        over_maps(2, 6, 5, 4, pattern="n (g c) h w -> n (c g) h w", sizes=factors(g=2)),
        Sample((maps(2, 3, 1, 1),), {"pattern": "n c 1 1 -> n c"}, open=(0,)),
        over_maps(2, 3, 6, 8, pattern="n c (h p) (w q) -> n (h w) (p q c)", sizes=factors(p=3, q=2)),
        over_tokens(2, 5, 24, pattern="n t (three h d) -> three n h t d", sizes=factors(three=3, h=2)),
        over_tokens(2, 4, 5, 6, pattern="n h t d -> n t (h d)"),
        over_tokens(2, 12, 6, pattern="n (h w) c -> n c h w", sizes=factors(h=3)),
        Sample((tokens(2, 12, 6),), {"pattern": "n (h w) c -> n c h w", "sizes": factors(h=3, w=4)}, open=(0,)),
        over_tokens(2, 6, pattern="n d -> n d () 1"),
        Sample((ints(2, 6),), {"pattern": "a b -> b a"}),
        over_tokens(3, 5, 6, pattern="... d -> d ..."),
    ],
    "reduce": [
        over_maps(2, 3, 5, 4, pattern="n c h w -> n c", how="mean"),
        over_maps(2, 3, 5, 4, pattern="n c h w -> n c 1 1", how="max"),
        over_maps(2, 3, 6, 4, pattern="n c (h a) (w b) -> n c h w", how="mean", sizes=factors(a=3, b=2)),
        over_maps(2, 3, 6, 4, pattern="n c (h a) w -> w (h c) n", how="min", sizes=factors(a=2)),
        over_tokens(2, 5, 6, pattern="n t d -> n d", how="sum"),
        over_tokens(2, 3, 2, pattern="n t d -> n", how="prod"),
    ],
    "repeat": [
        over_maps(2, 3, 5, 4, pattern="n c h w -> n c (h a) (w b)", sizes=factors(a=2, b=3)),
        over_tokens(2, 6, pattern="n d -> n t d", sizes=factors(t=4)),
        over_tokens(2, 5, 6, pattern="n t d -> (r n) d t", sizes=factors(r=2)),
        over_tokens(2, 6, pattern="n d -> n 1 (r d)", sizes=factors(r=2)),
    ],
}

REDUCTIONS = {
    name: [
        over_maps(2, 3, 5, 4, axis=(2, 3)),
        over_maps(2, 3, 5, 4, axis=(-1, 2), keep=True),
        over_maps(2, 3, 5, 4, axis=1),
        over_tokens(2, 5, 6, axis=1),
        over_tokens(2, 5, 6, axis=-1, keep=True),
    ]
    for name in ("mean", "sum", "amax", "amin")
}

HEADS = tokens(2, 4, 5, 6)
PRODUCTS = {
    "matmul": [
        two(tokens(2, 5, 6), tokens(2, 6, 7)),
        two(tokens(2, 3, 5, 6), tokens(2, 1, 6, 7)),
        Sample((tokens(5, 6), tokens(6, 7))),
        two(tokens(1, 3, 5, 6), tokens(2, 3, 6, 7)),
    ],
    "einsum": [
        two(HEADS, HEADS, pattern="n h q d, n h k d -> n h q k"),
        two(tokens(2, 5, 6), tokens(2, 5), pattern="ntd,nt->nd"),
        Sample((tokens(2, 5), tokens(5, 6), tokens(6, 3)), {"pattern": "na,ab,bc->nc"}),
        over_tokens(2, 5, 6, pattern="ntd->nd"),
        over_tokens(2, 5, 6, pattern="ntd->dtn"),
    ],
}

KEYS, VALUES = tokens(2, 4, 7, 6), tokens(2, 4, 7, 3)
ATTENTION_MACS = 2 * 4 * 5 * 7 * (6 + 3)
ATTENTION = {
    "sdpa": [
        Sample((HEADS, KEYS, VALUES), open=(0,), macs=ATTENTION_MACS),
        Sample((tokens(2, 5, 6), tokens(2, 7, 6), tokens(2, 7, 3)), open=(0,), macs=2 * 5 * 7 * 9),
        Sample((HEADS, HEADS, HEADS), {"causal": True}, macs=2 * 4 * 5 * 5 * 12),
        Sample((HEADS, KEYS, VALUES), {"scale": 1.0}, macs=ATTENTION_MACS),
        Sample((HEADS, KEYS, VALUES), {"scale": 0.25}, macs=ATTENTION_MACS),
        Sample((HEADS, KEYS, VALUES, bools(2, 1, 5, 7)), macs=ATTENTION_MACS),
        Sample((HEADS, KEYS, VALUES, bools(2, 1, 1, 7)), open=(0,), macs=ATTENTION_MACS),
        Sample((HEADS, KEYS, VALUES, plain(1, 4, 5, 7)), macs=ATTENTION_MACS),
        Sample((HEADS, tokens(2, 2, 7, 6), tokens(2, 2, 7, 3)), {"gqa": True}, open=(0,), macs=ATTENTION_MACS),
    ],
    "rotary": [
        over_tokens(2, 3, 5, 8),
        over_tokens(2, 5, 6, base=100.0),
        over_tokens(2, 3, 5, 8, interleaved=True),
    ],
}


def recurrent(gates: int, states: int) -> list[Sample]:
    """Samples of a recurrent layer: `gates * hidden * (inputs + hidden)` multiply-adds a place and direction."""
    x, first, deep = tokens(2, 5, 6), tokens(1, 2, 4), tokens(4, 2, 4)
    one, inner = gates * 4 * (6 + 4), gates * 4 * (8 + 4)
    return [
        replace(over_tokens(2, 5, 6, hidden=4), macs=10 * one),
        replace(over_tokens(2, 5, 6, hidden=4, bias=False), macs=10 * one),
        replace(over_tokens(2, 5, 6, hidden=4, layers=2, bidirectional=True), macs=10 * 2 * (one + inner)),
        Sample((x, *[first] * states), {"hidden": 4, "state": True}, macs=10 * one),
        Sample(
            (x, *[deep] * states),
            {"hidden": 4, "layers": 2, "bidirectional": True, "state": True},
            macs=10 * 2 * (one + inner),
        ),
        replace(over_tokens(2, 5, 6, hidden=4, layers=2, state=True), macs=10 * (one + gates * 4 * 8)),
    ]


def projected() -> list[Sample]:
    """Samples of an LSTM of 4 that gives on 3: `4 * 4 * (inputs + 3) + 3 * 4` multiply-adds a place and direction."""
    x, h, c = tokens(2, 5, 6), tokens(4, 2, 3), tokens(4, 2, 4)
    one, wide, narrow = 16 * (6 + 3) + 12, 16 * (6 + 3) + 12, 16 * (3 + 3) + 12
    deep = {"hidden": 4, "proj": 3, "layers": 2, "bidirectional": True, "state": True}
    return [
        replace(over_tokens(2, 5, 6, hidden=4, proj=3), macs=10 * one),
        replace(over_tokens(2, 5, 6, hidden=4, proj=3, layers=2, bias=False, state=True), macs=10 * (one + narrow)),
        Sample((x, tokens(1, 2, 3), tokens(1, 2, 4)), {"hidden": 4, "proj": 3}, open=(1,), macs=10 * one),
        Sample((x, h, c), deep, macs=10 * 2 * (one + wide)),
    ]


RECURRENT = {
    "lstm": [*recurrent(4, 2), *projected()],
    "gru": recurrent(3, 1),
    "rnn": [*recurrent(1, 1), replace(over_tokens(2, 5, 6, hidden=4, act="relu"), macs=10 * 4 * 10)],
}

BORDERS = {
    "pad": [
        over_maps(2, 3, 5, 4, p=1),
        over_maps(2, 3, 5, 4, p=((0, 1), (2, 3)), value=0.5),
        over_maps(2, 3, 5, 4, p=0),
        over_maps(2, 3, 5, 4, p=(1, 2), mode="reflect"),
        over_maps(2, 3, 5, 4, p=((1, 0), (0, 2)), mode="replicate"),
        over_maps(2, 3, 5, 4, p=((1, 2), (0, 2)), mode="circular"),
        over_maps(2, 3, 5, p=((1, 2),)),
        over_maps(1, 2, 3, 4, 5, p=1),
        over_tokens(2, 5, 6, p=((1, 2),)),
        over_tokens(2, 5, 6, p=((1, 2),), mode="reflect"),
        Sample((ints(2, 3, 4),), {"p": ((1, 0),), "value": 3.0, "axis": 2}),
        Sample((plain(2, 5, 4),), {"p": ((2, 1),), "axis": 1}, open=(0, 1)),
        Sample((plain(2, 5, 4),), {"p": ((2, 1),), "axis": 1, "mode": "reflect"}, open=(0, 1)),
        over_maps(2, 3, 5, 4, p=((1, 0), (2, 1)), axis=(-1, 1), mode="replicate"),
        over_maps(2, 3, 5, 4, p=1, axis=3, mode="circular"),
        over_tokens(2, 5, 4, 6, p=((1, 2),), axis=-1, value=-1.0),
    ],
    "crop": [
        over_maps(2, 3, 8, 7, margins=1),
        over_maps(2, 3, 8, 7, margins=((0, 1), (2, 0))),
        over_tokens(2, 8, 7, margins=((2, 1),)),
        two(maps(2, 3, 8, 7), maps(2, 5, 5, 3)),
        two(maps(2, 3, 8), maps(2, 5, 8)),
        two(tokens(2, 8, 7), tokens(2, 5, 3)),
        Sample((plain(2, 8, 7),), {"margins": ((2, 1),), "axis": 1}, open=(0, 1)),
        over_maps(2, 3, 8, 7, margins=((1, 2), (1, 0)), axis=(3, 1)),
        Sample((maps(2, 3, 8, 7), maps(2, 5, 5, 3)), {"axis": -1}),
    ],
    "roll": [
        over_maps(2, 3, 5, 4, shift=(-3, 2), axis=(2, 3)),
        over_tokens(2, 5, 6, shift=2, axis=1),
        Sample((tokens(2, 5, 6),), {"shift": 5, "axis": -2}),
        Sample((tokens(2, 5, 6),), {"shift": -7, "axis": -2}),
    ],
}

CREATED = {
    "arange": [Sample((), {"n": 5}), Sample((), {"n": 5, "dtype": DType.FLOAT32})],
    "eye": [Sample((), {"n": 4}), Sample((), {"n": 3, "dtype": DType.INT64})],
    "zeros": [Sample((), {"sizes": (2, 3)}), Sample((), {"sizes": (const(2),), "dtype": DType.BOOL})],
    "ones": [Sample((), {"sizes": (2, 3)}), Sample((), {"sizes": (const(2),), "dtype": DType.INT64})],
    "where": [
        Sample((bools(2, 3, 5, 4), MAP, MAP), open=(0,)),
        Sample((bools(2, 1, 1, 4), MAP), {"b_number": 0}, open=(0,)),
        Sample((bools(2, 3, 5, 4), GATE), {"a_number": 1.5}, open=(0,)),
        Sample((bools(2, 9),), {"a_number": 2, "b_number": 0}, open=(0, 1)),
        Sample((bools(2, 9),), {"a_number": 1.0, "b_number": 0}, open=(0, 1)),
        Sample((bools(2, 9), ints(2, 9), plain(2, 9)), open=(0,)),
        Sample((bools(2, 9), ints(2, 9)), {"b_number": 0.5}, open=(0,)),
    ],
    "gather": [
        Sample((tokens(2, 9, 4), ints(2, 5, 4)), {"axis": 1}, below=9),
        Sample((tokens(2, 9, 4), int32(2, 5, 3)), {"axis": -2}, below=9),
        Sample((plain(3, 9), ints(2, 4)), {"axis": 1}, below=9),
    ],
    "topk": [
        over_tokens(2, 9, k=3),
        over_tokens(2, 5, 9, k=2, axis=1),
        over_tokens(2, 9, k=4, largest=False),
    ],
    "one_hot": [Sample((ints(2, 5),), {"classes": 4}, open=(0, 1)), Sample((int32(3),), {"classes": 6})],
    "cast": [
        Sample((bools(2, 9),), {"dtype": DType.FLOAT32}, open=(0, 1)),
        over_maps(2, 3, 5, 4, dtype=DType.INT64),
        Sample((ints(2, 9),), {"dtype": DType.BOOL}),
        over_tokens(2, 9, dtype=DType.FLOAT32),
    ],
}

TENSORS: dict[str, list[Sample]] = {
    **OPERATORS,
    **FUNCTIONS,
    **INDICES,
    **SHAPES,
    **PATTERNS,
    **REDUCTIONS,
    **PRODUCTS,
    **ATTENTION,
    **RECURRENT,
    **BORDERS,
    **CREATED,
}
