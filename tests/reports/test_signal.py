"""What `dslc signal` prints, its JSON, its picture, and that a remedy is the program with the remedy written in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

import dslc
from dslc.analysis.signal.remedies import remedied
from dslc.analysis.signal.result import NetworkSignal
from dslc.api import compile_model
from dslc.cli.main import main
from tests.conftest import Golden

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "golden"
SCHEMA = json.loads((files("dslc.reports") / "signal.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

CHAIN = "net f on x[N, 64] -> [N, 10]:\n    for i in range(8): {}\n    linear(10)\n"
PLAIN = CHAIN.format("linear(64) -> sigmoid")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["signal", *map(str, words)], catch_exceptions=False)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "plain.dl"
    path.write_text(PLAIN, encoding="utf-8")
    return path


def sizes(found: NetworkSignal) -> list[tuple[str, float, float | None]]:
    return [(layer.op, layer.rms, layer.gradient) for layer in found.layers if layer.op != "id"]


REMEDIES: dict[str, tuple[Sequence[str], str]] = {
    "act": (["act=tanh"], "linear(64) -> tanh"),
    "init": (["init=xavier_normal"], "linear(64, init=xavier_normal()) -> sigmoid"),
    "kaiming takes the gain of what follows": (
        ["act=relu", "init=kaiming_normal"],
        'linear(64, init=kaiming_normal(nonlinearity="relu")) -> relu',
    ),
    "norm": (["norm=bn"], "linear(64, bias=true) -> bn -> sigmoid"),
    "layer norm": (["norm=ln"], "linear(64) -> ln -> sigmoid"),
    "residual": (["residual"], "residual: linear(64) -> sigmoid"),
    "a norm, then a sum": (["norm=ln", "residual"], "residual: linear(64) -> ln -> sigmoid"),
}


@pytest.mark.parametrize("name", REMEDIES)
def test_a_remedy_is_the_program_with_it(name: str) -> None:
    remedies, line = REMEDIES[name]
    suite = f"\n        {line}" if line.startswith("residual") else line
    last = ", init=xavier_normal()" if remedies == ["init=xavier_normal"] else ""
    last = ', init=kaiming_normal(nonlinearity="linear")' if "init=kaiming_normal" in remedies else last
    text = CHAIN.format(suite).replace("linear(10)", f"linear(10{last})")
    expected = dslc.compile(text).signal()
    found = remedied(compile_model(PLAIN), remedies, 16)
    assert found.ratio == pytest.approx(expected.ratio) and found.varies == pytest.approx(expected.varies)
    for ours, theirs in zip(sizes(found), sizes(expected), strict=True):
        assert ours[0] == theirs[0] and ours[1:] == pytest.approx(theirs[1:])


SUMS = """net f on x[N, 64] -> [N, 10]:
    for i in range({}):
        residual: linear(64) -> gelu{}
    linear(10)
