"""This machine as a device: its rates measured by onnxruntime in a child process, once, and kept in the user's cache.

The peak is that of the best of a few products and convolutions that fill the vector units; the bandwidths are those of
a copy that a cache holds, and of one that none does. Each is the shortest of many runs, and what one thread does is
timed by the processor's clock, so that a busy machine gives nearly the figures of an idle one. The file in the cache is
of this processor, number of threads and format; removing it measures anew.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from binascii import crc32
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from dslc.analysis.devices import Device, DeviceError, device_of

FORMAT = 2
SECONDS = 0.25
"""How long each rate is measured."""

NET = """
net small on x[256, 256]:
    linear(256, bias=false)

net large on x[512, 512]:
    linear(512, bias=false)

net taps on x[1, 64, 56, 56]:
    conv(64, 3, bias=false)
"""


def device_named(text: str) -> Device:
    """The device of a name, of rates in figures, or this machine, measured. A DeviceError for any other."""
    return this_device(text.strip()) if text.strip().lower().partition(":")[0] == "this" else device_of(text)


def this_device(text: str = "this") -> Device:
    """The device of `this` (all cores) or `this:1` (so many threads). A DeviceError where it cannot be measured."""
    threads = _threads(text)
    path = _path(threads)
    found = _read(path)
    if found is None:
        found = _measured(threads)
        if path is not None:
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                mine = path.with_name(f"{path.name}.{os.getpid()}")
                mine.write_text(json.dumps(found), encoding="utf-8")
                mine.replace(path)
    plural = "thread" if threads == 1 else "threads"
    return Device(
        text,
        f"this machine, {threads} {plural}",
        {"fp32": found["peak"]},
        found["far"],
        "measured here: products and convolutions in onnxruntime, copies of 4 and of 128 MB"
        + (f" (kept in {path})" if path is not None else ""),
        near=found["near"],
        cpu=True,
    )


def _threads(text: str) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    _, colon, count = text.partition(":")
    if not colon:
        return cores
    if not (count.isascii() and count.isdecimal() and 1 <= int(count) <= cores):
        raise DeviceError(f"`{text}`: `this:1` to `this:{cores}` say how many threads of this machine")
    return int(count)


def user_cache() -> Path | None:
    """The folder in which this project keeps what it can make anew; none if there is no place for it."""
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not root.is_absolute():
            root = Path.home() / ".cache"
    except RuntimeError:
        return None
    return root / "dslc"


def _path(threads: int) -> Path | None:
    """Where the figures of this processor are kept."""
    folder = user_cache()
    key = f"{FORMAT} {_processor()} {os.cpu_count()} {sys.version_info[:2]}"
    return None if folder is None else folder / f"device-{crc32(key.encode()):08x}-{threads}.json"


def _processor() -> str:
    """The name of the processor and what it can do."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = ("model name", "flags", "Features", "CPU part")
        return "".join(sorted({line for line in lines if line.partition("\t")[0].strip() in names}))
    return f"{platform.machine()} {platform.processor()}"


def _read(path: Path | None) -> dict[str, int] | None:
    """The figures in a file that this module wrote; none otherwise."""
    if path is None:
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    names = ("peak", "near", "far")
    good = isinstance(found, dict) and all(isinstance(found.get(name), int) and found[name] > 0 for name in names)
    return found if good else None


def _measured(threads: int) -> dict[str, int]:
    """Measure in a child process. A DeviceError where it fails."""
    done = subprocess.run(
        [sys.executable, "-c", "from dslc.machine import report; report()", str(threads)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no word"]
        missing = "No module named 'onnxruntime'" in lines[-1]
        why = "onnxruntime is not installed (`pip install 'dslc[cpu]'`)" if missing else lines[-1]
        raise DeviceError(f"`this` cannot be measured: {why}; numbers can be given as `peak=10T,bandwidth=100G`")
    found: dict[str, int] = json.loads(done.stdout)
    return found


# ---- in the child


def report() -> None:
    """Print the rates of this machine as JSON; the number of threads is the argument."""
    threads = int(sys.argv[1])
    print(json.dumps({"peak": peak_rate(threads), "near": copy_rate(2**19), "far": copy_rate(2**24)}))


def peak_rate(threads: int, seconds: float = SECONDS) -> int:
    """Operations a second of the best of NET."""
    import numpy as np
    import onnxruntime as ort

    from dslc.analysis.cost import costs
    from dslc.api import compile_model
    from dslc.backends.onnx.emit import emit
    from dslc.ir.walk import flatten
    from dslc.weights.init import initial

    best = 0.0
    for net in ("small", "large", "taps"):
        model = compile_model(NET, net)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        data = emit(model, initial(model.params)).data()
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (x,) = session.get_inputs()
        feeds = {x.name: np.random.default_rng(0).random(x.shape, np.float32)}
        clock = time.process_time if threads == 1 else time.perf_counter
        taken = shortest(partial(session.run, None, feeds), seconds, clock)
        best = max(best, 2 * costs(model, flatten(model)).macs / taken)
    return int(best)


def copy_rate(count: int, seconds: float = SECONDS) -> int:
    """Bytes a second, read and written, of a copy of so many floats by one thread."""
    import numpy as np

    source = np.ones(count, np.float32)
    target = np.empty_like(source)
    return int(2 * source.nbytes / shortest(partial(np.copyto, target, source), seconds, time.process_time))


def shortest(run: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    """The shortest of at least five runs that take so many seconds together."""
    run()
    best, start, count = float("inf"), time.perf_counter(), 0
    while count < 5 or time.perf_counter() - start < seconds:
        begin = clock()
        run()
        best = min(best, clock() - begin)
        count += 1
    return best
