"""`dslc diff --html`: a page with both networks and what became of every layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dslc.diff import Side, diff
from dslc.report import difference
from tests.cli.running import run
from tests.cli.test_report import ELEMENTS, Page

NET = (
    "## A <script>alert(1)</script> network.\n"
    "net small(width: int = 8, k: int = 3) on x[N, 3, H=32, W=32]:\n"
    "    conv(width, 3) as first -> relu\n    conv(width, k) as second\n    gap -> flatten -> linear(10)\n"
)


def test_a_page_has_both_networks_and_what_changed(tmp_path: Path) -> None:
    (tmp_path / "net.dl").write_text(NET, "utf-8")
    target = tmp_path / "page.html"
    result = run("diff", tmp_path / "net.dl", "--set-b", "k=5", "--html", "-o", target)
    assert result.exit_code == 0 and result.output.startswith(f"{target}  small → small, ")
    page = Page(target.read_text("utf-8"))
    assert {tag for tag, _ in page.elements} <= ELEMENTS | {"table"}
    assert len(page.texts["script"]) == 2 and page.policy.startswith("default-src 'none';")
    document = page.document
    assert [net["name"] for net in document["nets"]] == ["small", "small"]
    changed = [change for change in document["diff"]["changes"] if change["status"] == "changed"]
    assert [change["words"] for change in changed] == ["conv(8, 3 -> 5)"]
    rows = [document["nets"][side]["rows"][changed[0][name]]["path"] for side, name in enumerate("ab")]
    assert rows == ["second", "second"]
    assert document["diff"]["sides"] == ["before", "after"]
    assert document["diff"]["weights"]["load"] is False


def test_the_status_says_whether_they_differ(tmp_path: Path) -> None:
    (tmp_path / "net.dl").write_text(NET, "utf-8")
    options = ("--html", "--exit-code", "-o", tmp_path / "page.html")
    assert run("diff", tmp_path / "net.dl", tmp_path / "net.dl", *options).exit_code == 0
    assert run("diff", tmp_path / "net.dl", "--set-b", "k=5", *options).exit_code == 1


@pytest.mark.parametrize("option", [("--only", "changed"), ("--format", "json"), ("--columns", "params"), ("--every",)])
def test_what_only_a_text_has_is_refused(tmp_path: Path, option: tuple[str, ...]) -> None:
    (tmp_path / "net.dl").write_text(NET, "utf-8")
    result = run("diff", tmp_path / "net.dl", "--set-b", "k=5", "--html", "-o", tmp_path / "page.html", *option)
    assert result.exit_code == 2 and f"leave out {option[0]}" in result.output
    result = run("diff", tmp_path / "net.dl", "--set-b", "k=5", "-o", tmp_path / "page.html")
    assert result.exit_code == 2 and "give --html as well" in result.output
    assert not (tmp_path / "page.html").exists()


def test_a_mistake_leaves_the_page_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "net.dl").write_text(NET, "utf-8")
    (tmp_path / "page.html").write_text("before", "utf-8")
    options = ("--set-b", "k=50", "--html", "-o", tmp_path / "page.html")
    assert run("diff", tmp_path / "net.dl", *options).exit_code == 1
    assert (tmp_path / "page.html").read_text("utf-8") == "before"


PAIRS = [
    ("resnet", "resnet18", "resnet50"),
    ("vit", "vit_b_16", "vit_b_32"),
    ("text_lstm", None, None),
    ("swin", "swin_t", "swin_s"),
]


@pytest.mark.parametrize(("file", "a", "b"), PAIRS)
def test_every_layer_has_its_row(file: str, a: str | None, b: str | None) -> None:
    comparison = diff(Side(f"zoo:{file}", a), Side(f"zoo:{file}", b))
    document: Any = difference(comparison)
    changes = [change for change in comparison.root if change is not comparison.root]
    records = document["diff"]["changes"]
    assert len(changes) == len(records) > 4
    for change, record in zip(changes, records, strict=True):
        assert (change.a is None, change.b is None) == (record["a"] is None, record["b"] is None), change.layer.path
