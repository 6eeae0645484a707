"""docs/security.md, promise by promise."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.running import run

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
use "parts.dl": part

net f on x[N, 3, H=8, W=8] -> [N, 2]:
    part(4) -> gap -> flatten -> linear(2)
"""
PART = "block part(out: int) on x[N, C, H, W]: conv(out, 3) -> bn -> relu\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a program, what it imports, and an input."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "f.dl").write_text(PROGRAM, encoding="utf-8")
    (folder / "parts.dl").write_text(PART, encoding="utf-8")
    (folder / "pyproject.toml").touch()
    np.save(folder / "x.npy", np.zeros((1, 3, 8, 8), np.float32))
    return folder


def commit(folder: Path) -> None:
    """Make a repository of a folder, with one commit."""
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def audited(folder: Path, *words: str) -> dict[str, Any]:
    """What a command wrote, ran and reached, in a process of its own."""
    result = folder.parent / "result.json"
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache"), "PYTHONPATH": str(ROOT)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "-m", "tests.security.audited", str(result), *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.exists(), done.stderr
    told: dict[str, Any] = json.loads(result.read_text("utf-8"))
    assert told["status"] == 0, done.stderr
    result.unlink()
    return told


COMMANDS = {
    "check f.dl": [],
    "stats f.dl": [],
    "fmt f.dl parts.dl": [],
    "picture f.dl -o f.svg": ["f.svg"],
    "diff f.dl f.dl": [],
    "diff f.dl --rev HEAD": [],
    "convert --fully-convolutional f.dl -o g.dl": ["g.dl"],
    "build f.dl -o out": ["out/f.py", "out/f.onnx", "out/f.safetensors"],
    "build f.dl -o out --check onnx,placement": ["out/f.py", "out/f.onnx", "out/f.safetensors"],
    "build f.dl -o out --check parity": ["out/f.py", "out/f.onnx", "out/f.safetensors"],
    "run f.dl --input x.npy": [],
    "explain E0301": [],
    "version": [],
}


@pytest.mark.parametrize("words", COMMANDS)
def test_what_a_command_writes_runs_and_reaches(project: Path, words: str) -> None:
    """The files that it is asked for, the tables of the grammar, and `git` for a revision: nothing else."""
    if "--rev" in words:
        commit(project)
    before = {path for path in project.rglob("*") if ".git" not in path.parts}
    told = audited(project, *words.split())
    after = {path for path in project.rglob("*") if ".git" not in path.parts and path.is_file()}
    assert sorted(str(p.relative_to(project)) for p in after - before) == sorted(COMMANDS[words])
    assert not told["reached"], "no network"
    assert {os.path.basename(path) for path in told["run"]} <= ({"git"} if "--rev" in words else set())
    places = (str(project), str(project.parent / "cache"), os.devnull)
    assert [path for path in told["written"] if not path.startswith(places)] == []


@pytest.mark.parametrize("words", [w for w in COMMANDS if "f.dl" in w and "--rev" not in w])
def test_what_of_the_users_a_command_reads(project: Path, words: str) -> None:
    """Of the folders beside Python's own: the program, what it imports, and the files named."""
    told = audited(project, *words.split())
    beside = [
        p for p in told["read"] if p.startswith(str(project.parent)) and not p.startswith(str(project.parent / "cache"))
    ]
    names = {os.path.relpath(p, project) for p in beside} - {".", "out", ".."}
    assert names <= {"f.dl", "parts.dl", "x.npy", "pyproject.toml", *COMMANDS[words]}, names


# ---- imports


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.dl"
    path.write_text("net secret_word on x[N]: !!! secret_word\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "written", ["../secret.dl", "../../etc/passwd", "a/../../secret.dl", "SECRET", "linked.dl", "away/secret.dl"]
)
def test_imports_stay_in_the_project(project: Path, secret: Path, written: str) -> None:
    (project / "linked.dl").symlink_to(secret)
    (project / "away").symlink_to(secret.parent)
    text = f'use "{str(secret) if written == "SECRET" else written}": a\n\nnet f on x[N, 4]: a\n'
    (project / "g.dl").write_text(text, encoding="utf-8")
    done = run("check", project / "g.dl")
    assert done.exit_code == 1
    assert re.search(r"error\[E02\d\d\]: .*(outside|no file|imports)", done.stderr), done.stderr
    assert "secret_word" not in done.output


