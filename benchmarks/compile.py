"""How long the compiler takes, beside the tools it stands in for; all numbers of a table from one run.

    python benchmarks/compile.py                 # everything, about ten minutes on two cores
    python benchmarks/compile.py stats length    # some of: stats build growth length live

Each time is the median wall time of whole processes that take turns, so that a busy machine slows all alike. Results
are written to memory where the system has a folder for that, so that no disk is measured. Needs the extra `bench`, and
torchvision.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None

FLOOR = "import lark, click"

TORCHVISION = """
import torch
from importlib.util import find_spec
from pathlib import Path
folder = Path(find_spec("torchvision").origin).parent
try:
    for library in folder.glob("_C*.so"):
        torch.ops.load_library(str(library))
except OSError:  # built for another torch: its import still needs the ops to be declared
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchvision
"""

TORCHINFO = (
    TORCHVISION
    + """
import torchinfo
print(torchinfo.summary(torchvision.models.resnet50(), (1, 3, 224, 224), verbose=0))
"""
)

EXPORT = (
    TORCHVISION
    + """
import sys
name, path = sys.argv[1:]
net = torchvision.models.get_model(name).eval()
torch.onnx.export(net, (torch.zeros(1, 3, 224, 224),), path, dynamo=True, verbose=False)
"""
)

BUILDS = {"resnet50": ("resnet.dl", 0.15), "mobilenet_v2": ("mobilenet_v2.dl", 0.10), "vit_b_16": ("vit.dl", 0.20)}
"""File of each network, and the part of torch.onnx.export's time that its build may take."""

PROGRAM_BARS = {"resnet.dl": 31, "mobilenet_v2.dl": 18, "densenet.dl": 22, "vit.dl": 32}
SOURCE_BARS = {
    "resnet50": ("resnet.dl", 70),
    "densenet121": ("densenet.dl", 85),
    "mobilenet_v2": ("mobilenet_v2.dl", 70),
    "googlenet": ("googlenet.dl", 115),
    "vit_b_16": ("vit.dl", 100),
}
GROWTH = (1_000, 10_000, 50_000)
GROWTH_BAR = 1.5


@dataclass(frozen=True, slots=True)
class Command:
    """A process to time. `run` gives its arguments for a fresh folder."""

    name: str
    run: Callable[[Path], list[str]]


def dslc(*arguments: str | Path) -> list[str]:
    """The command line of this checkout."""
    return [sys.executable, "-m", "dslc", *map(str, arguments)]


