"""Samples of operators and of the ops that shape, join, reduce and attend."""

from __future__ import annotations

from tests.ops.sample import Sample

TENSORS: dict[str, list[Sample]] = {}
