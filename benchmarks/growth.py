"""How time and memory grow with what a program has more of; both sizes of a row from one run.

    python benchmarks/growth.py                    # everything, some minutes
    python benchmarks/growth.py nets branches      # some of the shapes

Each command runs in a process of its own, on a program of `n` parts and on one of ten times as many. A row shows the
CPU time and the peak of memory above those for one part, and how much more a part costs in the larger program:
1.0 is linear growth, 10 quadratic. Ends with status 1 where a part costs more than `BAR` times as much.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BAR = 2.0
"""Above 1 for what does grow: caches of the processor and the allocator of memory."""


def nets(n: int) -> str:
    return "\n".join(
        f"net n{i} on x[N, 3, 32, 32]:\n    conv({i % 7 + 1}, 3) -> relu -> gap -> flatten -> linear(10)\n"
        for i in range(n)
    )


def branches(n: int) -> str:
    return f"net f on x[N, 3, 8, 8]:\n    concat:\n        for i in range({n}):\n            | conv(2, 1) -> relu\n"


def named(n: int) -> str:
    lines = "".join(f"    y{i} = x -> conv(2, 1)\n" for i in range(n))
    return f"net f on x[N, 3, 8, 8]:\n{lines}    concat({', '.join(f'y{i}' for i in range(n))})\n"


def layers(n: int) -> str:
    return f"net f on x[N, 8, H=16, W=16]:\n    for i in range({n}): conv(8, 3) -> relu\n"


def lines(n: int) -> str:
    return "net f on x[N, 8, H=16, W=16]:\n" + "    conv(8, 3) -> relu\n" * n


def residuals(n: int) -> str:
    return f"net f on x[N, 8, H=16, W=16]:\n    for i in range({n}):\n        residual: conv(8, 3) -> bn -> relu\n"


def blocks(n: int) -> str:
    text = "".join(f"block b{i} on x[N, C, H, W]: conv(C, 3) -> relu\n\n" for i in range(n))
    return text + "net f on x[N, 8, H=16, W=16]:\n" + "".join(f"    b{i}\n" for i in range(n))


def symbols(n: int) -> str:
    ports = ", ".join(f"x{i}[N, 8, S{i}=16]" for i in range(n))
    uses = "".join(f"    y{i} = x{i} -> conv(8, 3, s=2) -> upsample(2) -> (it + x{i}) -> mean(-1)\n" for i in range(n))
    return f"net f on {ports}:\n{uses}    concat({', '.join(f'y{i}' for i in range(n))})\n"


def outputs(n: int) -> str:
    results = ", ".join(f"y{i}" for i in range(n))
    return f"net f on x[N, 8] -> {results}:\n" + "".join(f"    y{i} = x -> linear(2)\n" for i in range(n))


def lets(n: int) -> str:
    chain = "".join(f"    let a{i} = a{i - 1} + 1\n" for i in range(1, n))
    return f"net f(width: int = 1) on x[N, 8]:\n    let a0 = width\n{chain}    linear(a{n - 1})\n"


def parameters(n: int) -> str:
    header = ", ".join(f"p{i}: int = {i % 9 + 1}" for i in range(n))
    uses = "".join(f"    linear(p{i})\n" for i in range(n))
    return f"block b({header}) on x[N, C]:\n{uses}\nnet f on x[N, 8]:\n    b -> b(p0=3)\n"


def table(n: int) -> str:
    return f"net f on x[N, {n}]:\n    buffer b: [i: {n}] = (i * 7 + 3) % 16\n    (it + b)\n"


@dataclass(frozen=True)
class Shape:
    """A kind of program, the smaller number of parts, and the commands that are measured on it."""

    program: Callable[[int], str]
    parts: int
    commands: tuple[str, ...]


ALL = ("check", "stats", "build", "fmt", "diff")
SHAPES = {
    "nets": Shape(nets, 150, ("check", "fmt")),
    "branches": Shape(branches, 500, ALL),
    "boxes": Shape(branches, 90, ("picture",)),  # no picture has more than 2,000
    "named": Shape(named, 500, ALL),
    "layers": Shape(layers, 1000, ALL),
    "lines": Shape(lines, 1000, ALL),
    "residuals": Shape(residuals, 400, ALL),
    "blocks": Shape(blocks, 300, ALL),
    "symbols": Shape(symbols, 50, ("check", "stats", "build", "diff")),
    "outputs": Shape(outputs, 300, ALL),
    "lets": Shape(lets, 300, ("check", "build", "fmt")),
    "parameters": Shape(parameters, 200, ("check", "stats", "build")),
    "table": Shape(table, 100_000, ("check", "stats", "build")),
}


@dataclass(frozen=True)
class Cost:
    """CPU seconds and the peak of memory, in bytes, of a process."""

    seconds: float
    bytes: int


def measure(*arguments: str) -> Cost:
    """A command's cost. Raises `RuntimeError` where it fails."""
    with subprocess.Popen(
        [sys.executable, "-m", "dslc", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"dslc {' '.join(arguments)}: {said}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def arguments(command: str, file: Path) -> list[str]:
    """The command line of a command on a file, whose results go beside it."""
    folder, net = file.parent, [] if command == "fmt" else ["--max-ops", "10000000"]
    match command:
        case "build":
            return ["build", str(file), "-o", str(folder), *net]
        case "picture":
            return ["picture", str(file), "-o", str(folder / "picture.svg"), *net]
        case "fmt":
            return ["fmt", "--diff", str(file)]
        case "diff":
            return ["diff", str(file), str(file), *net]
    return [command, str(file), *net]


def row(name: str, command: str) -> float:
    """Print one shape under one command; how much more a part costs in the larger program."""
    shape = SHAPES[name]
    found: list[Cost] = []
    floor = Cost(0, 0)
    for count in (1, shape.parts, 10 * shape.parts):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "program.dl"
            file.write_text(shape.program(count), encoding="utf-8")
            cost = measure(*arguments(command, file))
            floor = floor if found else cost
            found.append(Cost(max(cost.seconds - floor.seconds, 0.01), max(cost.bytes - floor.bytes, 1)))
    _, small, large = found
    ratio = large.seconds / small.seconds / 10
    print(
        f"{name:11} {command:8} {10 * shape.parts:>9,}  {small.seconds:7.2f} s {large.seconds:7.2f} s"
        f"  {large.bytes / 1e6:7,.0f} MB  {ratio:5.2f}",
        flush=True,
    )
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description="how time and memory grow with the parts of a program")
    parser.add_argument("shapes", nargs="*", choices=[[], *SHAPES], help="shapes to measure (none: all)")
    chosen = parser.parse_args().shapes or list(SHAPES)
    print(f"{'shape':11} {'command':8} {'parts':>9}  {'1/10':>9} {'all':>9}  {'memory':>10}  a part costs, times")
    slow = [f"{name} {command}" for name in chosen for command in SHAPES[name].commands if row(name, command) > BAR]
    if slow:
        print(f"more than {BAR}: {', '.join(slow)}")
    return bool(slow)


if __name__ == "__main__":
    sys.exit(main())