def code(text: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", text, *map(str, arguments)]


def environment() -> dict[str, str]:
    """The user's environment, but with byte code kept as it normally is."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(ROOT)}


def timed(command: Command) -> float:
    """Wall time of one process in seconds."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        start = time.perf_counter()
        done = subprocess.run(
            command.run(Path(folder)), capture_output=True, text=True, env=environment(), cwd=folder, check=False
        )
        seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{command.name} failed:\n{done.stderr[-2000:]}")
    return seconds


def medians(commands: list[Command], rounds: int) -> dict[str, float]:
    """The median time of each command; they take turns, and a first turn that fills caches is not counted."""
    found: dict[str, list[float]] = {c.name: [] for c in commands}
    for turn in range(rounds + 1):
        for command in commands:
            seconds = timed(command)
            if turn:
                found[command.name].append(seconds)
    return {name: statistics.median(times) for name, times in found.items()}


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    """A Markdown table, aligned; all columns but the first at the right."""
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    print(f"\n## {title}\n")
    for row in [head, ["-" * w for w in widths], *rows]:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        print(f"| {' | '.join(cells)} |", flush=True)


def verdict(value: float, bar: float) -> str:
    return "yes" if value <= bar else "NO"


# ---- the tables


def stats_table(rounds: int) -> None:
    """`dslc stats` of ResNet-50 against torchvision with torchinfo."""
    ours, theirs, floor = "dslc stats resnet50", "torchvision + torchinfo", f"floor: {FLOOR}"
    found = medians(
        [
            Command(ours, lambda _: dslc("stats", EXAMPLES / "resnet.dl", "--net", "resnet50")),
            Command(theirs, lambda _: code(TORCHINFO)),
            Command(floor, lambda _: code(FLOOR)),
        ],
        rounds,
    )
    bars = {ours: 0.08}
    rows = [
        [
            name,
            f"{seconds:.3f}",
            f"{seconds / found[theirs]:.3f}",
            f"{seconds / found[floor]:.1f}",
            f"{bars[name]:.2f}" if name in bars else "",
            verdict(seconds / found[theirs], bars[name]) if name in bars else "",
        ]
        for name, seconds in found.items()
    ]
    head = ["whole process", "s", "x torchinfo", "x floor", "bar", "holds"]
    table("Statistics of ResNet-50", head, rows)


def built(file: str, net: str, out: Path) -> list[str]:
    """The command that builds a net of an example."""
    return dslc("build", EXAMPLES / file, "--net", net, "-o", out)


def exported(net: str, out: Path) -> list[str]:
    """The command that exports torchvision's network of that name."""
    return code(EXPORT, net, out / "net.onnx")


def build_table(rounds: int) -> None:
    """`dslc build` (.py, .onnx and weights) against torch.onnx.export of torchvision's network."""
    rows = []
    for name, (file, bar) in BUILDS.items():
        ours, theirs = Command("dslc", partial(built, file, name)), Command("torch", partial(exported, name))
        found = medians([ours, theirs], rounds)
        ratio = found["dslc"] / found["torch"]
        rows.append(
            [name, f"{found['dslc']:.2f}", f"{found['torch']:.2f}", f"{ratio:.3f}", f"{bar:.2f}", verdict(ratio, bar)]
        )
    head = ["net", "dslc build, s", "torch.onnx.export, s", "ratio", "bar", "holds"]
    table("Build, whole process", head, rows)


def chain(layers: int) -> str:
    """A program of so many convolutions, one a line."""
    return "net chain on x[N, 8, H=8, W=8]:\n" + "    conv(8, 3)\n" * layers


def growth_table(rounds: int) -> None:
    """Time per layer of longer and longer chains, without what a chain of one layer takes."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = {n: Path(folder) / f"chain{n}.dl" for n in (1, *GROWTH)}
        for n, path in paths.items():
            path.write_text(chain(n), encoding="utf-8")
        for verb in ("check", "stats", "build"):
            per_layer = []
            cells = [verb]
            base = timed_once(verb, paths[1], rounds)
            for n in GROWTH:
                seconds = timed_once(verb, paths[n], 1 if n > 1_000 else rounds)
                per_layer.append((seconds - base) / n * 1e6)
                cells.append(f"{seconds:.2f} s, {per_layer[-1]:.0f} us")
            ratio = max(per_layer) / min(per_layer)
            rows.append([*cells, f"{ratio:.2f}", f"{GROWTH_BAR}", verdict(ratio, GROWTH_BAR)])
    head = ["command", *(f"{n:,} layers" for n in GROWTH), "most / least per layer", "bar", "holds"]
    table("Growth: whole process, and time per layer", head, rows)


def timed_once(verb: str, path: Path, rounds: int) -> float:
    """The median time of a command on a file."""

    def run(out: Path) -> list[str]:
        return dslc(verb, path, "-o", out) if verb == "build" else dslc(verb, path)

    return statistics.median(timed(Command(verb, run)) for _ in range(rounds))


def length_table(rounds: int) -> None:
    """Lines of programs (without empty and comment lines), and of the PyTorch files made from them."""
    rows = []
    for file, bar in PROGRAM_BARS.items():
        lines = code_lines((EXAMPLES / file).read_text(encoding="utf-8"))
        rows.append([f"examples/{file}", str(lines), str(bar), verdict(lines, bar)])
    table("Length of programs, in lines of code", ["program", "lines", "bar", "holds"], rows)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (file, bar) in SOURCE_BARS.items():
            command = dslc("build", EXAMPLES / file, "--net", name, "--target", "torch", "-o", folder)
            subprocess.run(command, check=True, capture_output=True, env=environment())
            lines = (Path(folder) / f"{name}.py").read_text(encoding="utf-8").count("\n")
            rows.append([f"{name}.py", str(lines), str(bar), verdict(lines, bar)])
    table("Length of generated PyTorch, whole file", ["file", "lines", "bar", "holds"], rows)


def code_lines(text: str) -> int:
    """Lines that hold something else than a comment."""
    return sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))


LIVE = """
import statistics, sys, time
import dslc
from dslc.live.compare import Comparison
net = dslc.load(sys.argv[1], net="resnet50")()
path, run = sys.argv[2], Comparison.run
net.to_onnx(path)
whole, compared = [], []
def timed(self, module):
    start = time.process_time()
    run(self, module)
    compared.append(time.process_time() - start)
Comparison.run = timed
for _ in range(9):
    start = time.process_time()
    net.to_onnx(path)
    whole.append(time.process_time() - start)
print(statistics.median(whole), statistics.median(compared))
"""


def live_table(rounds: int) -> None:
    """Export of a live ResNet-50 after the first, with the comparison of the module, beside the same without."""
    found = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            command = code(LIVE, EXAMPLES / "resnet.dl", Path(folder) / "net.onnx")
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
        found.append(tuple(map(float, done.stdout.split())))
    whole, compared = map(statistics.median, zip(*found, strict=True))
    ratio = whole / (whole - compared)
    row = ["resnet50", f"{whole:.3f}", f"{compared:.4f}", f"{ratio:.2f}", "1.20", verdict(ratio, 1.2)]
    table("Live export, processor time", ["net", "whole, s", "comparison, s", "ratio", "bar", "holds"], [row])


TABLES = {
    "stats": stats_table,
    "build": build_table,
    "growth": growth_table,
    "length": length_table,
    "live": live_table,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Times and lengths of the compiler beside those of other tools.")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="which tables (all)")
    parser.add_argument("--rounds", type=int, default=5, help="timed turns of each process (5)")
    options = parser.parse_args()
    named = ("torch", "torchvision", "torchinfo", "onnxscript", "onnx")  # a table needs those it compares with
    packages = ", ".join(f"{name} {version(name)}" for name in named if find_spec(name) is not None)
    print(f"Python {platform.python_version()}, {packages}; {os.cpu_count()} cores, {platform.machine()}")
    for name in options.tables or TABLES:
        TABLES[name](options.rounds)


if __name__ == "__main__":
    main()
