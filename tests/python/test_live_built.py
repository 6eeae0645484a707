"""Networks of built files are exported too: from the program that the file names, or carries."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import dslc
from dslc.build import build
from dslc.kept import Kept
from dslc.live.export import to_model

MAIN = """
use "parts/unit.dl": unit

net whole(
    classes: int = 4, c: int = 4, slope: float = 0.1, deep: bool = false
) on image[N, 3, H=8, W=8]:
    unit(c) as first -> leaky_relu(slope) as act
    if deep: unit(c) as second
    gap -> flatten -> linear(classes) as fc
"""
UNIT = "block unit(c: int):\n    conv(c, 3) as conv -> bn as bn -> relu\n    it * 2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program in `nets/`, of two files."""
    (tmp_path / "nets" / "parts").mkdir(parents=True)
    (tmp_path / "nets" / "whole.dl").write_text(MAIN)
    (tmp_path / "nets" / "parts" / "unit.dl").write_text(UNIT)
    return tmp_path


def built(folder: Path, monkeypatch: pytest.MonkeyPatch, embed: bool = False, **options: Any) -> Path:
    """The file of a build in `build/`, made as on the command line in that folder."""
    monkeypatch.chdir(folder)
    kept = Kept.read("nets/whole.dl")
    build(kept.compile(**options), "build", targets=("torch",), embed=kept.texts if embed else None)
    return folder / "build" / "whole.py"


