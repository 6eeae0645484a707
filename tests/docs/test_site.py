"""The site: every page has its place in it, once; `.ci/run` builds it by the command that README gives."""

from __future__ import annotations

import re
from pathlib import Path

from dslc.reference import programs

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
COMMAND = "sphinx-build -W --keep-going -q docs build/site"


def test_every_page_is_in_the_contents_once() -> None:
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", (DOCS / "index.md").read_text(encoding="utf-8"), re.M | re.S)
    lines = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.md")} - {"index"}
    assert sorted(lines) == sorted(pages)


def test_one_command_builds_it() -> None:
    for place in ("README.md", ".ci/run", "docs/conf.py"):
        assert COMMAND in (ROOT / place).read_text(encoding="utf-8"), place


def test_the_page_of_programs_is_what_the_folders_hold() -> None:
    page = programs.PAGE.read_text(encoding="utf-8")
    assert page == programs.page(), "run `python -m dslc.reference`"
    taken = {(programs.PAGE.parent / name).resolve() for name in re.findall(r"\{literalinclude\} (\S+)", page)}
    assert taken == {path for folder in programs.FOLDERS for path in (ROOT / folder).glob("*.dl")}


def test_pages_that_are_included_exist() -> None:
    found = [
        (page.parent / name).resolve()
        for page in DOCS.rglob("*.md")
        for name in re.findall(r"^```\{include\} (\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert sorted(found) == [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "editors/README.md")]
