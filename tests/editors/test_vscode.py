"""The parts of the editors' support that need no Node: snippets, versions, files, the lock file, configurations."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dslc.check import check_file
from dslc.diagnostics.model import Severity
from dslc.lsp.server import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
EDITORS = ROOT / "editors"
FOLDER = EDITORS / "vscode"
MANIFEST: dict[str, Any] = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
SNIPPETS: dict[str, dict[str, Any]] = json.loads((FOLDER / "snippets" / "dl.json").read_text(encoding="utf-8"))

PLACES = {
    "net": "{snippet}",
    "block": "{snippet}\n\n## It.\nnet f on x[N, 3, 8, 8]: unit(8) -> flatten\n",
    "inline block": "{snippet}\n\n## It.\nnet f on x[N, 3, 8, 8]: step(8) -> flatten\n",
    "fn": "{snippet}\n\n## It.\nnet f on x[N, 3, 8, 8]: conv(width(1), 3) -> flatten\n",
    "use": "{snippet}\n\n## It.\nnet f on x[N, 3, 8, 8]: cba(8) -> flatten\n",
    "init": "{snippet}\n\n## It.\nnet f on x[N, 3, 8, 8]: conv(8, 3) -> flatten\n",
    "budget": "## It.\nnet f on x[N, 3, 8, 8]:\n    {snippet}\n    conv(8, 3) -> flatten\n",
    "require": "## It.\nnet f on x[N, 3, H=32, W=32]:\n    {snippet}\n    conv(8, 3) -> gap -> flatten\n",
    "if": "## It.\nnet f(deep: bool = true) on x[N, 3, 8, 8]:\n    {snippet}\n    conv(8, 3) -> flatten\n",
    "residual": "block b on x[N, C, H, W]:\n    {snippet}\n\n## It.\nnet f on x[N, 3, 8, 8]: b -> flatten\n",
}
"""Where a snippet stands; elsewhere in the body of a net."""


def expanded(body: list[str]) -> str:
    """A snippet with its defaults, as an editor leaves it."""
    text = "\n".join(body)
    while found := re.search(r"\$\{\d+:((?:[^{}\\$]|\\.|\{[^{}]*\\\})*)\}", text):
        text = text[: found.start()] + re.sub(r"\\(.)", r"\1", found[1]) + text[found.end() :]
    return text


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippets_are_programs(name: str, tmp_path: Path) -> None:
    snippet = expanded(SNIPPETS[name]["body"])
    assert "$" not in snippet
    place = PLACES.get(name, "## It.\nnet f on x[N, 3, 8, 8]:\n    {snippet}\n    flatten\n")
    indent = re.search(r"^( *)\{snippet\}", place, re.MULTILINE)
    assert indent is not None
    path = tmp_path / "program.dl"
    path.write_text(place.replace("{snippet}", snippet.replace("\n", "\n" + indent[1])), encoding="utf-8")
    found = [each for each in check_file(path).diagnostics if each.severity is not Severity.NOTE]
    assert not found, (path.read_text(encoding="utf-8"), [d.message for d in found])


def test_versions_fit() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    assert MANIFEST["version"] == project["version"] == lock["version"]
    declared = {**MANIFEST["dependencies"], **MANIFEST["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in declared.values()), "exact versions"
    assert {f"node_modules/{name}" for name in declared} <= lock["packages"].keys()


def test_the_lock_file_says_what_and_not_where() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: of for name, of in lock["packages"].items() if name}
    assert len(packages) > 100
    assert not [name for name, of in packages.items() if "resolved" in of]
    assert not [name for name, of in packages.items() if "integrity" not in of]
    assert "omit-lockfile-registry-resolved=true" in (FOLDER / ".npmrc").read_text(encoding="utf-8")


def test_what_the_manifest_names_is_there() -> None:
    contributes = MANIFEST["contributes"]
    named = [contributes["languages"][0]["configuration"]]
    named += [each["path"] for kind in ("grammars", "snippets") for each in contributes[kind]]
    assert all((FOLDER / path).is_file() for path in named)
    kept = (FOLDER / ".vscodeignore").read_text(encoding="utf-8").splitlines()
    assert all(f"!{path.removeprefix('./')}" in kept for path in [*named, MANIFEST["main"]])
    assert (
        contributes["grammars"][0]["scopeName"]
        == json.loads((FOLDER / "syntaxes" / "dl.tmLanguage.json").read_text(encoding="utf-8"))["scopeName"]
    )


def test_settings_are_those_of_the_server() -> None:
    properties = MANIFEST["contributes"]["configuration"]["properties"]
    own = {name: properties[f"dslc.{name}"]["default"] for name in SETTINGS if name != "commands"}
    assert own == {name: default for name, default in SETTINGS.items() if name != "commands"}
    text = (EDITORS / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", text, re.MULTILINE))
    assert {name: json.loads(default) for name, default in rows.items()} == SETTINGS


LANGUAGE: dict[str, Any] = json.loads((FOLDER / "language-configuration.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("line", "deeper"),
    [
        ("net f on x[N, 3, 8, 8]:", True),
        ("    for i in range(3):  # thrice", True),
        ("    residual:", True),
        ("    if deep: conv(3, 3)", False),
        ("# a note:", False),
        ("    conv(3, 3)", False),
        ("    x = it[:, 1:]", False),
    ],
)
def test_what_is_indented_after_a_line(line: str, deeper: bool) -> None:
    assert bool(re.search(LANGUAGE["indentationRules"]["increaseIndentPattern"], line)) is deeper


def test_configurations_of_editors_are_of_one_server() -> None:
    text = (EDITORS / "README.md").read_text(encoding="utf-8")
    fences = dict(re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    assert {"lua", "toml", "elisp", "json"} <= fences.keys()
    helix = tomllib.loads(fences["toml"])
    assert helix["language-server"]["dslc"] == {"command": "dslc", "args": ["lsp"]}
    assert helix["language"][0]["file-types"] == ["dl"]
    assert json.loads(fences["json"])["clients"]["dslc"]["command"] == ["dslc", "lsp"]
    assert '"dslc", "lsp"' in fences["lua"] and '"dslc" "lsp"' in fences["elisp"]
    for fence in ("lua", "elisp"):
        assert fences[fence].count("(") == fences[fence].count(")")
