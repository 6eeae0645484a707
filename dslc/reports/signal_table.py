"""The table of `dslc signal`: a line of each layer, or of each part where there are too many layers to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import Final

from dslc.analysis.signal.result import LayerSignal, NetworkSignal, WeightSignal
from dslc.reports.aligned import aligned

MOST_LINES: Final = 60
"""Lines at most, where neither a depth nor every layer is asked for."""

SENSITIVE: Final = 3.0
"""Above this `sensitivity` one draw is far from the expectation, and orders of magnitude alone are printed."""

HEADERS: Final = ("layer", "RMS", "gradient", "|g|/|w|", "1 - c", "flat", "dead")

Group = Sequence[LayerSignal]


def table(found: NetworkSignal, depth: int | None = None, every: bool = False) -> list[str]:
    """The lines. `depth`: close parts so many levels deep; `every`: a line for each layer, idle and constant ones too.

    Without either the depth is the greatest that gives at most `MOST_LINES` lines; where none does, the middle is left
    out. The last line says so.
    """
    layers = [layer for layer in found.layers if every or not (layer.op == "id" or is_constant(layer))]
    closed: list[Group] = [[layer] for layer in layers]
    chosen = depth
    if depth is None and not every and len(layers) > MOST_LINES:
        deepest = max(layer.path.count(".") for layer in layers)
        chosen = next((d for d in range(deepest, 0, -1) if len(groups(layers, d)) <= MOST_LINES), min(deepest, 1))
    if chosen:
        closed = groups(layers, chosen)
    rough = found.sensitivity > SENSITIVE
    rows = [HEADERS, *(cells(group, chosen or 0, rough) for group in closed)]
    left_out = len(closed) - MOST_LINES if depth is None and not every else 0
    if left_out > 0:
        half = MOST_LINES // 2
        rows[1 + half : -half] = [("...", *("" for _ in HEADERS[1:]))]
    lines = aligned(rows, {0})
    if left_out > 0:
        lines.append(f"{len(layers)} layers, {left_out} lines of the middle left out: `--all` has all")
    elif depth is None and len(closed) < len(layers):
        deeper = f"`--depth {(chosen or 0) + 1}` goes deeper, `--all` to the end"
        lines.append(f"{len(layers)} layers in {len(closed)} lines, parts are closed: {deeper}")
    return lines


def is_constant(layer: LayerSignal) -> bool:
    """Whether it depends neither on the input nor on anything that is trained: index tables, masks."""
    return layer.gradient is None and layer.varies == 0


def groups(layers: Sequence[LayerSignal], depth: int) -> list[Group]:
    """Layers that follow each other in one part, where it is `depth` levels deep; others alone."""

    def part(numbered: tuple[int, LayerSignal]) -> tuple[str, int]:
        place, layer = numbered
        names = layer.path.split(".")
        return (".".join(names[:depth]), -1) if len(names) > depth else (layer.path, place)

    return [[layer for _, layer in group] for _, group in groupby(enumerate(layers), part)]


def cells(group: Group, depth: int, rough: bool) -> tuple[str, ...]:
    """A line: what leaves the last layer, the median of its weights' |g|/|w|, the largest shares of its units.

    `rough`: its sizes are known to their order alone.
    """
    last = group[-1]
    names = last.path.split(".")
    title = last.path if len(names) <= depth or not depth else f"{'.'.join(names[:depth])} ({len(group)})"
    weights = [weight for layer in group if (weight := main_weight(layer)) is not None]
    known = [weight.update for weight in weights if weight.update is not None and not weight.idle]
    update = "" if not weights else "idle" if all(weight.idle for weight in weights) else "-"
    if known:
        update = size(median(known), rough)
    shares = (share([layer.saturated for layer in group]), share([layer.dead for layer in group]))
    return title, size(last.rms, rough), size(last.gradient, rough), update, number(last.varies), *shares


def main_weight(layer: LayerSignal) -> WeightSignal | None:
    return next((one for one in layer.weights if one.path.rpartition(".")[2].startswith("weight")), None)


def number(value: float | None) -> str:
    """Three digits; a dash for what is not known."""
    if value is None or math.isnan(value):
        return "-"
    if value and not 1e-3 <= abs(value) < 1e4:
        return f"{value:.1e}"
    return f"{value:.3g}"


def size(value: float | None, rough: bool) -> str:
    if rough and value and math.isfinite(value):
        return f"~1e{round(math.log10(value))}"
    return number(value)


def share(values: Sequence[float | None]) -> str:
    """The largest of the shares that there are."""
    known = [value for value in values if value is not None]
    return f"{max(known):.0%}" if known else ""
