"""`dslc stats --sweep`: reading the axes, and what is printed and drawn of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.progress import progress
from dslc.cli.terminal import screen
from dslc.cli.values import value_of

if TYPE_CHECKING:
    from dslc.analysis.sensitivity import Axis

MAX_POINTS = 1000
"""Networks that one sweep compiles."""

DECIMAL = r"\d+(?:\.\d+)?"
RANGE = re.compile(rf"({DECIMAL})\.\.({DECIMAL})(?:/({DECIMAL}))?")
COLUMNS = {"weights": "weights_memory", "memory": "activation_memory", "field": "receptive_field"}
"""Columns of the report by layer that have another name as a total."""

OPENING, CLOSING = "([{", ")]}"


# ---- the axes


def sweep_axes(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[Axis, ...]:
    """`width=0.5,1.0`, `depth=1..6`, `H=W=160..224/32` as axes; at most MAX_POINTS combinations."""
    if not texts:
        return ()
    from dslc.analysis.sensitivity import Axis

    axes = tuple(Axis(*axis_of(text)) for text in texts)
    names = [name for axis in axes for name in axis.names]
    for name in names:
        if names.count(name) > 1:
            raise click.BadParameter(f"`{name}` is swept twice")
    count = prod(len(axis.values) for axis in axes)
    if count > MAX_POINTS:
        sizes = " x ".join(str(len(axis.values)) for axis in axes)
        raise click.BadParameter(f"{sizes} combinations are {count:,}; at most {MAX_POINTS:,} are compiled")
    return axes


def axis_of(text: str) -> tuple[tuple[str, ...], tuple[object, ...]]:
    """The names and values of one axis, each value once."""
    names = []
    rest = text
    while (found := re.match(r"\s*([A-Za-z_]\w*)\s*=(?!=)", rest)) is not None:
        names.append(found[1])
        rest = rest[found.end() :]
    if not names or not rest.strip():
        raise click.BadParameter(f"`{text}` is not `name=value,..`, such as `width=0.5,1.0` or `H=W=160..224/32`")
    values: list[object] = []
    for piece in pieces(rest):
        for value in ranged(piece) if RANGE.fullmatch(piece) else [value_of(piece)]:
            if not any(value == known and type(value) is type(known) for known in values):
                values.append(value)
    return tuple(names), tuple(values)


def pieces(text: str) -> list[str]:
    """The parts of a text between its commas; those inside brackets and quotes do not count."""
    parts, depth, quote, start = [], 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "," and not depth:
            parts.append(text[start:place])
            start = place + 1
        else:
            depth += (letter in OPENING) - (letter in CLOSING)
    parts.append(text[start:])
    found = [part.strip() for part in parts]
    if not all(found):
        raise click.BadParameter(f"there is a value missing in `{text}`")
    return found


def ranged(text: str) -> list[object]:
    """`1..6` and `0.5..1.0/0.25`, both ends included; whole numbers where all that is written is whole."""
    found = RANGE.fullmatch(text)
    assert found is not None
    start, end, step = (Fraction(part or 1) for part in found.groups())
    if step == 0 or end < start:
        raise click.BadParameter(f"`{text}` has no values: a range rises from its first value to its last")
    count = int((end - start) / step) + 1
    if count > MAX_POINTS:
        raise click.BadParameter(f"`{text}` has {count:,} values; at most {MAX_POINTS:,} networks are compiled")
    values = [start + k * step for k in range(count)]
    return [float(value) if "." in text.replace("..", " ") else int(value) for value in values]


# ---- the quantities


def pair(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[str, str] | None:
    """`macs,params`: the quantities along the picture's axes, which the front is about too."""
    if text is None:
        return None
    names = quantities([part.strip() for part in text.split(",")])
    if len(names) != 2:
        raise click.BadParameter(f"`{text}` is not two quantities such as `macs,peak_memory`")
    return names[0], names[1]


def quantities(names: Sequence[str], option: str | None = None) -> tuple[str, ...]:
    """Names of `QUANTITIES`, each once; an unknown one is refused with the nearest."""
    from dslc.analysis.metrics import QUANTITIES
    from dslc.diagnostics.codes import nearest

    found = dict.fromkeys(COLUMNS.get(name, name) for name in names)
    for name in found:
        if name not in QUANTITIES:
            near = nearest(name, QUANTITIES)
            hint = f"did you mean `{near}`?" if near else f"choose from {', '.join(QUANTITIES)}"
            raise click.BadParameter(f"there is no quantity `{name}` of a whole network; {hint}", param_hint=option)
    return tuple(found)


# ---- the command


def run_sweep(
    source: str | Path,
    net: str | None,
    args: Mapping[str, object],
    sizes: Mapping[str, int],
    max_ops: int,
    axes: Sequence[Axis],
    plot: str | None = None,
    form: str = "text",
    columns: Sequence[str] = (),
    over: tuple[str, str] | None = None,
) -> None:
    """Print the sweep in a form (`text`, `csv`, `markdown`, `json`), and draw it into the file `plot`.

    `columns` names quantities (none: all); `over` gives those of the picture and of the front (none: MACs, and the
    quantity that `sensitivity.goal` chooses).
    """
    from dslc.analysis.metrics import QUANTITIES
    from dslc.analysis.sensitivity import goal
    from dslc.reports.sweep import FORMS, SHOWN
    from dslc.sweep import sweep

    shown = quantities(columns, "--columns") or (SHOWN if form in ("text", "markdown") else tuple(QUANTITIES))
    if plot is not None:
        from dslc.reports.plot import check_plot, suffix

        if suffix(plot) is None:
            raise click.BadParameter(f"`{plot}` ends in neither .png nor .svg", param_hint="--plot")
        check_plot()
    with progress("sweeping", prod(len(axis.values) for axis in axes)) as step:
        found = sweep(source, net, axes, args=args, sizes=sizes, max_ops=max_ops, begun=step)
    x, y = over or ("macs", goal(found))
    if plot is not None:
        from dslc.output import write_all
        from dslc.reports.plot import picture

        write_all([picture(found, plot, x, y)])
    text = FORMS[form](found, x, y, shown)
    click.echo("\n".join(screen().totals(text.split("\n"))) if form == "text" else text, color=True)
