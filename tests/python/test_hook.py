"""`import dslc.hook`: programs as modules."""

from __future__ import annotations

import importlib
import inspect
import io
import linecache
import os
import pdb
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import dslc
import dslc.hook
from dslc.hook import FINDER, Program, load_ipython_extension, reload_changed, unload_ipython_extension

ROOT = Path(__file__).resolve().parents[2]
SMALL = "net small(classes: int = 10) on x[N, 3, 8, 8]: conv({}, 3) -> relu -> gap -> flatten -> linear(classes)\n"
SEVERAL = """\
block unit(out: int) on x[N, C, H, W]: conv(out, 3) -> relu

net base(width: int) on x[N, 3, 8, 8]: unit(width) -> gap -> flatten
net tiny_net = base(4)
net wide_net = base(64)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python looks in, with a folder `somenets`; what was imported from it is forgotten."""
    (tmp_path / "somenets").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("some", "dslc_generated")):
            del sys.modules[name]
    importlib.invalidate_caches()


def module(name: str) -> Any:
    return importlib.import_module(name)


def rewrite(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    linecache.checkcache()


# ---- what is found


def test_a_program_in_a_folder(folder: Path) -> None:
    (folder / "somenets" / "small.dl").write_text(SMALL.format(4))
    from somenets import small  # type: ignore[import-not-found] # mypy sees no .dl file

    assert isinstance(small, Program) and small.__file__ == str(folder / "somenets" / "small.dl")
    assert small.small is small.Small and small.__all__ == ["small"]
    net = small.small(classes=3)
    assert net(torch.zeros(2, 3, 8, 8)).shape == (2, 3) and isinstance(net, dslc.Module)
    assert small.small.__dslc__.net == "small"
    assert net.to_onnx(folder / "small.onnx") == [folder / "small.onnx"]


def test_a_program_in_a_package_and_at_the_top(folder: Path) -> None:
    (folder / "somenets" / "__init__.py").write_text("from .small import small\n")
    (folder / "somenets" / "small.dl").write_text(SMALL.format(4))
    (folder / "someother.dl").write_text(SMALL.format(5).replace("small", "other"))
    assert module("somenets").small.__name__ == "Small"
    assert module("someother").Other().conv.out_channels == 5


def test_a_module_is_called_as_its_net(folder: Path) -> None:
    (folder / "somenets" / "small.dl").write_text(SMALL.format(4))
    (folder / "somenets" / "other.dl").write_text(SMALL.format(5))
    (folder / "somenets" / "tiny_net.dl").write_text(SEVERAL)
    (folder / "somenets" / "several.dl").write_text(SEVERAL)
    from somenets import other, several, small, tiny_net

    assert small(classes=3).linear.out_features == 3 and isinstance(small(), small.Small)
    assert other().conv.out_channels == 5 and tiny_net().unit.conv.out_channels == 4
    with pytest.raises(TypeError, match="has 2 nets: call one of tiny_net, wide_net"):
        several()


def test_a_program_of_one_net_has_all_its_classes(folder: Path) -> None:
    text = SEVERAL.replace("net wide_net = base(64)\n", "")
    (folder / "someone.dl").write_text(text)
    one = module("someone")
    assert isinstance(one.tiny_net().unit, one.Unit) and one.__all__ == ["tiny_net"]
    rewrite(folder / "someone.dl", SEVERAL)
    importlib.reload(one)
    assert not hasattr(one, "Unit") and one.__all__ == ["tiny_net", "wide_net"]


def test_nets_of_one_file(folder: Path) -> None:
    (folder / "somenets" / "several.dl").write_text(SEVERAL)
    several = module("somenets.several")
    assert {"tiny_net", "wide_net"} <= set(dir(several)) and "base" not in dir(several)
    assert "tiny_net" not in vars(several)  # each is compiled when it is first asked for
    from somenets.several import TinyNet, wide_net  # type: ignore[import-not-found]

    assert TinyNet is several.tiny_net and wide_net is several.WideNet
    assert wide_net().unit.conv.out_channels == 64
    with pytest.raises(ImportError, match="cannot import name 'tiny'"):
        from somenets.several import tiny  # noqa: F401
    with pytest.raises(AttributeError, match="has no net `tiny_nt`; did you mean `tiny_net`"):
        several.tiny_nt  # noqa: B018
    with pytest.raises(dslc.CompileError, match="`base` needs `width`"):
        several.base  # noqa: B018


def test_the_zoo_as_modules(folder: Path) -> None:
    for name in ("resnet.dl", "se_resnet.dl"):
        (folder / "somenets" / name).write_text((ROOT / "examples" / name).read_text("utf-8"))
    from somenets import resnet, se_resnet

    with torch.device("meta"):
        assert sum(p.numel() for p in resnet.resnet50().parameters()) == 25_557_032
        assert se_resnet.se_resnet50(classes=7).fc.out_features == 7


def test_what_python_finds_goes_first(folder: Path) -> None:
    for name in ("module", "package"):
        (folder / f"some{name}.dl").write_text(SMALL.format(4))
    (folder / "somemodule.py").write_text("here = 1\n")
    (folder / "somepackage").mkdir()
    assert module("somemodule").here == 1 and not isinstance(module("somepackage"), Program)


def test_other_imports_are_none_of_its_business(folder: Path) -> None:
    (folder / "somenets" / "folder.dl").mkdir()
    for name in ("somenets.none", "somenone", "somenets.folder"):
        with pytest.raises(ModuleNotFoundError, match=f"No module named '{name}'"):
            module(name)
    assert FINDER.find_spec("some\0name", None) is None and FINDER.find_spec("x", [b"y", None, 3]) is None  # type: ignore[list-item]
    assert FINDER.find_spec("x", [str(folder / "gone")]) is None
    assert sys.meta_path.count(FINDER) == 1 and sys.meta_path[0] is not FINDER
    (folder / "someplain.dl").write_text(SMALL.format(4))
    with pytest.raises(ModuleNotFoundError, match="'someplain' is not a package"):
        module("someplain.inner")


# ---- mistakes


def test_a_mistake_is_shown_where_it_is(folder: Path) -> None:
    path = folder / "somebad.dl"
    path.write_text("net bad on x[N, 3, 8, 8]: conv(4, 3) -> rellu\n")
    with pytest.raises(dslc.CompileError) as caught:
        module("somebad")
    text = "".join(traceback.format_exception(caught.value))
    assert "error[E0201]: unknown name `rellu`" in text and "^^^^^" in text and "somebad.dl:1:41" in text
    assert "dslc/api.py" not in text.replace(os.sep, "/")  # the compiler's own lines are no help
    assert "somebad" not in sys.modules
    rewrite(path, SMALL.format(4))
    assert module("somebad").small


def test_a_file_that_is_no_program(folder: Path) -> None:
    (folder / "somebytes.dl").write_bytes(b"net \xff")
    with pytest.raises(dslc.CompileError, match="it is not UTF-8 text"):
        module("somebytes")
    (folder / "someparts.dl").write_text("block part on x[N, C]: relu\n")
    with pytest.raises(AttributeError, match="has no net `part`"):
        module("someparts").part  # noqa: B018


def test_code_of_others_is_not_imported_unasked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    program = 'extern block mine on x[N, C] -> [N, C] = "somecode:Mine"\nnet f on x[N, 4]: mine\n'
    (folder / "someextern.dl").write_text(program)
    (folder / "somecode.py").write_text("from torch import nn\nclass Mine(nn.Identity): pass\n")
    with pytest.raises(dslc.CompileError, match="which you did not name"):
        module("someextern")
    assert "somecode" not in sys.modules
    (folder / "pyproject.toml").write_text('[tool.dslc]\nextern = ["somecode"]\n')
    assert module("someextern").f().mine.__class__.__name__ == "Mine"


# ---- programs that change


def test_a_reload_compiles_what_has_changed(folder: Path) -> None:
    path = folder / "somesmall.dl"
    path.write_text(SMALL.format(4))
    small = module("somesmall")
    first = small.small
    assert importlib.reload(small) is small and small.small is first  # nothing has changed
    rewrite(path, "net other on x[N, 3, 8, 8]: conv(5, 3)\n")
    assert small.small is first
    importlib.reload(small)
    assert small.other().conv.out_channels == 5 and small.__all__ == ["other"] and not hasattr(small, "small")
    rewrite(path, "net other on")
    with pytest.raises(dslc.CompileError):
        importlib.reload(small)
    assert small.other().conv.out_channels == 5
    assert first().conv.out_channels == 4


def test_nets_are_those_of_the_file_that_was_imported(folder: Path) -> None:
    path = folder / "someseveral.dl"
    path.write_text(SEVERAL)
    several = module("someseveral")
    assert several.tiny_net().unit.conv.out_channels == 4
    path.unlink()
    assert several.wide_net().unit.conv.out_channels == 64


def test_a_notebook_imports_anew_what_has_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Events:
        def __init__(self) -> None:
            self.run: list[Callable[..., None]] = []

        def register(self, event: str, function: Callable[..., None]) -> None:
            assert event == "pre_run_cell"
            self.run.append(function)

        def unregister(self, event: str, function: Callable[..., None]) -> None:
            self.run.remove(function)

    class Shell:
        events = Events()

    load_ipython_extension(Shell)
    assert Shell.events.run == [reload_changed]
    path, parts = folder / "someuser.dl", folder / "someparts.dl"
    path.write_text('use "./someparts.dl": part\nnet f on x[N, 3, 8, 8]: part\n')
    parts.write_text("block part on x[N, C, H, W]: conv(4, 3)\n")
    user = module("someuser")
    first = user.f
    reload_changed()
    assert user.f is first
    rewrite(parts, "block part on x[N, C, H, W]: conv(5, 3)\n")
    reload_changed("what a notebook says of the cell")
    assert user.f().part.conv.out_channels == 5
    rewrite(parts, "block part on x[N, C, H, W]: conv(5, 3\n")
    reload_changed()
    said = capsys.readouterr().err
    assert "someuser stays as it was" in said and "error[E0127]" in said and user.f().part.conv.out_channels == 5
    unload_ipython_extension(Shell)
    assert not Shell.events.run


# ---- lines


def test_the_generated_lines_are_in_a_file(folder: Path) -> None:
    (folder / "somenets" / "small.dl").write_text(SMALL.format(4))
    small = module("somenets.small")
    file = folder / "somenets" / "__pycache__" / "small.dl.small.py"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert inspect.getsourcefile(small.Small) == str(file)
    assert inspect.getsource(small.Small).startswith("class Small(nn.Module):")
    with pytest.raises(RuntimeError) as caught:
        small.small()(torch.zeros(1, 4, 8, 8))
    frame = next(f for f in traceback.extract_tb(caught.value.__traceback__) if f.filename == str(file))
    assert frame.line is not None and "self.conv(x)" in frame.line
    assert file.read_text().splitlines()[(frame.lineno or 0) - 1].strip() == frame.line
    assert inspect.getsource(small) == SMALL.format(4)


@pytest.mark.parametrize("why", ["not writable", "not wanted", "a link", "a pipe"])
def test_the_generated_lines_without_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    place = folder / "__pycache__" / "somesmall.dl.small.py"
    if why == "not wanted":
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
    elif why == "not writable":
        place.parent.write_text("in the way")
    else:
        place.parent.mkdir()
        if why == "a pipe":
            os.mkfifo(place)
        else:
            (folder / "mine.txt").write_text("mine")
            place.symlink_to(folder / "mine.txt")
    (folder / "somesmall.dl").write_text(SMALL.format(4))
    small = module("somesmall")
    assert inspect.getsource(small.Small).startswith("class Small(nn.Module):")
    assert not place.is_file() or (folder / "mine.txt").read_text() == "mine"


def test_a_debugger_stops_in_generated_lines(folder: Path) -> None:
    (folder / "somesmall.dl").write_text(SMALL.format(4))
    small = module("somesmall")
    file = folder / "__pycache__" / "somesmall.dl.small.py"
    at = next(n for n, line in enumerate(file.read_text().splitlines(), 1) if "self.conv(x)" in line)
    said = io.StringIO()
    commands = io.StringIO(f"b {file}:{at}\nc\np tuple(x.shape)\nq\n")
    debugger = pdb.Pdb(stdin=commands, stdout=said, nosigint=True, readrc=False)
    before = sys.gettrace()
    try:
        debugger.run("net(image)", {"net": small.small(), "image": torch.zeros(1, 3, 8, 8)})
    finally:
        sys.settrace(before)
    assert f"{file}({at})forward()" in said.getvalue() and "(1, 3, 8, 8)" in said.getvalue(), said.getvalue()


# ---- elsewhere


def test_classes_pickle_into_a_process_without_the_hook(folder: Path) -> None:
    (folder / "somesmall.dl").write_text(SMALL.format(4))
    net = module("somesmall").small(classes=3)
    (folder / "net.pickle").write_bytes(pickle.dumps(net))
    code = "import pickle; print(pickle.load(open('net.pickle', 'rb')).linear.out_features)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "3\n", done.stderr


def test_the_class_is_that_of_load(folder: Path) -> None:
    path = folder / "somesmall.dl"
    path.write_text(SMALL.format(4))
    assert module("somesmall").small is dslc.load(path)


def test_threads_share_one_class(folder: Path) -> None:
    (folder / "someseveral.dl").write_text(SEVERAL)
    several, found = module("someseveral"), []
    threads = [threading.Thread(target=lambda: found.append(several.tiny_net)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1


def test_importing_the_hook_imports_no_compiler(folder: Path) -> None:
    code = "import sys, dslc.hook; print(sorted(m for m in sys.modules if m.startswith('dslc')))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "['dslc', 'dslc.hook']\n"
