"""What `dslc signal` prints: values and gradients over depth as a table, what they mean, and the same as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from dslc.analysis.signal.losses import INDEPENDENT
from dslc.analysis.signal.result import NetworkSignal, WeightSignal
from dslc.reports.aligned import aligned
from dslc.reports.signal_table import SENSITIVE, is_constant, number, table

VERSION = 1
BARS = "▁▂▃▄▅▆▇█"
WIDEST = 60
"""Letters of a sparkline; of more layers the nearest stand for all."""

Json = dict[str, object]


def signal_text(
    found: NetworkSignal,
    after: NetworkSignal | None = None,
    change: str = "",
    *,
    depth: int | None = None,
    every: bool = False,
    clip: float | None = None,
) -> str:
    """The whole report. `after`: the same network with a remedy, `change` in its user's words, beside it.

    `depth` and `every` are of its table; `clip`: a bound of the gradient's norm.
    """
    lines = [
        headline(found),
        *sparks(found),
        "",
        *table(found, depth, every),
        "",
        *summary(found),
        *clipped(found, clip),
    ]
    if after is not None:
        lines += ["", f"with {change}:", *sparks(after), *summary(after), *clipped(after, clip)]
        lines += ["", *beside(found, after, "before", "after")]
    return "\n".join(lines) + "\n"


def pair_text(first: NetworkSignal, second: NetworkSignal, names: tuple[str, str]) -> str:
    """Two networks beside each other."""
    lines: list[str] = []
    for name, found in zip(names, (first, second), strict=True):
        lines += [name, *sparks(found), *summary(found), ""]
    return "\n".join([*lines, *beside(first, second, *names)]) + "\n"


# ---- one network


def headline(found: NetworkSignal) -> str:
    """What was computed."""
    weights = "with trained weights" if found.trained else "at initialisation"
    loss = "" if found.loss == INDEPENDENT else f", loss {found.loss}"
    return f"{found.name}: {weights}, in training, batch {found.batch}, inputs of unit variance{loss}"


def sparks(found: NetworkSignal) -> list[str]:
    """Values and gradients over depth, from the input to the results, on a scale of powers of ten."""
    lines = []
    layers = [layer for layer in found.layers if not is_constant(layer)]
    gradients = [layer.gradient for layer in layers]
    for word, values in (("forward ", [layer.rms for layer in layers]), ("backward", gradients)):
        line, ends = spark(values)
        lines.append(f"{word}  {line}  {ends}".rstrip())
    return lines


def spark(values: Sequence[float | None]) -> tuple[str, str]:
    """A letter per value by its logarithm, and between which numbers they are; a space where there is none."""
    count = min(len(values), WIDEST)
    picked = [values[i * len(values) // count] for i in range(count)]
    logs = [math.log10(v) if v and math.isfinite(v) else None for v in picked]
    known = [v for v in logs if v is not None]
    if not known:
        return "", ""
    low, high = min(known), max(known)
    span = max(high - low, 1.0)  # less than a power of ten is no slope
    line = "".join(" " if v is None else BARS[min(int((v - low) / span * len(BARS)), len(BARS) - 1)] for v in logs)
    return line, f"{number(10**low)} to {number(10**high)}"


def summary(found: NetworkSignal) -> list[str]:
    """The verdicts, or why there is none, and what else is to be known."""
    lines: list[str] = []
    for one in found.verdicts:
        threshold = number(one.threshold)
        lines += [f"{one.kind} from `{one.path}` on: {one.words}", f"  threshold {threshold}: {one.source}"]
    if found.gaps:
        lines.append(f"no verdict: {len(found.gaps)} of the layers have no rule")
        lines += [f"  `{gap.path}`: {gap.reason}" for gap in found.gaps[:5]]
    elif not found.verdicts:
        lines.append("no verdict speaks against it, which is no promise")
    if found.sensitivity > SENSITIVE:
        lines.append(f"a draw of weights may be far from this (sensitivity {number(found.sensitivity)}): orders alone")
    lines += found.notes
    return lines


def clipped(found: NetworkSignal, clip: float | None) -> list[str]:
    """What is left of a step when the gradient's norm is kept within a bound, and who makes the norm."""
    if clip is None:
        return []
    norm = found.norm
    if not math.isfinite(norm):
        return [f"the gradient's norm is beyond floats: clipping at {clip:g} leaves nothing of a step"]
    left = min(clip / norm, 1.0) if norm else 1.0
    if left == 1:
        return [f"the gradient's norm is {number(norm)}: clipping at {clip:g} leaves all of a step"]
    most = max(found.weights, key=lambda w: 0.0 if w.gradient is None else w.count * w.gradient**2)
    part = f"{left:.2%}" if left >= 1e-3 else number(left)
    own = most.count * (most.gradient or 0.0) ** 2 / norm**2
    said = f"the gradient's norm is {number(norm)}: clipping at {clip:g} leaves {part} of a step"
    return [f"{said}, in every layer alike; {own:.0%} of the square is by `{most.path}`"]


