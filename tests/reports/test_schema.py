"""The JSON of `dslc stats` against its published schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dslc.analysis.devices import device_of
from dslc.api import compile_model, nets
from dslc.diagnostics.levels import DEFAULT
from dslc.lints.facts import NOTHING
from dslc.reports import sections
from dslc.reports.columns import View
from dslc.reports.groups import groups
from dslc.reports.json import stats_record
from dslc.reports.rendered import found_column
from dslc.reports.schema import stats_schema
from dslc.reports.stats import Stats

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
SCHEMA = stats_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def document(file: str, net: str | None = None) -> Any:
    """A report as it is read back from its text, with every section."""
    stats = Stats(compile_model(EXAMPLES / f"{file}.dl", net), device=device_of("T4"))
    parts = [
        sections.lints_section(stats, NOTHING, DEFAULT),
        sections.sizes_section(stats),
        sections.pairs_section(stats),
        sections.bridge_section(stats, "thop"),
        sections.training_section(stats, 2, 10**9, (), ()),
        sections.roofline_section(stats),
    ]
    columns = {name: found_column(name, stats) for name in ("saved", "density", "k", "act")}
    grouped = groups(View(stats), "kind")
    return json.loads(json.dumps(stats_record(stats, parts, columns=columns, grouped=grouped)))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.dl")), ids=lambda p: p.stem)
def test_every_example_follows_it(path: Path) -> None:
    document_ = document(path.stem, nets(path, complete=True)[0])
    assert [f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(document_)] == []


def test_every_key_of_the_document_is_described() -> None:
    found = document("googlenet")
    assert set(found) == set(SCHEMA["properties"])
    layer = set(SCHEMA["$defs"]["layer"]["properties"])
    assert {key for each in found["layers"] for key in each} == layer
    totals = set(SCHEMA["properties"]["totals"]["properties"]) | set(SCHEMA["$defs"]["counts"]["properties"])
    assert set(found["totals"]) == totals


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("totals"),
        lambda d: d["totals"].pop("acts"),
        lambda d: d["layers"][3].update(macs=3),
        lambda d: d["layers"][0]["outputs"][0]["shape"][0].pop("expr"),
        lambda d: d["outputs"][0]["fields"][0].update(status="good"),
        lambda d: d["outputs"][0]["fields"][0].update(size=7),
        lambda d: d["totals"]["memory"]["peak"].update(value=-1),
        lambda d: d.update(version=2),
        lambda d: d["layers"][0]["columns"].update(k=[3]),
        lambda d: d["totals_by"].update(by="size"),
        lambda d: d["totals_by"]["groups"][0]["params"].pop("share"),
    ],
)
def test_a_spoiled_document_does_not(spoil: Callable[[Any], object]) -> None:
    found = copy.deepcopy(document("lenet"))
    assert VALIDATOR.is_valid(found)
    spoil(found)
    assert not VALIDATOR.is_valid(found)
