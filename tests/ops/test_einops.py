"""Patterns of `rearrange`, `reduce` and `repeat`: against a brute force, their text, channels, words and mistakes."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dslc.diagnostics.model import Mistake, Reject
from dslc.ops.base import Op
from dslc.ops.errors_none import BadSize
from dslc.ops.errors_pattern import PatternAxes, PatternMismatch, PatternRank, PatternSize, PatternText
from dslc.ops.errors_tensor import CannotSplit
from dslc.ops.torchtext import PyCall
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType
from tests.ops.context import SPAN, infer
from tests.ops.export import export, run
from tests.ops.render import left_out, render, text
from tests.ops.sample import maps, tokens
from tests.ops.samples_tensors import factors, use

Array = NDArray[Any]
Groups = list[list[str]]
FOLDS: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": lambda xs: sum(xs) / len(xs),
    "sum": sum,
    "max": max,
    "min": min,
    "prod": math.prod,
}


def groups(side: str) -> Groups:
    """The axes of one side, read anew: `n (h w) 1` is `[[n], [h, w], []]`."""
    found = re.findall(r"\(([^)]*)\)|(\S+)", side)
    return [(inside if not one else "" if one == "1" else one).split() for inside, one in found]


def brute(x: Array, pattern: str, sizes: Mapping[str, int], fold: str | None = None) -> Array:
    """What a pattern means, one element at a time."""
    left, right = map(groups, pattern.split("->"))
    size = dict(sizes)
    for group, total in zip(left, x.shape, strict=True):
        known = math.prod(size[a] for a in group if a in size)
        for a in group:
            size.setdefault(a, total // known)
    atoms = list(dict.fromkeys(a for group in left + right for a in group))
    shape = tuple(math.prod(size[a] for a in group) for group in right)
    cells: dict[tuple[int, ...], list[float]] = {}
    for numbers in itertools.product(*(range(size[a]) for a in atoms)):
        at = dict(zip(atoms, numbers, strict=True))

        def place(side: Groups, at: dict[str, int] = at) -> tuple[int, ...]:
            found = []
            for group in side:
                index = 0
                for a in group:
                    index = index * size[a] + at[a]
                found.append(index)
            return tuple(found)

        cells.setdefault(place(right), []).append(float(x[place(left)]))
    result = np.zeros(shape, np.float32)
    for cell, values in cells.items():
        result[cell] = FOLDS[fold](values) if fold else values[0]
        assert fold or len(set(values)) == 1
    return result


def results(op: Op, x: Array) -> tuple[Array, Array]:
    """What PyTorch and onnxruntime make of an op."""
    ins = (TensorType(x.shape),)
    outs = infer(op, ins)
    with torch.no_grad():
        by_torch = render(op, ins, outs).call(None, [torch.from_numpy(x)], {})[0].numpy()
    assert by_torch.shape == outs[0].dims
    return by_torch, run(export(op, ins, outs, {}), [x])[0]


def agree(op: Op, pattern: str, sizes: Mapping[str, int], shape: Sequence[int], fold: str | None = None) -> None:
    x = np.random.default_rng(1).standard_normal(tuple(shape)).astype(np.float32)
    expected = brute(x, pattern, sizes, fold)
    for found in results(op, x):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@st.composite
def random_patterns(draw: st.DrawFn) -> tuple[str, dict[str, int], list[int]]:
    """A pattern that moves up to five axes, the sizes to be given, and the tensor's shape."""
    names = draw(st.permutations("abcde"))[: draw(st.integers(1, 5))]
    size = {name: draw(st.integers(1, 3)) for name in names}

    def side(order: Sequence[str]) -> Groups:
        cuts = [False, *(draw(st.booleans()) for _ in order[1:])]
        found: Groups = []
        for name, joined in zip(order, cuts, strict=True):
            if joined:
                found[-1].append(name)
            else:
                found.append([name])
        if draw(st.integers(0, 3)) == 0:
            found.insert(draw(st.integers(0, len(found))), [])
        return found

    left, right = side(names), side(draw(st.permutations(names)))
    given_sizes: dict[str, int] = {}
    for group in left:
        free = draw(st.sampled_from(group)) if group else ""
        given_sizes |= {a: size[a] for a in group if a != free}
    shown = [
        " ".join("1" if not g else g[0] if len(g) == 1 else f"({' '.join(g)})" for g in part) for part in (left, right)
    ]
    return " -> ".join(shown), given_sizes, [math.prod(size[a] for a in g) for g in left]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(random_patterns())
