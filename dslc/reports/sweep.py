"""What `dslc stats --sweep` prints: the networks as a table, and how fast each quantity grows along each axis.

As text and Markdown the numbers are rounded to four digits beside their ratio to the base; CSV and JSON are exact.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dslc.analysis.metrics import QUANTITIES
from dslc.analysis.sensitivity import Exact, Point, Sweep, exponent, front, slopes
from dslc.diagnostics.fold import printable
from dslc.reports.numbers import UNITS
from dslc.values.faces import value_text

VERSION = 1


@dataclass(frozen=True, slots=True)
class Table:
    """Texts of a table, its headings first; `left` marks the columns of words."""

    rows: list[list[str]]
    left: tuple[bool, ...]


# ---- numbers as text


def number(value: Exact | None, unit: str, gap: str = "") -> str:
    """Four digits and the unit, `568.7 M`, `16.93 MB`; `>=` before a lower bound, `?` for what is not known."""
    if value is None:
        return "?"
    least = ">=" if gap else ""
    if unit == "places":
        return f"{least}{float(value):,.10g}"
    for size, prefix in UNITS:
        if value >= size:
            return f"{least}{digits(float(value / size))} {prefix}{unit}"
    return f"{least}{value} {unit}".rstrip()


def digits(value: float) -> str:
    """Four digits: `1.327`, `13.27`, `132.7`, `1327`."""
    return f"{value:.{max(0, 4 - len(str(int(value))))}f}"


def ratio(value: float | None) -> str:
    """A number over the base's: `x0.56`, `x0.034`, `x12`; two digits behind the point or two that count."""
    if value is None:
        return ""
    return f"x{value:.2f}" if 0.1 <= value < 10 or value == 0 else f"x{value:#.2g}" if value < 0.1 else f"x{value:,.0f}"


# ---- the table


def table(sweep: Sweep, x: str, y: str, shown: Sequence[str]) -> Table:
    """Axes, then each quantity and its ratio to the base (where it varies), then what a row is marked with."""
    best = {id(point) for point in front(sweep.points, x, y)}
    head = [axis.title for axis in sweep.axes]
    left = [False] * len(head)
    for name in shown:
        head += [QUANTITIES[name].heading, ""] if sweep.varies(name) else [QUANTITIES[name].heading]
        left += [False] * (1 + sweep.varies(name))
    rows = [[*head, ""]]
    points = sweep.points if any(is_base(point, sweep) for point in sweep.points) else (sweep.base, *sweep.points)
    for point in points:
        row = [printable(value_text(value)) for value in point.at]
        if point.refused:
            rows.append([*row, f"refused: {printable(point.refused)}"])
            continue
        for name in shown:
            row.append(number(point.numbers[name], QUANTITIES[name].unit, point.gaps.get(name, "")))
            if sweep.varies(name):
                row.append(ratio(sweep.ratio(point, name)))
        marks = ["base"] if is_base(point, sweep) else []
        marks += ["front"] if id(point) in best else []
        rows.append([*row, ", ".join(marks)])
    return Table(rows, (*left, True))


def is_base(point: Point, sweep: Sweep) -> bool:
    """Whether a point is the network that all are compared with."""
    return point.at == sweep.base.at


def exponents(sweep: Sweep, shown: Sequence[str]) -> Table:
    """Per axis of numbers and quantity, the exponent at the base."""
    rows = [["", *(QUANTITIES[name].heading for name in shown)]]
    for index, axis in enumerate(sweep.axes):
        found = [exponent(sweep, index, name) for name in shown]
        if any(value is not None for value in found):
            rows.append([axis.title, *("" if e is None else f"{e + 0.0:.2f}".replace("-0.00", "0.00") for e in found)])
    return Table(rows, (True, *(False for _ in shown)))


def gaps(sweep: Sweep, shown: Sequence[str]) -> list[str]:
    """What the numbers leave out, each once: `macs: `head.custom` does not say`."""
    found: dict[str, list[str]] = {}
    for point in sweep.points:
        for name in [name for name in shown if name in point.gaps]:
            names = found.setdefault(point.gaps[name], [])
            if name not in names:
                names.append(name)
    return [f"{', '.join(names)}: {printable(gap)}" for gap, names in found.items()]


# ---- text and Markdown


def render_sweep(sweep: Sweep, x: str, y: str, shown: Sequence[str]) -> str:
    """The report as text, without a newline at its end."""
    lines = [title(sweep), "", *aligned(table(sweep, x, y, shown))]
    growth = exponents(sweep, shown)
    if len(growth.rows) > 1:
        lines += ["", "exponents at the base, one axis at a time: 2 where doubling the axis makes four times as much"]
        lines += aligned(growth)
    lines += ["", legend(x, y), *gaps(sweep, shown)]
    return "\n".join(lines)


def markdown_sweep(sweep: Sweep, x: str, y: str, shown: Sequence[str]) -> str:
    """The report as Markdown: the title, the table, the exponents."""
    parts = [f"**{title(sweep)}**", "\n".join(piped(table(sweep, x, y, shown)))]
    growth = exponents(sweep, shown)
    if len(growth.rows) > 1:
        parts += ["Exponents at the base, one axis at a time:", "\n".join(piped(growth))]
    return "\n\n".join([*parts, legend(x, y), *gaps(sweep, shown)])


