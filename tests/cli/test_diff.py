"""`dslc diff`: what it prints in each form, how two networks are named, git revisions, and exit statuses."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dslc.cli.main import main
from tests.cli import running
from tests.conftest import Golden

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).resolve().parent / "golden"

PARTS = """\
block unit(out: int) on x[N, C, H, W]:
    conv(out, 3) as conv1 -> bn as bn1 -> relu
"""

NET = """\
use "parts/units.dl": unit

net small(width: int = 8) on image[N, 3, H=32, W=32]:
    unit(width) as first
    unit(2 * width) as second
    gap -> flatten -> linear(10) as head
"""


def run(*args: str | Path) -> Result:
    return running.run("diff", *args)


def printed(*args: str | Path) -> str:
    """What it prints when it ends well."""
    result = run(*args)
    assert result.exit_code == 0, result.output
    assert not result.stderr
    return result.stdout


def layer_lines(text: str) -> list[str]:
    """The lines of the layers, under their headings."""
    lines = text.splitlines()
    return lines[3 : lines.index("", 3)]


def refused(result: Result, status: int, *words: str) -> None:
    assert result.exit_code == status and not result.stdout
    assert all(word in result.stderr for word in words), result.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program in two files, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "units.dl").write_text(PARTS, encoding="utf-8")
    (tmp_path / "net.dl").write_text(NET, encoding="utf-8")
    return tmp_path


def git(*words: str) -> None:
    identity = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *words], check=True, capture_output=True, env={**os.environ, **identity})


@pytest.fixture
def repository(folder: Path) -> Path:
    """Two revisions, `v1` and `v2`, that differ only in the imported file; the working tree differs from both."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    git("tag", "v1")
    units = folder / "parts" / "units.dl"
    units.write_text(PARTS.replace("conv(out, 3)", "conv(out, 5)"), encoding="utf-8")
    git("commit", "-q", "-a", "-m", "second")
    git("tag", "v2")
    units.write_text(PARTS.replace("conv(out, 3)", "conv(out, 7)"), encoding="utf-8")
    return folder


# ---- what it prints


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("resnet18_34", ("examples/resnet.dl", "--net", "resnet18", "--net", "resnet34")),
        ("resnet34_50", ("examples/resnet.dl", "--net", "resnet34", "--net", "resnet50", "--only", "changed")),
        ("mobilenet_width", ("examples/mobilenet_v2.dl", "--set-b", "width=0.75", "--depth", "2")),
        ("markdown", ("examples/resnet.dl", "--net", "resnet18", "--net", "resnet34", "--format", "markdown")),
    ],
)
def test_reports(name: str, command: tuple[str, ...], golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    golden(GOLDEN / f"diff_{name}.txt", printed(*command))


def test_no_difference(folder: Path) -> None:
    shutil.copy(folder / "net.dl", folder / "copy.dl")
    assert printed("net.dl", "copy.dl", "--exit-code") == "small  net.dl -> copy.dl\n\nno difference in 9 layers\n"


def test_weights_that_load_into_other_layers(folder: Path) -> None:
    bodies = {
        "a": "conv(3, 3) -> conv(3, 3, d=2) -> conv(3, 3, s=2)",
        "b": "conv(3, 3, d=2) -> conv(3, 3, s=2) -> conv(3, 3)",
    }
    for name, body in bodies.items():
        (folder / f"{name}.dl").write_text(f"net f on x[N, 3, 32, 32]:\n    {body}\n", encoding="utf-8")
    text = printed("a.dl", "b.dl")
    assert (
        "those of a.dl load into b.dl with strict=True (6 tensors)\n  but some of these keys belong to other layers"
        in text
    )
    assert "renamed     conv_2.weight -> conv.weight" in text


def test_exit_code(folder: Path) -> None:
    result = run("net.dl", "--set-b", "width=16", "--exit-code")
    assert result.exit_code == 1 and "conv(8 -> 16, 3)" in result.stdout and not result.stderr
    assert run("net.dl", "--set-b", "width=16").exit_code == 0


def test_every_layer_has_a_line(folder: Path) -> None:
    names = [
        line.removeprefix("~").split()[0] for line in layer_lines(printed("net.dl", "--set-b", "width=16", "--every"))
    ]
    unit = ["conv1", "bn1", "relu"]
    assert names == ["the", "first", *unit, "second", *unit, "gap", "flatten", "head"]


def test_depth(folder: Path) -> None:
    lines = layer_lines(printed("net.dl", "--set-b", "width=16", "--depth", "1"))
    assert [line.removeprefix("~").split()[0] for line in lines] == ["the", "first", "second", "gap"]


def test_columns(folder: Path) -> None:
    head = printed("net.dl", "--set-b", "width=16", "--columns", "acts,flops").splitlines()[2]
    assert head.split() == ["layer", "op", "output", "acts", "FLOPs", "field"]
    refused(run("net.dl", "--set-b", "width=16", "--columns", "mac"), 2, "`mac` is none of params, buffers, macs")


def test_json(folder: Path) -> None:
    found: dict[str, Any] = json.loads(printed("net.dl", "--set-b", "width=16", "--format", "json"))
    assert found["differ"] is True and found["a"]["net"] == found["b"]["net"] == "small"
    total = {entry["name"]: entry for entry in found["totals"]}["params"]
    count = [27 * w + 2 * w + 9 * w * 2 * w + 4 * w + 2 * w * 10 + 10 for w in (8, 16)]
    assert (total["a"], total["b"], total["delta"]) == (*count, count[1] - count[0])
    layers = {entry["b"]["path"]: entry for entry in found["layers"]}
    conv = layers["first.conv1"]
    assert conv["status"] == "changed" and conv["edits"] == [{"name": "out", "a": "8", "b": "16"}]
    assert conv["delta"]["params"] == 27 * 8
    assert layers["first.relu"]["status"] == "affected"
    assert layers[""]["delta"]["macs"] == sum(e["delta"]["macs"] for e in found["layers"] if e["a"]["kind"] == "op")
    changed = json.loads(printed("net.dl", "--set-b", "width=16", "--format", "json", "--only", "changed"))
    assert {e["b"]["path"] for e in changed["layers"]} == {"", "first", "first.conv1", "second", "second.conv1"}


def test_csv(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(printed("net.dl", "--set-b", "width=16", "--format", "csv"))))
    assert [row["path_b"] for row in rows][:3] == ["", "first", "first.conv1"]
    conv = rows[2]
    assert (conv["params_a"], conv["params_b"], conv["params_delta"]) == ("216", "432", "216")
    assert conv["edits"] == "out: 8 -> 16"


