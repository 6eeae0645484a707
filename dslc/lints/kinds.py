"""Ops by what they do to a signal, as rules speak of them."""

from __future__ import annotations

from typing import Final

from dslc.ops.activation import Elementwise, HardSigmoid, Sigmoid, Tanh
from dslc.ops.activation_further import Softsign
from dslc.ops.base import Op
from dslc.ops.convolution import Conv, Deconv
from dslc.ops.einops import Rearrange
from dslc.ops.gating import ParametricRelu
from dslc.ops.identity import Identity
from dslc.ops.linear import Linear
from dslc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from dslc.ops.regularise import Regulariser
from dslc.ops.shape import Flatten, Reshape, Transpose

ACTIVATIONS: Final[tuple[type[Op], ...]] = (Elementwise, ParametricRelu)
"""Functions of each element alone."""

SATURATING: Final[tuple[type[Op], ...]] = (Sigmoid, HardSigmoid, Tanh, Softsign)
"""Activations that are flat on both sides."""

LINEAR: Final[tuple[type[Op], ...]] = (Conv, Deconv, Linear)
"""Linear maps with weights."""

NORMS: Final[tuple[type[Op], ...]] = (BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm)
"""Normalisation with statistics of the values themselves."""

QUIET: Final[tuple[type[Op], ...]] = (Identity, Regulariser)
"""What changes nothing in evaluation: names, `channel_axis`, dropout."""

MOVES: Final[tuple[type[Op], ...]] = (Flatten, Reshape, Transpose, Rearrange)
"""What moves elements and computes nothing."""
