"""`dslc picture -o net.png`: its pixels, and what is said where it cannot be made."""

from __future__ import annotations

import re
import struct
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result

import dslc
from dslc.reports import png
from tests.cli import running

UNET = Path(__file__).resolve().parents[2] / "examples" / "unet.dl"


def run(*args: str | Path) -> Result:
    return running.run("picture", *args)


def shape(path: Path) -> tuple[int, int]:
    """The width and height in a .png's header."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


@pytest.mark.parametrize(("words", "scale"), [((), 2.0), (("--scale", "1"), 1.0), (("--scale", "0.5"), 0.5)])
def test_a_png_is_the_svg_in_pixels(tmp_path: Path, words: tuple[str, ...], scale: float) -> None:
    pytest.importorskip("resvg_py")
    target = tmp_path / "unet.png"
    result = run(UNET, "--depth", "1", "-o", target, *words)
    assert result.exit_code == 0, result.stderr
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', run(UNET, "--depth", "1").stdout)
    assert found is not None
    assert shape(target) == pytest.approx((float(found[1]) * scale, float(found[2]) * scale), abs=1)


def test_its_letters_are_there(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    target = tmp_path / "unet.png"
    assert run(UNET, "--depth", "1", "-o", target).exit_code == 0
    text = run(UNET, "--depth", "1").stdout
    pixels = image.open(target).convert("L")
    for x, y, words in re.findall(r'<text x="([\d.]+)" y="([\d.]+)">([^<]+)<', text)[:8]:
        middle, base = (float(x) + 14) * 2, (float(y) + 14) * 2
        wide = 5 * len(words)
        area = pixels.crop((int(middle - wide), int(base - 18), int(middle + wide), int(base + 2)))
        assert min(area.tobytes()) < 60, words  # the letters are black; boxes, edges and lines are lighter


def test_without_resvg_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "find_spec", lambda name: None if name == "resvg_py" else find_spec(name))
    result = run(UNET, "-o", tmp_path / "unet.png")
    assert result.exit_code == 1 and not list(tmp_path.iterdir())
    assert "a .png needs resvg-py, which is not installed" in result.stderr
    assert "pip install 'dslc[picture]'" in result.stderr


def test_without_a_font_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """resvg would draw boxes without letters, and say nothing."""
    resvg = pytest.importorskip("resvg_py")
    bare = SimpleNamespace(svg_to_bytes=partial(resvg.svg_to_bytes, skip_system_fonts=True))
    monkeypatch.setattr(png, "import_module", lambda name: bare)
    result = run(UNET, "-o", tmp_path / "unet.png")
    assert result.exit_code == 1 and not list(tmp_path.iterdir())
    assert "E0666" in result.stderr and "fonts-dejavu-core" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "unet.svg", "--scale", "2"), "it is for a file that ends with .png"),
        (("--scale", "2"), "it is for a file that ends with .png"),
        (("-o", "unet.png", "--scale", "0"), "--scale"),
        (("-o", "unet.png", "--scale", "11"), "--scale"),
    ],
)
def test_wrong_scales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(UNET, *words)
    assert result.exit_code == 2 and message in result.stderr and not list(tmp_path.iterdir())


def test_more_pixels_than_a_memory_should_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resvg_py")
    monkeypatch.setattr(png, "MOST_PIXELS", 1_000_000)
    result = run(UNET, "-o", tmp_path / "unet.png")
    assert result.exit_code == 2 and not list(tmp_path.iterdir())
    assert re.search(r"--scale: 513 x [\d,]+ pixels are more than a .png can have \(1,000,000\)", result.stderr)
    with pytest.raises(ValueError, match=r"pixels are more than a \.png can have"):
        dslc.compile(UNET).picture(tmp_path / "unet.png")


def test_python_writes_the_same(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    text = dslc.compile(UNET).picture(tmp_path / "python.png", depth=1)
    assert text.startswith("<svg")
    assert run(UNET, "--depth", "1", "-o", tmp_path / "command.png").exit_code == 0
    assert (tmp_path / "python.png").read_bytes() == (tmp_path / "command.png").read_bytes()
