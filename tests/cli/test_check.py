"""`dslc check`: several programs, warnings and what is said of them, formats, fixes, colours and width."""

from __future__ import annotations

import io
import json
import os
import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dslc.cli.main import main
from dslc.cli.terminal import color_wanted, columns
from tests.cli.running import run as running
from tests.test_project import modules_after

GOOD = "net f on x[N, 3, 32, 32]:\n    conv(8, 3) -> gap -> flatten\n"
IDLE = "use std.conv: fc\n\n" + GOOD
WRONG = "net g on x[N, 8]:\n    linaer(3)\n"


def run(*args: str | Path, stdin: str | bytes | None = None) -> Result:
    return running("check", *args, stdin=stdin)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder with a good program, one with a warning, one with an error below, and one that is hidden."""
    for name, text in (("good.dl", GOOD), ("idle.dl", IDLE), ("parts/wrong.dl", WRONG), (".cache/wrong.dl", WRONG)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


# ---- several programs


def test_files_and_folders_are_checked_with_one_summary(folder: Path) -> None:
    result = run(".", "good.dl")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "--> parts/wrong.dl:2:5" in result.stderr and ".cache" not in result.stderr
    assert result.stderr.endswith("\n1 error, 1 warning in 2 of 3 files; `dslc explain W0101` says more\n")
    fine = run("good.dl", "idle.dl")
    assert (fine.exit_code, fine.stdout) == (0, "2 files: no errors, 1 warning\n")
    assert run("good.dl").stdout == "good.dl: f: no errors\n"
    assert run("idle.dl").stdout == "idle.dl: f: no errors, 1 warning\n"


def test_a_mistake_that_two_programs_share_is_told_once(folder: Path) -> None:
    (folder / "shared.dl").write_text("block head: linaer(3)\n", encoding="utf-8")
    for name in ("a.dl", "b.dl"):
        (folder / name).write_text('use "./shared.dl": head\n\nnet f on x[N, 8]: head\n', encoding="utf-8")
    assert run("a.dl", "b.dl", "shared.dl").stderr.count("E0201]") == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("good.dl", "idle.dl", "--net", "f"), "--net, --set and --size are about one program"),
        (("good.dl", "-"), "`-` (stdin) stands alone"),
        (("good.dl", "--stdin-name", "a.dl"), "--stdin-name needs `-`"),
        ((".git",), "there is no .dl file in the folder `.git`"),
        (("good.dl", "--allow", "unused-usee"), "did you mean `unused-use`?"),
        (("good.dl", "--allow", "E0201"), "`E0201` is an error, which is always told"),
        (("good.dl", "--allow", "W0101", "--deny", "unused-use"), "is in two lists"),
        (("good.dl", "--baseline", "none.json"), "no such file"),
        (("good.dl", "--baseline", "good.dl"), "it is not JSON"),
        (("zoo:resnet18", "--fix"), "is part of dslc and stays as it is"),
        (("good.dl", "--color", "blue"), "'blue' is not one of"),
        (("good.dl", "--budget", "macs <= 5 GFLOPs"), "is not a limit such as `macs<=5G`"),
        (("none.dl",), "no such file"),
        (("good.dl", "none.dl"), "no such file"),
        (("good.dl", "--net", "g"), "there is no net `g`"),
        (("good.dl", "--set", "c=3"), "has no parameter `c`"),
        (("good.dl", "--size", "H=3"), "have no size `H`"),
        (("good.dl", "--budget", "mac<=3"), "there is no budget for `mac`"),
        (("good.dl", "--budget", "params<=3MB"), "`3MB` are bytes, and `params` is a count"),
    ],
)
def test_what_the_command_line_gets_wrong_has_status_2(folder: Path, args: tuple[str, ...], words: str) -> None:
    (folder / ".git").mkdir()
    result = run(*args)
    assert result.exit_code == 2 and words in result.stderr.replace("\n  ", " ")


def test_a_budget_that_is_not_kept_is_the_programs_mistake(folder: Path) -> None:
    assert run("good.dl", "--budget", "params<=3").exit_code == 1


def test_a_program_on_stdin(folder: Path) -> None:
    result = run("-", stdin=WRONG)
    assert result.exit_code == 1 and "--> <stdin>:2:5" in result.stderr
    (folder / "parts" / "head.dl").write_text("block head: linear(3)\n", encoding="utf-8")
    text = 'use "./head.dl": head\n\nnet f on x[N, 8]: head\n'
    assert run("-", "--stdin-name", "parts/new.dl", stdin=text).stdout == "parts/new.dl: f: no errors\n"
    assert run("-", stdin=text).exit_code == 1
    assert "not UTF-8" in run("-", stdin=b"\xff").stderr


def test_paths_of_std_can_be_opened(folder: Path) -> None:
    text = "use std.attention: encoder\n\nnet f on x[N, 64, 8, 8]:\n    encoder(4)\n"
    (folder / "net.dl").write_text(text, encoding="utf-8")
    result = run("net.dl", "--format", "json")
    paths = set(re.findall(r'"path": "([^"]+)"', result.stdout))
    assert len(paths) == 2 and all(Path(path).is_file() for path in paths)


# ---- warnings


def test_a_warning_is_no_error_until_it_is_denied(folder: Path) -> None:
    plain = run("idle.dl")
    assert plain.exit_code == 0 and "warning[W0101]" in plain.stderr
    assert "allow: `# dslc: allow(unused-use)` on this line or the one above" in plain.stderr
    for name in ("warnings", "unused-use", "W0101", "unused-let,unused-use"):
        denied = run("idle.dl", "--deny", name)
        assert denied.exit_code == 1 and "error[W0101]" in denied.stderr
    assert run("idle.dl", "--deny", "warnings", "--allow", "unused-use").stderr == ""


def test_comments_allow_warnings_even_denied_ones(folder: Path) -> None:
    for text in (IDLE.replace("fc\n", "fc  # dslc: allow(unused-use)\n", 1), "# dslc: allow-file(W0101)\n" + IDLE):
        Path("idle.dl").write_text(text, encoding="utf-8")
        assert run("idle.dl", "--deny", "warnings", "--deny", "unused-use").stderr == ""


def test_comments_that_do_nothing_are_warnings(folder: Path) -> None:
    Path("good.dl").write_text(GOOD.replace(":\n", ":  # dslc: allow(unused-use)\n", 1), encoding="utf-8")
    assert "warning[W0902]: `unused-use` is not warned of here" in run("good.dl").stderr
    assert run("good.dl", "--deny", "unused-allow").exit_code == 1
    assert run("good.dl", "--net", "f", "--size", "N=2").stderr == "", "nobody knows what others nets would give"
    Path("good.dl").write_text(GOOD.replace(":\n", ":  # dslc: allow(unused)\n", 1), encoding="utf-8")
    assert "warning[W0901]: there is no warning `unused`" in run("good.dl").stderr
    assert "error[W0901]" in run("good.dl", "--deny", "warnings").stderr


def test_nothing_is_said_of_comments_beside_errors(folder: Path) -> None:
    Path("bad.dl").write_text(WRONG.replace(":\n", ":  # dslc: allow(unused-use)\n", 1), encoding="utf-8")
    assert "W0902" not in run("bad.dl").stderr


def test_the_projects_settings(folder: Path) -> None:
    settings = Path("pyproject.toml")
    settings.write_text('[tool.dslc]\ndeny = ["warnings"]\nallow = ["unused-let"]\n', encoding="utf-8")
    assert run("idle.dl").exit_code == 1
    assert run("idle.dl", "--warn", "warnings").exit_code == 0, "the command line goes before"
    settings.write_text('[tool.dslc]\nallow = ["W0101"]\n', encoding="utf-8")
    assert run("idle.dl", "--deny", "warnings").stderr == ""
    settings.write_text('[tool.dslc]\nwarn = ["notes"]\n', encoding="utf-8")
    assert run("good.dl").exit_code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('allow = "unused-use"', "is a list of warnings"),
        ("deny = [3]", "is a list of warnings"),
        ('allow = ["unused-usee"]', "did you mean `unused-use`?"),
        ('allow = ["E0201"]', "is an error, which is always told"),
        ('allow = ["unused-use"]\ndeny = ["W0101"]', "is in two lists"),
        ('alow = ["unused-use"]', "has no setting `alow`; did you mean `allow`?"),
        ("allow = [", "cannot be read"),
    ],
)
def test_settings_that_are_wrong(folder: Path, text: str, words: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.dslc]\n{text}\n", encoding="utf-8")
    result = run("good.dl")
    assert result.exit_code == 1 and "error[E0658]: `pyproject.toml`: " in result.stderr and words in result.stderr


def test_settings_are_those_beside_the_program(folder: Path) -> None:
    Path("parts/pyproject.toml").write_text('[tool.dslc]\nallow = ["unused-use"]\n', encoding="utf-8")
    Path("parts/idle.dl").write_text(IDLE, encoding="utf-8")
    assert run("parts/idle.dl").stderr == "" and run("idle.dl").stderr


def test_notes_have_names_too(folder: Path) -> None:
    Path("net.dl").write_text("net f on x[N, 3, H=32]:\n    flatten -> linear(3)\n", encoding="utf-8")
    assert run("net.dl").stderr == ""
    assert "note[N0711]" in run("net.dl", "-v").stderr
    assert run("net.dl", "-v", "--allow", "fixed-size").stderr == ""
    assert "warning[N0711]" in run("net.dl", "--warn", "fixed-size").stderr
    assert run("net.dl", "--deny", "fixed-size").exit_code == 1


def test_other_commands_heed_comments(folder: Path) -> None:
    from dslc.diagnostics.allow import told
    from dslc.diagnostics.model import Diagnostic
    from dslc.source import Source
    from tests.diagnostics.test_allow import WARNING

    source = Source("net.dl", "a\nb  # dslc: allow(unused-use)\n")
    found: list[Diagnostic] = [WARNING.at(source.span(0, 1)), WARNING.at(source.span(2, 3))]
    assert told(found) == found[:1]


def test_a_baseline_holds_what_there_is(folder: Path) -> None:
    written = run("idle.dl", "parts", "--write-baseline", "base.json")
    assert written.exit_code == 1 and "E0201" in written.stderr, "errors are never in it"
    assert "base.json: 1 warning" in written.stderr and "W0101" not in written.stderr
    assert run("idle.dl", "--deny", "warnings", "--baseline", "base.json").exit_code == 0
    Path("idle.dl").write_text("\n\n" + IDLE.replace("fc", "cba"), encoding="utf-8")
    changed = run("idle.dl", "--deny", "warnings", "--baseline", "base.json")
    assert changed.exit_code == 1 and "1 warning of the baseline are no more" in changed.stderr


# ---- formats


def test_json_counts_and_names(folder: Path) -> None:
    result = run("idle.dl", "parts", "--format", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1 and not result.stderr and document["version"] == 1
    warning, error = document["diagnostics"]
    assert (warning["code"], warning["name"], warning["severity"]) == ("W0101", "unused-use", "warning")
    assert (error["code"], error["name"], error["url"]) == ("E0201", "", "docs/errors.md#e0201")
    assert error["span"]["kind"] == "text" and error["span"]["start"] == {"offset": 22, "line": 2, "column": 5}
    missing = json.loads(run("none.dl", "--format", "json").stdout)["diagnostics"][0]
    assert missing["span"] == {"kind": "file", "path": "none.dl"}
    option = json.loads(run("good.dl", "--net", "g", "--format", "json").stdout)["diagnostics"][0]
    assert option["span"]["kind"] == "option" and option["span"]["path"] == "--net"


def test_json_of_many_files_is_one_document(folder: Path) -> None:
    assert (
        json.loads(run("good.dl", "idle.dl", "parts", "--format", "json").stdout)["diagnostics"][1]["code"] == "E0201"
    )


SARIF = {
    "run": {"tool", "columnKind", "originalUriBaseIds", "results"},
    "driver": {"name", "semanticVersion", "rules"},
    "rule": {"id", "name", "shortDescription", "help", "defaultConfiguration"},
    "result": {"ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations", "fixes"},
    "region": {"startLine", "startColumn", "endLine", "endColumn"},
    "fix": {"description", "artifactChanges", "properties"},
    "location": {"physicalLocation", "logicalLocations", "message"},
}
"""The properties that SARIF 2.1.0 has and that are written."""


def test_sarif_is_as_its_standard_has_it(folder: Path) -> None:
    result = run("idle.dl", "parts", "--format", "sarif")
    document = json.loads(result.stdout)
    assert result.exit_code == 1 and document["version"] == "2.1.0" and document["$schema"].endswith("sarif-2.1.0.json")
    (one,) = document["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert one.keys() <= SARIF["run"] and one["tool"]["driver"].keys() == SARIF["driver"]
    assert one["originalUriBaseIds"]["ROOT"]["uri"] == f"{Path.cwd().as_uri()}/"
    assert [rule["id"] for rule in rules] == ["E0201", "W0101"]
    assert all(rule.keys() <= SARIF["rule"] and rule["help"]["markdown"].startswith("# ") for rule in rules)
    for each in one["results"]:
        assert each.keys() <= SARIF["result"] and rules[each["ruleIndex"]]["id"] == each["ruleId"]
        assert each["level"] in ("error", "warning", "note") and each["message"]["text"]
        for place in (*each["locations"], *each.get("relatedLocations", ())):
            assert place.keys() <= SARIF["location"]
            assert place["physicalLocation"]["region"].keys() == SARIF["region"]
    error = next(each for each in one["results"] if each["ruleId"] == "E0201")
    (fix,) = error["fixes"]
    assert fix.keys() == SARIF["fix"] and fix["properties"] == {"applicability": "machine-applicable"}
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "parts/wrong.dl", "uriBaseId": "ROOT"}
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 11},
            "insertedContent": {"text": "linear"},
        }
    ]


def test_sarif_of_a_place_that_is_no_text(folder: Path) -> None:
    missing = json.loads(run("a b.dl", "--format", "sarif").stdout)["runs"][0]["results"][0]["locations"]
    assert missing == [{"physicalLocation": {"artifactLocation": {"uri": "a%20b.dl", "uriBaseId": "ROOT"}}}]
    option = json.loads(run("good.dl", "--net", "g", "--format", "sarif").stdout)["runs"][0]["results"][0]["locations"]
    assert option == [{"logicalLocations": [{"name": "--net", "fullyQualifiedName": "g"}]}]


def test_github_has_a_line_for_each_with_everything_escaped(folder: Path) -> None:
    odd = folder / "a,b:c%.dl"
    odd.write_text(WRONG, encoding="utf-8")
    result = run("idle.dl", odd.name, "--format", "github")
    assert result.exit_code == 1 and not result.stderr
    warning, error = result.stdout.splitlines()
    assert warning.startswith("::warning title=W0101 (unused-use),file=idle.dl,line=1,col=15,endLine=1,endColumn=17::")
    assert error == (
        "::error title=E0201,file=a%2Cb%3Ac%25.dl,line=2,col=5,endLine=2,endColumn=11::"
        "unknown name `linaer`%0Ahelp: did you mean `linear`?"
    )
    assert run("good.dl", "--net", "g", "--format", "github").stdout.startswith("::error title=E0218::there is no net")
    assert run("good.dl", "--format", "github").stdout == ""


# ---- fixes


def test_fix_makes_the_changes_and_keeps_all_else(folder: Path) -> None:
    path = Path("net.dl")
    text = "\ufeff# ü\r\nnet g on x[N, 8]:\r\n    linaer(3)  # why\r\n    sigmiod\r\n"
    path.write_bytes(text.encode())
    os.chmod(path, 0o640)
    result = run("net.dl", "--fix")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "net.dl: 2 fixed\nnet.dl: g: no errors\n"
    assert path.read_bytes() == text.replace("linaer", "linear").replace("sigmiod", "sigmoid").encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    before = path.stat().st_ino
    assert run("net.dl", "--fix").stdout == "net.dl: g: no errors\n" and path.stat().st_ino == before


def test_fix_goes_on_where_one_mistake_hid_another(folder: Path) -> None:
    Path("net.dl").write_text("use std.conv: fc\n\nnet g on x[N, 8]:\n    linaer(3)\n", encoding="utf-8")
    assert run("net.dl", "--fix").exit_code == 0, "an unused import is told where there is no error"
    assert Path("net.dl").read_text(encoding="utf-8") == "\nnet g on x[N, 8]:\n    linear(3)\n"


def test_diff_shows_the_changes_and_writes_nothing(folder: Path) -> None:
    result = run("parts/wrong.dl", "--diff")
    assert result.exit_code == 1 and Path("parts/wrong.dl").read_text(encoding="utf-8") == WRONG
    assert result.stdout.splitlines() == [
        "--- parts/wrong.dl",
        "+++ parts/wrong.dl (fixed)",
        "@@ -1,2 +1,2 @@",
        " net g on x[N, 8]:",
        "-    linaer(3)",
        "+    linear(3)",
    ]
    assert "parts/wrong.dl: 1 would be fixed" in result.stderr
    assert run("good.dl", "--diff").exit_code == 0


def test_fix_of_stdin_goes_to_stdout(folder: Path) -> None:
    result = run("-", "--fix", stdin=WRONG)
    assert (result.exit_code, result.stdout) == (0, WRONG.replace("linaer", "linear"))
    assert run("-", "--fix", "--format", "json", stdin=WRONG).exit_code == 2


def test_what_fits_in_two_ways_is_left_to_people(folder: Path) -> None:
    text = "net f on x[N, 3, 32, 32]:\n    conv(16, 3) -> relu\n    linear(10)\n"
    Path("net.dl").write_text(text, encoding="utf-8")
    result = run("net.dl", "--fix")
    assert result.exit_code == 1 and result.stderr.count("help:") > 1
    assert Path("net.dl").read_text(encoding="utf-8") == text


def test_fix_leaves_imported_files_alone(folder: Path) -> None:
    Path("net.dl").write_text('use "./parts/head.dl": head\n\nnet f on x[N, 8]: head\n', encoding="utf-8")
    Path("parts/head.dl").write_text("block head: linaer(3)\n", encoding="utf-8")
    assert run("net.dl", "--fix").exit_code == 1
    assert "linaer" in Path("parts/head.dl").read_text(encoding="utf-8")
    assert run("net.dl", "parts/head.dl", "--fix").exit_code == 0


def test_a_file_that_changes_meanwhile_is_not_overwritten(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dslc.fix import Fixing

    ended = Fixing.run

    def slow(self: Fixing) -> None:
        ended(self)
        Path("parts/wrong.dl").write_text("other", encoding="utf-8")

    monkeypatch.setattr(Fixing, "run", slow)
    result = run("parts/wrong.dl", "--fix")
    assert result.exit_code == 1 and "it changed while it was checked" in result.stderr
    assert Path("parts/wrong.dl").read_text(encoding="utf-8") == "other"


# ---- colours and width


@pytest.mark.parametrize(
    ("option", "environment", "wanted"),
    [
        ("auto", {}, False),
        ("always", {}, True),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("auto", {"FORCE_COLOR": ""}, False),
    ],
)
def test_colours(folder: Path, option: str, environment: dict[str, str], wanted: bool) -> None:
    result = CliRunner(env=environment).invoke(main, ["check", "parts", "--color", option], color=True)
    assert ("\x1b[31m" in result.stderr) is wanted
    missing = CliRunner(env=environment).invoke(main, ["stats", "none.dl", "--color", option], color=True)
    assert ("\x1b[31m" in missing.stderr) is wanted, "what ends a command is coloured alike"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_colours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert color_wanted(Terminal()) and not color_wanted(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not color_wanted(Terminal())


def test_width(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("net.dl").write_text("net f on x[N, 8]:\n    " + "relu -> " * 20 + "linaer(3)\n", encoding="utf-8")
    wide = run("net.dl").stderr
    monkeypatch.setenv("COLUMNS", "60")
    assert columns() == 60
    narrow = run("net.dl").stderr.splitlines()
    assert max(map(len, narrow)) <= 60 < max(map(len, wide.splitlines()))
    row, under = narrow[2:4]
    assert row[under.index("^") : under.rindex("^") + 1] == "linaer" and "..." in row
    for text in ("0", "wide", "-3", ""):
        monkeypatch.setenv("COLUMNS", text)
        assert columns() is None


# ---- the cost of starting


@pytest.mark.parametrize("args", [("good.dl",), ("idle.dl",), ("good.dl", "idle.dl")])
def test_what_is_not_asked_for_is_not_loaded(folder: Path, args: tuple[str, ...]) -> None:
    Path("pyproject.toml").write_text('[tool.other]\nname = "dslc"\n', encoding="utf-8")
    loaded = modules_after("check", *args, cwd=folder)
    assert not loaded & {"tomllib", "rich", "numpy", "torch", "onnx"}
