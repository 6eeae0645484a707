"""Files of data are regular files, and are read as they were when they were opened."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

import pytest

from dslc import reading
from dslc.reading import content, regular


def test_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "empty").touch()
    assert content(tmp_path / "a", 3) == content(tmp_path / "link", 3) == b"abc"
    assert content(tmp_path / "empty", 3) == b""
    with pytest.raises(OSError, match="it has 3 bytes, more than 2"):
        content(tmp_path / "a", 2)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        regular(tmp_path / "pipe")


@pytest.mark.parametrize("path", [p for p in ("/dev/zero", "/dev/null", "/dev/urandom") if os.path.exists(p)])
def test_devices_are_refused(path: str) -> None:
    with pytest.raises(OSError, match="a device or a pipe"):
        content(path, 100)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        regular(tmp_path / "none")


@pytest.mark.parametrize(("size", "words"), [(50, "changed from 40 to 50 bytes"), (10, "became shorter")])
def test_a_file_that_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, words: str) -> None:
    """Another program writes on, or cuts it off, between the look at its size and the end of reading."""
    path = tmp_path / "a"
    path.write_bytes(bytes(40))
    real = reading.read_into

    def read_into(file: FileIO, buffer: memoryview) -> None:
        os.truncate(path, size)
        real(file, buffer)

    monkeypatch.setattr(reading, "read_into", read_into)
    with pytest.raises(OSError, match=words):
        content(path, 100)
