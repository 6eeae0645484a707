"""Random programs without end: `python -m tests.random --seeds 0..10000 --out FILE`.

Each is tried in a process of its own kind (worker.py), so that a crash or a hang is a line of FILE like any
other fault. Seeds that FILE has are skipped: a run that was stopped goes on.
`--shrink SEED` prints the smallest program with the
fault of a seed's, `--show SEED` the program itself, `--sum FILE` what came of all.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from tests.random.case import Case, seeded
from tests.random.reduce import reduced
from tests.random.worker import Answer, Worker


def seeds(text: str) -> range:
    first, _, last = text.partition("..")
    return range(int(first), int(last or int(first) + 1))


def done(path: Path) -> set[int]:
    """The seeds that a file has; a line cut off by a kill does not count."""
    found = set()
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                found.add(int(json.loads(line)["seed"]))
            except (ValueError, KeyError):
                continue
    return found


def farm(asked: range, path: Path, timeout: float) -> None:
    worker, known = Worker(timeout), done(path)
    with path.open("a", encoding="utf-8") as out:
        for seed in asked:
            if seed in known:
                continue
            start, case = time.monotonic(), seeded(seed)
            answer = worker.ask(case)
            line = {"seed": seed, "dtype": case.dtype.value, **answer, "seconds": round(time.monotonic() - start, 3)}
            out.write(json.dumps(line) + "\n")
            out.flush()
    worker.close()


def summary(path: Path) -> str:
    """Counts by what came of the programs, and the faults by who is to blame."""
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    counts = Counter(f"{x['result']} {x.get('who', '')}".strip() for x in found)
    lines = [f"{len(found)} programs, {sum(x['seconds'] for x in found):.0f} s"]
    for name, count in counts.most_common():
        some = [x for x in found if f"{x['result']} {x.get('who', '')}".strip() == name]
        lines.append(f"{count:7} {name}")
        if not name.startswith("agreed"):
            lines += [f"        {x['seed']} {x['dtype']}: {x['words'][:150]}" for x in some[:5]]
    return "\n".join(lines)


def like(worker: Worker, case: Case, wanted: Answer) -> bool:
    """Whether a case has the same fault: the same part is to blame, with words that begin alike."""
    answer = worker.ask(case)
    names = [(a["result"], a["who"], str(a["words"]).split()[:1]) for a in (answer, wanted) if a["result"] == "fault"]
    return len(names) == 2 and names[0] == names[1]


def shrunk(case: Case, timeout: float) -> tuple[Case, Answer]:
    """The smallest case with the fault of a case, and what it says."""
    worker = Worker(timeout)
    answer = worker.ask(case)
    if answer["result"] == "fault":
        case = Case(reduced(case.text, lambda text: like(worker, Case(text, case.dtype), answer)), case.dtype)
        answer = worker.ask(case)
    worker.close()
    return case, answer


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.random")
    parser.add_argument("--seeds", type=seeds, help="A..B: those from A to B - 1")
    parser.add_argument("--out", type=Path, help="a file of JSON lines, one for each program")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one program")
    parser.add_argument("--show", type=int, metavar="SEED")
    parser.add_argument("--shrink", type=int, metavar="SEED")
    parser.add_argument("--sum", type=Path, metavar="FILE")
    asked = parser.parse_args(arguments)
    if asked.show is not None:
        case = seeded(asked.show)
        print(f"# {case.dtype.value}\n{case.text}")
    elif asked.shrink is not None:
        case, answer = shrunk(seeded(asked.shrink), asked.timeout)
        print(f"# {case.dtype.value}: {answer}\n{case.text}")
    elif asked.sum is not None:
        print(summary(asked.sum))
    elif asked.seeds is not None and asked.out is not None:
        farm(asked.seeds, asked.out, asked.timeout)
        print(summary(asked.out))
    else:
        parser.error("--seeds and --out, or --show, --shrink, --sum")


if __name__ == "__main__":
    main(sys.argv[1:])
