"""Equal parts one after the other are drawn once: which are, what their frame says, and where it stands."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dslc.api import compile_model
from dslc.ir.model import Call
from dslc.reports.columns import shape_text
from dslc.reports.graph_text import dot, html, mermaid
from dslc.reports.heat import Amounts, warm
from dslc.reports.layered import Spot
from dslc.reports.nested import arrange, nested
from dslc.reports.numbers import short
from dslc.reports.picture import Box, Graph, around
from dslc.reports.stats import Stats
from dslc.reports.svg import below, head_size, sized, svg, tip

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

UNIT = "block unit(p: float = 0.0) on x[N, C]:\n    residual: linear(C) -> relu -> dropout(p)\n\n"

NETS = [
    ("vit", "vit_b_16"),
    ("resnet", "resnet152"),
    ("gpt2", "gpt2"),
    ("llama", "llama_2_7b"),
    ("mlp_mixer", "mixer_b16"),
    ("se_resnet", "se_resnet50"),
    ("bert", "bert_base"),
]


def graph_of(body: str, *, blocks: str = UNIT, fold: bool = True, depth: int | None = None) -> Graph:
    return Graph(compile_model(f"{blocks}net f on x[N, 8]:\n{body}"), depth, fold=fold)


def headings(graph: Graph) -> list[str]:
    return [frame.heading for frame in graph.frames]


def size(graph: Graph) -> tuple[float, float]:
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg(graph))
    assert found is not None
    return float(found[1]), float(found[2])


# ---- which parts are one


def test_a_chain_is_one() -> None:
    graph = graph_of("    for i in range(12): unit as `unit_{i}`\n")
    assert headings(graph) == ["unit ×12"]  # noqa: RUF001
    assert graph.frames[0].note == "unit_0 … unit_11"
    assert [box.title for box in graph.boxes] == ["x", "linear(8)", "relu", "dropout(p=0)", "+", "result"]
    assert [box.times for box in graph.boxes] == [1, 12, 12, 12, 12, 1]


@pytest.mark.parametrize(
    "body",
    [
        "    unit\n    unit(0.1)\n",  # another rate
        "    unit\n    relu\n    unit\n",  # something between them
        "    a = unit\n    b = unit(it)\n    cat(a, b)\n",  # both are read
        "    a = unit\n    b = unit(x)\n    a + b\n",  # beside each other
        "    a = unit -> unit(p=0.5)\n    a\n",
    ],
)
def test_what_is_not_equal_or_no_chain_is_drawn_in_full(body: str) -> None:
    assert not graph_of(body).frames


def test_other_strides_are_not_equal() -> None:
    blocks = "block down(s: int) on x[N, C, H, W]: conv(C, 3, s=s) -> relu\n\n"
    model = compile_model(
        f"{blocks}net f on x[N, 8, 32, 32]:\n    down(1) -> down(1) -> down(2) -> down(2) -> down(2)\n"
    )
    graph = Graph(model)  # the types of the last two differ, too
    assert headings(graph) == ["down(1) ×2"]  # noqa: RUF001


def test_a_stochastic_depth_that_grows_is_not_equal() -> None:
    assert not Graph(compile_model(EXAMPLES / "swin.dl", "swin_t")).frames


def test_a_part_that_is_read_later_ends_the_chain() -> None:
    graph = graph_of("    unit -> unit\n    skip = unit\n    unit(it) -> unit -> unit\n    it + skip\n")
    assert [frame.times for frame in graph.frames] == [2, 3]
    last = next(a for a, _, b in graph.lines if b.title == "result")
    assert [a.frame is graph.frames[1] for a, _, b in graph.lines if b is last] == [True, False]


def test_what_all_parts_read_comes_in_from_outside() -> None:
    blocks = "block mix on x[N, C], y[N, C]: linear(C)(x) + y\n\n"
    graph = graph_of("    side = relu(x)\n    for i in range(4): (it, side) -> mix as `mix_{i}`\n", blocks=blocks)
    assert headings(graph) == ["mix ×4"]  # noqa: RUF001
    (frame,) = graph.frames
    assert {(a.title, b.title) for a, _, b in graph.lines if b.frame is frame and a.frame is None} == {
        ("x", "linear(8)"),
        ("relu", "+"),
    }


def test_a_tensor_of_each_part_is_in_the_frame_and_one_of_all_is_not() -> None:
    blocks = "block shift on x[N, C], all[1, C]:\n    param own: [1, C] = zeros\n    it + own + all\n\n"
    body = "    param all: [1, 8] = ones\n    for i in range(3): (it, all) -> shift as `shift_{i}`\n"
    graph = graph_of(body, blocks=blocks)
    assert {box.title: box.frame is not None for box in graph.boxes if box.family == "tensor"} == {
        "param own": True,
        "param all": False,
    }
    found = Amounts(graph).boxes("params")
    assert {box.title: found[box] for box in graph.boxes if found[box]} == {"param own": 24, "param all": 8}


def test_frames_within_frames() -> None:
    blocks = f"{UNIT}block stage on x[N, C]:\n    for i in range(3): unit as `unit_{{i}}`\n    linear(C) as last\n\n"
    graph = graph_of("    for i in range(4): stage as `stage_{i}`\n", blocks=blocks)
    outer, inner = graph.frames
    assert (outer.heading, outer.all, inner.heading, inner.all) == ("stage ×4", 4, "unit ×3", 12)  # noqa: RUF001
    assert inner.parent is outer and inner.note == "unit_0 … unit_2"
    found = {box.title: box.times for box in graph.boxes}
    assert found["linear(8)"] == 4 and found["relu"] == 12
    svg(graph)
    assert outer.cost == "4 × 288 = 1.152 k params"  # noqa: RUF001
    assert inner.cost == "12 × 72 = 864 params"  # noqa: RUF001


def test_a_module_that_is_used_again_has_its_weights_once() -> None:
    graph = graph_of("    module turn = unit\n    turn -> turn -> turn -> turn\n")
    assert [frame.times for frame in graph.frames] == [3]
    svg(graph)
    assert graph.frames[0].cost == ""
    assert sum(Amounts(graph).boxes("params").values()) == 72


def test_closed_parts_are_one_box() -> None:
    graph = Graph(compile_model(EXAMPLES / "resnet.dl", "resnet50"), 2)
    titles = [box.title for box in graph.boxes if box.family == "part" and box.title.startswith("bottleneck")]
    assert titles == [
        text
        for channels, more in ((64, 2), (128, 3), (256, 5), (512, 2))
        for text in (
            f"bottleneck({channels}, s={1 if channels == 64 else 2})",
            f"bottleneck({channels}, s=1) ×{more}",  # noqa: RUF001
        )
    ]


def test_a_closed_box_says_what_one_and_all_hold() -> None:
    text = svg(Graph(compile_model(EXAMPLES / "vit.dl", "vit_b_16"), 3))
    assert ">encoder.layers.encoder_layer_0 … encoder_layer_11 · 16 layers</text>" in text
    assert ">12 × 7.088 M = 85.054 M params</text>" in text  # noqa: RUF001
    assert "\n12 × " in text and "G MACs</title>" in text  # noqa: RUF001


def test_all_can_be_opened() -> None:
    model = compile_model(EXAMPLES / "vit.dl", "vit_b_16")
    assert not Graph(model, fold=False).frames
    assert len(Graph(model, fold=False).boxes) - len(Graph(model).boxes) == 11 * 18


@pytest.mark.parametrize(("file", "net"), NETS)
def test_every_use_is_in_one_box(file: str, net: str) -> None:
    """The folded picture has the ops of the open one, and each box as many as it says."""
    model = compile_model(EXAMPLES / f"{file}.dl", net)
    graph, whole = Graph(model), Graph(model, fold=False)
    assert graph.frames
    uses = [use for box in graph.boxes for use in box.uses]
    assert len(uses) == len(set(uses)) and set(uses) == {use for box in whole.boxes for use in box.uses}
    for box in graph.boxes:
        assert len(box.uses) == box.times or box.family in ("input", "tensor")
        assert len({str(use.op.__dict__) for use in box.uses if not isinstance(use, Call)}) <= 1


# ---- what frames say


def test_costs_are_those_of_one_part_and_of_all() -> None:
    model = compile_model(EXAMPLES / "vit.dl", "vit_b_16")
    graph = Graph(model)
    text = svg(graph)
    assert "12 × 7.088 M = 85.054 M params" in text  # noqa: RUF001
    assert "encoder.layers.encoder_layer_0 … encoder_layer_11" in text
    assert (
        sum(Amounts(graph).boxes("params").values())
        == 86_567_656
        == sum(Amounts(Graph(model, fold=False)).boxes("params").values())
    )


@pytest.mark.parametrize("heat", ["params", "macs", "memory"])
def test_heat_is_that_of_all_parts(heat: str) -> None:
    graph = Graph(compile_model(EXAMPLES / "gpt2.dl", "gpt2"))
    warm(graph, heat)
    shares = [
        float(box.notes[-1].rpartition(" ")[2][:-1])
        for box in graph.boxes
        if box.notes[-1:] != () and "%" in box.notes[-1]
    ]
    assert sum(shares) == pytest.approx(100, abs=0.1 * len(shares))
    assert graph.frames[0].cost.startswith("12 × ")  # noqa: RUF001
    assert graph.frames[0].cost in svg(graph)


def test_every_form_folds() -> None:
    graph = graph_of("    for i in range(12): unit as `unit_{i}`\n")
    drawn = (svg(graph), html(graph), dot(graph), mermaid(graph))
    for text in drawn:
        assert "unit_0 … unit_11" in text and text.count("dropout(p=0)") <= 2  # and its tooltip
    assert 'subgraph cluster_0 {\n        label="unit ×12\\nunit_0 … unit_11\\n12 × 72 = 864 params";' in drawn[2]  # noqa: RUF001
    assert '    subgraph g0["unit ×12<br>unit_0 … unit_11<br>12 × 72 = 864 params"]\n        n1[' in drawn[3]  # noqa: RUF001
    assert drawn[3].count("\n    end\n") == 1


# ---- where they stand


@pytest.mark.parametrize(
    ("file", "net", "most"), [("vit", "vit_b_16", 2_500), ("vit", "vit_h_14", 2_500), ("resnet", "resnet152", 5_500)]
)
def test_folded_pictures_are_compact(file: str, net: str, most: int) -> None:
    width, height = size(Graph(compile_model(EXAMPLES / f"{file}.dl", net)))
    assert height < most and width < 700


@pytest.mark.parametrize(("file", "net"), NETS)
def test_frames_hold_what_is_theirs_alone(file: str, net: str) -> None:
    graph = Graph(compile_model(EXAMPLES / f"{file}.dl", net))
    sized(graph)
    groups = nested(graph)
    width, _ = arrange(groups, below, head_size)
    edges = {
        group.frame: (group.x - group.inset, group.y, group.x - group.inset + group.width, group.y + group.height)
        for group in groups[1:]
    }
    for box in graph.boxes:
        assert box.x - box.left >= -1e-6 and box.x + box.right <= width + 1e-6
        for frame in graph.frames:
            left, top, right, bottom = edges[frame]
            inside = (
                left <= box.x - box.left
                and box.x + box.right <= right
                and top <= box.y
                and box.y + box.height <= bottom
            )
            outside = (
                box.x + box.right <= left or right <= box.x - box.left or box.y + box.height <= top or bottom <= box.y
            )
            assert inside if frame in around(box) else outside
    spots: list[Spot] = [spot for group in groups for spot in group.everything() if isinstance(spot, Box)]
    assert len(spots) == len(graph.boxes)
    for group in groups[1:]:
        assert group.exits and all(abs(port.y - (group.y + group.height)) < 1e-6 for port in group.exits.values())
        assert all(abs(port.y - (group.y + group.head)) < 1e-6 for port in group.entries.values())
        assert all(edges[group.frame][0] < port.x < edges[group.frame][2] for port in group.exits.values())


def test_a_chain_goes_straight_through_its_frame() -> None:
    graph = graph_of("    for i in range(12): unit as `unit_{i}`\n    linear(4)\n")
    svg(graph)
    assert len({round(box.x, 3) for box in graph.boxes}) == 1


# ---- what a pointer finds


@pytest.mark.parametrize(
    ("file", "net"), [("resnet", "resnet18"), ("vit", "vit_b_16"), ("unet", "unet"), ("swin", "swin_t")]
)
def test_every_box_says_what_it_is_in_full(file: str, net: str) -> None:
    """Path, op with arguments, shape, and the numbers of `dslc stats`; of equal parts those of one and of all."""
    model = compile_model(EXAMPLES / f"{file}.dl", net)
    rows = {row.use: row for row in Stats(model).rows if row.use is not None}
    graph = Graph(model)
    svg(graph)
    for box in graph.boxes:
        lines = tip(box, graph).split("\n")
        if box.family in ("input", "tensor"):
            assert lines[-1 if box.family == "input" else 0]
            continue
        row = rows[box.uses[0]]
        assert lines[0] == row.path and lines[1] == (box.words or box.title)
        assert " ".join(shape_text(out, model.sizes) for out in row.outs) in lines
        for value, words in ((row.count.params, "params"), (row.macs, "MACs")):
            found = [line for line in lines if line.endswith(f" {words}")]
            assert bool(found) == bool(value)
            if value:
                assert found[0].startswith(f"{box.times} × {short(value)} = " if box.times > 1 else short(value))  # noqa: RUF001


def test_the_picture_has_these_words() -> None:
    tree = ElementTree.fromstring(svg(Graph(compile_model(EXAMPLES / "vit.dl", "vit_b_16"))))
    tips = [title.text or "" for title in tree.iter("{http://www.w3.org/2000/svg}title")]
    assert (
        "encoder.layers.encoder_layer_0.mlp.0\nlinear(3072)\n[N, 197, 3072]\n"
        "12 × 2.362 M = 28.348 M params\n12 × 464.781 M = 5.577 G MACs" in tips  # noqa: RUF001
    )
    assert any(
        tip.startswith("encoder.layers.encoder_layer_0\nencoder_layer(12, 3072") and "12 equal parts" in tip
        for tip in tips
    )