# ---- remedies


def remedies_text(found: NetworkSignal, each: Sequence[tuple[str, NetworkSignal]]) -> str:
    """The network, and what each remedy would change of what verdicts are made of."""
    head = ("", "gradients, log10", "1 - c", "largest RMS", "verdicts")
    rows = [head, *(remedy_cells(name, one) for name, one in (("as it is", found), *each))]
    title = f"{headline(found)}, with each remedy alone"
    said = "gradients: log10 of the last layers' relative gradients over the first layers'; above 3 they vanish"
    return "\n".join([title, "", *aligned(rows, {0, 4}), "", said]) + "\n"


def remedy_cells(name: str, found: NetworkSignal) -> tuple[str, ...]:
    return name, number(found.ratio), number(found.varies), number(found.largest), verdict_words(found)


# ---- two


def beside(first: NetworkSignal, second: NetworkSignal, *names: str) -> list[str]:
    """The numbers that verdicts are made of, of two networks."""
    rows = [
        ("", *names),
        ("verdicts", *(verdict_words(found) for found in (first, second))),
        ("gradients, last over first, log10", number(first.ratio), number(second.ratio)),
        ("part that depends on the input", number(first.varies), number(second.varies)),
        ("largest RMS", number(first.largest), number(second.largest)),
    ]
    return aligned(rows, {0, 1, 2})


def verdict_words(found: NetworkSignal) -> str:
    if not found.judged:
        return "not known"
    return ", ".join(one.kind for one in found.verdicts) or "none"


# ---- JSON


def signal_json(
    source: str,
    found: NetworkSignal,
    after: NetworkSignal | None = None,
    change: str = "",
    each: Sequence[tuple[str, NetworkSignal]] = (),
    second: tuple[str, NetworkSignal] | None = None,
) -> str:
    """The report as one document, which signal.schema.json describes; numbers beyond floats are null.

    `each`: the network with remedies, one at a time. `second`: another network with its source.
    """
    record: Json = {"version": VERSION, "source": source, **network_record(found)}
    if second is not None:
        record["beside"] = {"source": second[0], **network_record(second[1])}
    if each:
        record["what_ifs"] = [{"change": text, **network_record(one)} for text, one in each]
    if after is not None:
        record["what_if"] = {"change": change, **network_record(after)}
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)


def network_record(found: NetworkSignal) -> Json:
    record = fields(found)
    return {"net": record.pop("name"), "judged": found.judged, "idle": list(found.idle), **record}


def fields(value: object) -> Json:
    """A record of the analysis as plain data, with null for infinities and what is no number."""
    found = {name: plain(getattr(value, name)) for name in type(value).__annotations__}
    if isinstance(value, WeightSignal):
        found["update"] = plain(value.update)
    return found


def plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, (str, int, bool)) else fields(value)
