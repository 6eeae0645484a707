"""What makes gradients vanish or explode: the activations, the initialisers that were written, or depth alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dslc.analysis.signal.result import Verdict
from dslc.ir.model import Param
from dslc.ir.walk import Step
from dslc.lints.kinds import ACTIVATIONS, LINEAR, SATURATING
from dslc.lints.network import Network, op_of
from dslc.ops.arithmetic import Add

GRADIENT = ("vanishing gradient", "exploding gradient")
"""Verdicts about the first layers against the last."""

LEAST = 4
"""Saturating activations in a row that are a chain."""


def verdict(net: Network, *kinds: str) -> Verdict | None:
    """The first verdict of some kinds."""
    return next((one for one in net.signal.verdicts if one.kind in kinds), None)


def slope(net: Network, step: Step) -> float | None:
    """The share of a gradient's RMS that an activation passes on; none where it is not known."""
    before = net.before(step)
    own = net.passed.get(step.path)
    under = None if before is None or net.next(before) is not step else net.passed.get(before.path)
    if own is None or under is None or not own.gradient or not under.gradient:
        return None
    return under.gradient / own.gradient


def flat_chain(net: Network) -> tuple[Step, ...]:
    """The longest run of saturating activations with no sum and no join between: each the one before the next."""
    best: list[Step] = []
    lengths: dict[Step, list[Step]] = {}
    for step in net.of(*SATURATING):
        run = lengths.pop(step, [])
        run.append(step)
        best = max(best, run, key=len)
        following = net.next(step)
        while following is not None and len(following.inputs) == 1 and not isinstance(op_of(following), ACTIVATIONS):
            following = net.next(following)
        if following is not None and isinstance(op_of(following), SATURATING):
            lengths[following] = run
    return tuple(best)


def flattened(net: Network, chain: tuple[Step, ...]) -> float:
    """By how many powers of ten the activations of a chain shrink a gradient by themselves."""
    return -sum(math.log10(share) for step in chain if (share := slope(net, step)))


def saturated(net: Network) -> tuple[Step, ...]:
    """The saturating activations that vanishing gradients are for the most part due to; empty: they are not."""
    said = verdict(net, "vanishing gradient")
    chain = flat_chain(net) if said is not None else ()
    return chain if said is not None and len(chain) >= LEAST and flattened(net, chain) >= said.value / 2 else ()


def written(net: Network) -> tuple[Step, ...]:
    """The linear maps whose weights begin as the program says, if they are half of all or more."""
    maps = net.of(*LINEAR)
    own = tuple(step for step in maps if any(not p.spec.init.default for p in weights(net, step)))
    return own if 2 * len(own) >= len(maps) else ()


def stream(net: Network) -> bool:
    """Whether residual sums lead through the network: one for every four linear maps or more."""
    return 4 * len(net.of(Add)) >= len(net.of(*LINEAR))


def weights(net: Network, step: Step) -> Iterator[Param]:
    """A layer's tensors but for its biases."""
    return (param for param in net.params(step) if param.name.startswith("weight"))
