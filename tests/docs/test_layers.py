"""docs/layers.md and its pictures are what the ops, stdlib/ and the analyses say."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dslc.ops.base import REGISTRY
from dslc.ops.identity import Identity
from dslc.reference.examples import EXAMPLES
from dslc.reference.layers import PAGE, PICTURES, files, load_ops, load_parts, write
from dslc.syntax import tree


@cache
def texts() -> dict[Path, str]:
    return files()


def entry(title: str) -> str:
    """An entry of the page, without its heading."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", texts()[PAGE], re.MULTILINE | re.DOTALL)
    assert found is not None, f"no entry `{title}`"
    return found[1]


def test_page_and_pictures_are_fresh(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--regen"):
        write()
    there = {path for path in PICTURES.glob("*") if path.is_file()} | {PAGE}
    assert there == set(texts()), "run `python -m dslc.reference`"
    old = [path.name for path, text in texts().items() if path.read_text(encoding="utf-8") != text]
    assert not old, "run `python -m dslc.reference`"


def test_every_op_is_on_it() -> None:
    assert sum(map(len, load_ops().values())) == sum(c.__module__.startswith("dslc.ops.") for c in REGISTRY.values())
    for ops in load_ops().values():
        for cls in ops:
            text = entry(cls.name if cls.is_layer or issubclass(cls, Identity) else f"{cls.name} (operator)")
            assert "```dl\n" in text and "| params | MACs | FLOPs | acts | field | memory | kept |" in text


def test_every_part_is_on_it_with_its_picture() -> None:
    names = set()
    for _, parts in load_parts().values():
        for part in parts:
            names.add(part.name)
            text = entry(part.name)
            assert part.doc.strip() in text and f"use std.{part.span.source.path.removesuffix('.dl')}: " in text
            if isinstance(part, tree.Block):
                assert f"(pictures/{part.name}.svg)" in text and PICTURES / f"{part.name}.svg" in texts()
    assert names == set(EXAMPLES)


def test_links_lead_somewhere() -> None:
    """GitHub's anchors: the heading in lower case, without signs; a second one of that name would get a number."""
    headings = re.findall(r"^###? (.*)$", texts()[PAGE], re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(set(anchors)) == len(anchors)
    linked = re.findall(r"\]\(#([^)]*)\)", texts()[PAGE])
    assert linked and set(linked) <= set(anchors)


def test_pictures_are_svg() -> None:
    for path, text in texts().items():
        if path != PAGE:
            root = ElementTree.fromstring(text)
            assert root.tag == "{http://www.w3.org/2000/svg}svg" and len(root.findall(".//{*}rect")) > 3


def cells(title: str) -> list[str]:
    """The costs of an entry."""
    return [cell.strip() for cell in entry(title).split("| --- |\n")[1].split("\n")[0].strip("| ").split("|")]


def test_costs_are_those_of_pytorch() -> None:
    from torch import nn

    layer = nn.TransformerEncoderLayer(192, 4, 768)
    assert cells("encoder")[1] == f"{sum(p.numel() for p in layer.parameters()):,}"
    conv = nn.Conv2d(3, 16, 3, stride=2, bias=False)
    _, params, macs, flops, acts, field, *_ = cells("conv")
    weights = conv.weight.numel()
    assert params == f"{weights:,}" and macs == f"{weights * 16 * 16:,}" and flops == f"{2 * weights * 16 * 16:,}"
    assert acts == f"{16 * 16 * 16:,}" and field == "3, stride 2"


@pytest.mark.parametrize(
    ("title", "memory", "kept"),
    [
        ("relu", "in place", "result 128 B"),
        ("flatten", "the input's own", "nothing"),
        ("conv", "new 16.4 kB", "input 12.3 kB"),
        ("transpose", "a view, copied: 4.1 kB", "nothing"),
    ],
)
def test_words_for_memory(title: str, memory: str, kept: str) -> None:
    assert cells(title)[-2:] == [memory, kept]
