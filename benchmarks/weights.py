"""Time and memory of loading a checkpoint of 1 GB, beside reading the file: python -m benchmarks.weights.

Both are of a process of its own, in processor time, the best of five; the file is in the system's cache. `reading`
takes all bytes of the file into memory, and does nothing with them. The bars: 1.2 times its time, and 1.2 times the
file's size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.compile import environment, table, verdict

BAR = 1.2
WIDTH = 4096

NET = """
net big on x[N, {width}]:
    seq as blocks:
        for i in range({depth}):
            linear({width})
"""

MAP = """
wrapped.layers.{i}.w -> blocks.{i}.weight
wrapped.layers.{i}.b -> blocks.{i}.bias
"""

MAKE = """
import sys, numpy as np
from dslc.output import write_all
from dslc.weights.store import output

path, depth, width, prefix, weight, bias = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:7]
draw = np.random.default_rng(0)
state = {}
for i in range(depth):
    state[f"{prefix}{i}.{weight}"] = draw.random((width, width), np.float32)
    state[f"{prefix}{i}.{bias}"] = np.zeros(width, np.float32)
if path.endswith(".pth"):
    import torch
    torch.save({"model": {name: torch.from_numpy(array) for name, array in state.items()}}, path)
else:
    write_all([output(path, state)])
"""

HEAD = """
import json, sys, time
from pathlib import Path
import numpy as np

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

file, program, names = sys.argv[1:4]
"""

TAIL = """
before, start = peak(), time.process_time()
found = step()
print(json.dumps([time.process_time() - start, peak() - before]))
"""

READING = """
def step():
    with open(file, "rb", buffering=0) as opened:
        found = np.empty(Path(file).stat().st_size, np.uint8)
        rest = memoryview(found)
        while rest:
            rest = rest[opened.readinto(rest):]
    return found
"""

LOADING = """
import dslc.weights.maps.shipped, dslc.weights.pickled
from dslc.api import compile_model
from dslc.weights.checkpoint import Checkpoint, read
if file.endswith(".pth"):
    import torch
params = compile_model(Path(program)).params
def step():
    return read(Checkpoint(file, map=names or None), params)
"""

LIVE = """
import torch, dslc, dslc.weights.live, dslc.weights.pickled, dslc.weights.maps.shipped
net = dslc.load(program)()
def step():
    net.load_weights(file, map=names or None)
"""


def measured(code: str, *words: str | Path, best: int = 5) -> tuple[float, int]:
    """Seconds of the processor, and the rise of memory in bytes; the least of some runs."""
    command = [sys.executable, "-c", HEAD + code + TAIL, *map(str, words)]
    done = [subprocess.run(command, check=True, capture_output=True, text=True, env=environment()) for _ in range(best)]
    runs = [json.loads(run.stdout) for run in done]
    return min(run[0] for run in runs), min(run[1] for run in runs)


FILES = {
    "own.safetensors": ("blocks.", "weight", "bias"),
    "other.safetensors": ("wrapped.layers.", "w", "b"),
    "own.pth": ("module.blocks.", "weight", "bias"),
}
"""What stands before the number of a layer in the names of each file, and behind it."""


def made(path: Path, depth: int) -> Path:
    """A file of that many layers."""
    command = [sys.executable, "-c", MAKE, str(path), str(depth), str(WIDTH), *FILES[path.name]]
    subprocess.run(command, check=True, env=environment())
    return path


def rows(folder: Path, depth: int, best: int) -> list[list[str]]:
    """A row for each way to load."""
    program, names = folder / "big.dl", folder / "big.map"
    program.write_text(NET.format(width=WIDTH, depth=depth), encoding="utf-8")
    names.write_text(MAP, encoding="utf-8")
    own, other, pickled = (made(folder / name, depth) for name in FILES)
    size = own.stat().st_size
    whole, rise = measured(READING, own, "", "", best=best)
    found = [["reading the bytes", f"{whole:.2f}", "1.00", "", f"{rise / size:.2f}", ""]]
    for title, code, file, map_ in (
        ("checkpoint.read, .safetensors", LOADING, own, ""),
        ("checkpoint.read, .safetensors and a map", LOADING, other, names),
        ("checkpoint.read, .pth, a prefix", LOADING, pickled, ""),
        ("net.load_weights, .safetensors", LIVE, own, ""),
        ("net.load_weights, .safetensors and a map", LIVE, other, names),
        ("net.load_weights, .pth, a prefix", LIVE, pickled, ""),
    ):
        seconds, bytes_ = measured(code, file, program, map_, best=best)
        bars = [verdict(seconds / whole, BAR), verdict(bytes_ / size, BAR)]
        found.append([title, f"{seconds:.2f}", f"{seconds / whole:.2f}", bars[0], f"{bytes_ / size:.2f}", bars[1]])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Loading a checkpoint, beside reading its file.")
    parser.add_argument("--layers", type=int, default=15, help="of 67 MB each (15: 1 GB)")
    parser.add_argument("--best", type=int, default=5, help="runs of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = rows(Path(folder), options.layers, options.best)
    print(f"{os.cpu_count()} cores; {options.layers * WIDTH**2 * 4 / 1e9:.2f} GB")
    head = ["way", "processor, s", "x reading", f"within {BAR}", "rise, x size", f"within {BAR}"]
    table("Loading a checkpoint", head, lines)


if __name__ == "__main__":
    main()
