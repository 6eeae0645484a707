"""For each kind of answer of `Op.signal` its two rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from dslc.analysis.signal import arithmetic, attention, choices, curves, linear, norms, pools, recurrent, views
from dslc.analysis.signal.roles import Back, Use
from dslc.analysis.signal.stats import Slopes, Stats
from dslc.ops import signals

Forward: TypeAlias = Callable[[Any, Use], tuple[Stats, ...]]
Backward: TypeAlias = Callable[[Any, Use, tuple[Stats, ...], tuple[Slopes | None, ...]], Back]

RULES: Final[dict[type[Any], tuple[Forward, Backward]]] = {
    signals.Curve: (curves.forward, curves.backward),
    signals.Weighs: (linear.forward, linear.backward),
    signals.Looks: (linear.look, linear.look_back),
    signals.Keeps: (views.keep, views.keep_back),
    signals.Pads: (views.pad, views.pad_back),
    signals.Joins: (views.join, views.join_back),
    signals.Resizes: (views.resize, views.resize_back),
    signals.Divides: (choices.divide, choices.divide_back),
    signals.Picks: (choices.pick, choices.pick_back),
    signals.Ranks: (choices.rank, choices.rank_back),
    signals.Peaks: (choices.peak, choices.peak_back),
    signals.Replaces: (choices.substitute, choices.substitute_back),
    signals.Adds: (arithmetic.add, arithmetic.add_back),
    signals.Scales: (arithmetic.scale, arithmetic.scale_back),
    signals.Multiplies: (arithmetic.multiply, arithmetic.multiply_back),
    signals.Gates: (arithmetic.gate, arithmetic.gate_back),
    signals.Drops: (arithmetic.drop, arithmetic.drop_back),
    signals.Softens: (arithmetic.soften, arithmetic.soften_back),
    signals.Constant: (arithmetic.constant, arithmetic.no_back),
    signals.Masks: (arithmetic.mask, arithmetic.no_back),
    signals.Damps: (norms.damp, norms.damp_back),
    signals.Normalises: (norms.forward, norms.backward),
    signals.Pools: (pools.forward, pools.backward),
    signals.Attends: (attention.forward, attention.backward),
    signals.Contracts: (attention.contract, attention.contract_back),
    signals.Recurs: (recurrent.forward, recurrent.backward),
}
