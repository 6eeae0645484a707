"""How long `dslc stats` takes: every example, its options, longer and longer nets, and the tools it stands in for.

    python -m benchmarks.stats                    # everything, about a quarter of an hour on two cores
    python -m benchmarks.stats examples growth    # some of: examples options tools growth

Times are of whole processes that take turns with `python -c "import lark, click"`, the floor; a ratio is to the one
right before, so that a busy machine slows both alike. Needs the extra `bench`, torchvision and fvcore.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from importlib.metadata import version
from pathlib import Path

from benchmarks.compile import EXAMPLES, FLOOR, ROOT, TORCHINFO, TORCHVISION, code, dslc, environment, table, verdict
from dslc.api import compile_model, nets
from dslc.ir.walk import flatten
from dslc.record import record

BAR, LARGE_BAR = 3.0, 5.0
LARGE = 600
"""Ops from which on a net is large: DenseNet-201 has 707, EfficientNet-B7 more."""

COLUMNS = (
    "op,output,params,buffers,train_only,weights,macs,core_flops,flops,acts,memory,saved,share,"
    "field,rf_local,stride,padding,centre,spread,smallest,density,status,intensity,bound,time"
)
MUCH = "-v --train --as fvcore --device A100"
OPTIONS = {
    "(none)": [],
    "-v": ["-v"],
    "--train": ["--train"],
    "--as fvcore": ["--as", "fvcore"],
    "--device A100": ["--device", "A100"],
    "--symbolic": ["--symbolic"],
    "--format json": ["--format", "json"],
    MUCH: MUCH.split(),
    "all columns": ["--columns", COLUMNS, "--device", "A100"],
}
OPTION_NETS = {"resnet50": "resnet.dl", "densenet201": "densenet.dl", "vit_b_16": "vit.dl", "unet": "unet.dl"}

FVCORE = (
    TORCHVISION
    + """
import logging, sys
from fvcore.nn import FlopCountAnalysis, flop_count_table
logging.disable()
net = torchvision.models.get_model(sys.argv[1]).eval()
print(flop_count_table(FlopCountAnalysis(net, torch.zeros(1, 3, 224, 224)), max_depth=9))
"""
)
SUMMARY = TORCHINFO.replace("torchvision.models.resnet50()", "torchvision.models.get_model(__import__('sys').argv[1])")
TOOL_NETS = {"resnet50": "resnet.dl", "densenet201": "densenet.dl"}

GROWTH = (1_000, 2_500, 5_000, 10_000)
GROWTH_BAR = 1.5
REPORTS = {
    "default": [],
    "all columns": ["--columns", COLUMNS, "--device", "T4", "--no-fold"],
    "-v --train --as thop --device T4": ["-v", "--train", "--as", "thop", "--device", "T4"],
    "--format json": ["--format", "json"],
}


# ---- programs of about so many ops


def chain(ops: int) -> str:
    """Convolution, batch norm and ReLU, one after the other."""
    return header("chain") + "    conv(8, 3) -> bn -> relu\n" * (ops // 3)


def residuals(ops: int) -> str:
    """Residual blocks of seven ops."""
    return header("residuals") + "    residual: conv(8, 3) -> bn -> relu -> conv(8, 3) -> bn\n    relu\n" * (ops // 7)


def skips(ops: int) -> str:
    """One connection inside the other, as in a U-Net: half of all values live in the middle."""
    depth = ops // 6
    return (
        f"{header('skips')}    for i in range({depth}):\n        conv(8, 3) -> bn -> relu\n        `level{{i}}` = it\n"
        f"    for i in reversed(range({depth})):\n        concat(`level{{i}}`, it) -> conv(8, 3) -> relu\n"
    )


def dense_blocks(ops: int) -> str:
    """Dense blocks of 33 layers, each after a convolution that makes the channels few again."""
    return header("dense_blocks") + ("    conv(8, 1)\n" + "    dense: conv(4, 3) -> relu\n" * 33) * (ops // 100)


def strided(ops: int) -> str:
    """Pairs of a stride and an upsampling: fields have fractions, and windows that differ from place to place."""
    return header("strided") + "    conv(8, 3, s=2) -> relu -> upsample(2)\n" * (ops // 3)


def header(name: str) -> str:
    return f"net {name} on x[N, 8, H=64, W=64]:\n"


SHAPES: dict[str, Callable[[int], str]] = {
    "conv, bn, relu": chain,
    "residual blocks": residuals,
    "nested skips": skips,
    "dense blocks": dense_blocks,
    "stride, upsample": strided,
}


# ---- times


@record
class Times:
    """Turns of one command, each right after one of the floor: seconds of the clock and of the processor."""

    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    floor_wall: list[float] = field(default_factory=list)
    floor_busy: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median ratio to the floor beside it, by the clock."""
        return statistics.median(mine / floor for mine, floor in zip(self.wall, self.floor_wall, strict=True))

    @property
    def busy_ratio(self) -> float:
        """The ratio of the least processor times: what other processes disturb least."""
        return min(self.busy) / min(self.floor_busy)

    def cells(self, bar: float | None = None) -> list[str]:
        """Times and ratios, and whether the ratio by the clock keeps to `bar`."""
        found = [f"{statistics.median(self.wall):.3f}", f"{min(self.busy):.3f}"]
        found += [f"{self.ratio:.2f}", f"{self.busy_ratio:.2f}"]
        return found if bar is None else [*found, f"{bar:g}", verdict(self.ratio, bar)]


