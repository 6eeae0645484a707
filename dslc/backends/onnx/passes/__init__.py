"""Rewrites of the light graph, one per file: functions that change it in place, in linear time.

A rewrite keeps the name of every tensor of the program that it keeps; none changes what an output holds, but
for rounding.
"""

from __future__ import annotations

from dslc.backends.onnx.graph import OnnxGraph
from dslc.backends.onnx.passes.drop_identity import drop_identity
from dslc.backends.onnx.passes.drop_unread import drop_unread
from dslc.backends.onnx.passes.fold_bn import fold_bn
from dslc.backends.onnx.passes.join_scales import join_scales
from dslc.backends.onnx.passes.merge_branches import merge_branches
from dslc.backends.onnx.passes.pad_in_conv import pad_in_conv
from dslc.backends.onnx.passes.place_shapes import place_shapes
from dslc.backends.onnx.passes.store_layout import store_layout


def run_passes(graph: OnnxGraph, *, fold: bool = True) -> None:
    """All rewrites in their order; `fold` merges batch norms into linear maps, and sums of convolutions."""
    drop_identity(graph)
    place_shapes(graph)
    store_layout(graph)
    pad_in_conv(graph)
    join_scales(graph)
    if fold:
        fold_bn(graph)
        merge_branches(graph)
    drop_unread(graph)
