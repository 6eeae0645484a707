"""Recurrent layers through time."""

from __future__ import annotations

from dslc.analysis.signal.roles import Back, Missing, Use
from dslc.analysis.signal.stats import Slopes, Stats
from dslc.ops.signals import Recurs


def forward(rule: Recurs, use: Use) -> tuple[Stats, ...]:
    raise Missing("recurrent layers have no rule yet")


def backward(rule: Recurs, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    raise Missing("recurrent layers have no rule yet")


LIMIT = 400


def memory_of(rule: Recurs, use: Use) -> int | None:
    return None