def test_rearrange_is_what_the_pattern_says(case: tuple[str, dict[str, int], list[int]]) -> None:
    pattern, sizes, shape = case
    agree(use("rearrange", pattern=pattern, sizes=factors(**sizes)), pattern, sizes, shape)


@pytest.mark.parametrize("how", FOLDS)
@pytest.mark.parametrize(
    ("pattern", "sizes"),
    [
        ("n c h w -> n c", {}),
        ("n c h w -> c", {}),
        ("n c (h a) (w b) -> n c h w", {"a": 3, "b": 2}),
        ("n (g c) h w -> n g w", {"g": 2}),
        ("n c (h a) w -> w 1 (a c) n", {"a": 2}),
    ],
)
def test_reduce_is_what_the_pattern_says(how: str, pattern: str, sizes: dict[str, int]) -> None:
    op = use("reduce", pattern=pattern, how=how, sizes=factors(**sizes))
    agree(op, pattern, sizes, (2, 4, 6, 4), how)


@pytest.mark.parametrize(
    ("pattern", "sizes"),
    [
        ("n c h -> n c (h r)", {"r": 2}),
        ("n c h -> n c (r h)", {"r": 2}),
        ("n c h -> r h n (c s)", {"r": 2, "s": 3}),
        ("n (g c) h -> (c r) 1 (h n) g", {"g": 2, "r": 3}),
    ],
)
def test_repeat_is_what_the_pattern_says(pattern: str, sizes: dict[str, int]) -> None:
    agree(use("repeat", pattern=pattern, sizes=factors(**sizes)), pattern, sizes, (2, 4, 3))


def test_dots_stand_for_the_axes_between() -> None:
    x = np.random.default_rng(1).standard_normal((2, 3, 4, 6)).astype(np.float32)
    op = use("rearrange", pattern="n ... (h d) -> n h ... d", sizes=factors(h=2))
    expected = x.reshape(2, 3, 4, 2, 3).transpose(0, 3, 1, 2, 4)
    for found in results(op, x):
        np.testing.assert_array_equal(found, expected)


# ---- text


def chain(value: object) -> str:
    """The method calls of an expression, innermost first."""
    if not isinstance(value, PyCall):
        return ""
    arguments = ", ".join(text(argument.value) for argument in value.args if not left_out(argument))
    return f"{chain(value.receiver)} {value.function}({arguments})".strip()


@pytest.mark.parametrize(
    ("x", "pattern", "sizes", "expected"),
    [
        (
            tokens(2, 5, 24),
            "n t (three h d) -> three n h t d",
            {"three": 3, "h": 2},
            "unflatten(2, (3, 2, -1, )) permute(2, 0, 3, 1, 4)",
        ),
        (tokens(2, 4, 5, 6), "n h t d -> n t (h d)", {}, "transpose(1, 2) flatten(2)"),
        (maps(2, 3, 5, 4), "n c h w -> n (h w) c", {}, "flatten(2) transpose(1, 2)"),
        (maps(2, 3, 5, 4), "n c h w -> n h w c", {}, "permute(0, 2, 3, 1)"),
        (
            maps(2, 6, 5, 4),
            "n (g c) h w -> n (c g) h w",
            {"g": 2},
            "unflatten(1, (2, -1, )) transpose(1, 2) flatten(1, 2)",
        ),
        (tokens(2, 12, 6), "n (h w) c -> n c h w", {"h": 3}, "transpose(1, 2) unflatten(2, (3, -1, ))"),
        (tokens(2, 12, 6), "n (h w) c -> c n (h w)", {}, "permute(2, 0, 1)"),
        (maps(2, 3, 1, 1), "n c 1 1 -> n c", {}, "squeeze((2, 3))"),
        (tokens(2, 6), "n d -> n 1 d", {}, "unsqueeze(1)"),
        (tokens(2, 6), "n d -> n d", {}, ""),
    ],
)
def test_text_is_the_shortest_chain(x: TensorType, pattern: str, sizes: dict[str, int], expected: str) -> None:
    op = use("rearrange", pattern=pattern, sizes=factors(**sizes))
    assert chain(render(op, (x,), infer(op, (x,))).form.function) == expected


