"""Compile-time values of every form handed to blocks: the generated module is the network, however one was made."""

from __future__ import annotations

import pytest
import torch

from dslc.api import compile_model
from tests.torch_backend.common import both, flat, inputs_of, network, scatter

LISTS = [
    "[width * 2**i for i in range(2)]",
    "[width, 16]",
    "[8, 16]",
    "[width] + [16]",
    "[width] * 2",
    "[4, width, 16][1:]",
    "[width * 2**i for i in range(4)][-2:]",
    "[width, 16] if width > 4 else [8]",
    "[8 if i == 0 else width for i in range(2)]",
    "reversed([16, width])",
    "[i + c for i, c in enumerate([8, width])]",
    "[a + b for a, b in zip([8, 4], [width, 8])]",
    "[width * i for i in range(4) if i % 2 == 1]",
    "[[width, 3], [4, 5]][0]",
    "range(width, width + 2)",
    "range(8, 10)",
    "(width, 16)",
    "twice(width)",
]
"""Ways to make a list of widths."""

USES = {
    "one": "    part(w)\n",
    "two": "    part(w) -> part([8, 9])\n",
    "joined": "    part([4] + [c for c in w] + [width])\n",
    "through": "    outer(w) -> outer([3, 5])\n",
    "loop": "    for i in range(3): part([c + i for c in w])\n",
    "inline": "    spliced(w) -> spliced([3, 4])\n",
    "seq": "    seq:\n        part(w)\n        relu\n        part(w)\n",
}
"""Ways to hand it over."""

BLOCKS = """fn twice(n: int): [n, 2 * n]

block part(widths: [int]) on x[N, C, H, W]: conv(widths[0], 1) -> conv((widths + [3])[-2], 1)

block outer(ws: [int]) on x[N, C, H, W]:
    let more = ws + [6]
    part(more) -> part(more[1:]) -> part([2 * c for c in ws])

inline block spliced(ws: [int]) on x[N, C, H, W]: part(ws) -> part([c + 1 for c in ws])

"""


def agree(text: str) -> None:
    """Build a program with and without merged classes, and run both."""
    model = compile_model(text)
    one, other = (network(made, "lists") for made in both(model))
    scatter(one)
    other.load_state_dict(one.state_dict())
    inputs = inputs_of(model, 2)
    with torch.no_grad():
        results = [flat(net.eval()(*inputs)) for net in (one, other)]
    assert len(results[0]) == len(model.root.outputs)
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)
    wanted = {k: tuple(p.spec.shape) for k, p in model.params.items()}
    assert {k: tuple(t.shape) for k, t in one.state_dict().items()} == wanted


@pytest.mark.parametrize("made", LISTS)
def test_lists(made: str) -> None:
    """A list by any expression, handed over in any way."""
    for use in USES.values():
        agree(f"{BLOCKS}net f(width: int = 8) on x[N, 8, 4, 4]:\n    let w = {made}\n{use}    gap -> flatten\n")


MIX = "d: [(float, [int], size)]"
MIXED = "[(0.5, (3, 4), 1), (1.5, range(2), 3x1)]"
HEAD = "net f(width: int = 8) on x[N, 8, 4, 4]:\n"
VALUES = {
    "nested": ("d: [[int]]", "conv(d[1][0], 1)", "[[width * i for i in range(1, 3)] for j in range(2)]", "[[3], [4]]"),
    "tuples": ("d: [(int, int)]", "conv(*d[1])", "[(width, 2 * i + 1) for i in range(2)]", "[(3, 1), (4, 1)]"),
    "enumerate": ("d: [(int, int)]", "conv(d[1][1], 1)", "enumerate([width, 3])", "[(3, 4), (5, 6)]"),
    "zip": ("d: [(int, int)]", "conv(d[1][1], 1)", "zip([width, 3], (3, 4))", "[(3, 4), (5, 6)]"),
    "range": ("d=range(1, 4)", "conv(d[0], 1) -> conv(max(d), 1)", "range(width)[1:]", "[3]"),
    "sizes": ("d: [size]", "conv(8, d[1], p=half)", "[3x3 if i == 0 else 5x3 for i in range(2)]", "[3, 1]"),
    "layers": ("d: [layer]", "d[0] -> d[-1]", "[conv(width * i, 1) for i in range(1, 3)]", "[relu, gelu]"),
    "choice": ("d: [layer]", "for l in d: l", "[conv(3, 1) -> relu, relu if width > 2 else gelu]", "[gelu]"),
    "no layer": ("d: [layer?]", "if d[0] != none: d[0]", "[none if i > 0 else relu for i in range(2)]", "[none]"),
    "bools": ("d: [bool]", "conv(8, 1, bias=d[0])", "[i % 2 == 0 for i in range(width // 4)]", "[false]"),
    "texts": ("d: [str]", 'if d[0] == "r": relu', '["r" if i == 0 else "g" for i in range(2)]', '["g"]'),
    "nones": ("d: [int?]", "if d[-1] != none: conv(d[-1], 1)", "[none if i > 0 else 3 for i in range(2)]", "[4]"),
    "no list": ("d: [int]?", "if d != none: conv(d[1], 1)", "[8, 9][:width] if width > 3 else none", "none"),
    "empty": ("d: [int]", "for c in d: conv(c, 1)", "[i for i in range(0)]", "[3]"),
    "floats": ("d: [float]", "it * d[1]", "[i / width for i in range(4)]", "[0.5, 2.0]"),
    "whole floats": ("d: [float]", "it * d[1]", "[i for i in range(4)]", "[0.5, 2.0]"),
    "mixed": (MIX, "conv(d[0][1][0], d[1][2], p=half)", "[(1, [width, i], 1x3) for i in range(2)]", MIXED),
    "inits": ("d: [init]", "conv(8, 1, init=d[0])", "[normal(0.1 * (i + 1)) for i in range(2)]", "[zeros]"),
    "types": ("d: [dtype]", "for t in d: cast(t)", "[float32 for i in range(2)]", "[float32]"),
    "untyped": ("d=[1, 2]", "conv(8, d[0])", "[i + 1 for i in range(2)]", "[1]"),
    "compared": ("d: [int]", "if d == [8, 16]: relu", "[width * i for i in range(1, 3)]", "[1]"),
    "counted": ("d: [int]", "conv(len(d), 1) -> conv(sum(d), 1)", "[width * i for i in range(1, 3)]", "[3]"),
    "searched": ("d: [int]", "if C in d: relu", "[width * i for i in range(1, 3)]", "range(3)"),
    "axes": ("d: [int]", "reshape(N, d[0], d[1], d[2])", "[8 for i in range(2)] + [2]", "(8, 2, 8)"),
}  # fmt: skip
"""A header's parameter, what its block does with it, and two values for it."""


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    """Values of every type, nested too, for one use of a block and for several."""
    header, body, value, other = VALUES[name]
    block = f"block part({header}) on x[N, C, H, W]:\n    {body}\n    conv(8, 1)\n\n{HEAD}    let w = {value}\n"
    agree(f"{block}    part(w) -> gap -> flatten\n")
    agree(f"{block}    part(w) -> part({other}) -> part(w) -> gap -> flatten\n")
