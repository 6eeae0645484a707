"""Receptive fields against PyTorch: the places where an output's gradient is not zero, on random small networks.

Weights and inputs are positive, so that paths never cancel, and pools average. Places at the borders must lie inside
what is stated; in the middle of a map, where no window meets a border, they must be exactly the places stated.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from textwrap import dedent

import pytest
import torch
from torch import Tensor, nn

from dslc.analysis.density import supports
from dslc.analysis.field import Field, Number, Status
from dslc.api import compile_model
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Model
from dslc.ir.walk import flatten
from tests.torch_backend.common import both, network

SIDES = {1: (150,), 2: (48, 40), 3: (40, 36, 32)}
"""Input sizes by the number of spatial axes."""

LETTERS = "HWD"


class Net:
    """A compiled program and its PyTorch module in float64 with positive weights."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.flat = flatten(model)
        self.module: nn.Module = network(both(model)[0], model.entry).double().eval()
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for weight in self.module.parameters():
                weight.copy_(torch.rand(weight.shape, generator=generator, dtype=torch.float64) + 0.5)
                if weight.dim() > 1:
                    weight.div_(weight[0].sum())

    @property
    def tracks(self) -> list[tuple[int, int, int, Field]]:
        """(input, axis of the input, axis of the result, field) of the first result, with the places read."""
        found = supports(self.model, self.flat, [self.flat.outputs[0][1]])
        return [(t.input, t.axis, t.at, t.field) for t in found[self.flat.outputs[0][1]] if t.at is not None]

    def touched(self, place: tuple[int, ...]) -> list[Tensor]:
        """For each input, where the gradient of the result at a place (after batch and channels) is not zero."""
        generator = torch.Generator().manual_seed(4)
        shapes = [[self.model.sizes.value(d) for d in v.type.dims] for v in self.model.root.inputs]
        xs = [(torch.rand(s, generator=generator, dtype=torch.float64) + 0.5).requires_grad_() for s in shapes]
        out = self.module(*xs)
        out[(0, slice(None), *place)].sum().backward()
        grads = [torch.zeros_like(x) if x.grad is None else x.grad.abs() for x in xs]
        return [grad > 1e-9 * grad.max() for grad in grads]

    @property
    def result(self) -> tuple[int, ...]:
        """The spatial sizes of the first result."""
        return tuple(self.model.sizes.value(d) for d in self.flat.outputs[0][1].type.dims[2:])


def along(touched: Tensor, axis: int) -> set[int]:
    """The places along an axis where anything is touched."""
    others = [a for a in range(touched.dim()) if a != axis]
    return set(touched.any(dim=others).nonzero().flatten().tolist()) if touched.any() else set()


def places_read(field: Field, u: int) -> set[int]:
    """What the field's support states for a place."""
    assert field.support is not None
    first, bits = field.support.at(u)
    return {first + i for i in range(bits.bit_length()) if bits >> i & 1}


# ---- random programs


def layer(draw: random.Random, axes: int) -> str:
    """One step that keeps the rank; it may change the size."""
    k, s, d = draw.randint(1, 4), draw.choice([1, 1, 1, 2, 3]), draw.choice([1, 1, 2, 3])
    pads = draw.choice(["valid", "same_tf", str(draw.randint(0, (k - 1) * d))])
    kinds = ["conv", "conv", "conv", "pool", "upsample", "deconv", "pad", "slice", "branches", "branches"]
    match draw.choice(kinds):
        case "conv":
            return f"conv(2, {k}, s={s}, d={d}, p={pads})"
        case "pool":
            return f"avgpool({k}, s={s}, p={draw.choice(['same_tf', str(k // 2)])})"
        case "upsample":
            linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[axes]
            return f'upsample({draw.choice([2, 2, 3])}, mode="{draw.choice(["nearest", "nearest-exact", linear])}")'
        case "deconv":
            return f"deconv(2, {k}, s={draw.choice([1, 2, 3])}, p={draw.randint(0, 1)}, d={draw.choice([1, 2])})"
        case "pad":
            return draw.choice([f"pad({draw.randint(1, 3)})", f"crop({draw.randint(1, 3)})"])
        case "slice":
            return f"(it[:, :, {draw.randint(0, 2)}::{draw.choice([1, 2])}])"
    join = draw.choice(["add", "concat"])
    return "\n".join([f"{join}:", *(f"    | {b}" for b in draw.sample(branches(draw), draw.randint(2, 3)))])