def test_a_single_step_is_a_module_too() -> None:
    for pattern, module in (
        ("n c h w -> n h w c", "Permute(0, 2, 3, 1)"),
        ("n c h w -> n c (h w)", "nn.Flatten(start_dim=2)"),
        ("n c (h a) w -> n c h a w", "nn.Unflatten(2, (-1, 5, ))"),
    ):
        op = use("rearrange", pattern=pattern, sizes=factors(a=5) if "a" in pattern else ())
        form = render(op, (maps(2, 3, 5, 4),), infer(op, (maps(2, 3, 5, 4),))).form
        assert form.module is not None
        assert text(form.module) == module
    two_steps = use("rearrange", pattern="n c h w -> n (h w) c")
    assert render(two_steps, (maps(2, 3, 5, 4),), infer(two_steps, (maps(2, 3, 5, 4),))).form.module is None


# ---- channels, sizes that depend on the input


@pytest.mark.parametrize(
    ("x", "pattern", "channel"),
    [
        (maps(2, 4, 5, 6), "n c h w -> n h w c", 3),
        (maps(2, 4, 5, 6), "n c h w -> n (h w) c", 2),
        (maps(2, 4, 5, 6), "n (g c) h w -> n (c g) h w", 1),
        (maps(2, 4, 5, 6), "n (g c) h w -> n g h w c", None),
        (tokens(2, 5, 4), "n t (g d) -> g n t d", None),
        (tokens(2, 5, 4), "n t (g d) -> n t d g", None),
        (tokens(2, 5, 4), "n t (g d) -> n (t g) d", None),
        (tokens(2, 4, 5, 6), "n (g h) t d -> n t g (h d)", 3),
        (TensorType((2, 4)), "n (g d) -> n g d", None),
    ],
)
def test_channels_go_with_the_factors_of_their_axis(x: TensorType, pattern: str, channel: int | None) -> None:
    op = use("rearrange", pattern=pattern, sizes=factors(g=2) if "g" in pattern else ())
    assert infer(op, (x,))[0].channel == channel


@pytest.mark.parametrize(
    ("apart", "together", "channel"),
    [
        ("n t (g d) -> n g t d", "n g t d -> n t (g d)", 2),
        ("n t (g d) -> n g t d", "n g t d -> n (g d) t", 1),
        ("n t (g d) -> n g t d", "n g t d -> n t (d g)", None),
        ("n t (g d) -> n g t d", "n g t d -> n (g t) d", None),
        ("n t (g d) -> n t d g", "n t d g -> n t (d g)", None),
        ("n (g t) d -> n g t d", "n g t d -> n (g t) d", 2),
        ("n t (g d) -> n g t d", "n g t d -> n (t g d)", 1),
    ],
)
def test_parts_put_together_in_order_are_the_channels_again(apart: str, together: str, channel: int | None) -> None:
    """Also after what leaves axes where they are: a transposition, a sum, a softmax along an axis that is written."""
    x = infer(use("rearrange", pattern=apart, sizes=factors(g=2)), (tokens(2, 6, 4),))[0]
    turned = infer(use("transpose", a=1, b=2), (infer(use("transpose", a=1, b=2), (x,))[0],))[0]
    for y in (x, turned, infer(use("add"), (x, x))[0], infer(use("softmax", axis=-1), (x,))[0]):
        assert infer(use("rearrange", pattern=together), (y,))[0].channel == channel


def test_one_of_the_parts_holds_the_channels_of_each_slice() -> None:
    """`q, k, v = unbind(0)`: with one head the features are channels, with several they are in two axes."""
    for pattern, channel, split in (
        ("n t (three d) -> three n t d", 2, ()),
        ("n t (three h d) -> three n h t d", None, (1, 3)),
    ):
        sizes = factors(three=3, h=2) if split else factors(three=3)
        x = infer(use("rearrange", pattern=pattern, sizes=sizes), (tokens(2, 5, 12),))[0]
        q = infer(use("unbind", axis=0), (x,))[0]
        assert (q.channel, q.split) == (channel, split)


def test_reduced_channels_are_gone() -> None:
    assert infer(use("reduce", pattern="n c h w -> n h w", how="max"), (maps(2, 4, 5, 6),))[0].channel is None
    assert (
        infer(use("reduce", pattern="n (g c) h w -> n g h w", how="max", sizes=factors(g=2)), (maps(2, 4, 5, 6),))[
            0
        ].channel
        is None
    )


