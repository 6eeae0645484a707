"""`dslc picture`: where the file goes, what it shows, and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import Result

from tests.cli import running

ROOT = Path(__file__).resolve().parents[2]
UNET = ROOT / "examples" / "unet.dl"
RESNET = ROOT / "examples" / "resnet.dl"


def run(*args: str | Path) -> Result:
    return running.run("picture", *args)


def words(text: str) -> list[str]:
    """All that is written in a picture."""
    return [found.text or "" for found in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]


def test_a_file_and_stdout_are_the_same(tmp_path: Path) -> None:
    result = run(UNET, "-o", tmp_path / "unet.svg")
    assert result.exit_code == 0 and not result.output
    text = (tmp_path / "unet.svg").read_text(encoding="utf-8")
    assert run(UNET).stdout == text
    assert "conv(64, 3)" in words(text) and "[N, 1024, 16, 16]" in words(text)


def test_depth_closes_parts() -> None:
    found = words(run(UNET, "--depth", "1").stdout)
    assert "double(64)" in found and "encoder0 · 6 layers" in found and "relu" not in found


def test_equal_parts_are_drawn_once_or_in_full(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text("block unit on x[N, C]: linear(C) -> relu\n\nnet f on x[N, 8]:\n    unit -> unit -> unit\n")
    assert words(run(path).stdout).count("relu") == 1 and "3 × 72 = 216 params" in words(run(path).stdout)  # noqa: RUF001
    assert words(run(path, "--no-fold").stdout).count("relu") == 3


def test_sizes_and_arguments_are_taken() -> None:
    assert "[N, 3, 512, 512]" in words(run(UNET, "--size", "H=512,W=512").stdout)
    assert "linear(10)" in words(run(RESNET, "--net", "resnet18", "--set", "classes=10", "--depth", "1").stdout)


def test_the_picture_is_the_same_in_every_run() -> None:
    command = [sys.executable, "-m", "dslc", "picture", str(UNET)]
    texts = {
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


def test_letters_that_svg_has_for_itself_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text('net f on x[N, 8, 4, 4]: where(it < 0, 0, it) -> rearrange("n c h w -> n (h w) c")\n')
    assert '"n c h w -> n (h w) c"' in words(run(path).stdout)


def test_a_box_says_its_whole_path() -> None:
    titles = [
        found.text or "" for found in ElementTree.fromstring(run(UNET).stdout).iter("{http://www.w3.org/2000/svg}title")
    ]
    assert any(text.splitlines()[:2] == ["encoder0.0", "conv(64, 3)"] for text in titles)


@pytest.mark.parametrize(
    ("heat", "words_"),
    [("params", "14.160 M params · 45.6%"), ("macs", "7.248 G MACs · 15.0%"), ("memory", "MB · 14.5%")],
)
def test_heat(heat: str, words_: str) -> None:
    """Shares are of all, so that those of all boxes add up to 1."""
    found = [text for text in words(run(UNET, "--heat", heat, "--depth", "1").stdout) if text.endswith("%")]
    assert any(words_ in text for text in found)
    assert sum(float(text.rpartition(" ")[2][:-1]) for text in found) == pytest.approx(100, abs=0.1 * len(found))


@pytest.mark.parametrize("end", ["html", "mmd", "dot"])
def test_other_files(tmp_path: Path, end: str) -> None:
    """The same boxes and lines in every form; what a program writes stays text in it."""
    source = tmp_path / "net.dl"
    source.write_text(
        "net f on x[N, 8, 4, 4]:\n    residual: conv(8, 3)\n"
        '    where(it < 0, 0, it) -> rearrange("n c h w -> n (h w) c")\n'
    )
    target = tmp_path / f"net.{end}"
    assert run(source, "-o", target).exit_code == 0
    text = target.read_text(encoding="utf-8")
    if end == "html":
        assert run(source).stdout in text and text.startswith("<!DOCTYPE html>")
    elif end == "mmd":
        assert (
            text.startswith("flowchart TD\n")
            and text.count("-->") == 8
            and "#34;n c h w #45;#62; n (h w) c#34;" in text
        )
    else:
        assert len(re.findall(r"^    n\d+ -> n\d+ ", text, re.MULTILINE)) == 8 and '\\"n c h w -> n (h w) c\\"' in text


# ---- wrong use


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    result = run(UNET, "-o", tmp_path / "unet.gif")
    assert result.exit_code == 2 and ".svg .html .png .mmd .dot" in result.stderr and not list(tmp_path.iterdir())


def test_more_boxes_than_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text(
        "block unit on x[N, C]: linear(C) -> relu\n\nnet f on x[N, 8]:\n    for i in range(1200): unit as `u{i}`\n"
    )
    assert run(path).exit_code == 0
    result = run(path, "--no-fold")
    assert result.exit_code == 2
    assert "2,402 boxes are more than a picture can show (2,000); close parts with `--depth 1`" in result.stderr
    assert run(path, "--no-fold", "--depth", "1").exit_code == 0


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ((RESNET, "--net", "resnet19"), 2, "did you mean `resnet18`?"),
        ((UNET, "--depth", "0"), 2, "--depth"),
        (("missing.dl",), 2, "missing.dl"),
        ((UNET, "-o", "missing/unet.svg"), 1, "E0601"),
    ],
)
def test_messages(args: tuple[str | Path, ...], code: int, message: str) -> None:
    result = run(*args)
    assert result.exit_code == code and message in result.stderr


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys\nfrom dslc.cli.main import main\n"
        f"main(['picture', {str(UNET)!r}], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'numpy', 'rich', 'matplotlib', 'resvg_py'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
