"""`--device this`: measured once in a child process, kept, and measured anew where the file is not ours."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dslc import machine
from dslc.analysis.devices import DeviceError
from tests.cli.running import run

RATES = {"peak": 10**11, "near": 3 * 10**10, "far": 10**10}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "dslc"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of threads that were measured, without doing it."""
    asked: list[int] = []

    def pretend(threads: int) -> dict[str, int]:
        asked.append(threads)
        return RATES

    monkeypatch.setattr(machine, "_measured", pretend)
    return asked


def test_measured_once_for_each_number_of_threads(kept: Path, measured: list[int]) -> None:
    machine.this_device("this:1")
    device = machine.this_device("this:1")
    assert measured == [1]
    assert (device.peak("fp32"), device.near, device.bandwidth, device.cpu) == (10**11, 3 * 10**10, 10**10, True)
    (file,) = kept.iterdir()
    assert json.loads(file.read_text()) == RATES and str(file) in device.source
    with pytest.raises(DeviceError, match="no rate of this:1 is known for fp16"):
        device.peak("fp16")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"peak": 0, "near": 1, "far": 1}', '{"peak": "x"}', "\x00"])
def test_a_spoiled_file_is_measured_anew(kept: Path, measured: list[int], text: str) -> None:
    machine.this_device("this:1")
    (file,) = kept.iterdir()
    file.write_text(text)
    machine.this_device("this:1")
    assert measured == [1, 1] and json.loads(file.read_text()) == RATES


def test_without_a_place_to_keep_it(measured: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert machine.this_device().peak("fp32") == 10**11


@pytest.mark.parametrize("text", ["this:0", "this:x", "this:", "this:99999", "this:1.5", "this:²"])
def test_numbers_of_threads(text: str) -> None:
    with pytest.raises(DeviceError, match="`this:1` to `this:"):
        machine.this_device(text)


def test_really_measured_in_a_second_or_two(kept: Path) -> None:
    """A child process measures, what it imports is not imported here, and the figures are those of a computer."""
    start = time.perf_counter()
    code = (
        "import sys; from dslc.machine import this_device; d = this_device('this:1')\n"
        "assert not {'numpy', 'onnxruntime', 'onnx', 'torch'} & set(sys.modules)\n"
        "print(d.peak('fp32'), d.near, d.bandwidth)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - start < 60
    peak, near, far = map(int, done.stdout.split())
    assert 10**9 < peak < 10**13 and 10**8 < far < 10**12 and 10**9 < near < 10**13


def test_onnxruntime_is_named_where_it_is_missing(kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ModuleNotFoundError(\"No module named 'onnxruntime'\")\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DeviceError, match="onnxruntime is not installed"):
        machine.this_device("this:1")
    assert not kept.exists()


def test_command_line(kept: Path, measured: list[int], tmp_path: Path) -> None:
    path = tmp_path / "net.dl"
    path.write_text("net f on x[N, 64]:\n    linear(64) -> relu\n")
    found = run("stats", path, "--device", "this:1", "--format", "json")
    record = json.loads(found.stdout)["roofline"]
    assert record["device"] == "this:1" and record["seconds"] < record["seconds_most"] <= 2.5 * record["seconds"]
    wrong = run("stats", path, "--device", "this:0")
    assert wrong.exit_code == 2 and "`this:0`" in wrong.stderr