@pytest.mark.parametrize(
    "written", ["https://example.com/a.dl", "file:///etc/passwd", "~/a.dl", "$HOME/a.dl", "$(touch hacked)"]
)
def test_an_import_is_a_path_and_nothing_more(project: Path, written: str) -> None:
    (project / "g.dl").write_text(f'use "{written}": a\n\nnet f on x[N, 4]: a\n', encoding="utf-8")
    done = run("check", project / "g.dl")
    assert done.exit_code == 1 and "error[E0" in done.stderr
    assert not Path("hacked").exists()


# ---- weights, arrays, pictures


class Trap:
    """Makes a folder where a pickle of it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def test_pickles_in_arrays_are_not_opened(project: Path, tmp_path: Path) -> None:
    array = np.empty(1, object)
    array[0] = Trap(tmp_path / "trapped")
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    np.savez(tmp_path / "b.npz", array)
    (tmp_path / "c.npy").write_bytes(b"\x80\x04cos\nmkdir\n(Vtrapped\ntR.")
    for name in ("a.npy", "b.npz", "c.npy"):
        done = run("run", project / "f.dl", "--input", tmp_path / name)
        assert done.exit_code == 1
        assert "error[E0626]: cannot read" in done.stderr
    assert not (tmp_path / "trapped").exists()


def array_file(path: Path, header: str) -> Path:
    text = header.encode("latin-1")
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)
    return path


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': __import__('os').mkdir('trapped'), 'fortran_order': False, 'shape': (1,), }",
        "(" * 200,
        "",
    ],
)
def test_arrays_whose_header_claims_what_is_not_so(project: Path, tmp_path: Path, header: str) -> None:
    done = run("run", project / "f.dl", "--input", array_file(tmp_path / "a.npy", header))
    assert done.exit_code == 1 and "error[E0626]: cannot read" in done.stderr
    assert not Path("trapped").exists()


@pytest.mark.parametrize("option", ["--input", "--image", "--weights"])
@pytest.mark.parametrize("kind", ["zero", "pipe", "folder", "zip"])
def test_what_is_no_file_is_refused(project: Path, tmp_path: Path, option: str, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zip").write_bytes(b"PK\x03\x04 no zip")
    path = Path("/dev/zero") if kind == "zero" else tmp_path if kind == "folder" else tmp_path / kind
    given = ["--input", str(project / "x.npy")] if option == "--weights" else []
    done = run("run", project / "f.dl", option, path, *given)
    assert done.exit_code == 1
    assert re.search(r"error\[E06(10|26)\]: cannot read", done.stderr), done.stderr


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(path: Path, width: int, height: int) -> Path:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes(min((width + 7) // 8 + 1, 1000) * min(height, 1000)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize(
    ("width", "height"), [(100_000, 100_000), (12_000, 12_000), (2**31 - 1, 1), (1, 2**31 - 1), (1, 80_000_000), (0, 5)]
)
@pytest.mark.filterwarnings("error")
def test_pictures_that_would_fill_the_memory(project: Path, tmp_path: Path, width: int, height: int) -> None:
    done = run("run", project / "f.dl", "--image", picture(tmp_path / "bomb.png", width, height))
    assert done.exit_code == 1
    assert "error[E0626]: cannot read" in done.stderr, done.stderr


def test_pictures_that_are_programs_are_not_run(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path / 'run'}\n", encoding="utf-8")
    (tools / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "a.eps").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    )
    done = run("run", project / "f.dl", "--image", tmp_path / "a.eps")
    assert "it is no image in a known format" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("seed", range(40))
def test_damaged_pictures_and_arrays(project: Path, tmp_path: Path, seed: int) -> None:
    from PIL import Image

    rng = np.random.default_rng(seed)
    kind = ("png", "jpg", "gif", "bmp", "webp", "tiff", "ppm", "npy")[seed % 8]
    path = tmp_path / f"a.{kind}"
    if kind == "npy":
        np.save(path, np.zeros((1, 3, 8, 8), np.float32))
    else:
        Image.fromarray(rng.integers(0, 255, (20, 20, 3)).astype(np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    for place in rng.integers(0, len(data), 1 + seed // 8 * 3):
        data[place] = rng.integers(0, 256)
    path.write_bytes(data[: rng.integers(1, len(data) + 1)])
    done = run("run", project / "f.dl", "--input" if kind == "npy" else "--image", path, "--repeat", "0")
    assert done.exit_code in (0, 1)


# ---- results


def test_a_build_writes_nothing_through_a_link(project: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine", encoding="utf-8")
    (project / "out").mkdir()
    for name in ("f.py", "f.onnx", "f.safetensors"):
        link = project / "out" / name
        link.symlink_to(mine)
        done = run("build", project / "f.dl", "-o", project / "out")
        assert done.exit_code == 1
        assert "it is a link that leads out of" in done.stderr
        link.unlink()
    assert mine.read_text("utf-8") == "mine"
    assert list((project / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["../f", "a/b", "..", "/tmp/f", "a.b", "f\\\\g"])
def test_a_net_is_no_path(project: Path, name: str) -> None:
    (project / "g.dl").write_text(f"net {name} on x[N, 4]: linear(2)\n", encoding="utf-8")
    assert run("build", project / "g.dl", "-o", project / "out").exit_code == 1
    assert not (project / "out").exists()


def test_a_picture_holds_no_script(project: Path) -> None:
    text = """
