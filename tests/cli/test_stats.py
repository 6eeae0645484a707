"""`dslc stats`: what its options show, and what they refuse with the nearest choice."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from dslc.analysis.metrics import QUANTITIES
from dslc.api import nets
from dslc.ops.base import REGISTRY
from dslc.reports.columns import COLUMNS
from tests.cli.running import printed, run

ROOT = Path(__file__).resolve().parent.parent.parent
RESNET = ROOT / "examples" / "resnet.dl"
RESNET18 = (RESNET, "--net", "resnet18")

EXTERN = """
extern block mine on x[N, C, H, W] -> [N, C, H, W] = "mine:Mine"

net f on image[N, 3, H=32, W=32]:
    conv(8, 3) -> mine -> conv(4, 3)
"""

BLOCKS = """
block unit(wide: int, act: layer = relu) on x[N, C, H, W]:
    conv(wide, 3) -> act

net f on image[N, 3, H=32, W=32]:
    unit(8, act=gelu) -> unit(4)
"""


def table(*args: str | Path) -> list[dict[str, str]]:
    """The rows of the CSV form."""
    return list(csv.DictReader(io.StringIO(printed("stats", *args, "--format", "csv"))))


@pytest.fixture
def extern(tmp_path: Path) -> Path:
    path = tmp_path / "extern.dl"
    path.write_text(EXTERN, encoding="utf-8")
    return path


# ---- what the command line repeats, so as not to import it


def test_choices_are_those_of_the_analyses() -> None:
    from dslc.analysis import conventions, devices, training
    from dslc.cli import stats

    assert list(conventions.TOOLS) == stats.TOOLS and list(devices.BYTES) == stats.TYPES
    assert list(training.OPTIMIZERS) == stats.OPTIMIZERS and list(training.PRECISIONS) == stats.PRECISIONS


def test_help_names_every_column_quantity_and_device() -> None:
    text = printed("stats", "--help")
    assert set(COLUMNS) | set(QUANTITIES) <= set(re.split(r"[\s,;.]+", text))
    whole = re.sub(r"\s+", "", text)  # lines are broken after hyphens too
    assert all(name in whole for name in ("H200", "A100", "T4", "cpu-core", "phone-npu"))


# ---- which rows


def test_depth_closes_parts_and_loses_nothing() -> None:
    rows = table(*RESNET18, "--depth", "1", "--columns", "params,macs,share")
    assert [row["path"] for row in rows if row["path"].startswith("layer")] == [f"layer{k}" for k in range(1, 5)]
    assert sum(int(row["params"]) for row in rows) == 11_689_512
    assert sum(int(row["macs"]) for row in rows) == 1_814_073_344
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)


def test_sorting_puts_the_greatest_layer_first_and_leaves_parts_out() -> None:
    rows = table(*RESNET18, "--sort", "params", "-c", "op,params")
    numbers = [int(row["params"]) for row in rows]
    assert numbers == sorted(numbers, reverse=True) and rows[0]["path"] == "layer4.0.conv2"
    assert not {"seq", "basic"} & {row["op"] for row in rows}
    assert sum(numbers) == 11_689_512
    closed = table(*RESNET18, "--sort", "params", "-c", "op,params", "--depth", "1")
    assert closed[0]["path"] == "layer4" and sum(int(row["params"]) for row in closed) == 11_689_512


def test_equal_parts_fold_and_unfold() -> None:
    folded = printed("stats", *RESNET18).splitlines()
    assert any(line.startswith("  0..1 ") and "basic x2" in line for line in folded)
    assert any(line.startswith("    conv2") and line.endswith("27..43") for line in folded)
    unfolded = printed("stats", *RESNET18, "--no-fold").splitlines()
    assert sum(line.startswith("  1 ") for line in unfolded) == 4 and not any("x2" in line for line in unfolded)


def test_parts_that_differ_in_an_attribute_alone_do_not_fold(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text(
        "block unit(slope: float) on x[N, C, H, W]:\n    conv(C, 3) -> leaky_relu(slope)\n\n"
        "net f on x[N, 4, 8, 8]:\n    unit(0.1) as a\n    unit(0.1) as b\n    unit(0.2) as c\n",
        encoding="utf-8",
    )
    names = [line.split()[0] for line in printed("stats", path).splitlines() if "unit" in line]
    assert names == ["a..b", "c"]


# ---- which columns


def test_every_column_has_a_value_and_a_text_somewhere() -> None:
    rows = table(*RESNET18, "--device", "A100")
    assert set(rows[0]) == {"path", *COLUMNS}
    for name in COLUMNS:
        nothing = {""} if name in ("train_only", "spread", "centre", "padding") else {"", "0"}
        assert any(row[name] not in nothing for row in rows), name
    text = printed("stats", *RESNET18, "--device", "A100", "--columns", ",".join(COLUMNS)).splitlines()[2]
    assert all(column.heading in text for column in COLUMNS.values())


def test_columns_of_memory_add_up_to_the_totals() -> None:
    rows = table(*RESNET18, "-c", "memory,saved,flops,acts")
    leaves = [
        row for row in rows if row["path"].rpartition(".")[2] not in ("0", "1") and "layer" not in row["path"][:5]
    ]
    document = json.loads(printed("stats", *RESNET18, "--format", "json", "--train"))
    parts = [row for row in rows if row["path"] in ("layer1", "layer2", "layer3", "layer4")]
    every = [*leaves, *parts]
    totals = document["totals"]
    assert sum(int(row["memory"]) for row in every) == totals["memory"]["activations"]["value"]
    assert sum(int(row["flops"]) for row in every) == totals["flops"]["value"]
    assert sum(int(row["acts"]) for row in every) == totals["acts"]["value"]
    assert sum(int(row["saved"]) for row in every) == document["training"]["saved"]["fp32"]["value"]


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    result = run("stats", *RESNET18, "--columns", "op,parms")
    assert result.exit_code == 2 and "no column `parms`; did you mean `params`?" in result.stderr
    result = run("stats", *RESNET18, "--sort", "zebra")
    assert result.exit_code == 2 and "no column `zebra`; choose from op, output" in result.stderr
    result = run("stats", *RESNET18, "--columns", "time")
    assert result.exit_code == 2 and "`time` needs --device" in result.stderr


# ---- attributes, groups, the greatest


def test_every_attribute_of_an_op_is_a_column() -> None:
    names = sorted({name for op in REGISTRY.values() for name in op.attributes} - {"op"})
    lines = printed("stats", *RESNET18, "--format", "csv", "--columns", ",".join(names)).splitlines()
    assert lines[0] == ",".join(["path", *names])
    first = dict(zip(lines[0].split(","), next(csv.reader([lines[1]])), strict=True))
    assert [first[name] for name in ("k", "s", "g", "bias", "p", "eps")] == ["7", "2", "1", "false", "half", ""]


def test_a_parameter_of_a_block_is_a_column(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text(BLOCKS, encoding="utf-8")
    rows = list(csv.DictReader(printed("stats", str(path), "--format", "csv", "-c", "op,wide,act,k").splitlines()))
    assert [(r["op"], r["wide"], r["act"], r["k"]) for r in rows[:3]] == [
        ("unit", "8", "gelu", ""),
        ("conv", "", "", "3"),
        ("gelu", "", "", ""),
    ]


def test_columns_stand_in_the_json() -> None:
    columns = ("--columns", "saved,density,k,bound", "--device", "T4")
    found = json.loads(printed("stats", *RESNET18, "--format", "json", *columns))
    first = found["layers"][0]["columns"]
    assert first["saved"] > 0 and first["density"] == "1" and first["k"] == 7 and first["bound"] == "compute"
    assert "columns" not in json.loads(printed("stats", *RESNET18, "--format", "json"))["layers"][0]


@pytest.mark.parametrize("path", ["resnet.dl", "googlenet.dl", "unet.dl", "swin.dl", "bert.dl", "text_lstm.dl"])
def test_kinds_add_up_to_the_totals(path: str) -> None:
    file = ROOT / "examples" / path
    name = nets(file, complete=True)[0]
    found = json.loads(printed("stats", str(file), "--net", name, "--format", "json", "--by", "kind"))
    groups, totals = found["totals_by"]["groups"], found["totals"]
    assert sum(g["params"]["value"] for g in groups) == totals["params"]
    assert sum(g["macs"]["value"] for g in groups) == totals["macs"]["value"]
    assert sum(g["memory"]["value"] for g in groups) == totals["memory"]["activations"]["value"]
    assert sum(g["params"]["share"] for g in groups) == pytest.approx(1)


def test_a_block_counts_what_is_in_it_once() -> None:
    found = json.loads(printed("stats", *RESNET18, "--format", "json", "--by", "block"))
    sums = {g["name"]: (g["uses"], g["params"]["value"]) for g in found["totals_by"]["groups"]}
    inside = sum(row["params"] for row in found["layers"] if row["op"] == "basic")
    assert sums["basic"] == (8, inside)
    assert sums["seq"][1] + sums["resnet18 itself"][1] == found["totals"]["params"]


def test_the_greatest_layers() -> None:
    lines = printed("stats", *RESNET18, "--top", "3", "--columns", "macs").splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["conv1", "layer1.0.conv1", "layer1.0.conv2"]
    assert lines[-1] == "the first 3 of 69 by MACs; equal ones in program order"


def test_layers_that_do_nothing_are_left_out_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("net n on x[N, 8]:\n    linear(8) -> dropout(0) -> dropout(0.5)\n", encoding="utf-8")
    text = printed("stats", str(path))
    assert "a layer that does nothing is left out" in text and "\ndropout_2 " in text and "\ndropout " not in text
    every = printed("stats", str(path), "--all")
    assert "left out" not in every and "\ndropout " in every
    assert len(json.loads(printed("stats", str(path), "--format", "json"))["layers"]) == 3
    said = "12 layers that do nothing are left out"
    for options in ((), ("--sort", "acts"), ("--format", "markdown")):
        assert said in printed("stats", RESNET, "--net", "resnet50", *options)
    closed = ("--depth", "1"), ("--format", "csv"), ("--by", "kind")  # nothing of it would stand there, or all does
    assert not any("left out" in printed("stats", RESNET, "--net", "resnet50", *options) for options in closed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--by", "kind", "--depth", "1"), "--depth means nothing with --by"),
        (("--by", "kind", "--all"), "--all means nothing with --by"),
        (("--by", "kind", "--columns", "field"), "`field` does not add up; choose from params"),
        (("--sweep", "H=224", "--top", "2"), "--top means nothing with --sweep"),
        (("--columns", "paddin"), "did you mean `padding`?"),
        (("--columns", "causl"), "did you mean `causal`?"),
    ],
)
def test_what_cannot_be_asked_together(options: tuple[str, ...], said: str) -> None:
    result = run("stats", *RESNET18, *options)
    assert result.exit_code == 2 and said in result.stderr


# ---- lints


ODD = """
net f on image[N, 3, H=32, W=32] -> [N, 10]:
    conv(8, 3, bias=true) as stem -> bn -> relu
    conv(8, 1, s=2) as shrink -> bn -> relu
    gap -> flatten -> linear(10) as head
