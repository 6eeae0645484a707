"""Attention and rotary positions."""

from __future__ import annotations

import math
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops.base import (
    Global,
    Graph,
    InferContext,
    Local,
    NoMacs,
    NoParams,
    Op,
    Port,
    Reach,
    Types,
    Work,
    attr,
    op,
)
from dslc.ops.broadcasting import broadcast, converted
from dslc.ops.counting import Fresh, Held, Kind, Saved, Storage
from dslc.ops.errors import WrongDtype
from dslc.ops.errors_product import CausalMask, HeadsMismatch, OddFeatures
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.ops.layout import places
from dslc.ops.product import met, work
from dslc.ops.signals import Attends, Keeps, Signal, figures
from dslc.ops.torchtext import Form, In, TorchContext, call, keyword
from dslc.record import replace
from dslc.types.dim import Size
from dslc.types.floats import LARGEST
from dslc.types.tensor import DType, TensorType


@op("sdpa")
class Attention(NoParams, Op):
    """Scaled dot-product attention: `softmax(q @ k^T * scale + mask) @ v`.

    `q[.., L, d], k[.., S, d], v[.., S, e] -> [.., L, e]`, usually `[N, heads, places, features]`; `scale` is
    1/sqrt(d) unless given. Multiply-adds `.. * L * S * (d + e)` (Vaswani et al., arXiv:1706.03762, eq. 1). A
    `mask` of truth values is true where a query may read a key; one of numbers is added. `causal`: a place
    reads itself and those before, so L is S. `gqa`: several heads of queries share one of keys
    (arXiv:2305.13245).

    ```dl
    net f on x[N, 16, 192]:
        linear(3 * 192) -> rearrange("n t (three h d) -> three n h t d", three=3, h=4)
        q, k, v = unbind(0)
        sdpa(q, k, v, causal=true) -> rearrange("n h t d -> n t (h d)") -> linear(192)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("q", rank=(3, None)),
        Port("k", rank=(3, None)),
        Port("v", rank=(3, None)),
        Port("mask", rank=(2, None), dtype="any", optional=True),
    )
    causal: bool = attr(False, keyword=True)
    scale: float | None = attr(None, min=1e-12, keyword=True)
    gqa: bool = attr(False, keyword=True)

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        q, k, v = ins[:3]
        for x, what in ((k, "keys"), (v, "values")):
            if x.rank != q.rank:
                raise Reject(RankMismatch("sdpa", str(q), str(x), (q.rank, x.rank)), at=what[0])
        for axis in range(q.rank - 2):
            if self.gqa and axis == q.rank - 3:
                self.shared_heads(c, q, k, v)
            else:
                self.meet(c, q, k, axis, axis, "k", heads=axis == q.rank - 3)
                self.meet(c, q, v, axis, axis, "v", heads=axis == q.rank - 3)
        self.meet(c, q, k, -1, -1, "k", features=True)
        self.meet(c, k, v, -2, -2, "v")
        if self.causal:
            self.meet(c, q, k, -2, -2, "k")
        result = q.with_dim(-1, v.dims[-1], v.word(-1))
        if len(ins) == 4:
            if not ins[3].dtype.is_float and ins[3].dtype is not DType.BOOL:
                raise Reject(WrongDtype("sdpa", "mask", ins[3], "mask"), at="mask")
            if self.causal:
                raise Reject(CausalMask(str(ins[3])), at="causal")
            scores = TensorType((*q.dims[:-1], k.dims[-2]), q.dtype)
            try:
                joined = broadcast(c, "sdpa", scores, ins[3], (False, c.loose(3)))
            except Reject as reject:
                reject.at = "mask"
                raise
            for axis, (size, wide) in enumerate(zip(scores.dims, joined.dims, strict=True)):
                if size == 1 and wide != 1:  # the mask is repeated to the scores, never they to the mask
                    raise Reject(ShapeMismatch("sdpa", str(scores), str(ins[3]), axis, ("1", str(wide))), at="mask")
        if not v.split:
            return result.with_channel(-1)
        return replace(result, channel=None, split=() if v.rank - 2 in v.split else v.split)

    @staticmethod
    def meet(
        c: InferContext,
        a: TensorType,
        b: TensorType,
        at_a: int,
        at_b: int,
        port: str,
        heads: bool = False,
        features: bool = False,
    ) -> None:
        """A Reject unless two axes are equal."""
        sizes = a.dims[at_a], b.dims[at_b]
        if met(c, *sizes, loose=False) is None:
            texts = str(sizes[0]), str(sizes[1])
            if heads:
                raise Reject(HeadsMismatch(*texts, gqa=False), at=port)
            label = ""
            if features:
                label = f"{texts[0]} features in each head of the queries, {texts[1]} in each of the keys"
            raise Reject(ShapeMismatch("sdpa", str(a), str(b), at_b % b.rank, texts, about=label), at=port)

    @staticmethod
    def shared_heads(c: InferContext, q: TensorType, k: TensorType, v: TensorType) -> None:
        """A Reject unless the heads of keys and values are one number that divides those of queries."""
        queries, keys, values = (c.pin(x.dims[-3]) for x in (q, k, v))
        if queries % keys or keys != values:
            raise Reject(HeadsMismatch(str(queries), str(keys if queries % keys else values), gqa=True), at="k")

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        q, k, v = ins[:3]
        pairs = (*q.dims[:-1], k.dims[-2])
        return work((*pairs, q.dims[-1])), work((*pairs, v.dims[-1]))

    def acts(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        q, k = ins[:2]
        return work((*q.dims[:-1], k.dims[-2])), work(outs[0].dims)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        q, k = ins[:2]
        each = 1 + 5 + (len(ins) == 4)  # scale, softmax, a mask added or chosen by
        return (Work(each, (*q.dims[:-1], k.dims[-2])),)

    def storage(self, ins: Types, outs: Types) -> Storage:
        q, k = ins[:2]
        return Storage(Kind.FRESH, (Held(1, (*q.dims[:-1], k.dims[-2]), q.dtype),))  # the scores

    def saved(self, ins: Types, outs: Types) -> Saved:
        """Of rank 4 what the fused kernels keep (flash attention, arXiv:2205.14135): no scores, but the logarithm of
        each query's sum, and the mask as numbers. Of other ranks torch multiplies out
        (aten/src/ATen/native/transformers/attention.cpp).
        """
        q, k, v = ins[:3]
        if q.rank == 4:
            extra = [Held(1, q.dims[:-1])]
            if len(ins) == 4 and ins[3].dtype is DType.BOOL:
                extra.append(Held(1, ins[3].dims, q.dtype))
            added = (3,) if len(ins) == 4 and ins[3].dtype is not DType.BOOL else ()
            return Saved((0, 1, 2, *added), (0,), tuple(extra))
        heads = q.dims[:-2]  # queries and keys times the root of the scale, weights, values unless repeated
        copies = [(*heads, *q.dims[-2:]), (*heads, *k.dims[-2:]), (*q.dims[:-1], k.dims[-2])]
        repeated = self.gqa and q.dims[-3] != v.dims[-3]
        if repeated:
            copies.append((*heads, *v.dims[-2:]))
        return Saved(() if repeated else (2,), extra=tuple(Held(1, sizes, q.dtype) for sizes in copies))

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Global("attention", (ins[0].rank - 2,))

    def signal(self, ins: Types, outs: Types) -> Signal:
        (features,) = figures(ins[0].dims[-1:])
        return Attends(features**-0.5 if self.scale is None else self.scale, self.causal)

    def torch(self, t: TorchContext) -> Form:
        return Form(
            function=call(
                "F.scaled_dot_product_attention",
                *(In(i) for i in range(3)),
                *([keyword("attn_mask", In(3))] if len(t.ins) == 4 else []),
                keyword("is_causal", t.attr("causal"), False),
                keyword("scale", t.attr("scale"), None),
                keyword("enable_gqa", t.attr("gqa"), False),
            )
        )

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        q, k, v = ins[:3]
        key, value = x[1], x[2]
        if self.gqa and q.dims[-3] != k.dims[-3]:
            key, value = repeated(g, key, k, q.dims[-3]), repeated(g, value, v, q.dims[-3])
        turned = g.op("Transpose", [key], perm=(*range(k.rank - 2), k.rank - 1, k.rank - 2))
        query = scaled(g, x[0], q, self.scale)
        scores = str(g.op("MatMul", [query, turned]))
        if self.causal:
            allowed = causal_mask(g, q.dims[-2], x[0])
            scores = str(g.op("Where", [allowed, scores, g.scalar(-math.inf, q.dtype)]))
            return str(g.op("MatMul", [g.op("Softmax", [scores], axis=-1), value]))
        if len(ins) == 3:
            return str(g.op("MatMul", [g.op("Softmax", [scores], axis=-1), value]))
        if ins[3].dtype is not DType.BOOL:
            return self.added(g, scores, x[3], ins[3], value, q.dtype)
        # A query that may read no key gives zeros, as in torch: hence a finite number and the second Where.
        scores = str(g.op("Where", [x[3], scores, g.scalar(-LARGEST[q.dtype], q.dtype)]))
        weights = g.op("Where", [x[3], g.op("Softmax", [scores], axis=-1), g.scalar(0.0, q.dtype)])
        return str(g.op("MatMul", [weights, value]))

    @staticmethod
    def added(g: Graph, scores: str, mask: str, type: TensorType, value: str, dtype: DType) -> str:
        """Attention with a mask of numbers, added in float32 as torch's kernels do: in 16 bits the least number of
        the type, as a mask, would overflow. A row of -inf alone gives zeros there, and NaN in a softmax.
        """
        wide = [converted(g, name, own, DType.FLOAT32) for name, own in ((scores, dtype), (mask, type.dtype))]
        weights = converted(g, str(g.op("Softmax", [g.op("Add", wide)], axis=-1)), DType.FLOAT32, dtype)
        y = g.op("MatMul", [weights, value])
        most = g.op("ReduceMax", [wide[1], g.ints([-1])], keepdims=1)
        nothing = g.op("Less", [most, g.scalar(-LARGEST[DType.FLOAT32], DType.FLOAT32)])
        return str(g.op("Where", [nothing, g.scalar(0.0, dtype), y]))


def scaled(g: Graph, name: str, q: TensorType, scale: float | None) -> str:
    """Queries times the scale: there are fewer of them than of scores."""
    if scale is not None:
        return name if scale == 1 else str(g.op("Mul", [name, g.scalar(scale, q.dtype)]))
    features = g.static(q.dims[-1])
    if features is not None:
        return str(g.op("Mul", [name, g.scalar(1 / math.sqrt(features), q.dtype)]))
    count = converted(g, g.extents([q.dims[-1]], name), DType.INT64, q.dtype)
    return str(g.op("Div", [name, g.op("Sqrt", [count])]))


def causal_mask(g: Graph, size: Size, like: str) -> str:
    """True where a place is not after the other: `[size, size]`, folded by onnxruntime where static."""
    numbers = places(g, size, like)
    return str(g.op("GreaterOrEqual", [g.op("Unsqueeze", [numbers, g.ints([1])]), numbers]))


def repeated(g: Graph, name: str, x: TensorType, heads: Size) -> str:
    """Keys or values, each head repeated side by side for the queries that share it."""
    own = x.dims[-3]
    assert isinstance(own, int) and isinstance(heads, int)
    apart = g.op("Unsqueeze", [name, g.ints([x.rank - 2])])
    wide = g.op("Expand", [apart, g.ints([1] * (x.rank - 2) + [heads // own, 1, 1])])
    source = (*x.dims[:-2], heads // own, *x.dims[-2:])
    return g.reshape(str(wide), source, (*x.dims[:-3], heads, *x.dims[-2:]))


ROTARY = '''def rotary(x: Tensor, base: float = 10000.0, interleaved: bool = False) -> Tensor:
    """Turns pairs of features by angles that grow with the place (RoFormer, arXiv:2104.09864)."""
    places, features = x.shape[-2:]
    speeds = torch.tensor([base ** (-i / features) for i in range(0, features, 2)], device=x.device)
    angles = torch.arange(places, device=x.device)[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else x.chunk(2, -1)
    turned = a * cos - b * sin, b * cos + a * sin
    return torch.stack(turned, -1).flatten(-2) if interleaved else torch.cat(turned, -1)
'''


@op("rotary")
class Rotary(NoParams, NoMacs, Fresh, Local, Op):
    """Rotary positions: pairs of features turned by `place * base ** (-2i / D)`, `[.., T, D] -> [.., T, D]`.

    A pair is feature i with i + D/2 (as in Llama), or with its neighbour where `interleaved` (as in RoFormer,
    Su et al., arXiv:2104.09864). D must be even.

    ```dl
    net f on q[N, 8, 16, 64], k[N, 8, 16, 64], v[N, 8, 16, 64]:
        sdpa(rotary(q), rotary(k), v, causal=true)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(2, None)),)
    base: float = attr(10000.0, min=1)
    interleaved: bool = attr(False, keyword=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        features = c.pin(x.dims[-1])
        if features % 2:
            raise Reject(OddFeatures(features))
        y = x.with_dim(-1, features, x.word(-1))
        return y if x.holds_channels(x.rank - 1) else y.with_channel(-1)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(3, outs[0].dims),)  # four products and two sums a pair; the angles are constants

    def saved(self, ins: Types, outs: Types) -> Saved:
        features = outs[0].dims[-1]
        return Saved(extra=(Held(2, (ins[0].dims[-2], features // 2), ins[0].dtype),))  # cosines and sines

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Keeps()

    def torch(self, t: TorchContext) -> Form:
        name = t.helper("rotary", ROTARY)
        return Form(
            function=call(
                name,
                In(0),
                keyword("base", t.attr("base"), 10000.0),
                keyword("interleaved", t.attr("interleaved"), False),
            ),
            helpers=(name,),
        )

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        t = ins[0]
        features = t.dims[-1]
        assert isinstance(features, int)
        speeds = g.floats([self.base ** (-i / features) for i in range(0, features, 2)], (features // 2,))
        numbers = g.op("Cast", [places(g, t.dims[-2], x[0])], to=DType.FLOAT32)
        angles = g.op("Mul", [g.op("Unsqueeze", [numbers, g.ints([1])]), speeds])
        cos, sin = (converted(g, str(g.op(kind, [angles])), DType.FLOAT32, t.dtype) for kind in ("Cos", "Sin"))
        a, b = self.halves(g, x[0], t.rank, features)
        first = str(g.op("Sub", [g.op("Mul", [a, cos]), g.op("Mul", [b, sin])]))
        second = str(g.op("Add", [g.op("Mul", [b, cos]), g.op("Mul", [a, sin])]))
        if not self.interleaved:
            return str(g.op("Concat", [first, second], axis=-1))
        last = g.ints([t.rank])
        pairs = g.op("Concat", [g.op("Unsqueeze", [part, last]) for part in (first, second)], axis=-1)
        return g.reshape(str(pairs), (*t.dims[:-1], features // 2, 2), t.dims)

    def halves(self, g: Graph, name: str, rank: int, features: int) -> tuple[str, str]:
        """The first and the second feature of every pair."""
        if not self.interleaved:
            halves: tuple[str, str] = g.op("Split", [name], outputs=2, axis=-1, num_outputs=2)
            return halves
        axis, step, end = g.ints([rank - 1]), g.ints([2]), g.ints([features])
        first, second = (str(g.op("Slice", [name, g.ints([start]), end, axis, step])) for start in (0, 1))
        return first, second
