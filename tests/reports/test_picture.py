"""Pictures: which boxes and lines a network has, and where they stand."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from dslc.api import compile_model
from dslc.reports.layered import Line, Spot, crossings, place
from dslc.reports.picture import Box, Graph, fitting_depth
from dslc.reports.svg import picture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

INCEPTION = """
use std.inception: inception
net f on x[N, 192, 28, 28]: inception(64, (96, 128), (16, 32), 32)
"""


def arrows(graph: Graph) -> set[tuple[str, str]]:
    """The lines by the titles of what they join."""
    titles = {box: box.title for box in graph.boxes}
    return {(titles[source], titles[target]) for source, _, target in graph.lines}


def titled(graph: Graph, title: str) -> list[Box]:
    return [box for box in graph.boxes if box.title == title]


# ---- boxes and lines


def test_branches_and_their_join() -> None:
    graph = Graph(compile_model(INCEPTION))
    (x,), (cat,) = titled(graph, "x"), titled(graph, "cat")
    assert {target.title for source, _, target in graph.lines if source is x} == {
        "conv(64, 1)",
        "conv(96, 1)",
        "conv(16, 1)",
        "maxpool(3, s=1, p=1)",
    }
    assert [source.title for source, _, target in graph.lines if target is cat] == ["relu"] * 4
    assert len(graph.boxes) == 1 + 6 * 3 + 2 + 1
    assert {note for box in titled(graph, "conv(32, 5)") for note in box.notes} == {"branch3.1.0"}


def test_shapes_are_those_of_the_results() -> None:
    text = picture(compile_model(INCEPTION))
    assert ">[N, 192, 28, 28]<" in text and ">[N, 256, 28, 28]<" in text


def test_an_identity_is_no_box() -> None:
    graph = Graph(compile_model("net f on x[N, 8, 16, 16]:\n    residual: conv(8, 3)\n"))
    assert arrows(graph) == {("x", "conv(8, 3)"), ("conv(8, 3)", "+"), ("x", "+"), ("+", "result")}


def test_operators_are_signs() -> None:
    graph = Graph(compile_model("net f on x[N, 8]:\n    y = linear(8)\n    where(1 - it > 0.5, it * y, y ** 2)\n"))
    assert {"1 −", "> 0.5", "×", "^ 2"} <= {box.title for box in graph.boxes}  # noqa: RUF001


def test_several_results_are_several_lines() -> None:
    text = "net f on x[N, 3, 4, 8, 8]:\n    q, k, v = unbind(1)\n    sdpa(q, k, v)\n"
    graph = Graph(compile_model(text))
    assert [slot for source, slot, _ in graph.lines if source.title == "unbind(axis=1)"] == [0, 1, 2]


def test_a_declared_tensor_has_a_box() -> None:
    graph = Graph(compile_model("net f on x[N, 16]:\n    param shift: [16] = zeros\n    it + shift\n"))
    assert arrows(graph) == {("x", "+"), ("param shift", "+"), ("+", "result")}


def test_what_only_training_computes_is_faded() -> None:
    graph = Graph(compile_model(EXAMPLES / "googlenet.dl", "googlenet"), 1)
    assert [box.notes[0].partition(" ")[0] for box in graph.boxes if box.faded and box.notes] == ["aux1", "aux2"]
    assert {box.title for box in graph.boxes if box.faded and not box.notes} == {"aux1", "aux2"}


def test_closed_parts_have_the_lines_of_what_is_in_them() -> None:
    graph = Graph(compile_model(EXAMPLES / "unet.dl"), 1)
    skips = {(a, b) for a, b in arrows(graph) if b == "cat" and not a.startswith("deconv")}
    assert skips == {(f"double({width})", "cat") for width in (64, 128, 256, 512)}
    whole = Graph(compile_model(EXAMPLES / "unet.dl"))
    assert sum(int(box.notes[-1].split("· ")[1].split()[0]) for box in graph.boxes if box.family == "part") == (
        len(whole.boxes) - sum(box.family != "part" for box in graph.boxes)
    )


def test_a_module_used_twice_is_drawn_twice() -> None:
    text = "net f on x[N, 8]:\n    module turn = linear(8)\n    turn -> relu -> turn\n"
    graph = Graph(compile_model(text))
    assert [box.notes for box in titled(graph, "linear(8)")] == [("turn",), ("turn@2",)]


def test_the_depth_that_fits() -> None:
    model = compile_model(EXAMPLES / "resnet.dl", "resnet50")
    assert fitting_depth(model, 1000) is None
    for most, fold in ((30, False), (100, False), (15, True), (30, True)):
        depth = fitting_depth(model, most, fold=fold)
        assert depth is not None and len(Graph(model, depth, fold=fold).boxes) <= most
        assert most < len(Graph(model, depth + 1, fold=fold).boxes)
    assert fitting_depth(model, 1) == 1


# ---- places


def network(seed: int) -> tuple[list[Spot], list[Line]]:
    """A random graph: each box but the first reads some of those before it, near ones rather."""
    chance = random.Random(seed)
    boxes = [Spot(width=w, height=24, left=w / 2, right=w / 2 + chance.choice((0, 40))) for w in range(30, 70)]
    boxes[0].fed = True
    lines = {}
    for i in range(1, len(boxes)):
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            source = max(0, i - 1 - int(chance.expovariate(0.4)))
            lines[source, i] = Line(boxes[source], 0, boxes[i])
    return boxes, list(lines.values())


@pytest.mark.parametrize("seed", range(30))
def test_nothing_overlaps_and_lines_go_down(seed: int) -> None:
    boxes, lines = network(seed)
    width, height = place(boxes, lines, lambda row: (0.0, 20.0))
    for line in lines:
        way = [line.source, *line.trunk[: line.passed], line.target]
        assert all(a.y + a.height < b.y for a, b in pairwise(way))
    spots = [*boxes, *{spot: None for line in lines for spot in line.trunk}]
    for i, a in enumerate(spots):
        assert a.x - a.left >= -1e-6 and a.x + a.right <= width + 1e-6 and a.y + a.height <= height + 1e-6
        for b in spots[i + 1 :]:
            beside = a.x + a.right <= b.x - b.left + 1e-6 or b.x + b.right <= a.x - a.left + 1e-6
            assert beside or a.y + a.height < b.y or b.y + b.height < a.y


def test_a_chain_is_straight_beside_its_skip() -> None:
    graph = Graph(compile_model("net f on x[N, 8, 16, 16]:\n    residual: conv(8, 3) -> bn -> relu -> conv(8, 3)\n"))
    before = picture(graph.model)
    place(graph.boxes, list(graph.lines.values()), lambda row: (0.0, 20.0))
    assert len({box.x for box in graph.boxes}) == 1
    assert picture(compile_model(graph.model.root.site.source.text)) == before


@pytest.mark.parametrize(("file", "net"), [("vit", "vit_b_16"), ("swin", "swin_t")])
def test_blocks_that_read_weights_stand_below_each_other(file: str, net: str) -> None:
    """A weight's box stands beside the way of the data: it does not push each block aside from the last."""
    graph = Graph(compile_model(EXAMPLES / f"{file}.dl", net))
    place(graph.boxes, list(graph.lines.values()), lambda row: (0.0, 20.0))
    assert len({round(box.x) for box in graph.boxes if box.family in ("linear", "norm")}) == 1


def test_what_reads_no_input_stands_where_lines_need_not_go_around_it() -> None:
    """The mask of shifted windows is beside the sum around them: at the left, so that the sum's line is short."""
    graph = Graph(compile_model(EXAMPLES / "swin.dl", "swin_t"))
    width, _ = place(graph.boxes, list(graph.lines.values()), lambda row: (0.0, 20.0))
    main = {round(box.x) for box in graph.boxes if box.title.startswith("gelu")}
    masks = [box.x for box in graph.boxes if box.title.startswith("arange")]
    assert width < 900 and len(main) == 1 and masks and max(masks) < main.pop()


def test_crossings_are_counted_and_removed() -> None:
    a, b, c, d = (Spot(width=10, height=10, left=5, right=5, fed=True) for _ in range(4))
    boxes, lines = [a, b, c, d], [Line(a, 0, d), Line(b, 0, c)]
    place(boxes, lines, lambda row: (0.0, 20.0))
    assert (a.x < b.x) == (d.x < c.x)
    a.below, b.below = [d], [c]
    assert crossings([[a, b], [c, d]]) == 1 and crossings([[a, b], [d, c]]) == 0