def title(sweep: Sweep) -> str:
    """`mobilenet_v1: 16 networks; x1.00 is width=1.0 H=W=224  mobilenet_v1.dl`."""
    base = " ".join(f"{axis.title}={value_text(v)}" for axis, v in zip(sweep.axes, sweep.base.at, strict=True))
    refused = len(sweep.points) - len(sweep.existing)
    count = f"{len(sweep.points)} networks" + (f", {refused} refused" if refused else "")
    return printable(f"{sweep.net}: {count}; x1.00 is {base}  {sweep.path}")


def legend(x: str, y: str) -> str:
    """What the mark `front` means."""
    words = ", ".join(f"{QUANTITIES[name].better} {QUANTITIES[name].heading}" for name in (x, y))
    return f"front ({words}): no network is better in one of the two and as good in the other"


def aligned(table: Table) -> list[str]:
    """Columns with two spaces between them; words stand at the left, ratios one space from their number."""
    count = len(table.left)
    widths = [0] * count
    for row in table.rows:
        for k, text in enumerate(row if len(row) == count else row[:-1]):  # what a row is refused for runs on
            widths[k] = max(widths[k], len(text))
    gap = [" " if not head and k and k < count - 1 else "  " for k, head in enumerate(table.rows[0])]
    lines = []
    for row in table.rows:
        line = ""
        for k, text in enumerate(row):
            last = len(row) < count and k == len(row) - 1
            cell = text if last else text.ljust(widths[k]) if table.left[k] else text.rjust(widths[k])
            line += (gap[k] if k else "") + cell
        lines.append(line.rstrip())
    return lines


def piped(table: Table) -> list[str]:
    """The rows of a Markdown table; numbers stand at the right."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    count = len(table.left)
    rows = [line([*row, *[""] * (count - len(row))]) for row in table.rows]
    return [rows[0], line(["---" if left else "---:" for left in table.left]), *rows[1:]]


# ---- exact


def csv_sweep(sweep: Sweep, x: str, y: str, shown: Sequence[str]) -> str:
    """One line per network: axes, exact quantities and their ratios, marks, and why it is refused."""
    best = {id(point) for point in front(sweep.points, x, y)}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [name for axis in sweep.axes for name in axis.names]
    columns = [column for name in shown for column in (name, f"{name}_ratio")]
    writer.writerow([*names, *columns, "base", "front", "refused"])
    for point in sweep.points:
        row = [value_text(v) for axis, v in zip(sweep.axes, point.at, strict=True) for _ in axis.names]
        for name in shown:
            value, over = point.numbers.get(name), sweep.ratio(point, name)
            row += ["" if value is None else str(value), "" if over is None else f"{over:.6g}"]
        flags = [int(is_base(point, sweep)), int(id(point) in best)]
        writer.writerow([*row, *flags, point.refused])
    return out.getvalue().rstrip("\n")


def json_sweep(sweep: Sweep, x: str, y: str, shown: Sequence[str]) -> str:
    """The sweep as one document; keys are only ever added. Exact fractions are texts such as `1/2`."""
    best = {id(point) for point in front(sweep.points, x, y)}
    record = {
        "version": VERSION,
        "net": sweep.net,
        "source": sweep.path,
        "axes": [{"names": list(axis.names), "values": list(axis.values)} for axis in sweep.axes],
        "quantities": {
            name: {"title": q.heading, "unit": q.unit, "better": q.better}
            for name, q in QUANTITIES.items()
            if name in shown
        },
        "front": [x, y],
        "base": point_record(sweep, sweep.base, shown),
        "points": [{**point_record(sweep, point, shown), "front": id(point) in best} for point in sweep.points],
        "exponents": [
            {
                "axis": axis.title,
                "quantity": name,
                "at_base": exponent(sweep, index, name),
                "between": [{"from": s.start, "to": s.end, "exponent": s.exponent} for s in slopes(sweep, index, name)],
            }
            for index, axis in enumerate(sweep.axes)
            for name in shown
            if sweep.alone[index]
        ],
    }
    return json.dumps(record, indent=2, ensure_ascii=False)


def point_record(sweep: Sweep, point: Point, shown: Sequence[str]) -> dict[str, object]:
    """One network: where it stands, its numbers with their ratios and gaps, or why it is refused."""
    at = {name: value for axis, value in zip(sweep.axes, point.at, strict=True) for name in axis.names}
    numbers = {
        name: {
            "value": str(value) if isinstance(value, Fraction) else value,
            "ratio": sweep.ratio(point, name),
            "gap": point.gaps.get(name),
        }
        for name, value in point.numbers.items()
        if name in shown
    }
    return {"at": at, "base": is_base(point, sweep), "refused": point.refused or None, "numbers": numbers}


FORMS: dict[str, Callable[[Sweep, str, str, Sequence[str]], str]] = {
    "text": render_sweep,
    "csv": csv_sweep,
    "markdown": markdown_sweep,
    "json": json_sweep,
}
"""How a sweep is written: of the front over two quantities, with a column for each that is shown."""

SHOWN = ("params", "macs", "flops", "acts", "weights_memory", "peak_memory", "receptive_field")
"""The quantities that a person reads where none are chosen; CSV and JSON then have all."""
