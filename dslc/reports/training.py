"""Memory of training as lines of a report and as a record for JSON. Units are decimal: 1 MB is 1e6 bytes."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.analysis.training import OPTIMIZERS, PRECISIONS, Fit, Training, TrainingMemory
from dslc.reports.memory import Json, amount, amount_record, exact_amount, paths_text
from dslc.reports.numbers import bytes_text

HEADINGS = ("optimiser", "precision", "weights", "gradients", "master", "state", "buffers", "saved", "total")


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
        lines.append(f"  what these keep is not known: {paths_text(training.kept.unknown)}")
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
