"""What a picture looks like: letters that can be read, lines that pass by boxes and by what is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dslc.api import compile_model
from dslc.reports.colours import DARK, FAMILIES, LIGHT, OTHER, heat_colour
from dslc.reports.graph_text import html, mermaid
from dslc.reports.heat import warm
from dslc.reports.picture import Graph
from dslc.reports.svg import FONT, SMALL, letters, svg

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SVG = "{http://www.w3.org/2000/svg}"
STEPS = 256

Place = tuple[float, float]
Area = tuple[float, float, float, float]


# ---- contrast


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * d for d in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#fff") == pytest.approx(21) and contrast("#777777", "#ffffff") == pytest.approx(
        4.48, abs=0.01
    )


@pytest.mark.parametrize("step", range(STEPS))
def test_letters_on_every_heat_can_be_read(step: int) -> None:
    """Boxes are the same on light pages and on dark ones."""
    fill = heat_colour(step / (STEPS - 1))
    assert contrast("#000000", fill) >= 4.5 and contrast(LIGHT["hot"], fill) >= 4.5


@pytest.mark.parametrize("fill", sorted({fill for fill, _ in (*FAMILIES.values(), OTHER)}))
def test_letters_on_every_family_can_be_read(fill: str) -> None:
    assert contrast("#000000", fill) >= 4.5 and contrast(LIGHT["note"], fill) >= 4.5


def test_letters_and_lines_beside_boxes_can_be_read() -> None:
    for behind in ("paper", "frame"):
        assert contrast(LIGHT["note"], LIGHT[behind]) >= 4.5 and contrast(LIGHT["line"], LIGHT[behind]) >= 3
        assert contrast(DARK["label"], DARK[behind]) >= 4.5 and contrast(DARK["line"], DARK[behind]) >= 3


def test_a_hot_box_has_these_letters() -> None:
    graph = Graph(compile_model(EXAMPLES / "unet.dl"), 1)
    warm(graph, "params")
    tree = ElementTree.fromstring(svg(graph))
    tinted = [
        g
        for g in tree.iter(f"{SVG}g")
        if (rect := g.find(f"{SVG}rect")) is not None and rect.get("fill") == heat_colour(1)
    ]
    assert tinted
    for group in tinted:
        assert {text.get("class") for text in group.findall(f"{SVG}text")} <= {None, "s h", "s t"}
    assert f".dslc .h {{ fill: {LIGHT['hot']} }}" in svg(graph)
    assert f".dslc .s {{ font-size: 9.5px; fill: {LIGHT['note']} }}" in svg(graph)


def test_a_dark_page_changes_what_is_beside_boxes() -> None:
    text = html(Graph(compile_model(EXAMPLES / "unet.dl"), 1))
    style = text[text.index("(prefers-color-scheme: dark)") : text.index("@media print")]
    for name in ("w", "f", "l", "a", "t"):
        assert re.search(rf"svg\.dslc \.{name} {{ (fill|stroke): #[0-9a-f]{{6}} }}", style)


def test_mermaid_has_dark_letters_on_its_boxes() -> None:
    graph = Graph(compile_model(EXAMPLES / "unet.dl"), 1)
    styles = [line for line in mermaid(graph).splitlines() if line.startswith("    style ")]
    assert len(styles) == len(graph.boxes) and all(line.endswith(",color:#000") for line in styles)


# ---- places


def way(text: str) -> Iterator[Place]:
    """Places along a path of `M`, `V`, `L` and `C`."""
    here = (0.0, 0.0)
    for command, numbers in re.findall(r"([MVLC])([^MVLCz]*)", text):
        values = [float(number) for number in numbers.split()]
        if command == "C":
            points = [here, *zip(values[::2], values[1::2], strict=True)]
            for i in range(1, 33):
                t = i / 32
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                yield tuple(sum(w * p[axis] for w, p in zip(weights, points, strict=True)) for axis in (0, 1))  # type: ignore[misc]
            here = points[-1]
        else:
            there = (here[0], values[0]) if command == "V" else (values[0], values[1])
            if command == "V":
                yield from ((here[0], here[1] + (there[1] - here[1]) * i / 32) for i in range(1, 32))
            here = there
            yield here


def drawn(text: str) -> tuple[list[tuple[str, list[Place]]], list[tuple[str, Area]]]:
    """The lines of a picture, and the areas of its boxes, frames' heads and of what is written beside lines."""
    tree = ElementTree.fromstring(text)
    lines = [
        (path.get("d", ""), list(way(path.get("d", ""))))
        for path in tree.iter(f"{SVG}path")
        if path.get("class") == "l"
    ]
    areas = []
    for group in tree.iter(f"{SVG}g"):
        for rect in group.findall(f"{SVG}rect"):
            if rect.get("class") != "f":
                x, y, w, h = (float(rect.get(key, "0")) for key in ("x", "y", "width", "height"))
                areas.append((f"box {group.findtext(f'{SVG}text')}", (x, y, x + w, y + h)))
        for words in group.findall(f"{SVG}text"):
            if words.get("class") == "s t":
                x, y, w = float(words.get("x", "0")), float(words.get("y", "0")), letters(words.text or "", SMALL)
                left = x - w if words.get("text-anchor") == "end" else x
                areas.append((f"label {words.text}", (left, y - 7, left + w, y + 1)))
    return lines, areas