def test_colours_only_on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = printed("net.dl", "--set-b", "width=16")
    assert "\x1b" not in plain
    monkeypatch.setattr("dslc.cli.diff.color_wanted", lambda stream: True)
    coloured = CliRunner().invoke(main, ["diff", "net.dl", "--set-b", "width=16"], color=True).stdout
    assert "\x1b[33m~ first" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_it_imports_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys\nfrom dslc.cli.main import main\n"
        "main(['diff', 'net.dl', '--set-b', 'width=16'], standalone_mode=False)\n"
        "print(sorted(set(sys.modules) & {'torch', 'onnx', 'numpy', 'pandas', 'rich', 'matplotlib', 'safetensors'}))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# ---- git revisions


def test_a_revision_and_the_working_tree(repository: Path) -> None:
    text = printed("net.dl", "--rev", "v1")
    assert text.startswith("small  v1:net.dl -> net.dl\n")
    assert "conv(8, 3 -> 7)" in text, "the imported file must come from the same revision"


def test_two_revisions(repository: Path) -> None:
    text = printed("net.dl", "--rev", "v1", "--rev", "v2")
    assert text.startswith("small  v1:net.dl -> v2:net.dl\n") and "conv(8, 3 -> 5)" in text
    assert layer_lines(printed("HEAD~1:net.dl", "main:net.dl")) == layer_lines(text)


def test_a_file_that_is_no_longer_there(repository: Path) -> None:
    git("rm", "-q", "-f", "parts/units.dl")
    (repository / "flat.dl").write_text(PARTS + "\n" + NET.partition("\n\n")[2], encoding="utf-8")
    assert "no difference in 9 layers" in printed("v1:net.dl", "flat.dl")


def test_paths_are_those_of_the_current_folder(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "parts")
    assert printed("../net.dl", "--rev", "v1", "--rev", "v2").startswith("small  v1:../net.dl -> v2:../net.dl\n")


def test_a_mistake_at_a_revision_names_it(repository: Path) -> None:
    (repository / "net.dl").write_text(NET.replace("flatten -> ", ""), encoding="utf-8")
    git("commit", "-q", "-m", "broken", "net.dl")
    refused(run("net.dl", "--rev", "HEAD", "--rev", "v1"), 1, "--> HEAD:net.dl:6:12", "error[E0309]")
    refused(run("v1:net.dl", "HEAD:net.dl"), 1, "--> HEAD:net.dl:6:12")


def test_mistakes_of_both_sides_are_shown(folder: Path) -> None:
    for name in ("a.dl", "b.dl"):
        (folder / name).write_text("net f on x[N, 3, 32, 32]: konv(3)\n", encoding="utf-8")
    refused(run("a.dl", "b.dl"), 1, "--> a.dl:1:27", "--> b.dl:1:27", "2 errors")