"""


def test_the_lints_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text(ODD, encoding="utf-8")
    counts = json.loads(printed("stats", path, "--format", "json"))["lints"]
    listed = json.loads(printed("lint", path, "--format", "json"))
    codes = Counter(d["code"] for d in listed["diagnostics"] if d["code"][1:3] in {f"{n}" for n in range(10, 18)})
    assert counts["codes"].items() <= codes.items() and counts["warnings"] >= 2
    assert f"lints   {counts['warnings']} warnings" in printed("stats", path)
    meant = ODD.replace("-> relu\n", "-> relu  # dslc: allow(warnings)\n")
    path.write_text(meant, encoding="utf-8")
    assert json.loads(printed("stats", path, "--format", "json"))["lints"]["warnings"] == 0


# ---- forms


def test_markdown_is_a_table_and_the_totals() -> None:
    text = printed("stats", *RESNET18, "--format", "markdown", "--depth", "1").splitlines()
    assert text[0].startswith("### `resnet18: image[N, 3, H=224, W=224]")
    assert text[2].startswith("| layer | op | output | params | MACs |") and text[3].startswith(
        "| --- | --- | --- | ---: |"
    )
    widths = {line.count("|") for line in text if line.startswith("|")}
    assert widths == {8}
    assert "```text" in text and any(line.startswith("MACs    1,814,073,344") for line in text)


def test_json_has_a_record_for_each_section_asked_for() -> None:
    plain = json.loads(printed("stats", *RESNET18, "--format", "json"))
    full = json.loads(
        printed("stats", *RESNET18, "--format", "json", "-v", "--train", "--as", "fvcore", "--device", "H200")
    )
    assert set(full) - set(plain) == {"input_sizes", "pairs", "training", "bridge", "roofline"}
    assert full["bridge"]["total"] > plain["totals"]["macs"]["value"]


# ---- memory, training, devices


def test_batch_and_in_place_are_for_memory_alone() -> None:
    one, many, apart = (
        json.loads(printed("stats", *RESNET18, "--format", "json", *options))["totals"]
        for options in ((), ("--batch", "8"), ("--no-inplace",))
    )
    assert many["macs"] == one["macs"] == apart["macs"]
    assert many["memory"]["peak"]["value"] == 8 * one["memory"]["peak"]["value"]
    assert apart["memory"]["activations"]["value"] > one["memory"]["activations"]["value"]


def test_the_largest_batch_that_fits() -> None:
    choices = json.loads(printed("stats", *RESNET18, "--format", "json", "--fit", "2GB"))["training"]["choices"]
    adam = next(c for c in choices if (c["optimizer"], c["precision"]) == ("adam", "fp32"))
    batch = adam["fit"]["batch"]
    assert adam["fixed"] + batch * adam["per_sample"] <= 2e9 < adam["fixed"] + (batch + 1) * adam["per_sample"]
    text = printed("stats", *RESNET18, "--fit", "2GB", "--optimizer", "sgd", "--precision", "mixed")
    assert "largest batch in 2 GB" in text and "adam" not in text and "fp32" not in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fit", "2XB"), "`XB` is no unit of memory"),
        (("--device", "A10"), "A100"),
        (("--device", "A100", "--dtype", "fp64"), "fp64"),
        (("--dtype", "fp16"), "--dtype needs --device"),
        (("--plot", "a.png"), "--plot needs --sweep"),
        (("--front", "macs,params"), "--front needs --sweep"),
        (("--optimizer", "adam"), "--optimizer needs --train"),
        (("--as", "torchvison"), "torchvision"),
        (("--sweep", "H=64", "--strict"), "--strict means nothing with --sweep"),
        (("--sweep", "H=64", "--as", "thop"), "--as means nothing with --sweep"),
        (("--sweep", "H=64", "--batch", "2"), "--batch"),
        (("--format", "csv", "--train"), "--train means nothing with --format csv"),
        (("--depth", "0"), "0"),
        (("--batch", "0"), "0"),
    ],
)
def test_wrong_use_is_said_with_what_is_right(options: tuple[str, ...], words: str) -> None:
    result = run("stats", *RESNET18, *options)
    assert result.exit_code == 2 and words in result.stderr


# ---- what is not known


def test_a_lower_bound_says_so_and_strict_fails_on_it(extern: Path) -> None:
    text = printed("stats", extern)
    assert all(
        f"{label}at least" in text for label in ("params  ", "weights ", "MACs    ", "FLOPs   ", "ideal peak   ")
    )
    assert "`mine` does not say what it costs" in text and "%" not in text
    (row,) = [line for line in text.splitlines() if line.startswith("mine")]
    assert row.split()[-4:] == ["?", "?", "?", "(3)"]
    rows = {row["path"]: row for row in table(extern, "-c", "macs,flops")}
    assert rows["mine"]["macs"] == "" and rows["conv"]["macs"] != ""
    layers = {layer["path"]: layer for layer in json.loads(printed("stats", extern, "--format", "json"))["layers"]}
    assert layers["mine"]["params"] is None and layers["mine"]["weights"] is None and layers["conv"]["params"] == 224
    result = run("stats", extern, "--strict")
    assert result.exit_code == 1
    assert "E0704" in result.stderr and "`macs`" in result.stderr and "`mine` does not say" in result.stderr
    assert run("stats", *RESNET18, "--strict").exit_code == 0


def test_a_part_with_something_unknown_in_it_is_a_lower_bound(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text(
        EXTERN.partition("net f")[0]
        + "block part on x[N, C, H, W]:\n    conv(C, 3) -> mine\n\nnet f on image[N, 3, H=8, W=8]:\n    part\n",
        encoding="utf-8",
    )
    (row,) = [line for line in printed("stats", path).splitlines() if line.startswith("part ")]
    assert ">=84" in row and ">=5,184" in row


def test_what_only_training_leaves_unknown_bounds_the_numbers_of_training_alone(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text(
        'extern block head on x[N, C, H, W] -> [N, C] = "mine:Aux"\n\n'
        "net f on image[N, 3, H=8, W=8] -> logits, aux when training:\n"
        "    conv(4, 3)\n    aux = head\n    logits = gap -> flatten -> linear(4)\n",
        encoding="utf-8",
    )
    result = run("stats", path, "--strict")
    assert result.exit_code == 0 and "params  132, at least 0 more in training" in result.stdout
    assert "MACs    6,928 (6.928 k)" in result.stdout and "at least 0 more in training" in result.stdout


def test_a_net_over_its_budget_is_shown_and_then_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text("net f on x[N, 3, 8, 8]:\n    conv(4, 3)\n    budget params <= 10\n", encoding="utf-8")
    result = run("stats", path)
    assert result.exit_code == 1 and "params  112" in result.stdout
    assert "error[E0701]: `params` is 112" in result.stderr


def test_a_net_without_places_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "mlp.dl"
    path.write_text("net mlp on x[N, 8]:\n    linear(4) -> relu -> linear(2)\n", encoding="utf-8")
    assert run("stats", path, "--strict").exit_code == 0
