"""Samples of every registered op. A new op gets its tests by an entry in one of the tables."""

from __future__ import annotations

from tests.ops.samples_layers import LAYERS
from tests.ops.samples_tensors import TENSORS

SAMPLES = {**LAYERS, **TENSORS}
