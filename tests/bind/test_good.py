"""Of programs that are right binding says nothing, and check warns of nothing in what the project publishes."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from dslc.api import load_program
from dslc.bind.hygiene import hygiene
from dslc.check import check_file
from dslc.diagnostics.model import Sink
from tests.random.case import seeded

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = 200


def told(source: str | Path) -> tuple[str, ...]:
    program = load_program(source, Sink())
    return tuple(f"{d.span}: {d.message}" for d in program.told.diagnostics)


def test_random_programs() -> None:
    for seed in range(SEEDS):
        assert not told(seeded(seed).text), seed


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.dl")), ids=lambda p: p.stem)
def test_the_examples_hold_nothing_for_nothing(path: Path) -> None:
    sink = Sink()
    hygiene(load_program(path, Sink()), sink)
    assert not [d.message for d in sink.diagnostics]


GOOD = {
    "a name of both sides of an `if`": """
        block b(deep: bool) on x[N, C, H, W]:
            if deep: y = conv(C, 3)
            else: y = conv(C, 1)
            it + y
    """,
    "a name of two conditions that exclude each other": """
        block b(deep: bool) on x[N, C, H, W]:
            if deep: y = conv(C, 3)
            if not deep: y = conv(C, 1)
            it + y
    """,
    "a name of a side, made again in a loop": """
        block b(deep: bool, n: int) on x[N, C, H, W]:
            if deep:
                y = conv(C, 3)
                it + y
            for i in range(n):
                y = conv(C, 1) as `late{i}`
                it + y
    """,
    "a value below the layer that reads it": """
        block b on x[N, C, H, W]:
            let late = relu -> conv(width, 3)
            let width = 8
            it -> late
    """,
    "a suite of a `module`, applied below": """
        block b on x[N, C, H, W]:
            module trunk = seq:
                conv(width, 3) -> relu
            let width = 8
            trunk(it)
    """,
    "a name in back-ticks for a plain one": """
        block b(i: int) on x[N, C, H, W]:
            level2 = conv(C, 3)
            it + `level{i}`
    """,
    "a plain name of a family": """
        block b on x[N, C, H, W] -> [N, C, H, W]:
            for i in range(3):
                conv(C, 3) as `conv{i}`
                `y{i}` = it
            it + y0 + y1
    """,
    "a parameter that is handed over unread": """
        block plain(out: int, s: int = 1) on x[N, C, H, W]: conv(out, 3)
        block stage(unit: layer(out, s)) on x[N, C, H, W]: unit(C, s=2)
        net f on x[N, 8, 32, 32]: stage(plain) -> gap -> flatten
    """,
    "tensors of a list, and how many nobody knows": """
        block b(n: int) on *xs[N, C, H, W]:
            let maps = [x -> conv(C, 3) for x in xs if n > 1]
            concat(*maps, *xs) -> conv(n, 1)
    """,
    "an argument that is a tensor or a value": """
        fn pick(a: [int], i: int) = a[i] if i < len(a) else none
        block b(widths: [int]) on x[N, C, H, W], mask?[N, C, H, W]:
            for i in range(3):
                if pick(widths, i) != none: conv(pick(widths, i), 3)
            if mask != none: it * mask
    """,
    "functions of indices": """
        fn wave(i: int, d: int) = sin(i / 100**(d / 8)) if d % 2 == 0 else cos(i / 100)
        block b on x[N, T, D]:
            const table: [i: 16, d: 8] = wave(i, d) + exp(-i)
            it + table
    """,
    "a layer chosen, then given more": """
        block b(wide: bool, act: layer = relu) on x[N, C, H, W]:
            let part = conv(k=3) if wide else conv(k=1)
            part(C) -> act
            (dropout(0.5) if training else id)
    """,
    "names of a library for others": """
        use std.conv: bsconv
        let three = conv(k=3)
        block _draft(n: int, _later: int = 3) on x[N, C, H, W]:
            let _unused = n
            three(C)
    """,
}


@pytest.mark.parametrize("name", GOOD)
def test_what_only_an_expansion_knows_is_left_to_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "good.dl"
    path.write_text(dedent(GOOD[name]).lstrip(), "utf-8")
    found = check_file(path).without_notes
    assert not [d.message for d in found if not (d.code == "W0101" and "library" in name)]
