"""Convolutions of one place."""

from __future__ import annotations

from dslc.ir.walk import Step
from dslc.lints.network import Network, op_of
from dslc.ops.convolution import Conv


def is_pointwise(net: Network, step: Step) -> bool:
    """Whether a step is a full 1x1 convolution at every place."""
    op = op_of(step)
    if not isinstance(op, Conv) or op.g != 1:
        return False
    sides = [side if isinstance(side, tuple) else (side,) for side in (op.k, op.s)]
    return all(max(side) == 1 for side in sides) and net.shape(step.inputs[0])[2:] == net.shape(step.outs[0])[2:]
