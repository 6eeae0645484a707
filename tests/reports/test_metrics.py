"""A number is one record: all outputs have every one, and one that is added is in all of them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dslc.analysis.metrics import COMPARED, METRICS, QUANTITIES, Metric, Work, by_layer
from dslc.api import compile_model
from dslc.reference import numbers
from dslc.reports.columns import COLUMNS, View
from dslc.reports.schema import stats_schema
from dslc.reports.stats import Stats
from dslc.reports.tables import TYPED
from dslc.reports.terminal import TOLD
from dslc.syntax.units import COUNTED

ROOT = Path(__file__).resolve().parent.parent.parent
RESNET = str(ROOT / "examples" / "resnet.dl")

ENERGY = f"""
import json, sys
from dslc.analysis.metrics import Metric, Work, register, value_at


def joules(macs):
    return {{sizes: 5 * number for sizes, number in macs.items()}}


register(Metric(
    "energy", "energy", "picojoules of the multiply-adds, 5 each", unit="pJ", better="less",
    of_net=lambda n: value_at(joules(n.cost.terms), n.model.sizes.default),
    adds=Work(lambda cost: joules(cost.terms)), column="energy", compared=True,
))

from click.testing import CliRunner
from dslc.cli.main import main

FILE = {RESNET!r}


def printed(*args):
    result = CliRunner().invoke(main, args)
    return result.output


net = ("--net", "resnet18")
found = {{
    "text": printed("stats", FILE, *net, "--columns", "op,energy", "--top", "1"),
    "symbolic": printed("stats", FILE, *net, "--columns", "energy", "--symbolic", "--sort", "energy"),
    "kinds": printed("stats", FILE, *net, "--by", "kind", "--columns", "energy"),
    "csv": printed("stats", FILE, *net, "--format", "csv"),
    "json": printed("stats", FILE, *net, "--format", "json"),
    "schema": printed("stats", "--schema"),
    "help": printed("stats", "--help") + printed("diff", "--help"),
    "budget": printed("check", FILE, *net, "--budget", "energy <= 9G"),
    "sweep": printed("stats", FILE, *net, "--sweep", "H=W=64,128", "--columns", "energy", "--format", "json"),
    "swept": printed("stats", FILE, *net, "--sweep", "H=W=64,128", "--columns", "energy"),
    "bytes": printed("check", FILE, *net, "--budget", "energy <= 9MB"),
    "diff": printed("diff", FILE, "--net", "resnet18", "--net", "resnet34", "--columns", "energy"),
    "diff_json": printed("diff", FILE, "--net", "resnet18", "--net", "resnet34", "--format", "json"),
    "diff_csv": printed("diff", FILE, "--net", "resnet18", "--net", "resnet34", "--format", "csv"),
}}
import dslc
from dslc.api import compile_model
from dslc.reference import numbers
from dslc.reports.report.network import network_record

