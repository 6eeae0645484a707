"""Memory of inference as lines of a report and as a record for JSON. Units are decimal: 1 MB is 1e6 bytes."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.analysis.emitted.plan import EmittedMemory
from dslc.analysis.memory import Buffer, InferenceMemory
from dslc.diagnostics.fold import printable
from dslc.reports.numbers import formula_of, short, size_text, terms_text
from dslc.types.cost import Cost, peak_text
from dslc.types.sizes import Sizes

Json = dict[str, object]

MAX_LIVE = 4
"""Steps whose buffers are named at the peak; the rest is a number."""


def amount(count: int) -> str:
    """`7.225 MB`; below 1,000 `512 B`."""
    text = short(count)
    return f"{text}B" if text[-1].isalpha() else f"{text} B"


def exact_amount(count: int) -> str:
    """`24 GB`, `24 GiB`: no digit is lost, and none is there for nothing."""
    for power, name in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if count % power == 0 and count % 10**6:
            return f"{count // power} {name}"
    digits = 3 * (len(str(count)) // 3)
    number, _, unit = short(count, digits).partition(" ")
    return f"{number.rstrip('0').rstrip('.')} {unit}B" if unit else f"{count} B"


# ---- inference


def memory_lines(memory: InferenceMemory, emitted: EmittedMemory, sizes: Sizes, *, symbolic: bool = False) -> list[str]:
    """Activation memory; the peak of an ideal run with what lives there, its arena, the peak of the ONNX graph.

    With `symbolic` those of the ideal run as expressions in the input's sizes too.
    """
    least = "at least " if memory.unknown else ""
    values = sum(buffer.holds.value == "value" for buffer in memory.buffers)
    how = "" if memory.inplace else ", one for every result of an op"
    lines = [f"activations  {least}{amount(memory.total)} in {plural(values, 'buffer')}{how}{_formula(memory, sizes)}"]
    at = "" if memory.peak_at is None else f" at `{printable(memory.steps[memory.peak_at].path)}`"
    lines.append(f"ideal peak   {least}{amount(memory.peak)}{at}{live_text(memory)}")
    if symbolic:
        text = peak_text(memory.live_costs(), sizes)
        lines += [f"             = {text}"] if text and any(map(any, (c.terms for c in memory.live_costs()))) else []
    ratio = f", {memory.arena / memory.peak:.2f} times the ideal peak" if memory.peak else ""
    lines.append(f"arena        {least}{amount(memory.arena)}{ratio} (greedy best fit)")
    lines += emitted_lines(memory, emitted)
    if memory.unknown:
        lines.append(f"             what these need inside is not known: {paths_text(memory.unknown)}")
    return lines


def emitted_lines(memory: InferenceMemory, emitted: EmittedMemory) -> list[str]:
    """`onnx peak    5.219 MB at `layer2.0.conv2` in onnxruntime on a CPU, 0.72 times the ideal peak`."""
    if emitted.missing:
        return [f"onnx peak    not known: {paths_text(emitted.missing)} has no form in ONNX"]
    if emitted.peak_at is None:
        return []
    ratio = f", {emitted.peak / memory.peak:.2f} times the ideal peak" if memory.peak else ""
    return [f"onnx peak    {amount(emitted.peak)} at `{printable(emitted.peak_at)}` in onnxruntime on a CPU{ratio}"]


def live_text(memory: InferenceMemory) -> str:
    """`: layer1.0.downsample 3.211 MB + ...`, the largest buffers that live at the peak."""
    if memory.peak_at is None:
        return ""
    by_path: dict[str, int] = {}
    for buffer in memory.live(memory.peak_at):
        by_path[buffer.path] = by_path.get(buffer.path, 0) + buffer.bytes
    live = sorted(by_path.items(), key=lambda item: -item[1])
    words = [f"{printable(path)} {amount(count)}" for path, count in live[:MAX_LIVE]]
    rest = live[MAX_LIVE:]
    if rest:
        words.append(f"{len(rest)} more {amount(sum(count for _, count in rest))}")
    return f": {' + '.join(words)}" if words else ""


def memory_record(memory: InferenceMemory, emitted: EmittedMemory, sizes: Sizes) -> Json:
    """The memory of inference as plain data; `peak` and `arena` are those of an ideal run.

    The peak's expression is null where it is no short text, that of the ONNX graph where there can be no such graph.
    """
    peak: Json = {
        "value": memory.peak,
        "expr": peak_text(memory.live_costs(), sizes) or None,
        "at": None if memory.peak_at is None else memory.steps[memory.peak_at].path,
        "live": [
            {"path": buffer.path, "holds": buffer.holds.value, "bytes": buffer.bytes, "offset": buffer.offset}
            for buffer in (memory.live(memory.peak_at) if memory.peak_at is not None else ())
        ],
    }
    return {
        "batch": memory.batch,
        "inplace": memory.inplace,
        "activations": amount_record(memory.total, memory.total_cost, sizes),
        "peak": peak,
        "arena": memory.arena,
        "steps": [step.path for step in memory.steps],
        "buffers": [buffer_record(buffer, sizes) for buffer in memory.buffers],
        "onnx": {
            "peak": None if emitted.missing else emitted.peak,
            "at": emitted.peak_at,
            "nodes": emitted.nodes,
            "copies": emitted.copies,
            "missing": list(emitted.missing),
        },
        "unknown": list(memory.unknown),
    }


def buffer_record(buffer: Buffer, sizes: Sizes) -> Json:
    """A buffer: what it holds, its bytes as number, expression and terms, between which steps it lives, and where."""
    return {
        "path": buffer.path,
        "holds": buffer.holds.value,
        "bytes": {
            **amount_record(buffer.bytes, buffer.cost, sizes),
            "terms": [
                {"count": n, "sizes": [size_text(s, sizes) for s in key]} for key, n in buffer.cost.terms.items()
            ],
        },
        "first": buffer.first,
        "last": buffer.last,
        "offset": buffer.offset,
    }


# ---- words


def amount_record(value: int, cost: Cost, sizes: Sizes) -> Json:
    """Bytes as number and as expression."""
    return {"value": value, "expr": terms_text(dict(cost.terms), sizes) or "0"}


def plural(count: int, word: str) -> str:
    """`1 buffer`, `2 buffers`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _formula(memory: InferenceMemory, sizes: Sizes) -> str:
    found = formula_of(dict(memory.total_cost.terms), sizes)
    return f" = {found}" if found is not None else ""


def paths_text(paths: Sequence[str]) -> str:
    """Paths in back-ticks with commas between them."""
    return ", ".join(f"`{printable(path)}`" for path in paths)
