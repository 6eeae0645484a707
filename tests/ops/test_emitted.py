"""The graph that memory is counted in: nodes and shapes of every op's samples, against what a build writes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from dslc.analysis.emitted.graph import Emitted, Recorder
from tests.ops.context import infer
from tests.ops.export import export
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES

PAIRS = [pytest.param(name, s, id=f"{name} {s}") for name, samples in SAMPLES.items() for s in samples]
Row = tuple[str, tuple[tuple[int, ...], ...]]


def written(name: str, sample: Sample) -> list[Row]:
    """(kind, shapes of results) of each node that a build writes, by onnx's own inference."""
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    draw = np.random.default_rng(0)
    arrays = {spec.name: draw.random(spec.shape, np.float32) + 1 for spec in op.params(*sample.inputs)}
    arrays |= {key: draw.random(shape, np.float32) for key, shape in sample.given.items()}
    model = export(op, sample.inputs, outs, arrays)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    graph = model.graph
    shapes = {
        v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in (*graph.value_info, *graph.output)
    }
    return [
        (node.op_type, tuple(shapes[out] for out in node.output if out))
        for node in graph.node
        if not (node.op_type == "Identity" and node.output[0].startswith("y"))
    ]


def recorded(name: str, sample: Sample) -> tuple[list[Row], Emitted]:
    """The same of the recorder, which leaves out what depends on constants alone."""
    op = sample.op(name)
    graph = Emitted({})
    names = []
    for kind in sample.inputs:
        names.append(graph.name())
        graph.declare(names[-1], kind)
    params = {spec.name: graph.constant(spec.shape, 4) for spec in op.params(*sample.inputs)}
    params |= {key: graph.constant(shape, 4) for key, shape in sample.given.items()}
    ins, outs = (tuple(t.built(graph.dtype) for t in side) for side in (sample.inputs, infer(op, sample.inputs)))
    op.onnx(Recorder(graph, "op"), tuple(names), params, ins, outs)
    return [(piece.kind, tuple(graph.tensors[out].dims for out in piece.outputs)) for piece in graph.pieces], graph


@pytest.mark.parametrize(("name", "sample"), PAIRS)
def test_nodes_and_shapes(name: str, sample: Sample) -> None:
    """Every node recorded is one that is written, in the same order, with the same shapes inside and out."""
    found, _ = recorded(name, sample)
    left = iter(written(name, sample))
    for row in found:
        assert any(same(row, other) for other in left), row


def same(found: Row, other: Row) -> bool:
    """Equal, but for results of a node that have no name there."""
    return found[0] == other[0] and found[1][: len(other[1])] == other[1]


def test_only_constants_are_left_out() -> None:
    """Without tables and masks of their own ops record as many nodes as they write."""
    for name in ("conv", "sdpa", "gelu", "ln", "rearrange", "softmax", "cat", "pad"):
        for sample in SAMPLES[name]:
            found, _ = recorded(name, sample)
            if len(found) != len(written(name, sample)):
                assert name == "sdpa" and sample.attributes.get("causal"), (name, str(sample))
