"""Files that are no programs, and results that cannot be written: a message and status 1, never a traceback."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dslc.api import compile_model
from dslc.cli.main import main
from dslc.diagnostics.model import CompileError

GOOD = "net f on x[N, 3, 32, 32]:\n    conv(8, 3) -> gap -> flatten\n"


def run(*args: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(result: Result, code: str, *words: str, status: int = 1) -> None:
    """The run failed with this mistake, in these words; with status 2 where the command line is wrong."""
    assert result.exit_code == status
    assert f"error[{code}]" in result.stderr
    assert all(word in result.stderr for word in words), result.stderr


def test_a_missing_file(tmp_path: Path) -> None:
    for command in ("check", "stats", "build"):
        refused(run(command, tmp_path / "none.dl"), "E0216", "none.dl", "no such file", status=2)


def near(path: Path) -> str:
    """What is proposed in place of a path that leads nowhere."""
    result = run("stats", path)
    refused(result, "E0216", f"--> {path}\n", status=2)
    return result.stderr.partition("did you mean `")[2].partition("`")[0]


def test_a_missing_file_has_a_near_one(tmp_path: Path) -> None:
    for name in ("models/resnet.dl", "models/alexnet.dl", "models/readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(GOOD)
    assert near(tmp_path / "models" / "resent.dl") == str(tmp_path / "models" / "resnet.dl")
    assert near(tmp_path / "models" / "resnet") == str(tmp_path / "models" / "resnet.dl")
    assert near(tmp_path / "model" / "resnet.dl") == str(tmp_path / "models" / "resnet.dl")
    assert near(tmp_path / "models" / "readme.mdd") == near(tmp_path / "other" / "resnet.dl") == ""
    assert near(tmp_path / "resnet50") == near(tmp_path / "resnet50.dl") == "zoo:resnet50"


def test_a_folder(tmp_path: Path) -> None:
    assert (found := run("check", tmp_path)).exit_code == 2 and "no .dl file in the folder" in found.stderr
    refused(run("stats", tmp_path), "E0216", "it is a folder", status=2)
    (tmp_path / "net.dl").write_text(GOOD)
    refused(run("stats", tmp_path), "E0216", f"did you mean `{tmp_path / 'net.dl'}`?", status=2)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.dl"
    path.write_text(GOOD)

    real = os.open

    def denied(name: str, *rest: int) -> int:
        if Path(name) == path:
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return real(name, *rest)

    monkeypatch.setattr(os, "open", denied)
    refused(run("check", path), "E0216", "permission denied", status=2)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_bytes(b"net f:\n    relu\xff\n")
    refused(run("check", path), "E0216", "UTF-8", "0xff")


def test_a_line_of_ten_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text("net f: " + "x" * 10_000_000)
    start = time.perf_counter()
    refused(run("check", path), "E0216", "10,000,007 bytes")
    assert time.perf_counter() - start < 1


def test_a_long_line_within_the_limit_is_read_and_shown_cut(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text("net f on x[N, 3, 32, 32]:\n    " + " " * 100_000 + "unknown_thing\n")
    result = run("check", path)
    assert result.exit_code == 1 and max(map(len, result.stderr.splitlines())) < 200


def test_an_empty_file_has_no_net_to_build(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text("")
    refused(run("build", path, "-o", tmp_path / "out"), "E0217")
    assert not (tmp_path / "out").exists()


def test_a_file_with_several_nets_lists_them(tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text(GOOD + "\n" + GOOD.replace("net f", "net g"))
    refused(run("stats", path), "E0218", "f", "g", status=2)
    refused(run("stats", path, "--net", "ff"), "E0218", "`ff`", "--> --net\n", status=2)
    assert run("stats", path, "--net", "g").exit_code == 0


def test_an_import_through_a_link_out_of_the_project(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (outside / "parts.dl").write_text("block head: gap -> flatten\n")
    (project / "dslc.toml").write_text("")
    (project / "linked.dl").symlink_to(outside / "parts.dl")
    (project / "net.dl").write_text('use "./linked.dl": head\n\nnet f on x[N, 3, 32, 32]: head\n')
    refused(run("check", project / "net.dl"), "E0215", "outside the project")
    (project / "net.dl").write_text('use "../outside/parts.dl": head\n\nnet f on x[N, 3, 32, 32]: head\n')
    refused(run("check", project / "net.dl"), "E0215", "outside the project")
    (project / "parts.dl").write_text((outside / "parts.dl").read_text())
    (project / "net.dl").write_text('use "./parts.dl": head\n\nnet f on x[N, 3, 32, 32]: head\n')
    assert run("check", project / "net.dl").exit_code == 0


# ---- outputs


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.dl"
    path.write_text(GOOD)
    return path


def test_the_folder_for_results_is_a_file(net: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("kept")
    refused(run("build", net, "-o", tmp_path / "taken"), "E0601", "taken")
    refused(run("build", net, "-o", tmp_path / "taken" / "deeper"), "E0601", "taken")
    assert (tmp_path / "taken").read_text() == "kept"


def test_a_full_disk_leaves_what_was_there(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert run("build", net, "-o", out).exit_code == 0
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    refused(run("build", net, "-o", out, "--seed", "1"), "E0601", "no space left on device", "nothing was changed")
    monkeypatch.setattr(os, "write", write)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom rights can stop")
def test_a_folder_without_the_right_to_write(net: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    refused(run("build", net, "-o", out), "E0601", "permission denied")


def test_a_missing_right_is_reported(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as above for a user whom rights do not stop."""

    real = os.open

    def denied(path: str, flags: int, *rest: int) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", denied)
    refused(run("build", net, "-o", tmp_path / "out"), "E0601", "permission denied")
    monkeypatch.undo()
    assert not list((tmp_path / "out").iterdir())


def test_weights_that_do_not_fit(net: Path, tmp_path: Path) -> None:
    refused(run("build", net, "-o", tmp_path, "--weights", tmp_path / "none.safetensors"), "E0610", "none.safetensors")


def test_weights_larger_than_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.dl"
    path.write_text("net f on x[N, 3, 8, 8]:\n    conv(100000, 3) -> conv(1000000, 3) -> gap -> flatten\n")
    refused(run("build", path, "-o", tmp_path / "out"), "E0615", "3,600.0 GB")
    assert run("stats", path).exit_code == 0


def test_a_size_that_cannot_stay_open(net: Path, tmp_path: Path) -> None:
    refused(run("build", net, "-o", tmp_path / "out", "--dynamic", "Q"), "E0630", "`Q`")
    assert not (tmp_path / "out").exists()


def test_a_text_of_more_characters_than_a_person_writes() -> None:
    """The same limit for a program that is given as text."""
    with pytest.raises(CompileError) as error:
        compile_model("net f on x[N, 8]:\n" + "    relu\n" * 500_000)
    assert [d.code for d in error.value.diagnostics] == ["E0101"]
