"""Whether the verdicts of `dslc signal` are right: random networks that plain gradient descent does or does not train.

    python -m benchmarks.verdicts --out verdicts.jsonl          # one line a network; again: goes on where it stopped
    python -m benchmarks.verdicts --out verdicts.jsonl --sum    # the table

The networks come from SEED alone: twelve kinds, with depths, widths, activations, initialisers, norms and sums drawn
for each. Each is trained on scikit-learn's digits for STEPS steps of plain SGD at each of RATES, and by Adam for
comparison; it is bad where the better rate stays below BAD on digits that were kept, good where it reaches GOOD, and
left out between. The first WANTED of each are what is judged: a verdict on a bad one and none on a good one are right.
The thresholds of the verdicts were fixed before this file was written. Needs the extra `bench`; a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SEED = 20261201
WANTED = 20
STEPS, BATCH, KEPT = 200, 32, 397
RATES = (0.02, 0.2)
BAD, GOOD = 0.2, 0.5
MOST = 160
"""Networks that are looked at, at most."""

FLAT, IMAGE, ROWS, LONG = "x[N, 64]", "x[N, 1, H=8, W=8]", "x[N, T=8, 8]", "x[N, T=64, 1]"
SHAPES = {FLAT: (64,), IMAGE: (1, 8, 8), ROWS: (8, 8), LONG: (64, 1)}
"""What one digit of 8 by 8 is for the ports of a network."""
CURVES = ("sigmoid", "tanh", "relu", "gelu", "selu", "silu", "elu")
WIDTHS = (64, 96, 128)


def net(ports: str, *lines: str) -> str:
    """The text of a network with these lines."""
    return "\n".join([f"net f on {ports}:", *(f"    {line}" for line in lines)]) + "\n"


def turns(count: int, *lines: str) -> tuple[str, ...]:
    """A loop over lines."""
    return (f"for i in range({count}):", *(f"    {line}" for line in lines))


def init(r: random.Random, act: str) -> str:
    """An initialiser, as likely one that fits the activation as none."""
    gain = {"sigmoid": "sigmoid", "tanh": "tanh", "selu": "linear"}.get(act, "relu")
    return r.choice(
        (
            "",
            "",
            f', init=kaiming_normal(nonlinearity="{gain}")',
            ", init=xavier_normal()",
            ", init=orthogonal()",
            f", init=normal(std={r.choice((0.01, 0.05, 0.3))})",
        )
    )


def plain(r: random.Random) -> str:
    act, width = r.choice(CURVES), r.choice(WIDTHS)
    return net(FLAT, *turns(r.randint(2, 24), f"linear({width}{init(r, act)}) -> {act}"), "linear(10)")


def normed(r: random.Random) -> str:
    act, width, norm = r.choice(CURVES), r.choice(WIDTHS), r.choice(("bn", "ln", "rmsnorm"))
    layer = f"linear({width}{init(r, act)}, bias=false) -> {norm} -> {act}"
    return net(FLAT, *turns(r.randint(2, 30), layer), "linear(10)")


def summed(r: random.Random) -> str:
    act, width = r.choice(CURVES), r.choice(WIDTHS)
    norm, scale = r.choice(("", "ln -> ", "bn -> ")), r.choice(("", "", " -> (it * 0.2)"))
    body = f"residual: {norm}linear({width}{init(r, act)}) -> {act} -> linear({width}){scale}"
    return net(FLAT, f"linear({width})", *turns(r.randint(2, 16), body), "linear(10)")


def convolved(r: random.Random) -> str:
    act, width = r.choice(CURVES), r.choice((16, 24, 32))
    end = r.choice(("gap -> flatten -> linear(10)", "maxpool(2) -> flatten -> linear(10)"))
    return net(IMAGE, *turns(r.randint(2, 16), f"conv({width}, 3{init(r, act)}) -> {act}"), end)


def convolved_normed(r: random.Random) -> str:
    act, width = r.choice(CURVES), r.choice((16, 24, 32))
    layer = f"conv({width}, 3{init(r, act)}) -> bn -> {act}"
    return net(IMAGE, *turns(r.randint(2, 20), layer), "gap -> flatten -> linear(10)")


def resnet(r: random.Random) -> str:
    width = r.choice((16, 24, 32))
    body = f"residual: conv({width}, 3) -> bn -> relu -> conv({width}, 3) -> bn"
    return net(IMAGE, f"conv({width}, 3)", *turns(r.randint(2, 8), body, "relu"), "gap -> flatten -> linear(10)")


def transformer(r: random.Random) -> str:
    width, depth = r.choice((32, 64)), r.randint(1, 6)
    attention, wide = f'linear({width}) -> rearrange("n t (h d) -> n h t d", h=4)', 2 * width
    heads = (f"q = ln -> {attention}", f"k = ln -> {attention}", f"v = ln -> {attention}")
    whole = 'sdpa(q, k, v) -> rearrange("n h t d -> n t (h d)")'
    feed = f"linear({wide}) -> gelu -> linear({width})"
    lines = r.choice(
        (
            ("skip = it", *heads, f"skip + ({whole} -> linear({width}))", f"residual: ln -> {feed}"),
            ("skip = it", *heads, f"skip + ({whole} -> linear({width}))", "ln", f"residual: {feed}", "ln"),
            (*heads, whole, feed),
        )
    )
    return net(ROWS, f"linear({width})", *turns(depth, *lines), "ln -> mean(1) -> linear(10)")


def recurrent(r: random.Random) -> str:
    kind, width = r.choice(("rnn", "rnn", "lstm", "gru")), r.choice((48, 96))
    ports = r.choice((ROWS, LONG))
    return net(ports, f"{kind}({width}, layers={r.randint(1, 2)}) -> it[:, -1] -> linear(10)")


def bottlenecks(r: random.Random) -> str:
    act, narrow = r.choice(CURVES), r.choice((4, 8, 16))
    layer = f"linear({narrow}{init(r, act)}) -> {act} -> linear(64{init(r, act)}) -> {act}"
    return net(FLAT, *turns(r.randint(1, 8), layer), "linear(10)")


def gated(r: random.Random) -> str:
    width = r.choice(WIDTHS)
    gate = f"(h -> linear({width})) * (h -> linear({width}) -> sigmoid)"
    return net(FLAT, *turns(r.randint(1, 10), "h = it", gate), "linear(10)")


def dense(r: random.Random) -> str:
    act = r.choice(CURVES)
    return net(FLAT, *turns(r.randint(2, 10), f"dense: linear(24{init(r, act)}) -> {act}"), "linear(10)")


def shifted(r: random.Random) -> str:
    """Biases that are large, which make all inputs alike."""
    act, bias = r.choice(CURVES), r.choice((0.5, 2.0, 5.0))
    return net(FLAT, *turns(r.randint(2, 12), f"linear(96, bias_init=constant({bias})) -> {act}"), "linear(10)")


KINDS: tuple[Callable[[random.Random], str], ...] = (
    plain,
    normed,
    summed,
    convolved,
    convolved_normed,
    resnet,
    transformer,
    recurrent,
    bottlenecks,
    gated,
    dense,
    shifted,
)


def networks() -> Iterator[tuple[str, str]]:
    """All networks in their order, as kind and text; each is drawn by a generator of its own."""
    for number in range(MOST):
        kind = KINDS[number % len(KINDS)]
        yield kind.__name__, kind(random.Random(SEED * 1000 + number))


def judged(text: str) -> dict[str, Any]:
    """What `dslc signal` says."""
    import dslc

    found = dslc.compile(text).signal(batch=BATCH)
    return {
        "verdicts": [verdict.kind for verdict in found.verdicts],
        "judged": found.judged,
        "gaps": [gap.op for gap in found.gaps],
        "ratio": found.ratio,
        "varies": found.varies,
        "averaged": found.averaged,
        "largest": found.largest if math.isfinite(found.largest) else None,
    }


def trained(text: str, ports: str) -> dict[str, float]:
    """The share of kept digits that are right, after SGD at each rate and after Adam."""
    import torch
    from sklearn.datasets import load_digits
    from torch.nn import functional

    import dslc

    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32)
    y = torch.tensor(digits.target)
    x = (x - x[:-KEPT].mean()) / x[:-KEPT].std()
    x = x.reshape(-1, *SHAPES[ports])
    kind = dslc.compile(text).load()
    found = {}
    for name in (*map(str, RATES), "adam"):
        torch.manual_seed(0)
        net = kind().train()
        rate = 1e-3 if name == "adam" else float(name)
        optimiser = (torch.optim.Adam if name == "adam" else torch.optim.SGD)(net.parameters(), lr=rate)
        order = torch.Generator().manual_seed(1)
        for _ in range(STEPS):
            at = torch.randint(0, len(x) - KEPT, (BATCH,), generator=order)
            loss = functional.cross_entropy(net(x[at]), y[at])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        net.eval()
        with torch.no_grad():
            found[name] = float((net(x[-KEPT:]).argmax(1) == y[-KEPT:]).float().mean())
    return found


def run(out: Path) -> None:
    """Measure what the file lacks, until there are WANTED of both."""
    import torch

    torch.set_num_threads(1)
    known = [json.loads(line) for line in out.read_text("utf-8").splitlines()] if out.exists() else []
    with out.open("a", encoding="utf-8") as file:
        for number, (kind, text) in enumerate(networks()):
            if all(len(distinct(known, word)) >= WANTED for word in ("bad", "good")):
                return
            if any(one["text"] == text for one in known):
                continue
            began = time.perf_counter()
            ports = next(ports for ports in SHAPES if f" on {ports}:" in text)
            accuracy = trained(text, ports)
            best = max(accuracy[str(rate)] for rate in RATES)
            truth = "bad" if not best >= BAD else "good" if best >= GOOD else "between"
            row = {"number": number, "kind": kind, "text": text, "truth": truth, "accuracy": accuracy, **judged(text)}
            known.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(
                number, kind, truth, f"{best:.2f}", row["verdicts"], f"{time.perf_counter() - began:.1f} s", flush=True
            )


def distinct(rows: list[dict[str, Any]], truth: str) -> list[dict[str, Any]]:
    """Networks of a kind, each once: a seed may draw the same again."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["truth"] == truth:
            found.setdefault(row["text"], row)
    return list(found.values())


