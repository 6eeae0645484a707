"""Every command: what it prints, its exit status, and that a mistake is a message and no traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dslc
from dslc.cli.main import COMMANDS
from dslc.parity.judge import LIMITS
from dslc.types.tensor import DType
from tests.cli.running import printed, run

ROOT = Path(__file__).resolve().parent.parent.parent
RESNET = ROOT / "examples" / "resnet.dl"

SMALL = """
## A small network.
net small(c: int = 8, act: layer = relu, wide: bool = false) on image[N, 3, H=32, W=32] -> [N, 4]:
    conv(c, 3, s=2) as stem -> bn as norm -> act
    gap -> flatten -> linear(4) as head
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.dl"
    path.write_text(SMALL, encoding="utf-8")
    return path


# ---- the group


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_there_and_has_help(name: str) -> None:
    help = printed(name, "--help")
    assert help.startswith("Usage: main") and len(help.splitlines()) > 5
    assert f"\n  {name} " in printed("--help")


def test_an_unknown_command_offers_the_nearest() -> None:
    result = run("biuld")
    assert result.exit_code == 2 and "did you mean `build`?" in result.stderr


def test_version() -> None:
    assert printed("version") == f"dslc {dslc.__version__}\n"


def test_python_m_dslc() -> None:
    command = [sys.executable, "-m", "dslc", "version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"dslc {dslc.__version__}\n"


# ---- stdout


def stats_into(net: Path, out: str, encoding: str) -> subprocess.CompletedProcess[bytes]:
    """`dslc stats` with stdout redirected by the shell."""
    command = f'"$0" -m dslc stats "$1" {out}'
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "NO_COLOR": "1"}
    return subprocess.run(
        ["sh", "-c", command, sys.executable, str(net)], cwd=ROOT, capture_output=True, env=environment
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk_behind_stdout_is_a_message(net: Path) -> None:
    done = stats_into(net, ">/dev/full", "utf-8")
    assert done.returncode == 1
    assert b"error[E0601]: cannot write `stdout`: no space left on device" in done.stderr
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("out", ["| head -n 1", ">&-"])
def test_a_stdout_that_is_closed_is_no_bug(net: Path, out: str) -> None:
    assert b"Traceback" not in stats_into(net, out, "utf-8").stderr


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii", "utf-8"])
def test_letters_that_stdout_cannot_show_have_stand_ins(net: Path, encoding: str) -> None:
    done = stats_into(net, "", encoding)
    assert done.returncode == 0, done.stderr
    assert ("####" if encoding in ("latin-1", "cp1252") else "████") in done.stdout.decode("utf-8")


# ---- check


def test_check_names_the_nets_it_compiled() -> None:
    assert "resnet18, resnet34, resnet50" in printed("check", RESNET)


def test_a_budget_on_the_command_line_says_which_net_breaks_it() -> None:
    found = run("check", RESNET, "--budget", "macs <= 1.9G, mac <= 1").stderr
    assert "error[E0701]: `resnet34`: `macs` is 3,663,761,408, and the budget says" in found
    assert "`resnet18`: `macs`" not in found and found.count("E0702]") == 1
    alone = run("check", RESNET, "--net", "resnet34", "--budget", "macs <= 1.9G").stderr
    assert "error[E0701]: `macs` is 3,663,761,408" in alone


def test_check_reports_all_nets_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "two.dl"
    path.write_text("net f on x[N, 8]:\n    linaer(3)\n\nnet g on x[N, 8]:\n    linear(3, biass=true)\n")
    result = run("check", path)
    assert result.exit_code == 1 and not result.stdout
    assert "error[E0201]" in result.stderr and "error[E0301]" in result.stderr
    assert result.stderr.endswith("2 errors; `dslc explain E0201` says more\n")
    assert "E0201" in run("check", path, "--net", "g").stderr, "the whole text is checked, whichever net is asked for"


def test_check_as_json(tmp_path: Path) -> None:
    path = tmp_path / "bad.dl"
    path.write_text("net f on x[N, 8]:\n    linaer(3)\n")
    result = run("check", path, "--format", "json")
    (found,) = json.loads(result.stdout)["diagnostics"]
    assert result.exit_code == 1 and not result.stderr
    assert found["code"] == "E0201" and found["help"][0]["edits"][0]["text"] == "linear"
    path.write_text("net f on x[N, 8]:\n    linear(3\n")
    assert json.loads(run("check", path, "--format", "json").stdout)["diagnostics"]


PYRAMID = """
net pyramid on image[N, 3, H=64, W=64]:
    fine = conv(8, 3, s=2)
    coarse = fine -> conv(8, 3, s=2)
    fine + (coarse -> upsample(2))
    it -> gap -> flatten -> linear(2)
"""


def test_notes_on_sizes_are_shown_on_request(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text(PYRAMID)
    assert not run("check", path).stderr
    result = run("check", path, "-v")
    assert result.exit_code == 0
    needs = "H % 4 == 0 (exactly H % 4 in {0, 3}) and W % 4 == 0 (exactly W % 4 in {0, 3})"
    assert f"note[N0710]: `+` makes this network need {needs}" in result.stderr
    assert f"--> {path}:5:5" in result.stderr
    found = json.loads(printed("check", path, "--format", "json"))["diagnostics"]
    assert {(d["severity"], d["code"]) for d in found} == {("note", "N0710")}
    path.write_text(PYRAMID.replace("gap -> ", ""))
    assert "note[N0711]: a weight fixes `H` at 64" in run("check", path, "-v").stderr


def test_check_with_arguments_and_sizes(net: Path) -> None:
    assert run("check", net, "--set", "c=0").exit_code == 1
    assert run("check", net, "--set", "c=16", "--set", "wide=true", "--size", "H=64,W=96").exit_code == 0
    assert "`depth`" in run("check", net, "--net", "small", "--set", "depth=3").stderr


def test_a_limit_on_ops_can_be_raised(tmp_path: Path) -> None:
    path = tmp_path / "long.dl"
    path.write_text("net f on x[N, 8]:\n    for i in range(60): relu\n    linear(3)\n")
    assert run("check", path, "--max-ops", "50").exit_code == 1
    assert run("check", path, "--max-ops", "100").exit_code == 0


# ---- stats


def test_stats_prints_the_published_numbers() -> None:
    text = printed("stats", RESNET, "--net", "resnet50")
    assert "4,089,184,256" in text and "25,557,032" in text and "427" in text


def test_stats_at_another_size(net: Path) -> None:
    assert "[N, 8, 48, 20]" in printed("stats", net, "--size", "H=96,W=40")
    assert "ceil(H/2)" in printed("stats", net, "--symbolic")


def test_stats_as_json(net: Path) -> None:
    found = json.loads(printed("stats", net, "--format", "json"))
    assert found["net"] == "small" and found["totals"]["params"] == 3 * 8 * 9 + 16 + 36


# ---- build


def test_build_writes_everything_by_default_and_says_so(net: Path, tmp_path: Path) -> None:
    text = printed("build", net, "-o", tmp_path / "out")
    names = ["small.onnx", "small.py", "small.safetensors"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == names
    assert all(name in text for name in names) and "seed 0" in text


def test_targets(net: Path, tmp_path: Path) -> None:
    printed("build", net, "-o", tmp_path / "t", "--target", "torch")
    printed("build", net, "-o", tmp_path / "o", "--target", "onnx")
    assert [p.name for p in (tmp_path / "t").iterdir()] == ["small.py"]
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == ["small.onnx", "small.safetensors"]
    assert run("build", net, "--target", "tensorflow").exit_code == 2


def test_a_build_is_deterministic_and_seeds_differ(net: Path, tmp_path: Path) -> None:
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        printed("build", net, "-o", tmp_path / folder, "--seed", str(seed))
    for name in ("small.py", "small.onnx", "small.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "small.onnx").read_bytes() != (tmp_path / "c" / "small.onnx").read_bytes()


def test_weights_from_a_file(net: Path, tmp_path: Path) -> None:
    printed("build", net, "-o", tmp_path / "a", "--seed", "5")
    weights = tmp_path / "a" / "small.safetensors"
    printed("build", net, "-o", tmp_path / "b", "--weights", weights)
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == ["small.onnx", "small.py"]
    assert (tmp_path / "a" / "small.onnx").read_bytes() == (tmp_path / "b" / "small.onnx").read_bytes()


def test_checks_are_made_and_named(net: Path, tmp_path: Path) -> None:
    text = printed("build", net, "-o", tmp_path, "--check", "parity,onnx,placement")
    assert [line.partition(":")[0] for line in text.splitlines()[:3]] == ["onnx", "placement", "parity"]


def test_folding_and_open_sizes(net: Path, tmp_path: Path) -> None:
    import onnx

    printed("build", net, "-o", tmp_path / "folded", "--dynamic", "N,H")
    printed("build", net, "-o", tmp_path / "kept", "--no-fold")
    folded = onnx.load(tmp_path / "folded" / "small.onnx")
    kept = onnx.load(tmp_path / "kept" / "small.onnx")
    assert "BatchNormalization" not in {n.op_type for n in folded.graph.node}
    assert "BatchNormalization" in {n.op_type for n in kept.graph.node}
    dims = folded.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in dims] == ["N", 3, "H", 32]


def test_a_failed_check_writes_nothing(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, DType.FLOAT32, -1.0)
    monkeypatch.setattr("dslc.parity.judge.OWN_ERRORS", -1.0)
    result = run("build", net, "-o", tmp_path / "out", "--check", "parity")
    assert result.exit_code == 1 and "error[E0651]" in result.stderr
    assert not (tmp_path / "out").exists()


# ---- run


def test_run_on_arrays(net: Path, tmp_path: Path) -> None:
    import numpy as np

    np.save(tmp_path / "x.npy", np.zeros((2, 3, 32, 32), np.float32))
    text = printed("run", net, "--input", tmp_path / "x.npy", "--device", "cpu", "--repeat", "2", "--top", "2")
    assert "image: float32 [2, 3, 32, 32]" in text and "output: float32 [2, 4]" in text
    assert re.search(r"ran on cpu, [\d.]+ ms \(median of 2 runs", text)
    assert len(re.findall(r"^output\[\d\]: class \d [\d.]+%, class \d [\d.]+%$", text, re.MULTILINE)) == 2
    assert "drawn from seed 0" in text


def test_run_on_a_picture(net: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (50, 40), (200, 30, 30)).save(tmp_path / "red.png")
    assert "output: float32 [1, 4]" in printed("run", net, "--image", tmp_path / "red.png", "--repeat", "0")


def test_run_wants_one_kind_of_input(net: Path, tmp_path: Path) -> None:
    assert run("run", net).exit_code == 2
    result = run("run", net, "--input", tmp_path / "none.npy")
    assert result.exit_code == 1 and "none.npy" in result.stderr


def test_run_refuses_another_shape(net: Path, tmp_path: Path) -> None:
    import numpy as np

    np.save(tmp_path / "x.npy", np.zeros((2, 3, 32, 33), np.float32))
    result = run("run", net, "--input", tmp_path / "x.npy")
    assert result.exit_code == 1 and "32" in result.stderr and "33" in result.stderr


# ---- explain, doctor, completion


def test_explain_prints_the_page() -> None:
    page = printed("explain", "304")
    assert page.startswith("# E0304: ") and page.count("```dl") == 2


def test_explain_without_a_code_lists_all() -> None:
    lines = printed("explain").splitlines()
    assert len(lines) > 100 and all(re.match(r"[EWN]\d{4}  \S", line) for line in lines)


def test_explain_of_an_unknown_code_offers_near_ones() -> None:
    result = run("explain", "E03990")
    assert result.exit_code == 2 and "`E0399`" in result.stderr


def test_doctor_prints_versions_and_providers() -> None:
    text = printed("doctor")
    assert re.search(r"^  python +3\.\d+", text, re.MULTILINE)
    assert re.search(r"^  onnx +1\.", text, re.MULTILINE) and "CPUExecutionProvider" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    script = printed("completion", shell)
    assert "_DSLC_COMPLETE" in script and "dslc" in script


def test_completion_offers_commands_and_options() -> None:
    environment = {**os.environ, "_MAIN_COMPLETE": "bash_complete", "COMP_WORDS": "dslc st", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['dslc']; from dslc.cli.main import main; main(prog_name='main')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["plain,stats"]


# ---- values on the command line


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-2.5", -2.5),
        ("1.5K", 1500),
        ("4.2G", 4_200_000_000),
        ("true", True),
        ("none", None),
        ("3x5", (3, 5)),
        ("[3, 4, 6, 3]", [3, 4, 6, 3]),
        ("(1, 2)", (1, 2)),
        ('"a b"', "a b"),
        ("gelu", "gelu"),
    ],
)
def test_values(text: str, value: object) -> None:
    from dslc.cli.values import value_of

    found = value_of(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "options",
    [
        ("--set", "c"),
        ("--set", "1c=3"),
        ("--set", "c=__import__('os')"),
        ("--set", "c={1: 2}"),
        ("--size", "H"),
        ("--size", "H=0"),
        ("--size", "H=1.5"),
        ("--size", "H=32,,W=3"),
        ("--size", f"H={'9' * 5000}"),
        ("--set", f"c={'9' * 4000}"),
        ("--dynamic", "N,1"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(net: Path, options: tuple[str, ...]) -> None:
    result = run("build", net, *options)
    assert result.exit_code == 2 and result.stderr.startswith("Usage:")


def test_set_goes_before_an_argument_that_another_name_fills_in(tmp_path: Path) -> None:
    text = """net plain(depth: int) on x[N, 3, 32, 32]:
    for i in range(depth): conv(16, 3) as `conv{i}` -> relu

net four = plain(4)
"""
    (tmp_path / "nets.dl").write_text(text)
    net = tmp_path / "nets.dl"
    assert "conv3" in run("stats", net, "--net", "four").stdout
    told = run("stats", net, "--net", "four", "--set", "depth=6").stdout
    assert "conv5" in told and "conv6" not in told