"""
STEPS = "net f on x[N, T=32, 16] -> [N, 4]:\n    {}(24, layers=2) -> it[:, -1] -> linear(4)\n"


@pytest.mark.parametrize(
    ("before", "remedy", "after"),
    [
        (PLAIN, "depth=0.5", PLAIN.replace("range(8)", "range(4)")),
        (PLAIN, "depth=1/4", PLAIN.replace("range(8)", "range(2)")),
        (PLAIN, "depth=0.01", PLAIN.replace("range(8)", "range(1)")),
        (SUMS.format(6, ""), "depth=0.5", SUMS.format(3, "")),
        (SUMS.format(6, ""), "scale=0.25", SUMS.format(6, " -> (it * 0.25)")),
        (SUMS.format(16, ""), "scale", SUMS.format(16, " -> (it * 0.25)")),
        (STEPS.format("rnn"), "gates", STEPS.format("lstm")),
        (STEPS.format("rnn"), "gates=gru", STEPS.format("gru")),
    ],
)
def test_a_remedy_of_the_shape_is_the_program_with_it(before: str, remedy: str, after: str) -> None:
    found, expected = remedied(compile_model(before), [remedy], 16), dslc.compile(after).signal()
    assert found.varies == pytest.approx(expected.varies) and found.largest == pytest.approx(expected.largest)
    assert found.ratio == (None if expected.ratio is None else pytest.approx(expected.ratio))
    assert [(m.op, m.steps) for m in found.memory] == [(m.op, m.steps) for m in expected.memory]
    for ours, theirs in zip(sizes(found), sizes(expected), strict=True):
        assert ours[0] == theirs[0] and ours[1:] == pytest.approx(theirs[1:])


def test_less_depth_of_blocks_within_stages() -> None:
    """The innermost loops lose turns, of each stage those that keep its shape."""
    found = remedied(compile_model(ROOT / "examples" / "resnet.dl", "resnet34"), ["depth=0.5"], 16)
    kept = {layer.path.rpartition(".")[0] for layer in found.layers if layer.path.startswith("layer")}
    stages = [
        len({path for path in kept if path.startswith(f"layer{n}.") and path.count(".") == 1}) for n in range(1, 5)
    ]
    assert stages == [2, 2, 3, 2]


def test_a_turn_that_is_read_elsewhere_stays() -> None:
    loop = "    let xs = []\n    for i in range(6):\n        linear(64) -> relu\n        xs += [it]\n"
    text = f"net f on x[N, 64]:\n{loop}    concat(*xs)\n"
    with pytest.raises(ValueError, match="no loop has turns"):
        remedied(compile_model(text), ["depth=0.5"], 16)


def test_all_remedies(plain: Path) -> None:
    lines = run(plain, "--what-if", "all").output.splitlines()
    named = [line.split("  ")[0] for line in lines[3:-2]]
    assert named[0] == "as it is" and "norm=bn" in named and "scale" not in named and "gates=lstm" not in named
    found = json.loads(run(plain, "--what-if", "all", "--format", "json").output)
    VALIDATOR.validate(found)
    assert [one["change"] for one in found["what_ifs"]] == named[1:]
    assert run(plain, "--what-if", "all", "--what-if", "residual").exit_code == 2
    assert ", loss cross_entropy, with each" in run(plain, "--what-if", "all", "--loss", "cross_entropy").output


def test_json_of_two_networks(plain: Path) -> None:
    other = plain.with_name("other.dl")
    other.write_text(CHAIN.format("linear(64) -> bn -> relu").replace("net f", "net g"), encoding="utf-8")
    found = json.loads(run(plain, other, "--format", "json").output)
    VALIDATOR.validate(found)
    assert (found["net"], found["beside"]["net"]) == ("f", "g") and found["beside"]["source"] == str(other)
    assert found["beside"]["ratio"] < 3 < found["ratio"]


def test_a_gate_and_a_result_keep_their_activations() -> None:
    lines = (
        "h = linear(64) -> relu",
        "g = h -> linear(64) -> sigmoid",
        "(h * g) -> linear(1) -> tanh -> linear(1) -> sigmoid",
    )
    text = "\n    ".join(("net f on x[N, 64]:", *lines)) + "\n"
    found = remedied(compile_model(text), ["act=selu"], 16)
    acts = [layer.op for layer in found.layers if layer.op in ("relu", "sigmoid", "tanh", "selu")]
    assert acts == ["relu", "sigmoid", "selu", "sigmoid"]  # a product reads the first two


@pytest.mark.parametrize(
    ("remedy", "words"),
    [
        ("act=rulu", "did you mean `relu`?"),
        ("act=prelu", "`prelu` is none of"),
        ("init=zeros", "`zeros` is none of"),
        ("more", "`more` is no remedy"),
        ("residual=2", "`residual=2` is no remedy"),
        ("norm=", "`` is none of bn, ln, rmsnorm"),
        ("gates=rnn", "`rnn` is none of lstm, gru"),
        ("gates", "no plain recurrent layer"),
        ("scale=-1", "`-1` is no factor"),
        ("scale", "no place for it"),
        ("depth=2", "`2` is no share"),
        ("depth=1/0", "`1/0` is no share"),
    ],
)
def test_what_is_no_remedy_is_refused(remedy: str, words: str, plain: Path) -> None:
    result = run(plain, "--what-if", remedy)
    assert result.exit_code == 2 and words in result.output


def test_a_remedy_without_a_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.dl"
    path.write_text("net f on x[N, 8]:\n    linear(4)\n", encoding="utf-8")
    result = run(path, "--what-if", "residual")
    assert result.exit_code == 2 and "no place for it" in result.output


@pytest.mark.parametrize(("file", "net"), [("lenet", "lenet"), ("resnet", "resnet18"), ("text_lstm", "text_lstm")])
def test_the_report_of_an_example(file: str, net: str, golden: Golden) -> None:
    golden(HERE / f"signal_{net}.txt", run(ROOT / "examples" / f"{file}.dl", "--net", net).output)


def test_the_report_with_a_remedy(plain: Path, golden: Golden) -> None:
    golden(HERE / "signal_remedy.txt", run(plain, "--what-if", "act=relu", "--what-if", "init=kaiming_normal").output)


def test_two_networks(plain: Path, golden: Golden) -> None:
    other = plain.with_name("other.dl")
    other.write_text(CHAIN.format("linear(64) -> bn -> relu").replace("net f", "net g"), encoding="utf-8")
    golden(HERE / "signal_two.txt", run(plain, other).output)


def test_a_layer_without_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "gap.dl"
    path.write_text("net f on x[N, 8]:\n    linear(8) -> sqrt -> linear(4)\n", encoding="utf-8")
    output = run(path).output
    assert "no verdict: 1 of the layers have no rule\n  `sqrt`: its values come near to 0, where " in output


def test_the_batch_counts(plain: Path) -> None:
    plain.write_text(CHAIN.format("linear(64) -> bn -> relu"), encoding="utf-8")
    assert run(plain, "--batch", "4").output != run(plain, "--batch", "64").output


def test_one_value_has_no_variance(plain: Path) -> None:
    plain.write_text(CHAIN.format("linear(64) -> bn -> relu"), encoding="utf-8")
    assert "`bn`: of one value of a channel no variance is taken" in run(plain, "--batch", "1").output


def test_json(plain: Path) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    found = json.loads(run(plain, "--format", "json", "--what-if", "norm=bn").output)
    VALIDATOR.validate(found)
    assert found["ratio"] > 3 > found["what_if"]["ratio"] and found["what_if"]["change"] == "norm=bn"
    assert run(plain, "--schema").output == (files("dslc.reports") / "signal.schema.json").read_text("utf-8")


def test_json_of_values_beyond_floats(plain: Path) -> None:
    plain.write_text("net f on x[N, 64]:\n    for i in range(900): linear(64, init=normal(std=1.0)) -> relu\n", "utf-8")
    VALIDATOR.validate(json.loads(run(plain, "--format", "json").output))


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture(kind: str, plain: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"depth.{kind}"
    assert run(plain, "--what-if", "norm=bn", "--plot", path).exit_code == 0
    first = path.read_bytes()
    assert run(plain, "--what-if", "norm=bn", "--plot", path).exit_code == 0
    assert path.read_bytes() == first and len(first) > 5000


def test_wrong_usage(plain: Path) -> None:
    for words in ((plain, plain, plain), (plain, plain, "--what-if", "residual"), (plain, "--plot", "a.jpg")):
        assert run(*words).exit_code == 2


def rows(*words: str | Path) -> list[str]:
    """The lines of the table, under its headers."""
    lines = run(*words).output.split("\n\n")[1].splitlines()
    assert lines[0].startswith("layer ")
    return lines[1:]


def test_parts_are_closed_in_large_networks() -> None:
    net = (ROOT / "examples" / "resnet.dl", "--net", "resnet50")
    lines, every = rows(*net), rows(*net, "--all")
    assert lines[-1] == "175 layers in 23 lines, parts are closed: `--depth 3` goes deeper, `--all` to the end"
    closed = next(line.split() for line in lines if line.startswith("layer3.1 (10)"))
    inside = [line.split() for line in every if line.startswith("layer3.1.")]
    assert [closed[2], closed[3], closed[5]] == inside[-1][1:4]  # what leaves the last layer
    assert len(every) > 175 and max(map(len, lines[:-1])) <= 80
    stages = [line.split("  ")[0] for line in rows(*net, "--depth", "1")]
    assert stages[4:8] == ["layer1 (32)", "layer2 (42)", "layer3 (62)", "layer4 (32)"] and stages[-1] == "fc"


def test_tables_of_indices_are_left_out() -> None:
    net = (ROOT / "examples" / "swin.dl", "--net", "swin_t")
    lines, every = rows(*net, "--depth", "9"), rows(*net, "--all")
    assert len(lines) == 280 < len(every)
    assert not any("attn.arange" in line for line in lines) and any("attn.arange" in line for line in every)


def test_the_middle_of_a_long_chain_is_left_out(plain: Path) -> None:
    plain.write_text(CHAIN.format("linear(64) -> relu").replace("range(8)", "range(50)"), encoding="utf-8")
    lines = rows(plain)
    assert len(lines) == 62 and lines[30] == "..." and lines[60].startswith("linear_51 ")
    assert lines[-1] == "101 layers, 41 lines of the middle left out: `--all` has all"
    assert len(rows(plain, "--all")) == 101


def test_depth_and_all_exclude_each_other(plain: Path) -> None:
    assert run(plain, "--depth", "1", "--all").exit_code == 2


@pytest.mark.parametrize("words", [("--format", "json"), ("--what-if", "all")])
def test_what_is_of_the_table_is_refused_without_one(words: tuple[str, ...], plain: Path) -> None:
    for option in (("--all",), ("--depth", "2")):
        result = run(plain, *words, *option)
        assert result.exit_code == 2 and f"{option[0]} is of the table by layer" in result.output
    assert run(plain, plain, "--all").exit_code == 2


def test_what_clipping_leaves(plain: Path) -> None:
    """Against the norm of torch's gradients, root mean square over draws of the weights."""
    plain.write_text(CHAIN.format("linear(64, init=normal(std=0.2)) -> tanh"), encoding="utf-8")
    network = dslc.compile(plain)
    found = network.signal(batch=32, loss="cross_entropy")
    kind, total = network.load(), 0.0
    for seed in range(24):
        torch.manual_seed(seed)
        module = kind()
        target = torch.randint(0, 10, (32,))
        torch.nn.functional.cross_entropy(module(torch.randn(32, 64)), target).backward()
        total += sum(float(p.grad.square().sum()) for p in module.parameters() if p.grad is not None) / 24
    assert found.norm == pytest.approx(total**0.5, rel=0.1)
    line = run(plain, "--batch", "32", "--loss", "cross_entropy", "--clip", "0.5").output.splitlines()[-1]
    assert f"clipping at 0.5 leaves {0.5 / found.norm:.2%} of a step, in every layer alike" in line
    assert "leaves all of a step" in run(plain, "--loss", "cross_entropy", "--clip", "1e9").output
    assert run(plain, "--clip", "1").exit_code == 2 and "needs --loss" in run(plain, "--clip", "1").output


def test_a_loss_of_logits_that_are_huge(plain: Path) -> None:
    plain.write_text("net f on x[N, 64]:\n    for i in range(40): linear(64, init=normal(std=1.0)) -> relu\n", "utf-8")
    assert "exploding values" in run(plain, "--loss", "cross_entropy", "--clip", "1").output


def test_what_depends_on_the_draw_is_told_by_orders(plain: Path) -> None:
    """Twenty layers of gelu with the gain of a ReLU: a deviation at one layer grows nine times up to the last."""
    plain.write_text(
        'net f on x[N, 64]:\n    for i in range(20): linear(64, init=kaiming_normal(nonlinearity="relu")) -> gelu\n',
        "utf-8",
    )
    assert dslc.compile(plain).signal().sensitivity > 3
    output = run(plain, "--all").output
    assert "a draw of weights may be far from this (sensitivity " in output and "): orders alone" in output
    rows = [line.split() for line in output.splitlines() if line.startswith(("linear", "gelu"))]
    assert len(rows) == 40 and all(cell.startswith("~1e") for row in rows for cell in row[1:3])
