"""`dslc build --watch`, as a process of its own; and how files are looked at."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dslc.names.loader import MAX_BYTES
from dslc.watch import Files
from tests.cli.running import run

ROOT = Path(__file__).resolve().parents[2]
NET = "net f on x[N, 3, 8, 8]: conv({}, 3) -> gap -> flatten\n"
PATIENCE = 60.0
"""Seconds for a line to come, on a machine that does much else."""


def heed() -> None:
    """Let Ctrl-C end a process, which what runs in the background of a shell inherits to ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watching:
    """`dslc build net.dl --watch` in a folder, and the lines that it prints."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "dslc", "build", "net.dl", "--target", "torch", "--watch"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=None if sys.platform == "win32" else heed,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.put(line.rstrip("\n"))

    def end(self) -> None:
        """Stop it, however it stands."""
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def until(self, words: str) -> str:
        """The first line from here on that has these words."""
        end = time.monotonic() + PATIENCE
        while True:
            line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            if words in line:
                return line


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    (tmp_path / "net.dl").write_text(NET.format(4))
    found = Watching(tmp_path)
    yield found
    found.end()


def replace(path: Path, text: str) -> None:
    """Write as many editors do: to another file, which takes the place."""
    other = path.with_suffix(".swp")
    other.write_text(text)
    os.replace(other, path)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C goes to a whole console there")
def test_it_builds_whenever_a_file_changes(watching: Watching, tmp_path: Path) -> None:
    built = tmp_path / "build" / "f.py"
    net, parts = tmp_path / "net.dl", tmp_path / "parts.dl"
    watching.until(f"built {Path('build', 'f.py')} in ")
    watching.until("watching; Ctrl-C ends it")
    assert "Conv2d(3, 4, 3" in built.read_text()

    net.write_text("net f on x[N, 3, 8, 8]: conv(4, 3\n")
    watching.until("error[E0127]")
    assert "Conv2d(3, 4, 3" in built.read_text()

    replace(net, 'use "./parts.dl": part\nnet f on x[N, 3, 8, 8]: part\n')
    watching.until("error[E0212]")  # what is not there yet is looked for
    parts.write_text("block part on x[N, C, H, W]: conv(5, 3)\n")
    watching.until("built")
    assert ", 5, 3, padding=1" in built.read_text()

    replace(parts, "block part on x[N, C, H, W]: conv(6, 3)\n")
    watching.until("built")
    assert ", 6, 3, padding=1" in built.read_text()

    net.unlink()
    watching.until("error[E0216]")
    net.write_text(NET.format(7))
    watching.until("built")
    assert ", 7, 3, padding=1" in built.read_text()

    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(PATIENCE) == 130
    assert [path.name for path in built.parent.iterdir()] == ["f.py"]


def test_a_program_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    for source in (str(tmp_path / "none.dl"), "zoo:none"):
        assert run("build", source, "--watch").exit_code == 2


# ---- files


def test_a_file_of_the_same_text_has_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("one")
    files = Files({path: "one"}, MAX_BYTES)
    assert not files.changed()
    replace(path, "one")
    os.utime(path, (1, 1))
    assert not files.changed() and not files.changed()
    path.write_text("two")
    assert files.changed()


def test_a_write_of_the_same_time_and_size_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("one")
    files = Files({path: "one"}, MAX_BYTES)
    assert not files.changed()
    time = path.stat().st_mtime_ns
    path.write_text("two")
    os.utime(path, ns=(time, time))
    assert files.changed()


def test_a_file_that_is_read_again_only_when_it_may_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.dl"
    path.write_text("one")
    os.utime(path, (1, 1))
    files = Files({path: "one"}, MAX_BYTES)
    assert not files.changed()
    monkeypatch.setattr("dslc.watch.content", None)
    assert not files.changed()


def test_files_that_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    files = Files({path: None}, MAX_BYTES)
    assert not files.changed()
    path.mkdir()
    assert not files.changed()
    path.rmdir()
    path.write_bytes(b"\xff")
    assert not files.changed()  # no text
    path.write_text("one")
    assert files.changed()
    files = Files({path: "one"}, MAX_BYTES)
    assert not files.changed()
    path.unlink()
    assert files.changed()


def test_waiting_ends_when_a_file_has_settled(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("one")
    files = Files({path: "one"}, MAX_BYTES)
    timer = threading.Timer(0.1, lambda: replace(path, "two"))
    timer.start()
    files.wait(0.01)
    assert path.read_text() == "two"
    timer.join()