def crossed(lines: list[tuple[str, list[Place]]], areas: list[tuple[str, Area]]) -> list[str]:
    """What lines pass through: a place more than half a pixel within an area."""
    return [
        f"{name}: {path}"
        for path, places in lines
        for name, (left, top, right, bottom) in areas
        if any(left + 0.5 < x < right - 0.5 and top + 0.5 < y < bottom - 0.5 for x, y in places)
    ]


@pytest.mark.parametrize(
    ("file", "net"),
    [
        ("resnet", "resnet18"),
        ("googlenet", "googlenet"),
        ("vit", "vit_b_16"),
        ("swin", "swin_t"),
        ("unet", None),
        ("mobilenet_v3", "mobilenet_v3_small"),
        ("gpt2", "gpt2"),
        ("llama", "llama_2_7b"),
        ("attention_resnet", "cbam_resnet50"),
        ("text_lstm", None),
        ("inception_v3", None),
        ("shufflenet_v2", "shufflenet_v2_x1_0"),
    ],
)
def test_lines_pass_by_boxes_and_by_what_is_written(file: str, net: str | None) -> None:
    lines, areas = drawn(svg(Graph(compile_model(EXAMPLES / f"{file}.dl", net))))
    assert len(lines) > 5 and any(name.startswith("label") for name, _ in areas)
    assert crossed(lines, areas) == []


def test_what_is_crossed_is_found() -> None:
    lines = [("a", list(way("M0 0V40C0 60 100 60 100 80")))]
    assert crossed(lines, [("left", (-10, 10, 10, 30)), ("right", (90, 0, 110, 60)), ("middle", (40, 50, 60, 70))]) == [
        "left: a",
        "middle: a",
    ]


def test_texts_are_within_their_boxes() -> None:
    for file, net in (("vit", "vit_b_16"), ("unet", None), ("googlenet", "googlenet")):
        tree = ElementTree.fromstring(svg(Graph(compile_model(EXAMPLES / f"{file}.dl", net))))
        for group in tree.iter(f"{SVG}g"):
            rect = group.find(f"{SVG}rect")
            texts = [text for text in group.findall(f"{SVG}text") if text.get("class") != "s t"]
            if rect is None:
                continue
            for text in texts:
                size = SMALL if text.get("class") else FONT
                assert letters("".join(text.itertext()), size) + 8 <= float(rect.get("width", "0"))


def test_columns_of_results_leave_beside_their_label() -> None:
    """`3 x [..]` stands to the right of the three lines."""
    text = "net f on x[N, 3, 4, 8, 8]:\n    q, k, v = unbind(1)\n    sdpa(q, k, v)\n"
    lines, areas = drawn(svg(Graph(compile_model(text))))
    (label,) = [area for name, area in areas if name.startswith("label 3 x ")]
    starts = sorted(places[0][0] for _, places in lines)
    assert starts[-1] < label[0] and all(b - a >= 0 for a, b in pairwise(starts))
