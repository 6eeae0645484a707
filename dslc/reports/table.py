"""Which rows of a report are shown, in what order, and how they stand as a table: text, Markdown, CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from dslc.diagnostics.fold import printable
from dslc.ir.model import Node
from dslc.record import frozen
from dslc.reports.aligned import aligned
from dslc.reports.columns import Cell, Column, View
from dslc.reports.stats import Row


@frozen
class Layout:
    """How the rows are shown.

    `depth`: parts this deep are closed and show their sums (1: the first level alone). `sort`: a column; layers and
    closed parts then stand alone under their paths, the greatest first. `fold`: equal parts one after the other are
    one, with `x12`. `top`: the first so many rows of those alone. `idle`: layers that do nothing stand there too.
    """

    columns: tuple[Column, ...]
    depth: int | None = None
    sort: Column | None = None
    fold: bool = True
    top: int | None = None
    idle: bool = True


@frozen
class Line:
    """A row that is shown. Of folded parts it is in the first, and `last` is the same row in the last."""

    row: Row
    name: str
    repeats: int = 1
    last: Row | None = None


Signature: TypeAlias = tuple[object, ...]


def chosen(view: View, layout: Layout) -> list[Line]:
    """The lines of a report. Linear in the rows, apart from sorting."""
    rows = view.stats.rows
    if not layout.idle:
        rows = [row for row in rows if not row.is_idle]
    if layout.sort is not None:
        return ranked(rows, view, layout.sort, layout.depth)[: layout.top]
    if layout.depth is not None:
        rows = [row for row in rows if row.depth < layout.depth]
    if layout.fold:
        return folded(rows)
    return [Line(row, indented(row)) for row in rows]


def indented(row: Row) -> str:
    """A row's name under its part."""
    return "  " * row.depth + printable(row.name)


def ranked(rows: Sequence[Row], view: View, column: Column, depth: int | None) -> list[Line]:
    """Layers and closed parts by a column: numbers from the greatest down, words in their order, unknowns first."""
    alone = [
        row
        for row in rows
        if (not row.is_part or row.use is not None or row.depth + 1 == depth) and (depth is None or row.depth < depth)
    ]

    def key(row: Row) -> tuple[bool, float, str]:
        value = column.value(row, view)
        if isinstance(value, str):
            return True, 0.0, value
        return value is not None, -float(value or 0), ""

    return [Line(row, printable(row.path or row.name)) for row in sorted(alone, key=key)]


def folded(rows: Sequence[Row]) -> list[Line]:
    """The tree with runs of equal parts as one. Equal: the same definition, names, attributes, shapes and numbers.

    Equal parts have equally many rows, so a row and the same row in the next part are one part's length apart.
    """
    lengths = part_lengths(rows)
    numbers = signatures(rows, lengths)
    lines: list[Line] = []
    open_runs: list[tuple[int, int, int]] = []  # (end of the first part, end of the last, rows between the two)
    k = 0
    while k < len(rows):
        while open_runs and k == open_runs[-1][0]:
            k = open_runs.pop()[1]
        if k == len(rows):
            break
        row, length, count = rows[k], lengths[k], 1
        while row.is_part and numbers[k] == numbers[min(k + count * length, len(rows))]:
            count += 1
        shift = (count - 1) * length
        if count > 1:
            open_runs.append((k + length, k + count * length, shift))
        last = rows[k + sum(run[2] for run in open_runs)]
        name = indented(row) + (f"..{printable(rows[k + shift].name)}" if count > 1 else "")
        lines.append(Line(row, name, count, last if last is not row else None))
        k += 1
    return lines


def part_lengths(rows: Sequence[Row]) -> list[int]:
    """For each row, how many rows it and all under it are."""
    lengths = [1] * len(rows)
    around: list[int] = []
    for k in range(len(rows) + 1):
        depth = rows[k].depth if k < len(rows) else 0
        for part in around[depth:]:
            lengths[part] = k - part
        del around[depth:]
        around.append(k)
    return lengths


def signatures(rows: Sequence[Row], lengths: Sequence[int]) -> list[int]:
    """For each row a number that equal subtrees share, and one past the end; names count below a row, not its own."""
    known: dict[Signature, int] = {}
    found = [-1] * (len(rows) + 1)
    for k in range(len(rows) - 1, -1, -1):
        row = rows[k]
        below = []
        child = k + 1
        while child < k + lengths[k]:
            below.append((rows[child].name, found[child]))
            child += lengths[child]
        attributes = str(row.use.op.__dict__) if isinstance(row.use, Node) else ""
        count = row.count
        own = (row.op, row.outs, count.params, count.buffers, count.train_only, row.macs, row.needed, row.known)
        found[k] = known.setdefault((row.depth, *own, attributes, *below), len(known))
    return found


# ---- as text, Markdown and CSV


def texts(lines: Sequence[Line], view: View, layout: Layout) -> list[tuple[str, ...]]:
    """The cells of a table, headings first."""
    table = [("layer", *(column.heading for column in layout.columns))]
    for line in lines:
        cells = [line_text(line, column, view) for column in layout.columns]
        table.append((line.name, *cells))
    return table


def line_text(line: Line, column: Column, view: View) -> str:
    """A cell; of folded parts the numbers are one part's, and what differs runs from the first to the last."""
    text = column.text(line.row, view)
    if line.last is not None:
        end = column.text(line.last, view)
        if end != text and column.numeric:
            text = f"{text}..{end}"
    return f"{text} x{line.repeats}" if line.repeats > 1 and column.name == "op" else text


def table_lines(table: Sequence[tuple[str, ...]], columns: Sequence[Column]) -> list[str]:
    """A table as text; columns of numbers stand at the right."""
    return aligned(table, {0, *(at for at, column in enumerate(columns, 1) if column.left)})


def markdown(table: Sequence[tuple[str, ...]], columns: Sequence[Column]) -> list[str]:
    """A table as GitHub shows it; the indentation of the tree stays."""
    rule = ["---", *("---" if column.left else "---:" for column in columns)]
    head, *body = table
    rows = [head, tuple(rule), *body]
    return ["| " + " | ".join(marked(cell) for cell in row) + " |" for row in rows]


def marked(cell: str) -> str:
    """A cell's text for Markdown: no bar of its own ends it, no space at its front is lost."""
    inner = cell.lstrip(" ")
    return "&nbsp;" * (len(cell) - len(inner)) + inner.replace("|", "\\|").strip()


def csv_text(view: View, layout: Layout) -> str:
    """Comma-separated rows, headings first: names of the columns, exact numbers, nothing where there is none."""
    rows: list[Sequence[object]] = [["path", *(column.name for column in layout.columns)]]
    for line in chosen(view, layout):
        rows.append([line.row.path, *(plain(column.value(line.row, view)) for column in layout.columns)])
    return csv_rows(rows)


def csv_rows(rows: Iterable[Sequence[object]]) -> str:
    """Rows with commas between their cells, without a newline at the end."""
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().rstrip("\n")


def plain(value: Cell) -> str:
    """A value as other programs read it."""
    return "" if value is None else str(value)