HEAD = ["s, median", "s of processor, least", "x floor", "x floor, processor"]


def process(arguments: Sequence[str]) -> tuple[float, float]:
    """Seconds of the clock and of the processor that a process takes."""
    start = time.perf_counter()
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, env=environment(), cwd=ROOT) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments[:8])} failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def times(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Times]:
    """Times of each command; they take turns, and a first turn that fills caches is not counted."""
    found = {name: Times() for name in commands}
    for turn in range(rounds + 1):
        for name, arguments in commands.items():
            floor, mine = process(code(FLOOR)), process(arguments)
            if turn:
                here = found[name]
                here.floor_wall.append(floor[0])
                here.floor_busy.append(floor[1])
                here.wall.append(mine[0])
                here.busy.append(mine[1])
    return found


def said(found: Iterable[Times]) -> str:
    """The floor's own time."""
    walls, busy = zip(*((t.floor_wall, t.floor_busy) for t in found), strict=True)
    median = statistics.median(s for times in walls for s in times)
    return f"floor {median:.3f} s, {min(s for times in busy for s in times):.3f} s of processor"


# ---- the tables


def examples_table(rounds: int) -> None:
    """Every net of the examples that needs no argument, the slowest first."""
    ops, commands = {}, {}
    for file in sorted(EXAMPLES.glob("*.dl")):
        for net in nets(file, complete=True):
            name = f"{file.stem}: {net}"
            ops[name] = count_ops(file, net)
            commands[name] = dslc("stats", file, "--net", net)
    found = times(commands, rounds)
    lines = []
    for name in sorted(found, key=lambda name: -found[name].ratio):
        bar = LARGE_BAR if ops[name] >= LARGE else BAR
        lines.append([name, str(ops[name]), *found[name].cells(bar)])
    head = ["net", "ops", *HEAD, "bar", "holds"]
    table(f"`dslc stats` of every example ({said(found.values())})", head, lines)


def options_table(rounds: int) -> None:
    """What each option adds."""
    for net, file in OPTION_NETS.items():
        found = times({name: dslc("stats", EXAMPLES / file, "--net", net, *o) for name, o in OPTIONS.items()}, rounds)
        lines = [[name, *here.cells()] for name, here in found.items()]
        table(f"Options, {net} ({said(found.values())})", ["options", *HEAD], lines)


def tools_table(rounds: int) -> None:
    """Other tools' report of the same network, and the one here with as much in it."""
    for net, file in TOOL_NETS.items():
        ours = dslc("stats", EXAMPLES / file, "--net", net)
        found = times(
            {
                "dslc stats": ours,
                f"dslc stats {MUCH}": [*ours, *OPTIONS[MUCH]],
                "torchvision + torchinfo": code(SUMMARY, net),
                "torchvision + fvcore": code(FVCORE, net),
            },
            rounds,
        )
        lines = [[name, *here.cells()] for name, here in found.items()]
        table(f"Other tools, {net} ({said(found.values())})", ["report", *HEAD], lines)


def growth_table(rounds: int) -> None:
    """Processor time per op of longer and longer nets, without what a net of one op takes."""
    head = ["net", *(f"{n:,} ops" for n in GROWTH), "most / least per op", "bar", "holds"]
    with tempfile.TemporaryDirectory() as folder:
        one, path = Path(folder) / "one.dl", Path(folder) / "net.dl"
        one.write_text(header("one") + "    conv(8, 3)\n", encoding="utf-8")
        for report, options in REPORTS.items():
            base = min(process(dslc("stats", one, *options))[1] for _ in range(rounds))
            lines = []
            for shape, program in SHAPES.items():
                per_op, cells = [], [shape]
                for n in GROWTH:
                    path.write_text(program(n), encoding="utf-8")
                    seconds = min(process(dslc("stats", path, *options))[1] for _ in range(rounds))
                    per_op.append((seconds - base) / count_ops(path) * 1e6)
                    cells.append(f"{seconds:.2f} s, {per_op[-1]:.0f} us")
                ratio = max(per_op) / min(per_op)
                lines.append([*cells, f"{ratio:.2f}", f"{GROWTH_BAR}", verdict(ratio, GROWTH_BAR)])
            table(f"Growth, {report}: processor time of the process, and per op", head, lines)


def count_ops(path: Path, net: str | None = None) -> int:
    """How many ops a net applies."""
    return len(flatten(compile_model(path, net)).steps)


TABLES = {"examples": examples_table, "options": options_table, "tools": tools_table, "growth": growth_table}


def main() -> None:
    parser = argparse.ArgumentParser(description="Times of `dslc stats` beside those of other tools.")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="which tables (all)")
    parser.add_argument("--rounds", type=int, default=5, help="timed turns of each process (5)")
    options = parser.parse_args()
    packages = ", ".join(f"{p} {version(p)}" for p in ("lark", "click", "torch", "torchvision", "torchinfo", "fvcore"))
    print(f"Python {platform.python_version()}, {packages}; {os.cpu_count()} cores, {platform.machine()}")
    for name in options.tables or TABLES:
        TABLES[name](options.rounds)


if __name__ == "__main__":
    main()
