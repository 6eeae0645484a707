"""A build that is killed at every one of its calls of the system, one after another; run as a program of its own.

    python -m tests.killed FOLDER LIMIT WIDTH SEED

LIMIT is the size of weights, in bytes, above which they lie beside the graph; WIDTH and SEED are those of the build
that is killed, which replaces one of width 24 and seed 0. Prints how many builds left the old files, the new ones, and
some of each.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dslc.api import compile_model
from dslc.backends.onnx import file
from dslc.build import build
from dslc.ir.model import Model
from dslc.stamp import apart

NET = "net f(width: int) on x[N, 3, 8, 8]: conv(width, 3) -> bn -> relu -> gap -> flatten -> linear(2)\n"
CALLS = ("open", "write", "link", "replace", "unlink", "fchmod", "close")


def killing(name: str, real: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """A call of the system before which the process is killed, once `left` is used up; a write stops half-way."""

    def call(*args: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            if name == "write":
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **named)

    return call


def killed(model: Model, folder: Path, seed: int, after: int) -> bool:
    """Build in a child that is killed before its call number `after`; false if it had no more calls."""
    child = os.fork()
    if child == 0:
        left = [after]
        for name in CALLS:
            setattr(os, name, killing(name, getattr(os, name), left))
        build(model, folder, seed=seed)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def main(folder: Path, limit: int, width: int, seed: int) -> None:
    file.INLINE_LIMIT = limit
    file.outputs.__kwdefaults__ = {"inline_limit": limit}
    old, new = (compile_model(NET, "f", args={"width": value}) for value in (24, width))
    build(new, folder, seed=seed)
    after = contents(folder)
    build(old, folder)
    before = contents(folder)
    same = {name for name in before if before[name] == after[name]}
    assert before.keys() == after.keys() and same == (set() if width != 24 else {"f.py"})
    seen: Counter[str] = Counter()
    for count in range(10_000):
        if not killed(new, folder, seed, count):
            break
        found = contents(folder)
        assert found.keys() == before.keys(), found.keys()
        assert all(found[name] in (before[name], after[name]) for name in found), "half a file"
        told = apart([folder / name for name in found])
        state = "old" if found == before else "new" if found == after else "mixed"
        assert (state == "mixed") == bool(told), (state, told)
        seen[state] += 1
        build(old, folder)
        assert contents(folder) == before
        assert len(list(folder.iterdir())) == len(before), sorted(folder.iterdir())
    assert contents(folder) == after
    print(dict(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
