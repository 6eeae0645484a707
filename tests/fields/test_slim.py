"""Receptive fields and work of the TF-Slim networks, against the published table of the receptive-field study.

`table.json` has the table and its source; nets/*.dl the networks as TF-Slim defines them. Every row is met.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from dslc.analysis.cost import Cost, costs
from dslc.analysis.density import ancestors
from dslc.analysis.field import Field, Status
from dslc.analysis.receptive import receptive_fields
from dslc.api import compile_model
from dslc.ir.model import Model, Node, Value
from dslc.ir.walk import Flat, Step, flatten
from dslc.ops.arithmetic import Mul
from dslc.ops.convolution import Conv
from dslc.ops.pool import AvgPool, MaxPool
from dslc.types.dim import evaluate, product

HERE = Path(__file__).parent
NETS = HERE / "nets"


class Row(NamedTuple):
    """A row of the table. `padding` is none where it depends on the size and the row has no resolution."""

    cnn: str
    resolution: int | None
    end_point: str
    gflops: float | None
    rf: int
    stride: int
    padding: int | None


TABLE = json.loads((HERE / "table.json").read_text())
ROWS = [Row(*row) for row in TABLE["rows"]]
GROUPS: dict[tuple[str, int | None], list[Row]] = defaultdict(list)
for _row in ROWS:
    GROUPS[_row.cnn, _row.resolution].append(_row)

BARS = {
    "alexnet_v2": (195, 32, 64),
    "vgg_16": (212, 32, 90),
    "mobilenet_v1": (315, 32, 126),
    "mobilenet_v1_075": (315, 32, 126),
    "resnet_v1_50": (483, 32, 239),
    "inception_v2": (699, 32, 318),
    "resnet_v1_101": (1027, 32, 511),
    "inception_v3": (1311, 32, 618),
    "resnet_v1_152": (1507, 32, 751),
    "resnet_v1_200": (1763, 32, 879),
    "inception_v4": (2071, 32, 998),
    "inception_resnet_v2": (3039, 32, 1482),
}
"""Size, stride, padding at 224 of the last end points: the table in the article (Distill 2019)."""


class Net(NamedTuple):
    """A network at one size with its end points found."""

    model: Model
    flat: Flat
    fields: dict[str, tuple[Field, ...]]
    values: dict[str, Value]


@cache
def net(cnn: str, resolution: int | None) -> Net:
    """The network at a resolution; without one, at its default size."""
    name = cnn.replace("-", "_")
    file = "resnet" if name.startswith("resnet") else "vgg" if name.startswith("vgg") else name
    for ending in ("_no_separable_conv", "_same", "_075"):
        file = file.removesuffix(ending)
    sizes = None if resolution is None else {"H": resolution, "W": resolution}
    model = compile_model(NETS / f"{file}.dl", name, sizes=sizes)
    flat = flatten(model)
    found = receptive_fields(model, flat)
    values = {row.end_point: end_point(flat, row.end_point) for row in GROUPS[cnn, resolution]}
    fields = {name: tuple(track.field for track in found[value]) for name, value in values.items()}
    return Net(model, flat, fields, values)


def end_point(flat: Flat, name: str) -> Value:
    """The result of the module that has the last part of an end point's name."""
    part = name.split("/")[-1]
    return [step for step in flat.steps if part in step.path.split(".")][-1].outs[0]


def test_the_table_is_whole() -> None:
    assert len(ROWS) == 561
    assert len({row.cnn for row in ROWS}) == 19
    assert {row.resolution for row in ROWS} == {None, 224, 321}


@pytest.mark.parametrize(("cnn", "resolution"), sorted(GROUPS, key=str))
def test_every_end_point(cnn: str, resolution: int | None) -> None:
    """Size, stride and padding of each; where the table leaves a padding open, so do we: it depends on the size."""
    fields = net(cnn, resolution).fields
    for row in GROUPS[cnn, resolution]:
        assert len(fields[row.end_point]) == 2
        for field in fields[row.end_point]:
            assert (field.size, field.stride) == (row.rf, row.stride), row
            assert field.status is Status.EXACT and not field.spread, row
            if resolution is None:
                assert field.sized is (row.padding is None), row
            if row.padding is not None:
                assert field.padding == row.padding, row


@pytest.mark.parametrize("cnn", sorted(BARS))
def test_the_last_end_points_of_the_article(cnn: str) -> None:
    last = GROUPS[cnn, 224][-1].end_point
    for field in net(cnn, 224).fields[last]:
        assert (field.size, field.stride, field.padding) == BARS[cnn]


# ---- work


def work(cnn: str, cost: Cost, step: Step, at: dict[str, int]) -> int:
    """Operations as the table counts them: two per multiply-add, one per output for a bias, k*k per output of a pool.

    The study built all networks but the ResNets without the norms of their scopes, so their convolutions have biases
    (a separable convolution one). A scaled residual costs its product; sums, norms and activations cost nothing.
    """
    node = step.node
    assert isinstance(node, Node)
    op, outputs = node.op, evaluate(product(step.outs[0].type.dims), at)
    total = 2 * cost.nodes[node].macs
    if isinstance(op, Conv):
        separable = op.g > 1 and cnn.startswith("inception")
        total += outputs * (bool(op.bias) if cnn.startswith("resnet") else not separable)
    if isinstance(op, MaxPool | AvgPool):
        total += outputs * math.prod(op.windows(step.inputs[0].type).kernel)
    return total + outputs * isinstance(op, Mul)


@pytest.mark.parametrize(("cnn", "resolution"), sorted(key for key in GROUPS if key[1] is not None))
def test_work_up_to_every_end_point(cnn: str, resolution: int) -> None:
    """To the digits printed."""
    model, flat, _, values = net(cnn, resolution)
    cost = costs(model, flat)
    each = {step: work(cnn, cost, step, model.sizes.default) for step in flat.steps}
    for row in GROUPS[cnn, resolution]:
        total = sum(each[step] for step in ancestors(flat, [values[row.end_point]]))
        assert row.gflops is not None
        assert f"{total / 1e9:.3f}" == f"{row.gflops:.3f}", row