page = network_record(compile_model(FILE, "resnet18"), None, [], [])
found["page"] = [record["name"] for record in page["metrics"]]
found["page_totals"] = {{record["name"]: record["value"] for record in page["totals"]}}
stats = dslc.compile(FILE, net="resnet18").stats()
found["totals"] = stats.totals["energy"]
found["at"] = stats.at("energy", H=64, W=64)
found["record"] = stats.to_records()[0]["energy"]
found["docs"] = numbers.metric_table()
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What all outputs say in a process that knows one number more."""
    done = subprocess.run([sys.executable, "-c", ENERGY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outputs: dict[str, Any] = json.loads(done.stdout)
    return outputs


MACS = 1_814_073_344
FIRST = 118_013_952


def test_a_new_number_is_a_column(found: dict[str, Any]) -> None:
    assert found["text"].splitlines()[2].split() == ["layer", "op", "energy"]
    assert f"{5 * FIRST:,} pJ" in found["text"].splitlines()[3]
    assert f"\nenergy  {5 * MACS:,} pJ\n" in found["text"]
    assert "47,040 * ceil(H/2) * ceil(W/2)" in found["symbolic"]
    kinds = {line.split()[0]: line for line in found["kinds"].splitlines()[3:5]}
    assert set(kinds) == {"conv", "linear"} and f"{5 * (MACS - 512_000):,} pJ" in kinds["conv"]
    assert next(csv.DictReader(io.StringIO(found["csv"])))["energy"] == str(5 * FIRST)


def test_a_new_number_is_in_the_json_and_its_schema(found: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator

    document, schema = json.loads(found["json"]), json.loads(found["schema"])
    assert document["layers"][0]["energy"]["value"] == 5 * FIRST
    assert document["totals"]["energy"]["value"] == document["quantities"]["energy"]["value"] == 5 * MACS
    assert document["quantities"]["energy"]["unit"] == "pJ"
    assert Draft202012Validator(schema).is_valid(document)
    for place in (document["layers"][0], document["totals"], document["quantities"]):
        del place["energy"]
        assert not Draft202012Validator(schema).is_valid(document)
        place["energy"] = document["layers"][-1]["energy"] if place is not document["quantities"] else None
    assert not Draft202012Validator(schema).is_valid(document)


def test_a_new_number_is_in_budgets_sweeps_and_comparisons(found: dict[str, Any]) -> None:
    said = " ".join(found["budget"].split())
    assert "`energy` is 9,070,366,720 pJ, and the budget says `<= 9,000,000,000 pJ`" in said
    assert "590,069,760 pJ (6.5%)" in said and "it saves 295,034,880 pJ" in said
    assert "error[E0705]: `9MB` are bytes, and `energy` is a count" in found["bytes"]
    sweep = json.loads(found["sweep"])
    assert sweep["quantities"]["energy"]["unit"] == "pJ" and sweep["points"][0]["numbers"]["energy"]["value"]
    assert "energy" in found["swept"].splitlines()[2]
    assert found["diff"].splitlines()[2].split() == ["layer", "op", "output", "energy", "field"]
    totals = {total["name"]: total for total in json.loads(found["diff_json"])["totals"]}
    assert totals["energy"]["a"] == 5 * MACS and totals["energy"]["delta"] == 5 * totals["macs"]["delta"]
    assert json.loads(found["diff_json"])["layers"][0]["delta"]["energy"] == totals["energy"]["delta"]
    assert "energy_a,energy_b,energy_delta" in found["diff_csv"].splitlines()[0]


def test_a_new_number_is_in_the_page_of_a_report(found: dict[str, Any]) -> None:
    assert "energy" in found["page"] and found["page_totals"]["energy"] == 5 * MACS


def test_a_new_number_is_in_python_help_and_docs(found: dict[str, Any]) -> None:
    assert found["totals"] == 5 * MACS and found["record"] == 5 * FIRST
    assert found["at"] == 5 * compile_value(64)
    assert found["help"].count("energy") >= 4
    assert (
        "| `energy` | `energy` | pJ | yes; less is better | picojoules of the multiply-adds, 5 each |" in found["docs"]
    )


def compile_value(side: int) -> int:
    """Multiply-adds of the network at another size, from its compilation there."""
    return Stats(compile_model(RESNET, "resnet18", sizes={"H": side, "W": side})).cost.macs


# ---- those that are there


def test_the_page_has_the_table_of_all_numbers() -> None:
    assert numbers.PAGE.read_text(encoding="utf-8") == numbers.page_text(), "run `python -m dslc.reference`"


def test_every_number_is_where_its_record_says() -> None:
    schema = stats_schema()
    assert set(TOLD) == set(QUANTITIES)
    assert set(COUNTED) == {name for name, metric in QUANTITIES.items() if metric.unit != "B"}
    assert {m.column for m in METRICS.values() if m.column} <= set(COLUMNS)
    assert {m.key for m in by_layer(device=False, asked=False)} <= set(schema["$defs"]["layer"]["required"])
    assert set(schema["properties"]["quantities"]["required"]) == set(QUANTITIES)
    assert set(TYPED) == {m.column for m in by_layer(device=False, asked=False)}
    assert all(m.adds is not None and m.of_net is not None for m in COMPARED.values())


@pytest.mark.parametrize("metric", [m for m in METRICS.values() if m.adds and m.of_net], ids=lambda m: m.name)
def test_what_layers_add_is_the_number_of_the_network(metric: Metric) -> None:
    for file, net in (("resnet", "resnet18"), ("gpt2", "gpt2"), ("googlenet", "googlenet")):
        stats = Stats(compile_model(ROOT / "examples" / f"{file}.dl", net))
        view = View(stats)
        if metric.column:
            found = view.numbers(metric)
            top = [row for row in stats.rows if row.depth == 0]
            total = sum(found[row] for row in top if metric.training or row.needed.value == "always")
            assert total == metric.value(stats)
        if isinstance(metric.adds, Work):
            assert view.values.of(metric.adds.total(stats)) == metric.value(stats)
