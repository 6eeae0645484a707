"""The pictures of docs/gradients.md are what `dslc signal --plot` draws of the page's programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dslc.cli.main import main
from tests.docs.test_docs import page_fences

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "gradients.md"
PICTURES = {
    "sigmoids": ("sigmoids.dl", "--what-if", "norm=bn"),
    "relus": ("relus.dl", "--what-if", "init=kaiming_normal"),
    "norms": ("norms.dl",),
    "residual": ("sigmoids.dl", "--what-if", "residual"),
    "streams": ("streams.dl", "--net", "stream", "--net", "normed"),
    "large": ("large.dl", "--what-if", "init=xavier_normal"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_what_is_drawn(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    for fence in page_fences(PAGE):
        if fence.kind == "dl" and fence.file is not None:
            Path(fence.file).write_text(fence.text, encoding="utf-8")
    done = CliRunner().invoke(main, ["signal", *PICTURES[name], "--plot", "out.svg"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found, kept = Path("out.svg").read_text("utf-8"), PAGE.parent / "img" / f"{name}.svg"
    if request.config.getoption("--regen"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(found, encoding="utf-8")
    assert kept.read_text("utf-8") == found, "run pytest --regen"


def test_each_picture_is_shown() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in PICTURES if f"(img/{name}.svg)" not in text] == []
    assert {path.stem for path in (PAGE.parent / "img").glob("*.svg")} == set(PICTURES)