def test_a_factor_narrows_the_allowed_sizes() -> None:
    sizes = Sizes()
    height = sizes.symbol("H", 224, SPAN)
    op = use("rearrange", pattern="n c (h p) w -> n (c p) h w", sizes=factors(p=32))
    (out,) = infer(op, (TensorType((1, 3, height, 8), channel=1),), sizes)
    assert str(out) == "[1, 96, H/32, 8]" or str(out) == "[1, 96, H // 32, 8]"
    assert 256 in sizes.domain["H"]
    assert 225 not in sizes.domain["H"]


def test_splitting_and_merging_a_symbolic_axis_gives_it_back() -> None:
    sizes = Sizes()
    time = sizes.symbol("T", 128, SPAN)
    split = use("rearrange", pattern="n (t p) d -> n t p d", sizes=factors(p=4))
    merge = use("rearrange", pattern="n t p d -> n (t p) d")
    (out,) = infer(merge, infer(split, (TensorType((1, time, 8), channel=2),), sizes), sizes)
    assert sizes.equal(out.dims[1], time, SPAN) in (time, out.dims[1])
    assert 127 not in sizes.domain["T"]


# ---- mistakes


@pytest.mark.parametrize(
    ("op", "kind", "words"),
    [
        (use("rearrange", pattern="n c h w n h w c"), PatternText, "one `->`"),
        (use("rearrange", pattern="n (c h w -> n c h w"), PatternText, "not closed"),
        (use("rearrange", pattern="n c) h w -> n c h w"), PatternText, "closes nothing"),
        (use("rearrange", pattern="n ((c h) w) -> n c h w"), PatternText, "stand in brackets"),
        (use("rearrange", pattern="n c h 2 -> n c h"), PatternText, "`2`"),
        (use("rearrange", pattern="n c (h ...) -> n c h ..."), PatternText, "`...`"),
        (use("rearrange", pattern="n c h h -> n c h"), PatternAxes, "`h` stands twice"),
        (use("rearrange", pattern="n c h w -> n h w"), PatternAxes, "`c` stands only on the left"),
        (use("rearrange", pattern="n c h w -> n c h w x y"), PatternAxes, "`x`, `y` stand only on the right"),
        (use("reduce", pattern="n c h w -> n x", how="max"), PatternAxes, "`x` stands only on the right"),
        (use("repeat", pattern="n c h w -> n c h r", sizes=factors(r=2)), PatternAxes, "`w` stands only on the left"),
        (use("rearrange", pattern="n c h -> n h c"), PatternRank, "[2, 6, 5, 4]"),
        (use("rearrange", pattern="n ... c h w x -> n ... c h w x"), PatternRank, "at least 5"),
        (use("rearrange", pattern="n (g c) h w -> n g c h w"), PatternSize, "`g`, `c`"),
        (use("rearrange", pattern="n c h w -> n h w c", sizes=factors(head=2)), PatternSize, "`head`"),
        (use("repeat", pattern="n c h w -> n c h w r"), PatternSize, "`r`"),
        (
            use("rearrange", pattern="n c h w -> n h w c", sizes=factors(h=7)),
            PatternMismatch,
            "`h` 7 by the sizes given",
        ),
        (
            use("rearrange", pattern="n (a b) h w -> n a b h w", sizes=factors(a=2, b=2)),
            PatternMismatch,
            "`(a b)` 4 by the sizes given",
        ),
        (use("rearrange", pattern="n 1 h w -> n h w"), PatternMismatch, "for one place"),
        (use("rearrange", pattern="n (g c) h w -> n g c h w", sizes=factors(g=4)), CannotSplit, "6, by 4"),
        (use("rearrange", pattern="n (g c) h w -> n g c h w", sizes=factors(g=0)), BadSize, "size 0"),
        (use("repeat", pattern="n c h w -> n g c h w", sizes=factors(g=-1)), BadSize, "size -1"),
    ],
)
def test_mistakes(op: Op, kind: type[Mistake], words: str) -> None:
    with pytest.raises(Reject) as caught:
        infer(op, (maps(2, 6, 5, 4),))
    mistake = caught.value.mistake
    assert type(mistake) is kind
    assert words in f"{mistake.message} {mistake.label}"
    assert caught.value.at == ("g" if kind in (BadSize, CannotSplit) else "pattern")
