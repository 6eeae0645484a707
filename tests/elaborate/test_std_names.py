"""Names that stand in std yield to those of a program: nobody who uses a block can see what its layers are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.api import compile_model
from dslc.diagnostics.model import CompileError
from dslc.names import loader
from dslc.vocabulary.std import std_folder
from tests.cli.running import printed

LIBRARY = """
inline block narrow(out: int) on x[N, C, *S]: (conv(out, 1) -> bn) as down

inline block gained on x[N, C, *S]:
    param gain: [C, 1, 1] = ones
    it * gain

inline block twice on x[N, C, *S]:
    module again = conv(C, 3)
    again -> relu -> again

inline block around(body: layer) on x[N, C, *S]: conv(C, 1) as down -> body -> conv(C, 1) as up

block whole(out: int) on x[N, C, *S]: narrow(out) -> narrow(out)
"""


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A std of the test's own, beside the real one."""
    folder = tmp_path / "std"
    folder.mkdir()
    for path in std_folder().glob("*.dl"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "test.dl").write_text(LIBRARY, encoding="utf-8")
    monkeypatch.setattr(loader, "std_folder", lambda: folder)


def modules(*lines: str) -> list[str]:
    """The names of what has parameters, in order."""
    head = "use std.test: narrow, gained, twice, around, whole\nuse std.resnet: shortcut\n\nnet f on x[N, 4, 8, 8]:\n"
    text = head + "".join(f"    {line}\n" for line in (*lines, "gap -> flatten"))
    paths = compile_model(text).params
    return list(dict.fromkeys(p.rsplit(".", 1)[0] if "." in p else p for p in paths))


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["narrow(4)"], ["down.0", "down.1"]),
        (["narrow(4)", "narrow(4)"], ["down.0", "down.1", "down_2.0", "down_2.1"]),
        (["conv(4, 3) as down", "narrow(4)"], ["down", "down_2.0", "down_2.1"]),
        (["narrow(4)", "conv(4, 3) as down"], ["down_2.0", "down_2.1", "down"]),
        (["narrow(4)", "conv(4, 3) as down", "narrow(4)"], ["down_2.0", "down_2.1", "down", "down_3.0", "down_3.1"]),
        (["narrow(4)", "conv(4, 3) as down_2", "conv(4, 3) as down"], ["down_3.0", "down_3.1", "down_2", "down"]),
        (
            ["narrow(4)", "narrow(4)", "conv(4, 3) as down_2"],
            ["down.0", "down.1", "down_2_2.0", "down_2_2.1", "down_2"],
        ),
        (["conv(4, 3) as downsample", "shortcut(8)"], ["downsample", "downsample_2.0", "downsample_2.1"]),
        (["shortcut(8)", "shortcut(4)"], ["downsample.0", "downsample.1", "downsample_2.0", "downsample_2.1"]),
        (["gained", "gained"], ["gain", "gain_2"]),
        (["conv(4, 3) as gain", "gained"], ["gain", "gain_2"]),
        (["gained", "conv(4, 3) as gain"], ["gain_2", "gain"]),
        (["twice", "conv(4, 3) as again"], ["again_2", "again"]),
        (["conv(4, 3) as again", "twice", "twice"], ["again", "again_2", "again_3"]),
        (["twice", "conv(4, 3) as again", "conv(4, 3) as again_2"], ["again_2_2", "again", "again_2"]),
        (["around(conv(4, 3) as down)"], ["down_2", "down", "up"]),
        (["narrow(4) as mine", "conv(4, 3) as down"], ["mine.0", "mine.1", "down"]),
        (["whole(4)"], ["whole.down.0", "whole.down.1", "whole.down_2.0", "whole.down_2.1"]),
        (
            ["for i in range(2): conv(4, 3) as `down{i}` -> narrow(4)"],
            ["down0", "down.0", "down.1", "down1", "down_2.0", "down_2.1"],
        ),
    ],
)
def test_names_of_std_yield(lines: list[str], names: list[str]) -> None:
    assert sorted(modules(*lines)) == sorted(names)


@pytest.mark.parametrize("lines", [["conv(4, 3) as a", "conv(4, 3) as a"], ["conv(4, 3)", "conv(4, 3) as conv"]])
def test_the_programs_own_names_still_collide(lines: list[str]) -> None:
    with pytest.raises(CompileError, match="E0203"):
        modules(*lines)


def test_what_was_renamed_runs(tmp_path: Path) -> None:
    """The module and the graph agree, weights by their names; the file says what the state dict says."""
    text = """
use std.test: narrow, gained, twice

net f on x[N, 4, 8, 8]:
    twice -> gained -> narrow(4) -> conv(4, 3) as down
    conv(4, 3) as gain -> gained -> conv(4, 3) as again
    twice -> gap -> flatten
"""
    (tmp_path / "f.dl").write_text(text, encoding="utf-8")
    out = printed("build", tmp_path / "f.dl", "-o", tmp_path / "b", "--check", "parity,onnx")
    assert "parity: torch and onnxruntime agree" in out
    assert set(compile_model(tmp_path / "f.dl").params) >= {
        "down.weight",
        "gain.weight",
        "gain_2",
        "gain_3",
        "again_2.bias",
    }