def imported(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A built file as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"built_{path.parent.parent.name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def refusal(net: Any) -> str:
    with pytest.raises(dslc.ExportError) as caught:
        to_model(net)
    return str(caught.value)


@pytest.mark.parametrize("embed", [False, True])
def test_a_built_class_is_exported(folder: Path, monkeypatch: pytest.MonkeyPatch, embed: bool) -> None:
    path = built(folder, monkeypatch, embed, args={"c": 6, "deep": True}, sizes={"H": 12})
    assert "from nets/whole.dl with c=6, deep=True at H=12: edit that file" in path.read_text()
    module = imported(path, monkeypatch)
    monkeypatch.chdir("/")
    torch.manual_seed(0)
    graph = to_model(module.Whole(), check=True)
    assert graph.metadata["dslc.sizes"] == '{"N":1,"H":12,"W":8}'
    assert graph.graph.initializers["first.conv.weight"].shape == (6, 3, 3, 3)


def test_its_arguments_are_read_from_the_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = imported(built(folder, monkeypatch), monkeypatch).Whole
    for options in ({"classes": 9}, {"slope": 0.7}, {"classes": 5, "slope": 0.3}, {}):
        net = whole(**options).half().float()
        assert to_model(net, check=True).data(), options
    derived = type("Mine", (whole,), {"note": 1})
    assert to_model(derived(classes=3), check=True).data()


def test_a_built_module_that_was_modified(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = imported(built(folder, monkeypatch), monkeypatch)
    net = module.Whole()
    net.first.conv.stride = (2, 2)
    net.fc.register_forward_hook(lambda module, inputs, output: None)
    assert "`first.conv.stride` is (2, 2), the program makes (1, 1)" in refusal(net)
    assert "`fc` has a forward hook" in refusal(net)
    monkeypatch.setattr(module, "Unit", type("Unit", (module.Unit,), {"forward": lambda self, x: x}))
    assert "`first` is" in refusal(module.Whole())


EDITS = {
    "forward": ("return self.fc(", "return 2 * self.fc(", "`Whole.forward` was replaced"),
    "the constructor": ("self.act = nn.LeakyReLU(slope)", "self.act = nn.ReLU()", "`act` is ReLU"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_file_that_was_edited(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before, after, words = EDITS[name]
    path = built(folder, monkeypatch)
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    assert words in refusal(imported(path, monkeypatch).Whole())


def test_a_file_in_another_layout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A formatter of one's own changes nothing."""
    path = built(folder, monkeypatch)
    path.write_text(ast.unparse(ast.parse(path.read_text())))
    assert to_model(imported(path, monkeypatch).Whole(), check=True).data()


def test_a_file_with_more_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that somebody added are none of the program's; the network's own is still found."""
    path = built(folder, monkeypatch)
    path.write_text(path.read_text() + "\n\nclass Trainer(nn.Module):\n    pass\n\n\nclass Mine(Whole):\n    pass\n")
    module = imported(path, monkeypatch)
    assert to_model(module.Whole(classes=3), check=True).data()
    assert to_model(module.Mine(classes=3)).data()
    assert "this `Trainer` is no network" in refusal(module.Trainer())
    assert "it is a part of a network of dslc" in refusal(module.Whole().first)


def test_a_program_that_was_edited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The class in memory is of the program as it was: never of another."""
    path = built(folder, monkeypatch)
    for place, before, after in (
        ("parts/unit.dl", "it * 2", "it * 3"),
        ("parts/unit.dl", "block unit", "block other"),
        ("whole.dl", "H=8", "H=16"),
        ("whole.dl", "net whole", "net other"),
    ):
        file = folder / "nets" / place
        text = file.read_text()
        file.write_text(text.replace(before, after))
        words = refusal(imported(path, monkeypatch).Whole())
        assert words.startswith("error[E0664]: `whole.py` was built from `nets/whole.dl`, which is another program"), (
            place
        )
        assert "build `whole.py` again" in words
        file.write_text(text)
    net = imported(path, monkeypatch).Whole()
    assert to_model(net).data()
    (folder / "nets" / "whole.dl").unlink()
    assert to_model(net).data(), "once found, the program is kept"


def test_a_program_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = built(folder, monkeypatch)
    alone, carried = folder / "alone", folder / "carried"
    for place in (alone, carried):
        (place / "build").mkdir(parents=True)
    (alone / "build" / "whole.py").write_text(path.read_text())
    (carried / "build" / "whole.py").write_text(built(folder, monkeypatch, embed=True).read_text())
    (folder / "nets" / "whole.dl").unlink()
    monkeypatch.chdir("/")
    words = refusal(imported(alone / "build" / "whole.py", monkeypatch).Whole())
    assert "which is not found" in words and "--embed" in words
    assert to_model(imported(carried / "build" / "whole.py", monkeypatch).Whole(classes=6), check=True).data()


def test_a_carried_program_that_was_edited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = built(folder, monkeypatch, embed=True)
    text = path.read_text()
    assert text.count("it * 2") == 1, "in the program"
    path.write_text(text.replace("it * 2", "it * 3"))
    assert "which is another program by now" in refusal(imported(path, monkeypatch).Whole())


ODD = 'net f on x[N, 3]:\n    ## """ and \\n \\\\ and a tab\t, a quote at the end"\n    linear(2)  # é"'


def test_a_carried_program_is_exactly_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (ODD, f"{ODD}\n", f"{ODD}\\\n", ODD.replace("\n", "\r\n"), f"# \x0c \u2028\n{ODD}\n"):
        (tmp_path / "f.dl").write_bytes(text.encode())
        try:
            kept = Kept.read(tmp_path / "f.dl")
        except dslc.CompileError:
            kept = Kept.read("net f on x[N, 3]:\n    linear(2)\n")
        folder = tmp_path / "nets" / "build"
        texts = ("f.dl", (("f.dl", text), ("a.dl", text)))
        build(kept.compile(), folder, targets=("torch",), embed=texts)
        assert {"f.dl": text, "a.dl": text} == imported(folder / "f.py", monkeypatch).PROGRAM


def test_the_command_line_embeds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from dslc.cli.main import main

    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, ["build", "nets/whole.dl", "--target", "torch", "--embed", "--set", "classes=7"])
    assert done.exit_code == 0, done.output
    program = imported(folder / "build" / "whole.py", monkeypatch).PROGRAM
    assert program == {"whole.dl": MAIN, "parts/unit.dl": UNIT}
