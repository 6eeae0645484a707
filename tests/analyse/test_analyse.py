"""`analyse`: what is known of any text."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from dslc.analyse import Analysis, Cancelled, analyse

ROOT = Path(__file__).parents[2]

NET = """block stage(out: int, s: int = 1) on x[N, C, H, W]:
    conv(out, 3, s=s) -> bn -> relu
    y = conv(2 * out, 3)
    x + x -> relu
    y -> relu

net f(width: int = 8) on image[N, 3, H=32, W=32]:
    conv(width, 3)
    for i in range(2): stage(width * 2**i, s=1 + i)
    gap -> flatten -> linear(10)
"""


def of(text: str, tmp_path: Path, net: str | None = "f", typing: int | None = None) -> Analysis:
    path = tmp_path / "f.dl"
    return analyse(path, net, texts={path: text}, typing=typing)


def shapes(found: Analysis, net: str = "f") -> dict[int, list[tuple[str | None, str]]]:
    """Shapes by line."""
    assert found.source is not None
    lines = found.shapes[net].lines(found.source.path)
    return {line.span.line: [(m.words, m.default) for m in made] for line, made in lines if made}


def test_shapes_are_in_the_words_of_the_block_and_at_the_defaults(tmp_path: Path) -> None:
    text = NET.replace("    x + x -> relu\n", "")
    found = of(text, tmp_path)
    assert [d.message for d in found.diagnostics if d.code[0] == "E"] == []
    by_line = shapes(found)
    assert by_line[2] == [("[N, out, ceil(H / s), ceil(W / s)]", "[1, 8, 32, 32]")]
    assert by_line[3] == [("[N, 2 * out, ceil(H / s), ceil(W / s)]", "[1, 16, 32, 32]")]
    assert by_line[7] == [("[N, 8, H, W]", "[1, 8, 32, 32]")]
    assert by_line[9] == [("[N, 10]", "[1, 10]")]


def test_a_mistake_leaves_what_is_known(tmp_path: Path) -> None:
    found = of(NET, tmp_path)
    assert not found.ok and "f" in found.shapes and found.table is not None
    assert shapes(found)[2] == [("[N, out, ceil(H / s), ceil(W / s)]", "[1, 8, 32, 32]")]


@pytest.mark.parametrize("typed", ["c", "conv", "conv(", "conv(8", "conv(8,", "-> ", "y = ", "rsidual: ", "`", '"'])
def test_a_line_that_is_being_written_is_left_out_while_it_is_wrong(typed: str, tmp_path: Path) -> None:
    right = NET.replace("    x + x -> relu\n", "")
    lines = right.split("\n")
    lines.insert(7, f"    {typed}")
    found = of("\n".join(lines), tmp_path, typing=8)
    want = {line + (line > 7): made for line, made in shapes(of(right, tmp_path)).items()}
    assert not found.ok
    assert shapes(found) == want


def test_a_name_has_its_definition_and_uses(tmp_path: Path) -> None:
    found = of(NET, tmp_path)
    assert found.table is not None and found.source is not None
    use = found.table.at(found.source.path, NET.index("stage(width"))
    assert use is not None and use.symbol.name == "stage"
    assert [u.span.line for u in found.table.uses(use.symbol)] == [1, 9]


def test_what_a_place_costs_and_sees(tmp_path: Path) -> None:
    text = NET.replace("    x + x -> relu\n", "")
    found = of(text, tmp_path)
    assert found.source is not None
    made = found.shapes["f"].at(found.source.path, text.index("conv(width"))
    assert made is not None and made.words == "[N, 8, H, W]"
    assert found.shapes["f"].cost(made) == (8 * 27 + 8, 8 * 27 * 1024)
    assert found.shapes["f"].field(made) == "3 x 3"


def test_work_that_nobody_wants_ends_at_once(tmp_path: Path) -> None:
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    path = tmp_path / "f.dl"
    with pytest.raises(Cancelled):
        analyse(path, texts={path: NET}, cancel=cancel)
    assert asked == 4


def test_no_text_is_too_broken(tmp_path: Path) -> None:
    rng = random.Random(3)
    text = (ROOT / "examples" / "resnet.dl").read_text("utf-8")[:2_500]
    for _ in range(25):
        at, end = sorted(rng.choices(range(len(text)), k=2))
        broken = rng.choice([text[:at], text[:at] + text[end:], text[:at] + rng.choice('([{"`\r\x00#:=') + text[at:]])
        found = of(broken, tmp_path, "resnet18", typing=broken.count("\n", 0, at) + 1)
        assert isinstance(found, Analysis)
    for odd in ("", "\n", "\ufeff", "net", "\r", "\x00", "net f on x[N]:", "\u2028" * 3):
        assert isinstance(of(odd, tmp_path), Analysis)


def test_a_file_that_is_not_there_is_a_diagnostic(tmp_path: Path) -> None:
    found = analyse(tmp_path / "none.dl", "f")
    assert not found.ok and found.source is None and not found.shapes


@pytest.mark.parametrize("content", [b"block part on x[N]:\n    relu\xff", b"#" * 5_000_000])
def test_an_imported_file_that_cannot_be_read_is_told_where_it_is_imported(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "part.dl").write_bytes(content)
    found = of('use "part.dl": part\n\nnet f on x[N, 8]:\n    part -> rleu\n', tmp_path)
    assert [(d.code, d.span.line, d.span.text) for d in found.diagnostics][:1] == [("E0216", 1, '"part.dl"')]
    assert "cannot read" in found.diagnostics[0].message


@pytest.mark.parametrize("name", ["x" * 400, "x/" * 3_000, "a\ud800", "loop", "folder"])
def test_what_can_be_no_file_is_not_found(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop.dl").symlink_to(tmp_path / "loop.dl")
    (tmp_path / "folder.dl").mkdir()
    found = of(f'use "{name}.dl": part\n\nnet f on x[N, 8]:\n    part\n', tmp_path)
    assert "E0212" in [d.code for d in found.diagnostics]


def test_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; from dslc.analyse import analyse; analyse('examples/resnet.dl', 'resnet18').shapes;"
        "print(sorted({'torch', 'onnx', 'numpy', 'pygls', 'rich'} & {m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_lines_keep_the_shapes_they_had_until_a_mistake_is_mended(tmp_path: Path) -> None:
    right = NET.replace("    x + x -> relu\n", "")
    before = of(right, tmp_path)
    known = shapes(before)
    broken = right.replace("net f(width: int = 8) on", "net f(width: int = 8 on")
    path = tmp_path / "f.dl"
    found = analyse(path, "f", texts={path: broken}, typing=6, before=before)
    assert not found.ok and shapes(found) == known
    changed = right.replace("conv(width, 3)", "conv(width, 3").replace("conv(2 * out", "conv(3 * out")
    found = analyse(path, "f", texts={path: changed}, typing=7, before=before)
    assert 3 not in shapes(found) or shapes(found)[3] != known[3], "what is not as it was has no shape of before"
