"""Columns for the attributes of layers: `k` of a convolution, `heads` of attention, a parameter of a block.

They come from the register of ops and from the network's own blocks, so that a new op's attributes are columns by
themselves.
"""

from __future__ import annotations

from typing import Final

from dslc.diagnostics.fold import printable
from dslc.ir.model import Node
from dslc.ops.base import REGISTRY
from dslc.reports.columns import COLUMNS, Cell, Column, View
from dslc.reports.stats import Row, Stats
from dslc.types.const import Const
from dslc.values.faces import value_text

LONG: Final = 24
"""Letters of a value that is no number which a column shows at most."""


def column_of(name: str, stats: Stats) -> Column | None:
    """A column by its name: one of COLUMNS, else an attribute of an op or a parameter of a block of the network."""
    if name in COLUMNS:
        return COLUMNS[name]
    return attribute_column(name) if name in attribute_names(stats) else None


def attribute_names(stats: Stats) -> tuple[str, ...]:
    """The names of all attributes that layers can have, and of the parameters of the network's blocks, in order."""
    of_ops = {name for op in REGISTRY.values() for name in op.attributes}
    of_blocks = {name for row in stats.rows if row.part is not None for name in row.part.args}
    return tuple(sorted(of_ops | of_blocks))


def attribute_column(name: str) -> Column:
    """The column of an attribute; empty where a layer has none of that name."""

    def value(row: Row, view: View) -> Cell:
        const = given(row, name)
        return None if const is None else cell(const)

    def text(row: Row, view: View) -> str:
        found = value(row, view)
        return "" if found is None else printable(str(found))

    return Column(name, name, f"the attribute `{name}` of layers, or of blocks", value, text)


def given(row: Row, name: str) -> Const | None:
    """What a layer or a part has for an attribute."""
    if isinstance(row.use, Node):
        return row.use.consts.get(name)
    return row.part.args.get(name) if row.part is not None else None


def cell(const: Const) -> Cell:
    """A value as a number, or as the text that a program writes; none for `none`."""
    value = const.value
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, bool | str) or _plain(value):
        text = value_text(value)
    elif const.origin is not None:
        text = " ".join(const.origin.span.text.split())
    else:
        return None
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def _plain(value: object) -> bool:
    """Whether a value is made of numbers and words alone."""
    if isinstance(value, list | tuple):
        return all(_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)
