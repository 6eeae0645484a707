"""How much memory onnxruntime really takes for our graphs, beside what `dslc stats` says. Linux only.

    python -m benchmarks.memory                        # ten nets, about a minute
    python -m benchmarks.memory vit_b_16 resnet50      # some of them

The rise is that of the process's resident memory over the state after loading, in a child process whose heap gives
large blocks back at once. `exact`: without onnxruntime's arena, so that what lives is what is resident; the third run,
when small blocks are there. `default`: a session as everybody makes it; the arena keeps what the first run took, and
from the second on a block for the whole plan lies beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.compile import EXAMPLES, MEMORY, environment, table, verdict
from dslc.analysis.emitted.plan import emitted_memory
from dslc.analysis.memory import inference_memory
from dslc.api import compile_model
from dslc.ir.walk import flatten

NETS = {
    "resnet50": "resnet.dl",
    "vgg16": "vgg.dl",
    "mobilenet_v2": "mobilenet_v2.dl",
    "efficientnet_b0": "efficientnet.dl",
    "densenet121": "densenet.dl",
    "vit_b_16": "vit.dl",
    "convnext_tiny": "convnext.dl",
    "swin_t": "swin.dl",
    "googlenet": "googlenet.dl",
    "unet": "unet.dl",
}
BAR = 1.25

RUNS = """
import sys
import numpy as np, onnxruntime as ort

def status(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))

path, exact = sys.argv[1], sys.argv[2] == "exact"
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 3
options.enable_cpu_mem_arena = options.enable_mem_pattern = not exact
session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
types = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_}
draw = np.random.default_rng(0)
feeds = {
    i.name: draw.random([n if isinstance(n, int) else 1 for n in i.shape]).astype(types[i.type])
    for i in session.get_inputs()
}
start = status("VmRSS")
rises = []
for _ in range(3):
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")  # the peak of resident memory starts anew (proc(5))
    before = status("VmRSS")
    results = session.run(None, feeds)
    rises.append(status("VmHWM") - (before if exact else start))
    del results
print(rises)
"""


def rises(path: Path, *, exact: bool = True) -> list[int]:
    """The rise of three runs of a model, in bytes: each over the state before it, or with `exact=False` over the
    loaded session.
    """
    apart = {"MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TRIM_THRESHOLD_": "0"}
    command = [sys.executable, "-c", RUNS, str(path), "exact" if exact else "default"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment() | apart)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: list[int] = json.loads(done.stdout)
    return found


def row(net: str, folder: Path) -> list[str]:
    """What is stated and what is measured of one net, in MB."""
    source = EXAMPLES / NETS[net]
    command = [sys.executable, "-m", "dslc", "build", str(source), "--net", net, "--target", "onnx", "-o", str(folder)]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    model = compile_model(source, net)
    flat = flatten(model)
    ideal, onnx = inference_memory(model, flat).peak, emitted_memory(model, flat).peak
    exact = rises(folder / f"{net}.onnx")[-1]
    first, later, *_ = rises(folder / f"{net}.onnx", exact=False)
    for file in folder.iterdir():
        file.unlink()
    ratio = onnx / exact
    sizes = [f"{count / 1e6:.2f}" for count in (ideal, onnx, exact)]
    held = [f"{count / 1e6:.2f}" for count in (first, later)]
    return [net, *sizes, f"{ratio:.2f}", verdict(max(ratio, 1 / ratio), BAR), f"{onnx / ideal:.2f}", *held]


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory that onnxruntime takes, beside what is stated.")
    parser.add_argument("nets", nargs="*", choices=[*NETS, []], help="which nets (all)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        lines = [row(net, Path(folder)) for net in options.nets or NETS]
    head = ["net", "ideal peak, MB", "onnx peak, MB", "rise, MB", "stated / rise", f"within {BAR}", "x ideal"]
    print(f"{os.cpu_count()} cores; onnxruntime {__import__('onnxruntime').__version__}")
    table("Memory of a run", [*head, "default, first run", "later runs"], lines)


if __name__ == "__main__":
    main()
