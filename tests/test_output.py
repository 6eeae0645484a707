"""Files are written completely or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dslc import output
from dslc.output import Output, OutputError, Run, data, make_folder, text, write_all


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def refuse(path: Path) -> None:
    raise OSError(28, "No space left on device")


def test_writes_all(tmp_path: Path) -> None:
    write_all([text(tmp_path / "a.py", "é\n"), data(tmp_path / "b", [b"12", memoryview(b"34"), bytearray(b"")])])
    assert (tmp_path / "a.py").read_text("utf-8") == "é\n"
    assert (tmp_path / "b").read_bytes() == b"1234"
    assert names(tmp_path) == ["a.py", "b"]


def test_a_failure_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(OutputError) as caught:
        write_all([text(tmp_path / "a", "new"), text(tmp_path / "b", "new"), Output(tmp_path / "c", refuse)])
    assert caught.value.mistakes[0].message == f"cannot write `{tmp_path / 'c'}`: no space left on device"
    assert caught.value.mistakes[0].code == "E0601"
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_failing_rename_puts_back_what_was_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if Path(target).name == "c":
            raise PermissionError(1, "Operation not permitted")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputError, match="operation not permitted"):
        write_all([text(tmp_path / name, "new") for name in ("a", "new", "b", "c")])
    assert {name: (tmp_path / name).read_text() for name in names(tmp_path)} == {"a": "old", "b": "old"}


def test_folders(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b").is_dir()
    assert make_folder(tmp_path / "a").is_dir()
    (tmp_path / "file").touch()
    for path, reason in (("file", "file exists"), ("file/a", "not a directory")):
        with pytest.raises(OutputError, match=reason):
            make_folder(tmp_path / path)


def test_interrupted(tmp_path: Path) -> None:
    def stop(path: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_all([text(tmp_path / "a", "new"), Output(tmp_path / "b", stop)])
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="locks tell only where the system has flock")
def test_files_of_a_killed_run_are_removed_and_those_of_a_living_one_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    living = Run()
    living.stage(tmp_path / "a")
    for name in (".0123456789ab.dslc", ".a.0.new.0123456789ab.dslc", ".a.0.old.ba9876543210.dslc"):
        (tmp_path / name).touch()
    others = (".a.new.0123456789ab.tmp", "a.0.new.0123456789ab.dslc", ".0123456789a.dslc", ".a.0123456789AB.dslc")
    for name in others:
        (tmp_path / name).touch()
    mine = [path for path in names(tmp_path) if living.token in path]
    write_all([text(tmp_path / "b", "new")])
    assert names(tmp_path) == sorted(["a", "b", *mine, *others])
    living.publish()
    living.close()
    assert names(tmp_path) == sorted(["a", "b", *others])


def test_a_fresh_file_is_kept_where_there_are_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_lock", lambda descriptor: None)
    for age, token in ((100, "0123456789ab"), (output.STALE_SECONDS + 100, "ba9876543210")):
        path = tmp_path / f".{token}.dslc"
        path.touch()
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    write_all([text(tmp_path / "b", "new")])
    assert names(tmp_path) == [".0123456789ab.dslc", "b"]


def test_leftovers_that_are_no_files_stop_nobody(tmp_path: Path) -> None:
    (tmp_path / ".0123456789ab.dslc").mkdir()
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / ".ba9876543210.dslc").symlink_to("elsewhere")
    os.mkfifo(tmp_path / ".aaaaaaaaaaaa.dslc")
    write_all([text(tmp_path / "b", "new")])
    assert names(tmp_path) == [".0123456789ab.dslc", "b", "elsewhere"]
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_many_files_need_few_descriptors(tmp_path: Path) -> None:
    import resource

    _, hard = limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 64
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 16, hard))
    try:
        write_all([text(tmp_path / f"{n}", "new") for n in range(100)])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(names(tmp_path)) == 100


def test_a_folder_is_not_left_by_a_link(tmp_path: Path) -> None:
    folder, mine = tmp_path / "build", tmp_path / "mine"
    folder.mkdir()
    mine.write_text("mine")
    (folder / "a").symlink_to("../mine")
    (folder / "b").symlink_to("../none")
    for name in ("a", "b"):
        with pytest.raises(OutputError, match="it is a link that leads out of"):
            write_all([text(folder / "c", "new"), text(folder / name, "new")], folder)
    assert mine.read_text() == "mine"
    assert names(folder) == ["a", "b"] and names(tmp_path) == ["build", "mine"]
    (folder / "real").write_text("old")
    (folder / "c").symlink_to("real")
    (tmp_path / "again").symlink_to("build")
    write_all([text(tmp_path / "again" / "c", "new")], tmp_path / "again")
    assert (folder / "real").read_text() == "new"


def test_names_that_differ_in_case_alone(tmp_path: Path) -> None:
    (tmp_path / "Net.py").write_text("old")
    with pytest.raises(OutputError, match=r"`Net\.py` is there, and many disks take both names for one file"):
        write_all([text(tmp_path / "net.onnx", "new"), text(tmp_path / "net.py", "new")], tmp_path)
    assert names(tmp_path) == ["Net.py"]
    write_all([text(tmp_path / "Net.py", "new"), text(tmp_path / "net.onnx", "new")], tmp_path)


def test_permissions_of_the_old_file_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o640)
    write_all([text(tmp_path / "a", "new"), text(tmp_path / "b", "new")])
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o666 & ~umask


def test_a_link_keeps_pointing(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_all([text(tmp_path / "link", "new")])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("folder", "is a directory"), ("file/x.onnx", "not a directory"), ("none/x.onnx", "there is no folder `")],
)
def test_places_that_cannot_be_written(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    with pytest.raises(OutputError, match=reason):
        write_all([text(tmp_path / path, "new")])
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_devices_are_written_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="no space left on device"):
        write_all([text(tmp_path / "a", "new"), text(tmp_path / "full", "new")])
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    write_all([text("/dev/null", "new")])
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert names(tmp_path) == ["full"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_write_that_stops_half_way(tmp_path: Path) -> None:
    """The system refuses bytes beyond a limit, as a full disk does, after some were written."""
    (tmp_path / "net.onnx").write_text("old")
    program = f"""
import resource, signal
from dslc.output import OutputError, data, write_all
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_all([data({str(tmp_path / "net.py")!r}, [b"x"]), data({str(tmp_path / "net.onnx")!r}, [bytes(60_000)] * 3)])
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"error[E0601]: cannot write `{tmp_path / 'net.onnx'}`: file too large",
        "  help: nothing was changed; name another place, or make room in this one",
    ]
    assert (tmp_path / "net.onnx").read_text() == "old"
    assert names(tmp_path) == ["net.onnx"]