def branches(draw: random.Random) -> list[str]:
    """Chains that can stand beside each other: all keep the size, or all halve it."""
    d = draw.randint(2, 4)
    if draw.random() < 0.5:
        return [
            "id -> conv(2, 1)",
            f"conv(2, 3, d={d})",
            "conv(2, 3) -> conv(2, 5)",
            "conv(2, 2, p=same_tf)",
            "conv(2, 4, p=same_tf)",
            "avgpool(3, s=1, p=1)",
            "crop(1) -> pad(1)",
            "conv(2, 3, s=2) -> upsample(2)",
            "avgpool(2) -> deconv(2, 4, s=2, p=1)",
        ]
    return [
        "conv(2, 1, s=2, p=same_tf)",
        "conv(2, 3, s=2, p=same_tf)",
        f"conv(2, 3, d={d}) -> conv(2, 3, s=2, p=same_tf)",
        "avgpool(2, s=2, p=same_tf)",
        "conv(2, 3, s=2)",
    ]


def program(draw: random.Random, axes: int) -> str:
    """A net of a few random steps."""
    ports = ", ".join(
        f"{LETTERS[i]}={side}" if draw.random() < 0.5 else str(side) for i, side in enumerate(SIDES[axes])
    )
    lines = [layer(draw, axes) for _ in range(draw.randint(1, 5 if axes < 3 else 3))]
    body = "\n".join(lines).replace("\n", "\n    ")
    return f"net f on x[N, 2, {ports}]:\n    {body}\n"


def random_nets(seed: int, axes: int, count: int) -> Iterator[Net]:
    """So many programs that compile and do not grow."""
    draw = random.Random(seed)
    while count:
        text = program(draw, axes)
        try:
            net = Net(compile_model(text))
        except CompileError:
            continue
        if max(net.result) <= 2 * max(SIDES[axes]):
            count -= 1
            yield net


