"""The JSON of `dslc stats` says how a network is put together: edges, places, values, buffers, sizes as trees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dslc.api import compile_model
from dslc.reports.json import stats_record
from dslc.reports.stats import Stats
from dslc.reports.trees import Tree
from tests.analysis.nets import compiled

PROGRAM = """\
block unit(out: int, s: int = 1):
    residual(skip = (conv(out, 1, s=s) if s > 1 else id)):
        conv(out, 3, s=s) -> bn -> relu
        conv(out, 3) -> bn

net small(width: int = 8) on image[N, 3, H=32, W=32], more[N, 3, H, W]:
    param scale: [width, 1, 1] = ones
    (image + more) -> conv(width, 3) as stem -> (it * scale) -> unit(width) -> unit(2 * width, s=2)
    gap -> flatten -> linear(10)
"""


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(stats_record(Stats(compiled(PROGRAM)))))
    return found


def layer(record: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in record["layers"] if each["path"] == path)
    return found


def test_the_edges_are_what_each_layer_reads(record: dict[str, Any]) -> None:
    reads = {each["path"]: each["reads"] for each in record["layers"]}
    assert reads["add"] == [{"input": "image"}, {"input": "more"}]
    assert reads["stem"] == [{"layer": "add", "output": 0}]
    assert reads["mul"] == [{"layer": "stem", "output": 0}, {"tensor": "scale"}]
    assert reads["unit"] == []
    known = {each["path"] for each in record["layers"] if not each["part"]}
    assert {edge["layer"] for edges in reads.values() for edge in edges if "layer" in edge} <= known


def test_places_are_those_of_the_text(record: dict[str, Any]) -> None:
    stem, second = layer(record, "stem"), layer(record, "unit_2.conv_2")
    assert stem["span"]["start"] == {"offset": PROGRAM.index("conv(width"), "line": 8, "column": 23}
    assert stem["trail"] == []
    assert [span["start"]["line"] for span in [second["span"], *second["trail"]]] == [
        4,
        2,
        8,
    ]  # the layer, the residual around it, the call of the block
    assert record["torch"].splitlines()[stem["torch"][0] - 1].strip().startswith("self.stem = nn.Conv2d(3, ")


def test_values_are_those_of_the_language(record: dict[str, Any]) -> None:
    assert layer(record, "unit_2")["arguments"] == {"out": 16, "s": 2}
    assert layer(record, "unit_2")["definition"]["name"] == "unit"
    attributes = layer(record, "unit_2.conv")["attributes"]
    assert (attributes["out"], attributes["k"], attributes["s"], attributes["bias"]) == (16, 3, 2, False)
    assert layer(record, "scale")["attributes"] == {}


def value(tree: Tree, at: Mapping[str, int]) -> int:
    """What a tree is at some sizes, as another program would compute it."""
    if isinstance(tree, int):
        return tree
    if isinstance(tree, str):
        return at[tree]
    sign, *parts = tree
    numbers = [value(part, at) for part in parts]
    if sign == "//":
        return numbers[0] // numbers[1]
    total = numbers[0]
    for number in numbers[1:]:
        total = total + number if sign == "+" else total * number
    return total


@pytest.mark.parametrize(
    ("file", "net", "sizes"),
    [
        ("resnet", "resnet18", {"H": 191, "W": 320}),
        ("unet", "unet", {"H": 192, "W": 320}),
        ("video_resnet", "r3d_18", {}),
        ("segmentation", "fcn_resnet50", {"H": 97, "W": 130}),
    ],
)
def test_trees_are_the_numbers_at_other_sizes(file: str, net: str, sizes: dict[str, int]) -> None:
    here: Any = stats_record(Stats(compile_model(f"zoo:{file}", net, budgets=None)))
    there: Any = stats_record(Stats(compile_model(f"zoo:{file}", net, sizes=sizes, budgets=None)))
    at = {name: size["value"] for name, size in there["sizes"].items()}
    trees = here["trees"]

    def number(text: str) -> int:
        return value(trees[text], at) if text in trees else int(text)

    def summed(terms: list[dict[str, Any]]) -> int:
        total = 0
        for term in terms:
            product = term["count"]
            for size in term["sizes"]:
                product *= number(size)
            total += product
        return total

    compared = 0
    for mine, other in zip(here["layers"], there["layers"], strict=True):
        for out, wanted in zip(mine["outputs"], other["outputs"], strict=True):
            assert [number(size["expr"]) for size in out["shape"]] == [size["value"] for size in wanted["shape"]]
        for key in ("macs", "flops", "acts"):
            assert summed(mine[key]["terms"]) == other[key]["value"], mine["path"]
            compared += 1
    assert compared > 50
    mine, other = (each["totals"]["memory"] for each in (here, there))
    assert mine["steps"] == other["steps"]
    for buffer, wanted in zip(mine["buffers"], other["buffers"], strict=True):
        assert summed(buffer["bytes"]["terms"]) == wanted["bytes"]["value"]


def test_the_buffers_are_those_of_the_peak(record: dict[str, Any]) -> None:
    memory = record["totals"]["memory"]
    at = memory["steps"].index(memory["peak"]["at"])
    live = [each for each in memory["buffers"] if each["first"] <= at <= each["last"]]
    assert sum(each["bytes"]["value"] for each in live) == memory["peak"]["value"]
    assert max(each["offset"] + each["bytes"]["value"] for each in memory["buffers"]) == memory["arena"]


@pytest.mark.parametrize(
    ("file", "net"),
    [
        ("bert", "bert"),
        ("text_lstm", "text_lstm"),
        ("swin", "swin_t"),
        ("googlenet", "googlenet"),
        ("gpt2", "gpt2"),
        ("repvgg", "repvgg_a0"),
    ],
)
def test_it_keeps_to_its_schema(file: str, net: str) -> None:
    from jsonschema import Draft202012Validator

    from dslc.reports.schema import stats_schema

    document = json.loads(json.dumps(stats_record(Stats(compile_model(f"zoo:{file}", net, budgets=None)))))
    Draft202012Validator(stats_schema()).validate(document)
    for path in ("span", "reads", "torch"):
        broken = json.loads(json.dumps(document))
        del broken["layers"][0][path]
        assert not Draft202012Validator(stats_schema()).is_valid(broken)
