"""`dslc run`: a network built in memory, run in onnxruntime on files of data, and the text about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.backends.onnx.errors_run import RunError, RuntimeFails
from dslc.backends.onnx.guards import place_of
from dslc.backends.onnx.run import Device, Run, image_size, load, prepare, top
from dslc.build import onnx_graph
from dslc.diagnostics.model import Mistake
from dslc.ir.model import Model
from dslc.ir.walk import steps
from dslc.record import replace
from dslc.stamp import beside
from dslc.types.dtypes import DTypeLike, float_type

if TYPE_CHECKING:
    from dslc.backends.onnx.graph import Array
    from dslc.weights.checkpoint import Checkpoint

MOST_ROWS = 8
"""Samples of a batch whose best classes are printed."""


@dataclass(frozen=True, slots=True)
class Inference:
    """What went in and what came out; `drawn` is the seed where the weights are not trained ones."""

    inputs: dict[str, Array]
    run: Run
    drawn: int | None
    apart: str = ""  # what the file of weights has against the program, or against the other files of its build
    notes: tuple[str, ...] = ()  # what was done to the file of weights


def infer(
    model: Model,
    *,
    image: str | Path | None = None,
    arrays: Sequence[str | Path] = (),
    weights: str | Path | Checkpoint | None = None,
    dtype: DTypeLike | None = None,
    seed: int = 0,
    device: Device = "auto",
    repeat: int = 0,
) -> Inference:
    """Run a network on one image, or on a .npy array for each input. Raises `Failure`.

    Sizes without a default (the batch) are what the arrays have; the others are the network's defaults.
    """
    from dslc.backends.onnx.image import load_array, load_image
    from dslc.weights.checkpoint import checkpoint

    taken, graph = onnx_graph(model, seed, weights, tuple(model.sizes.universal), fold=True, dtype=float_type(dtype))
    session = load(graph, device)
    if image is not None:
        name, channels, height, width = image_size(session)
        given = {name: load_image(image, channels, height, width)}
    else:
        given = prepare(session, [load_array(path) for path in arrays])
    try:
        done = session.run(given, repeat)
    except RunError as error:
        raise RunError(*(_placed(mistake, model) for mistake in error.mistakes)) from error
    apart = beside(checkpoint(weights).path, model) if weights is not None else ""
    return Inference(given, done, seed if weights is None else None, apart, taken.notes)


def _placed(mistake: Mistake, model: Model) -> Mistake:
    """A failure of a node with the line that the node comes from."""
    if isinstance(mistake, RuntimeFails):
        for step in steps(model):
            if step.path == mistake.layer:
                return replace(mistake, line=place_of(step.node.span))
    return mistake


def report(found: Inference, k: int = 5) -> str:
    """Shapes, device, time, and the best `k` classes of each output that is a row of scores."""
    run = found.run
    lines = [f"{name}: {array.dtype} {list(array.shape)}" for name, array in found.inputs.items()]
    lines += [f"{name}: {array.dtype} {list(array.shape)}" for name, array in run.outputs.items()]
    where = f"ran on {run.device}"
    if run.median is not None:
        where += f", {run.median * 1e3:.2f} ms (median of {len(run.seconds)} runs after the first)"
    lines.append(where)
    if run.note:
        lines.append(f"not on the GPU: {run.note}")
    for name, array in run.outputs.items():
        if array.ndim == 2 and array.dtype.kind == "f" and array.shape[1] > 1:
            lines += best_lines(name, array, k)
    if found.drawn is not None:
        lines.append(f"the weights were drawn from seed {found.drawn}: give trained ones with --weights")
    if found.apart:
        lines.append(found.apart)
    return "\n".join(lines)


def best_lines(name: str, scores: Array, k: int) -> list[str]:
    """The best classes of each row, as `class  probability`."""
    lines = []
    for row, best in enumerate(top(scores[:MOST_ROWS], k)):
        label = name if len(scores) == 1 else f"{name}[{row}]"
        lines.append(f"{label}: " + ", ".join(f"class {index} {p:.1%}" for index, p in best))
    if len(scores) > MOST_ROWS:
        lines.append(f"... and {len(scores) - MOST_ROWS} more rows")
    return lines