@pytest.mark.parametrize(("axes", "count"), [(1, 35), (2, 16), (3, 4)])
def test_random_networks(axes: int, count: int) -> None:
    """At corners, random places and around the middle."""
    draw = random.Random(axes)
    exact = 0
    for net in random_nets(axes, axes, count):
        sides, result, tracks = SIDES[axes], net.result, net.tracks
        assert [at for _, _, at, _ in tracks] == list(range(2, 2 + axes))
        middle = [tuple(n // 2 + more for n in result) for more in (0, 1, 2) if min(result) > n_min(more)]
        border = [(0,) * axes, tuple(n - 1 for n in result), tuple(draw.randrange(n) for n in result)]
        for place in [*border, *middle]:
            (seen,) = net.touched(place)
            if not all(places_read(field, place[at - 2]) for _, _, at, field in tracks):
                assert not seen.any(), "a transposed convolution leaves this place empty along an axis"
                continue
            for _, axis, at, field in tracks:
                u, side = place[at - 2], sides[axis - 2]
                found = along(seen, axis)
                low, high = field.stride * u + field.low, field.stride * u + field.high
                assert all(low <= x <= high for x in found), (net.model.source.text, place)
                stated = places_read(field, u)
                assert found <= stated
                if place in middle and inside(low, high, side):
                    exact += 1
                    assert found == stated, (net.model.source.text, place)
                    if field.status is Status.EXACT:
                        assert (min(found), max(found)) == (low, high)
    assert exact > count * axes, "most places in the middle meet no border"


def n_min(more: int) -> int:
    """The size that a result must exceed to have a place `more` after its middle."""
    return 2 * more + 1


def inside(low: Number, high: Number, side: int) -> bool:
    """Whether a window lies so far from the borders that none of its parts meets one."""
    return low >= 12 and high < side - 12


# ---- patches, windows, grids


def checked(text: str, status: Status, places: list[tuple[int, ...]]) -> dict[int, Field]:
    """The fields by axis of a net with one input; the gradients at some places must lie inside them.

    With an exact or unaligned status, and away from the borders, they are exactly what is stated.
    """
    net = Net(compile_model(dedent(text)))
    for place in places:
        (seen,) = net.touched(place)
        for _, axis, at, field in net.tracks:
            u = place[at - 2]
            low, high = field.stride * u + field.low, field.stride * u + field.high
            found = along(seen, axis)
            assert found and all(low <= x <= high for x in found), place
            assert field.status is status
            if status <= Status.UNALIGNED and field.support is not None:
                assert found == {x for x in places_read(field, u) if 0 <= x < seen.shape[axis]}
    return {axis: field for _, axis, _, field in net.tracks}


def test_patches_by_a_pattern_are_a_strided_window() -> None:
    fields = checked(
        """
        net f on x[N, 2, 24, 32]:
            rearrange("n c (h p) (w q) -> n (h w) (p q c)", p=4, q=8)
            ln as norm -> linear(8)
            rearrange("n (h w) c -> n c h w", w=4)
            conv(4, 3)
        """,
        Status.EXACT,
        [(0, 0), (3, 2), (5, 3)],
    )
    assert [(f.size, f.stride, f.padding) for f in fields.values()] == [(12, 4, 4), (24, 8, 8)]


def test_patch_merging() -> None:
    """Swin's, by slices and by a pattern."""
    sliced = """
        net f on x[N, 2, H=32, W=32]:
            conv(4, 3) -> rearrange("n c h w -> n h w c")
            concat(it[:, ::2, ::2], it[:, 1::2, ::2], it[:, ::2, 1::2], it[:, 1::2, 1::2], axis=-1)
            linear(8) -> rearrange("n h w c -> n c h w")
    """
    fields = checked(sliced, Status.UNALIGNED, [(0, 0), (7, 9), (15, 15)])
    assert [(f.size, f.stride, f.smallest) for f in fields.values()] == [(4, 2, 3)] * 2
    assert all(f.spread == 1 for f in fields.values())
    pattern = """
        net f on x[N, 2, 32, 32]:
            conv(4, 3) -> rearrange("n c (h a) (w b) -> n h w (a b c)", a=2, b=2)
            linear(8) -> rearrange("n h w c -> n c h w")
    """
    fields = checked(pattern, Status.EXACT, [(0, 0), (7, 9), (15, 15)])
    assert [(f.size, f.stride, f.padding) for f in fields.values()] == [(4, 2, 1)] * 2


def test_attention_in_windows_is_a_hull() -> None:
    """A place reads its window, which lies at most 3 places before and after it; the convolutions one more each."""
    fields = checked(
        """
        use std.attention: attention

        net f on x[N, 4, 16, 24]:
            conv(4, 3) -> rearrange("n c (h p) (w q) -> (n h w) (p q) c", p=4, q=4)
            residual: ln -> attention(2)
            rearrange("(n h w) (p q) c -> n c (h p) (w q)", h=4, w=6, p=4, q=4) -> conv(4, 3)
        """,
        Status.PARTITIONED,
        [(0, 0), (7, 8), (8, 9), (11, 10), (15, 23)],
    )
    assert [(f.size, f.stride, f.cause) for f in fields.values()] == [(3 + 6 + 2, 1, "attention")] * 2


def test_attention_in_shifted_windows_is_a_hull() -> None:
    """Swin's: shifted, in windows, shifted back (Liu et al., arXiv:2103.14030); places that do not wrap."""
    fields = checked(
        """
        use std.attention: attention

        net f on x[N, 4, 16, 16]:
            residual:
                roll((-2, -2), axis=(2, 3)) -> rearrange("n c (h p) (w q) -> (n h w) (p q) c", p=4, q=4)
                attention(2) -> rearrange("(n h w) (p q) c -> n c (h p) (w q)", h=4, w=4, p=4)
                roll((2, 2), axis=(2, 3))
        """,
        Status.PARTITIONED,
        [(2, 3), (7, 8), (8, 5), (13, 12)],
    )
    assert [(f.size, f.stride, f.smallest, f.spread) for f in fields.values()] == [(7, 1, 1, Fraction(0))] * 2


def test_attention_in_windows_that_are_batches_of_their_own() -> None:
    """Rank 4: attention along the tokens of a window, windows on an axis before them."""
    fields = checked(
        """
        net f on x[N, 4, 16, 16]:
            q = rearrange("n c (h p) (w q) -> n (h w) (p q) c", p=4, q=8)
            sdpa(q, q, q) -> rearrange("n (h w) (p q) c -> n c (h p) (w q)", h=4, p=4)
        """,
        Status.PARTITIONED,
        [(0, 0), (7, 8), (15, 15)],
    )
    assert [f.size for f in fields.values()] == [7, 15]


def test_attention_over_a_grid_is_a_hull() -> None:
    """MaxViT's grid: the places at one offset in every window (Tu et al., arXiv:2204.01697, section 3.2)."""
    fields = checked(
        """
        net f on x[N, 4, 16, 16]:
            q = rearrange("n c (p h) (q w) -> (n h w) (p q) c", p=4, q=4)
            sdpa(q, q, q) -> rearrange("(n h w) (p q) c -> n c (p h) (q w)", h=4, w=4, p=4)
        """,
        Status.PARTITIONED,
        [(0, 0), (7, 9)],
    )
    assert [f.size for f in fields.values()] == [25, 25]


def test_axial_attention_sees_one_axis() -> None:
    net = Net(
        compile_model(
            dedent("""
        net f on x[N, 4, 8, 12]:
            q = rearrange("n c h w -> (n w) h c")
            sdpa(q, q, q) -> rearrange("(n w) h c -> n c h w", w=12)
            """)
        )
    )
    tall, wide = (field for _, _, _, field in net.tracks)
    assert (tall.status, wide.status, wide.size) == (Status.GLOBAL, Status.EXACT, 1)
    (seen,) = net.touched((3, 5))
    assert (along(seen, 2), along(seen, 3)) == (set(range(8)), {5})


def test_a_flattened_map_of_one_place_is_its_window() -> None:
    """VGG's first full connection as a convolution leaves one place: what follows sees what that saw."""
    model = compile_model("net f on x[N, 2, 9, 9]:\n    conv(4, 9, p=valid) -> flatten -> linear(3)\n")
    flat = flatten(model)
    for track in supports(model, flat, [flat.outputs[0][1]])[flat.outputs[0][1]]:
        assert (track.field.size, track.field.status) == (9, Status.EXACT)


# ---- max pools


def test_max_pools_touch_no_place_outside() -> None:
    """One winner a window: over many inputs all places of the window win."""
    model = compile_model(
        "net f on x[N, 1, T=40]:\n    channel_axis(1) -> maxpool(3, s=2, p=1) -> conv(1, 3, d=2, p=2) -> maxpool(2)\n"
    )
    net = Net(model)
    ((_, axis, _, field),) = net.tracks
    found: set[int] = set()
    torch.manual_seed(0)
    for _ in range(60):
        x = torch.rand(1, 1, 40, dtype=torch.float64, requires_grad=True)
        net.module(x)[0, :, 5].sum().backward()
        assert x.grad is not None
        found |= along(x.grad != 0, axis)
    assert found == places_read(field, 5)
    assert (min(found), max(found)) == (field.stride * 5 + field.low, field.stride * 5 + field.high)