def judge(out: Path) -> None:
    """Ask for the verdicts of what was trained once more."""
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    out.write_text("".join(json.dumps({**row, **judged(row["text"])}) + "\n" for row in rows), encoding="utf-8")


def summed_up(out: Path) -> None:
    """The table of the first WANTED of each kind."""
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    print("| # | kind | SGD | Adam | truth | verdicts | ratio | 1 - c | right |\n|---|---|---|---|---|---|---|---|---|")
    right = 0
    picked = []
    for word in ("bad", "good"):
        picked += distinct(rows, word)[:WANTED]
    for row in picked:
        fits = bool(row["verdicts"]) is (row["truth"] == "bad") and row["judged"]
        right += fits
        best = max(row["accuracy"][str(rate)] for rate in RATES)
        numbers = " | ".join("-" if row[k] is None else f"{row[k]:.2g}" for k in ("ratio", "varies"))
        said = ", ".join(row["verdicts"]) or ("none" if row["judged"] else "not judged")
        measured = f"{row['number']} | {row['kind']} | {best:.2f} | {row['accuracy']['adam']:.2f} | {row['truth']}"
        print(f"| {measured} | {said} | {numbers} | {'yes' if fits else 'no'} |")
    print(f"\n{right} of {len(picked)} right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the file of measurements")
    parser.add_argument("--sum", action="store_true", help="print the table of what was measured")
    parser.add_argument("--judge", action="store_true", help="judge again what was trained, with the rules of today")
    options = parser.parse_args()
    (summed_up if options.sum else judge if options.judge else run)(options.out)


if __name__ == "__main__":
    main()