def test_revisions_that_are_not_there(repository: Path) -> None:
    refused(run("net.dl", "--rev", "mian"), 2, "error[E0221]", "`mian`", "did you mean `main`?")
    refused(run("v1:nett.dl", "net.dl"), 2, "error[E0222]", "did you mean `v1:net.dl`?")
    refused(run("net.dl", "--rev", "--output=x"), 2, "error[E0221]")
    (repository / "net.dl").write_text(NET.replace("units.dl", "unit.dl"), encoding="utf-8")
    git("commit", "-q", "-m", "wrong import", "net.dl")
    refused(run("HEAD:net.dl", "v1:net.dl"), 1, "error[E0212]", "did you mean `units.dl`?", "HEAD:net.dl:1:")


def test_no_repository_and_no_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    if shutil.which("git") is not None:
        refused(run("net.dl", "--rev", "HEAD"), 2, "error[E0221]", "is in no git repository")
    monkeypatch.setenv("PATH", str(folder))
    refused(run("net.dl", "--rev", "HEAD"), 2, "error[E0221]", "`git` is not installed")


def test_a_link_at_a_revision_is_not_followed(repository: Path) -> None:
    (repository / "link.dl").symlink_to("net.dl")
    git("add", "link.dl")
    git("commit", "-q", "-m", "link")
    refused(run("HEAD:link.dl", "net.dl"), 2, "error[E0222]", "symbolic link")


# ---- wrong use


def test_wrong_use_of_the_command_line(folder: Path) -> None:
    refused(run("net.dl"), 2, "give a second FILE, a second --net, --rev HEAD")
    refused(run("net.dl", "net.dl", "net.dl"), 2, "at most two")
    refused(run("net.dl", "--net", "a", "--net", "b", "--net", "c"), 2, "at most two")
    refused(run("v1:net.dl", "net.dl", "--rev", "v2"), 2, "REV:FILE or with --rev, not both")
    refused(run(":net.dl", "net.dl"), 2, "`HEAD~1:net.dl`")
    refused(run("net.dl", "--set-b", "width"), 2, "`width` is not `name=value`")
    refused(run("net.dl", "--set-b", "widht=3"), 2, "did you mean `width`?")
    refused(run("net.dl", "--net", "smal", "--net", "small"), 2, "did you mean `small`?")


def test_what_a_module_of_the_users_does_not_say_is_not_zero(folder: Path) -> None:
    (folder / "own.dl").write_text(
        'extern block mine(c: int) on x[N, C, H, W] -> [N, c, H, W] = "my.layers:Mine"\n\n'
        "net f(c: int = 8) on x[N, 3, H=32, W=32]:\n    mine(c) as m\n    gap -> flatten -> linear(3)\n",
        encoding="utf-8",
    )
    text = printed("own.dl", "--set-b", "c=16")
    assert re.search(r"^~ m +mine\(c=8 -> 16\) .* \? +\?$", text, re.MULTILINE)
    assert re.search(r"^params +>= 27 +>= 51 +\?$", text, re.MULTILINE)
    assert re.search(r"^field stride +>= 1 +>= 1 +\?$", text, re.MULTILINE)
    counts = printed("own.dl", "--set-b", "c=16", "--columns", "buffers")
    assert re.search(r"^~ m +mine\(c=8 -> 16\) .*\] +\?$", counts, re.MULTILINE)
    assert "not counting those of m, which are modules of your own" in text


# ---- what rules say


def test_lints_that_appear_and_go(tmp_path: Path) -> None:
    """Matched by rule and text: a line that moved is the same."""
    before, after = tmp_path / "a.dl", tmp_path / "b.dl"
    head = "net f on image[N, 3, H=32, W=32] -> [N, 10]:\n"
    first, shrink = "    conv(8, 3, bias=true) -> bn -> relu\n", "    conv(8, 1, s=2) -> bn -> relu\n"
    tail = "    conv(8, 3) -> bn -> relu -> gap -> flatten -> linear(10) as head\n"
    before.write_text(head + first + shrink + tail, encoding="utf-8")
    after.write_text(
        "## A net.\n" + head + shrink + tail.replace("conv(8, 3)", "conv(8, 3, bias=true)"), encoding="utf-8"
    )
    found = json.loads(printed(before, after, "--format", "json"))["lints"]
    assert [(d["code"], d["line"]) for d in found["appeared"]] == []
    gone = {d["code"]: d["line"] for d in found["gone"]}
    assert gone["N1706"] == 1 and "W1101" not in gone and "W1302" not in gone
    after.write_text(head + first.replace(", bias=true", "") + tail, encoding="utf-8")
    text = printed(before, after)
    assert "- W1101 " in text and "- W1302 " in text and "+ W" not in text
    assert "```diff\nlints" in printed(before, after, "--format", "markdown")
    assert "lints " not in printed(before, before)
