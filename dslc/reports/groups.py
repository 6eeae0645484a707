"""Totals of a network by kind of layer, or by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dslc.diagnostics.fold import printable
from dslc.ir.walk import Needed
from dslc.record import frozen
from dslc.reports.aligned import aligned
from dslc.reports.columns import COLUMNS, View, grouped_text, summable
from dslc.reports.stats import Row
from dslc.reports.table import csv_rows

GROUPINGS: Final = ("kind", "block")
DEFAULT: Final = ("params", "macs", "memory")
"""What is added up where no columns are chosen."""


@frozen
class Group:
    """What is alike: its name, how often it is there, and its sums in the order of the columns.

    `known`: whether every module in it says what it costs; else the sums are lower bounds.
    """

    name: str
    uses: int
    sums: tuple[int | float, ...]
    known: bool


@frozen
class Groups:
    """The groups, the greatest in the first column first, and the totals of the network.

    Of kinds, the sums of all groups are the totals. A block's sums count the blocks in it too.
    """

    by: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    totals: tuple[int | float, ...]

    def share(self, group: Group, column: int) -> float | None:
        """A group's part of the total; none where there is nothing."""
        total = self.totals[column]
        return group.sums[column] / total if total else None


def groups(view: View, by: str, columns: Sequence[str] = DEFAULT) -> Groups:
    """The sums of columns by kind of layer or by block. Linear in the rows."""
    members = list(_kinds(view.stats.rows) if by == "kind" else _blocks(view.stats.rows, view.stats.model.name))
    leaves = [row for _, row in _kinds(view.stats.rows)]
    found: dict[str, list[Row]] = {}
    for name, row in members:
        found.setdefault(name, []).append(row)
    made = [_group(name, rows, view, columns) for name, rows in found.items()]
    made.sort(key=lambda group: [-number for number in group.sums])
    totals = tuple(sum(_number(row, name, view) for row in leaves) for name in columns)
    return Groups(by, tuple(columns), tuple(made), totals)


def _kinds(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Each layer and each declared tensor, under its kind."""
    return ((row.op, row) for row in rows if not row.is_part or row.use is not None)


def _blocks(rows: Sequence[Row], net: str) -> Iterator[tuple[str, Row]]:
    """Each part under its definition, a part within another of the same definition once; what is the net's own."""
    around: list[Row] = []
    for row in rows:
        del around[row.depth :]
        if row.is_part:
            if row.op not in (part.op for part in around):
                yield row.op, row
            around.append(row)
        elif not around:
            yield f"{net} itself", row


def _group(name: str, rows: Sequence[Row], view: View, columns: Sequence[str]) -> Group:
    sums = tuple(sum(_number(row, column, view) for row in rows) for column in columns)
    return Group(name, len(rows), sums, all(row.known for row in rows))


def _number(row: Row, name: str, view: View) -> int | float:
    """What a row adds to a total: nothing of what only training computes, but where the column counts that."""
    raw = COLUMNS[name].raw
    assert raw is not None, f"the column `{name}` does not add up"
    return raw(row, view) if row.needed is Needed.ALWAYS or COLUMNS[name].training else 0


# ---- as text and as a record


def table(found: Groups) -> list[tuple[str, ...]]:
    """The cells of the table, headings first: per column the sum and its part of the total."""
    headings = [cell for name in found.columns for cell in (COLUMNS[name].heading, "share")]
    rows = [(found.by, "uses", *headings)]
    for group in found.groups:
        cells: list[str] = []
        for at, name in enumerate(found.columns):
            share = found.share(group, at)
            cells += [grouped_text(name, group.sums[at], group.known), f"{share:.1%}" if share else ""]
        rows.append((printable(group.name), str(group.uses), *cells))
    return rows


def group_lines(found: Groups) -> list[str]:
    """The table as text."""
    notes = group_notes(found)
    return [*aligned(table(found), {0}), *([""] if notes else []), *notes]


def group_notes(found: Groups) -> list[str]:
    """What is to be said of the table."""
    return ["a block's numbers count the blocks in it"] if found.by == "block" else []


def group_csv(found: Groups) -> str:
    """Comma-separated groups, headings first: names of the columns, exact numbers."""
    rows = [(group.name, group.uses, *group.sums) for group in found.groups]
    return csv_rows([(found.by, "uses", *found.columns), *rows])


def group_records(found: Groups) -> dict[str, object]:
    """The groups as plain data: per column the sum and its part of the total."""
    return {
        "by": found.by,
        "groups": [
            {
                "name": group.name,
                "uses": group.uses,
                "known": group.known,
                **{
                    name: {"value": group.sums[at], "share": found.share(group, at)}
                    for at, name in enumerate(found.columns)
                },
            }
            for group in found.groups
        ],
    }


def wrong_grouping(names: Sequence[str], device: bool) -> str:
    """What is wrong with columns that are to be added up; empty where nothing is."""
    for name in names:
        if name not in summable(device):
            return f"`{name}` does not add up; choose from {', '.join(summable(device))}"
    return ""
