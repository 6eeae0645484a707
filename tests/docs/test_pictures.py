"""The pictures of docs/gradients.md and docs/picture.md are what the commands draw of the pages' programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dslc.cli.main import main
from tests.docs.test_docs import page_fences

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PICTURES: dict[str, tuple[str, ...]] = {
    "sigmoids": ("gradients", "signal", "sigmoids.dl", "--what-if", "norm=bn", "--plot", "out.svg"),
    "relus": ("gradients", "signal", "relus.dl", "--what-if", "init=kaiming_normal", "--plot", "out.svg"),
    "norms": ("gradients", "signal", "norms.dl", "--plot", "out.svg"),
    "residual": ("gradients", "signal", "sigmoids.dl", "--what-if", "residual", "--plot", "out.svg"),
    "streams": ("gradients", "signal", "streams.dl", "--net", "stream", "--net", "normed", "--plot", "out.svg"),
    "large": ("gradients", "signal", "large.dl", "--what-if", "init=xavier_normal", "--plot", "out.svg"),
    "words": ("picture", "picture", "words.dl", "--heat", "params", "-o", "out.svg"),
}
"""The page that shows it, and the command that draws it."""


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_what_is_drawn(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    page, *command = PICTURES[name]
    if command[0] == "signal":
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    for fence in page_fences(DOCS / f"{page}.md"):
        if fence.kind == "dl" and fence.file is not None:
            Path(fence.file).write_text(fence.text, encoding="utf-8")
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found, kept = Path("out.svg").read_text("utf-8"), DOCS / "img" / f"{name}.svg"
    if request.config.getoption("--regen"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(found, encoding="utf-8")
    assert kept.read_text("utf-8") == found, "run pytest --regen"


def test_each_picture_is_shown() -> None:
    for name, (page, *_) in PICTURES.items():
        assert f"(img/{name}.svg)" in (DOCS / f"{page}.md").read_text("utf-8"), name
    assert {path.stem for path in (DOCS / "img").glob("*.svg")} == set(PICTURES)
