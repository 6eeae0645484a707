"""Memory in the report: lines for the terminal and records for JSON. Units are decimal: 1 MB is 1e6 bytes."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.analysis.memory import InferenceMemory
from dslc.analysis.training import OPTIMIZERS, PRECISIONS, Fit, Training, TrainingMemory
from dslc.diagnostics.render import printable
from dslc.reports.numbers import bytes_text, formula_of, short, terms_text
from dslc.types.cost import Cost, peak_text
from dslc.types.sizes import Sizes

Json = dict[str, object]

MAX_LIVE = 4
"""Steps whose buffers are named at the peak; the rest is a number."""

HEADINGS = ("optimiser", "precision", "weights", "gradients", "master", "state", "buffers", "saved", "total")


def amount(count: int) -> str:
    """`7.225 MB`; below 1,000 `512 B`."""
    text = short(count)
    return f"{text}B" if count >= 1000 else f"{text} B"


def exact_amount(count: int) -> str:
    """`24 GB`, `25.769803776 GB`: no digit is lost, and none is there for nothing."""
    digits = 3 * (len(str(count)) // 3)
    number, _, unit = short(count, digits).partition(" ")
    return f"{number.rstrip('0').rstrip('.')} {unit}B" if unit else f"{count} B"


# ---- inference


def memory_lines(memory: InferenceMemory, sizes: Sizes, *, symbolic: bool = False) -> list[str]:
    """Activation memory, peak with what lives there, arena; with `symbolic` as expressions in the input's sizes too."""
    least = "at least " if memory.unknown else ""
    values = sum(buffer.holds.value == "value" for buffer in memory.buffers)
    how = "" if memory.inplace else ", one for every result of an op"
    lines = [f"activations  {least}{amount(memory.total)} in {plural(values, 'buffer')}{how}{_formula(memory, sizes)}"]
    at = "" if memory.peak_at is None else f" at `{printable(memory.steps[memory.peak_at].path)}`"
    lines.append(f"peak         {least}{amount(memory.peak)}{at}{live_text(memory)}")
    if symbolic:
        text = peak_text(memory.live_costs(), sizes)
        lines += [f"             = {text}"] if text and any(map(any, (c.terms for c in memory.live_costs()))) else []
    ratio = f", {memory.arena / memory.peak:.2f} times the peak" if memory.peak else ""
    lines.append(f"arena        {least}{amount(memory.arena)}{ratio} (greedy best fit)")
    if memory.unknown:
        lines.append(f"             what these need inside is not known: {_paths(memory.unknown)}")
    return lines


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


def memory_record(memory: InferenceMemory, sizes: Sizes) -> Json:
    """The memory of inference as plain data; the peak's expression is null where it is no short text."""
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
        "unknown": list(memory.unknown),
    }


# ---- training


def training_lines(
    training: Training,
    *,
    batch: int = 1,
    fit: int | None = None,
    optimizers: Sequence[str] = tuple(OPTIMIZERS),
    precisions: Sequence[str] = PRECISIONS,
) -> list[str]:
    """A table over optimisers and precisions at a batch size; `fit`: bytes, for the largest batch that they hold.

    Only columns with something in them are shown.
    """
    pairs = [(optimizer, precision) for precision in precisions for optimizer in optimizers]
    found = [training.memory(batch, optimizer, precision) for optimizer, precision in pairs]
    headings = [*HEADINGS, *([f"largest batch in {exact_amount(fit)}"] if fit is not None else [])]
    rows = [
        [m.optimizer, m.precision, *map(bytes_text, (*parts(m), m.total))]
        + ([fit_text(training.fit(fit, m.optimizer, m.precision))] if fit is not None else [])
        for m in found
    ]
    shown = [k for k in range(len(headings)) if any(row[k] for row in rows)]
    widths = {k: max(len(row[k]) for row in (headings, *rows)) for k in shown}
    least = ", at least" if training.kept.unknown else ""
    lines = [f"training memory{least}, {samples_text(training, batch, found)}"]
    for row in (headings, *rows):
        cells = [row[k].ljust(widths[k]) if k < 2 else row[k].rjust(widths[k]) for k in shown]
        lines.append("  " + "  ".join(cells).rstrip())
    if training.kept.unknown:
        lines.append(f"  what these keep is not known: {_paths(training.kept.unknown)}")
    lines.append("  besides: gradients of activations while they pass, workspaces, the loss, the allocator's rounding")
    return lines


def samples_text(training: Training, batch: int, found: Sequence[TrainingMemory]) -> str:
    """`batch 32; a sample takes 85.910 MB (fp32)`; of a batch that the source fixes, that it does."""
    if not training.batch:
        return "batch as the source fixes it"
    samples = {memory.precision: f"{amount(memory.per_sample)} ({memory.precision})" for memory in found}
    return f"batch {batch}; a sample takes {', '.join(samples.values())}"


def parts(memory: TrainingMemory) -> tuple[int, ...]:
    """The numbers of a row of the table, without the total."""
    return memory.weights, memory.gradients, memory.master, memory.state, memory.buffers, memory.saved


def fit_text(fit: Fit) -> str:
    """`213 (84.1 MB left)`, `none (1.2 GB short)`; `any` where samples take nothing."""
    if fit.left < 0:
        return f"none ({amount(-fit.left)} short)"
    return f"{'any' if fit.batch is None else format(fit.batch, ',')} ({amount(fit.left)} left)"


def training_record(
    training: Training,
    *,
    batch: int = 1,
    fit: int | None = None,
    optimizers: Sequence[str] = tuple(OPTIMIZERS),
    precisions: Sequence[str] = PRECISIONS,
) -> Json:
    """The memory of training as plain data: what is kept by precision, then each choice of optimiser and precision."""
    choices: list[Json] = []
    for precision in precisions:
        for optimizer in optimizers:
            memory = training.memory(batch, optimizer, precision)
            choice: Json = {
                "optimizer": optimizer,
                "precision": precision,
                **dict(zip(HEADINGS[2:], (*parts(memory), memory.total), strict=True)),
                "fixed": memory.fixed,
                "per_sample": memory.per_sample,
            }
            if fit is not None:
                largest = training.fit(fit, optimizer, precision)
                choice["fit"] = {"memory": fit, "batch": largest.batch, "left": largest.left}
            choices.append(choice)
    saved = {
        precision: amount_record(
            training.memory(batch, precision=precision).saved, training.saved(precision), training.sizes
        )
        for precision in precisions
    }
    return {"batch": batch, "saved": saved, "choices": choices, "unknown": list(training.kept.unknown)}


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


def _paths(paths: Sequence[str]) -> str:
    return ", ".join(f"`{printable(path)}`" for path in paths)