## <script>alert(1)</script>
block b(mode: str = "<script>&\\"'") on x[N, C, H, W]:
    if mode == "": relu
    conv(C, 3) as c

net f on x[N, 4, 8, 8]: b -> b("</text><script>") -> gap -> flatten
"""
    (project / "g.dl").write_text(text, encoding="utf-8")
    for words in ([], ["--depth", "1"]):
        done = run("picture", project / "g.dl", *words)
        assert done.exit_code == 0
        assert "<script" not in done.stdout


def test_messages_hold_nothing_that_a_terminal_obeys(project: Path, tmp_path: Path) -> None:
    evil = "\x1b]0;title\x07\x1b[2J\u202e"
    (project / f"{evil}.dl").write_text("net f on x[N, 4]: lineer(2)\n", encoding="utf-8")
    (project / "g.dl").write_text(
        f'net f on x[N, 4]: linear(2) -> require N > 2, "{evil}" # {evil}\n', encoding="utf-8"
    )
    header = json.dumps({f"a{evil}": {"dtype": f"F{evil}", "shape": [], "data_offsets": [0, 0]}}).encode()
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header)
    commands: list[list[str | Path]] = [
        ["check", project / f"{evil}.dl"],
        ["check", project / "g.dl"],
        ["build", project / "f.dl", "--weights", tmp_path / "w"],
        ["check", project / "f.dl", "--net", evil],
        ["run", project / "f.dl", "--input", tmp_path / evil],
    ]
    for words in commands:
        done = run(*words)
        assert done.exit_code == (2 if "--net" in words else 1), done.output
        assert not any(letter in done.output for letter in "\x1b\x07\u202e"), done.output
    header = json.dumps({f"a{evil}.b": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    looks: list[list[str | Path]] = [["inspect", tmp_path / "w"], ["diff", project / "f.dl", tmp_path / "w"]]
    for words in looks:
        for form in ("text", "json"):
            done = run("weights", *words, "--format", form)
            assert done.exit_code == 0, done.output
            assert not any(letter in done.output for letter in "\x1b\x07\u202e"), done.output


def test_git_is_asked_for_nothing_that_runs_programs(project: Path, tmp_path: Path) -> None:
    """A repository whose configuration names programs for all that git may run."""
    commit(project)
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path / 'run'}\n", encoding="utf-8")
    script.chmod(0o755)
    lines = {
        "core.fsmonitor": script,
        "core.pager": script,
        "core.sshCommand": script,
        "core.editor": script,
        "diff.external": script,
        "filter.evil.smudge": script,
        "filter.evil.clean": script,
        "diff.evil.textconv": script,
        "alias.rev-parse": f"!{script}",
        "remote.origin.url": "ssh://example.invalid/a",
        "remote.origin.promisor": "true",
        "extensions.partialClone": "origin",
        "core.hooksPath": tmp_path,
    }
    for key, value in lines.items():
        subprocess.run(["git", "config", key, str(value)], cwd=project, check=True)
    (project / ".gitattributes").write_text("*.dl filter=evil diff=evil\n", encoding="utf-8")
    (project / "f.dl").write_text(PROGRAM.replace("4", "5"), encoding="utf-8")
    assert "8" in run("diff", project / "f.dl", "--rev", "HEAD").stdout
    objects = list((project / ".git" / "objects").glob("??/*"))
    for path in objects:
        if (
            subprocess.run(
                ["git", "cat-file", "-t", path.parent.name + path.name], cwd=project, capture_output=True, check=True
            ).stdout
            == b"blob\n"
        ):
            path.unlink()
    assert run("diff", project / "f.dl", "--rev", "HEAD").exit_code == 2
    assert not (tmp_path / "run").exists()
