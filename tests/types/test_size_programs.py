"""Random programs of size-changing ops against a separate rule for numbers.

The rule counts places one by one where it can and knows nothing of polynomials. A program runs symbolically
once; its sizes, and the set of input sizes it allows, are compared with running it on every size of a range.
An input that works but is refused must be a coincidence: the same equality fails at another size of its
remainder class.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import pytest

from dslc.diagnostics.model import Reject
from dslc.source import Source
from dslc.types.dim import Size
from dslc.types.sizes import Sizes

SPAN = Source("net.dl", "line\n").span(0, 4)
Step = tuple[str, tuple[int, ...]]

LIMITS = {"E0402", "E0403", "E0404"}


def random_program(rng: random.Random) -> list[Step]:
    """Up to nine steps; each works on an earlier value, usually the last."""
    steps: list[Step] = []
    for n in range(1, rng.randint(2, 9)):
        at = n - 1 if rng.random() < 0.75 else rng.randrange(n)
        other = rng.randrange(n)
        kind = rng.choice(
            ["window"] * 5
            + ["ceil", "deconv", "scale", "crop", "pad", "even", "tiles", "three_halves"]
            + ["join"] * 5
            + ["concat", "chunk", "cut", "table", "remainder"]
        )
        k, s = rng.choice([1, 2, 3, 5, 7]), rng.choice([1, 1, 2, 2, 3, 4])
        args = {
            "window": (at, k, s, rng.randrange(k), rng.choice([1, 1, 2])),
            "ceil": (at, k, s, k // 2 if rng.random() < 0.5 else 0),
            "deconv": (at, k, s, rng.randrange((k + 1) // 2)),
            "scale": (at, rng.choice([2, 2, 3, 4])),
            "crop": (at, rng.randint(1, 12)),
            "pad": (at, rng.randint(1, 6)),
            "even": (at,),
            "tiles": (at, rng.choice([2, 4, 7])),
            "three_halves": (at,),
            "join": (at, other),
            "concat": (at, other),
            "chunk": (at, rng.choice([2, 3, 4])),
            "cut": (at, other),
            "table": (at, rng.choice([40, 120, 300])),
            "remainder": (at, rng.choice([2, 3, 8])),
        }[kind]
        steps.append((kind, args))
    return steps


def symbolic(steps: Sequence[Step], sizes: Sizes, h: Size) -> list[Size]:
    """The size of every value."""
    values = [h]
    for kind, (at, *args) in steps:
        x = values[at]
        y = values[args[0]] if kind in ("join", "concat", "cut") else 0
        if kind == "window":
            k, s, p, d = args
            reach = d * (k - 1) + 1
            sizes.at_least(x + 2 * p, reach, SPAN)
            x = (x + 2 * p - reach) // s + 1
        elif kind == "ceil":
            k, s, p = args
            sizes.at_least(x + 2 * p, k, SPAN)
            x = (x + p - 1 + min(p + s - k, 0)) // s + 1
        elif kind == "deconv":
            k, s, p = args
            x = (x - 1) * s + k - 2 * p
        elif kind == "scale":
            x = x * args[0]
        elif kind == "crop":
            x = x - args[0]
        elif kind == "pad":
            x = x + args[0]
        elif kind == "even":
            x = x + x % 2
        elif kind == "tiles":
            x = x + -x % args[0]
        elif kind == "three_halves":
            x = 3 * x // 2
        elif kind == "join":
            x = sizes.equal(x, y, SPAN)
        elif kind == "concat":
            x = x + y
        elif kind == "chunk":
            x = sizes.divide(x, args[0], SPAN)
        elif kind == "cut":
            sizes.at_least(x, y, SPAN)
            x = y
        elif kind == "table":
            sizes.at_least(args[0], x, SPAN)
        else:
            x = x % args[0] + 1
        x = sizes.reduce(x)
        sizes.at_least(x, 1, SPAN)
        values.append(x)
    return values


@dataclass
class Run:
    """A program on one number: the sizes, and whether its equalities and its bounds hold."""

    values: list[int]
    equal: bool = True
    fits: bool = True


def concrete(steps: Sequence[Step], h: int) -> Run:
    """The separate rule. Windows are counted, rounding up is a search."""
    run = Run([h])
    for kind, (at, *args) in steps:
        x = run.values[at]
        y = run.values[args[0]] if kind in ("join", "concat", "cut") else 0
        if kind == "window":
            k, s, p, d = args
            x = len(range(0, x + 2 * p - d * (k - 1), s))
        elif kind == "ceil":
            k, s, p = args
            run.fits &= x + 2 * p >= k
            x = 1 + sum(start < x + p and start + k < x + 2 * p + s for start in range(s, x + 2 * p + s, s))
        elif kind == "deconv":
            k, s, p = args
            x = s * x - s + k - 2 * p
        elif kind == "scale":
            x = sum(x for _ in range(args[0]))
        elif kind == "crop":
            x -= args[0]
        elif kind == "pad":
            x += args[0]
        elif kind == "even":
            x += x & 1
        elif kind == "tiles":
            x = next(n for n in range(x, x + args[0]) if n % args[0] == 0)
        elif kind == "three_halves":
            x += x // 2
        elif kind == "join":
            run.equal &= x == y
        elif kind == "concat":
            x += y
        elif kind == "chunk":
            run.equal &= x % args[0] == 0
            x = x // args[0]
        elif kind == "cut":
            run.fits &= x >= y
            x = y
        elif kind == "table":
            run.fits &= x <= args[0]
        else:
            x = divmod(x, args[0])[1] + 1
        run.fits &= x >= 1
        run.values.append(x)
    return run


def period_of(steps: Sequence[Step]) -> int:
    """A number of steps of the input after which every remainder in the program repeats."""
    total = 2
    for kind, args in steps:
        total *= {"window": args[2:3], "ceil": args[2:3], "even": (2,), "three_halves": (2,)}.get(
            kind, args[1:2] if kind in ("tiles", "chunk", "remainder") else (1,)
        )[0]
    return lcm(total, 2)


def coincidence(steps: Sequence[Step], h: int) -> bool:
    """Whether an equality that holds at a size fails elsewhere in its remainder class."""
    period = period_of(steps)
    return any(not concrete(steps, h + period * j).equal for j in (1, 2, 3))


def check(seed: int) -> str:
    """One program: "refused", "kept" or "guarded"."""
    rng = random.Random(seed)
    steps = random_program(rng)
    runs = {h: concrete(steps, h) for h in range(1, 420)}
    working = [h for h, run in runs.items() if run.equal and run.fits]
    default = rng.choice(working) if working and rng.random() < 0.9 else rng.randint(1, 419)
    sizes = Sizes()
    dim = sizes.symbol("H", default, SPAN)
    try:
        values = symbolic(steps, sizes, dim)
    except Reject as refused:
        if refused.mistake.code not in LIMITS:
            assert default not in working or coincidence(steps, default), (seed, steps, refused)
        return "refused"
    allowed = sizes.domain["H"]
    assert default in allowed
    for h, run in runs.items():
        if h in allowed:
            assert run.equal and run.fits, (seed, steps, h, allowed)
            assert [sizes.evaluate(value, {"H": h}) for value in values] == run.values, (seed, steps, h)
        elif run.equal and run.fits:
            assert coincidence(steps, h), (seed, steps, h, allowed)
    return "guarded" if sizes.guards else "kept"


@pytest.mark.parametrize("block", range(10))
def test_random_programs(block: int) -> None:
    found = [check(1000 * block + i) for i in range(50)]
    assert found.count("guarded") > 10
