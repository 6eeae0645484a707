"""The range of times that `dslc stats --device this:1` states, beside what onnxruntime takes on one core.

    python -m benchmarks.roofline                      # eleven nets, about two minutes
    python -m benchmarks.roofline vit_b_16 resnet50    # some of them

Times are of the processor's clock, one thread, batch 1: the median of three seconds of runs, so that other processes
disturb little.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.compile import EXAMPLES, MEMORY, environment, table
from benchmarks.memory import NETS
from dslc.analysis.cost import costs
from dslc.analysis.devices import Device
from dslc.analysis.roofline import roofline
from dslc.api import compile_model
from dslc.ir.walk import flatten
from dslc.machine import this_device

ALL = NETS | {"shufflenet_v2_x1_0": "shufflenet_v2.dl"}
WIDEST = 2.5

RUNS = """
import sys, time, statistics
import numpy as np, onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
draw = np.random.default_rng(0)
feeds = {i.name: draw.random(i.shape, np.float32) for i in session.get_inputs()}
session.run(None, feeds)
times, start = [], time.perf_counter()
while len(times) < 5 or time.perf_counter() - start < float(sys.argv[2]):
    begin = time.process_time()
    session.run(None, feeds)
    times.append(time.process_time() - begin)
print(statistics.median(times))
"""


def measured(path: Path, seconds: float = 3.0) -> float:
    """Median seconds of the processor that a run of a model takes on one thread."""
    command = [sys.executable, "-c", RUNS, str(path), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    found: float = json.loads(done.stdout)
    return found


def row(net: str, device: Device, folder: Path) -> list[str]:
    """The range and the measured time of one net, in ms."""
    source = EXAMPLES / ALL[net]
    command = [sys.executable, "-m", "dslc", "build", str(source), "--net", net, "--target", "onnx", "-o", str(folder)]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    taken = measured(folder / f"{net}.onnx")
    for file in folder.iterdir():
        file.unlink()
    model = compile_model(source, net)
    flat = flatten(model)
    found = roofline(model, flat, costs(model, flat), device)
    most = found.most or 0.0
    inside = "yes" if found.seconds <= taken <= most <= WIDEST * found.seconds * 1.000001 else "NO"
    cells = [f"{seconds * 1e3:.2f}" for seconds in (found.seconds, most, taken)]
    return [net, *cells, f"{taken / found.seconds:.2f}", f"{most / found.seconds:.2f}", inside]


def main() -> None:
    parser = argparse.ArgumentParser(description="Times that are stated beside times that are measured.")
    parser.add_argument("nets", nargs="*", choices=[*ALL, []], help="which nets (all)")
    options = parser.parse_args()
    device = this_device("this:1")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        lines = [row(net, device, Path(folder)) for net in options.nets or ALL]
    rates = f"{device.peak('fp32') / 1e9:.0f} GFLOP/s, {device.near / 1e9:.0f} and {device.bandwidth / 1e9:.0f} GB/s"
    print(f"{os.cpu_count()} cores; one thread: {rates}")
    table("Time of a run", ["net", "at least, ms", "at most, ms", "taken, ms", "x least", "width", "inside"], lines)


if __name__ == "__main__":
    main()
