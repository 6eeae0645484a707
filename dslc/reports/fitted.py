"""The table of `dslc stats` on a terminal: which columns stand there, and how short, so that no line is too wide."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from dslc.diagnostics.paint import heat
from dslc.ir.walk import Needed
from dslc.reports.columns import COLUMNS, SHARES, Column, View
from dslc.reports.groups import Groups, group_notes
from dslc.reports.groups import table as group_table
from dslc.reports.numbers import short
from dslc.reports.screen import Screen
from dslc.reports.stats import Row
from dslc.reports.strips import Strip, blocks, squeezed, total
from dslc.reports.table import Layout, Line, line_text

EASY = {"layer": 28, "op": 16, "output": 26, "": 20}
LEAST = {"layer": 20, "op": 10, "output": 18, "": 12}
"""Columns of the terminal that words keep, by column: where there is room for it, and at least."""

SYMBOLIC = 36
"""Columns of the terminal that an expression keeps."""

LEFT_OUT = ("share", "intensity", "field", "output", "train_only", "op", "bound", "params", "macs", "time")
"""Columns that nobody asked for, in the order in which they make room."""

MORE = ("share_params", "memory", "share_memory", "stride", "flops", "acts")
"""Columns that nobody asked for, and that a wide terminal has room for."""

SHORT = ("params", "train_only", "macs")
"""Columns whose numbers may be rounded; the totals have them exactly."""

TOTALS = {"params": "share_params", "macs": "share", "memory": "share_memory"}
"""Columns of shares, by what they are shares of."""


def fitted(
    lines: Sequence[Line], view: View, layout: Layout, screen: Screen, asked: bool
) -> tuple[list[str], list[str]]:
    """The table of a report, and what is to be said of it; `asked`: its columns were chosen, and each is shown."""
    made = Strips(lines, view, layout, screen)
    if screen.width is None:
        return screen.table([made.name(), *map(made.column, layout.columns)]), []
    if asked:
        return every(made, layout, screen, screen.width), []
    for columns, strips in plans(made, layout.columns, screen.width):
        found = squeezed(strips, screen.width)
        if found is not None:
            gone = [column.name for column in layout.columns if column.name not in columns]
            note = f"{screen.width} columns have no room for {', '.join(gone)}: `--columns {','.join(gone)}` shows "
            note += f"{'them' if len(gone) > 1 else 'it'} instead"
            return screen.table(found), [note] if gone else []
    raise AssertionError("a name can always be cut")


class Strips:
    """The columns of a table as they can stand on a terminal."""

    def __init__(self, lines: Sequence[Line], view: View, layout: Layout, screen: Screen) -> None:
        self.lines, self.view, self.screen = lines, view, screen
        self.sort = layout.sort

    def name(self, least: int = EASY["layer"]) -> Strip:
        """The layers."""
        cells = ("layer", *(line.name for line in self.lines))
        roles = ("strong", *("strong" if line.row.is_part else "" for line in self.lines))
        return Strip("layer", cells, True, least, roles if self.screen.paint.on else (), tree=True)

    def column(self, column: Column, limits: dict[str, int] = EASY, small: bool = False, bars: bool = True) -> Strip:
        """A column; `small`: with rounded numbers; without `bars`, shares are percentages alone."""
        texts = [line_text(line, column, self.view) for line in self.lines]
        heading, left = column.heading, column.left
        if column.name in SHARES and not bars:
            texts = [text.split(" ")[-1] for text in texts]
            heading, left = "share", False
        elif small and column.name in SHORT and column.raw is not None and not self.view.symbolic:
            texts = [
                rounded(text, column.raw(line.row, self.view)) for text, line in zip(texts, self.lines, strict=True)
            ]
        least = limits.get(column.name, limits[""]) if not column.numeric else None
        if self.view.symbolic and (column.raw is not None or column.name == "output"):
            least = SYMBOLIC
        roles = ("strong", *(self.role(line.row, column, text) for line, text in zip(self.lines, texts, strict=True)))
        return Strip(column.name, (heading, *texts), left, least, roles if self.screen.paint.on else ())

    def role(self, row: Row, column: Column, text: str) -> str:
        """What a cell's colour says."""
        if not self.screen.paint.on or not text:
            return ""
        if row.needed is Needed.TRAINING:
            return "quiet"
        if column.numeric and (text.startswith(">=") or "?" in text):
            return "unknown"
        of = COLUMNS.get(TOTALS.get(column.name, column.name if column.name in SHARES else ""))
        share = of.value(row, self.view) if of is not None else None
        return heat(share) if isinstance(share, float) else ""


def rounded(text: str, number: float) -> str:
    """A count with one decimal and a letter, a lower bound with its sign."""
    return f"{'>=' if text.startswith('>=') else ''}{short(int(number), 1)}" if text not in ("", "?") else text


def plans(made: Strips, columns: Sequence[Column], width: int) -> Iterator[tuple[Collection[str], list[Strip]]]:
    """Ways to show a table, the best first, with the names of the columns that are in each."""
    names = [column.name for column in columns]
    whole = [made.name(), *map(made.column, columns)]
    if total([strip.width for strip in whole]) <= width:
        yield names, with_more(made, whole, width)
    kept = list(columns)
    steps = [((EASY, False), ()), ((EASY, False), LEFT_OUT[:2]), ((EASY, True), ()), ((LEAST, True), ())]
    steps += [((limits, True), (name,)) for name in LEFT_OUT[2:] for limits in (EASY, LEAST)]
    for (limits, small), gone in steps:
        kept = [column for column in kept if column.name not in gone or column is made.sort]
        strips = [made.column(column, limits, small, bars=False) for column in kept]
        yield [column.name for column in kept], [made.name(limits["layer"]), *strips]
    yield [], [made.name(1)]


def with_more(made: Strips, strips: list[Strip], width: int) -> list[Strip]:
    """The columns, and such of MORE as there is room for and something to say."""
    for name in MORE:
        strip = made.column(COLUMNS[name])
        if name in [known.name for known in strips] or not any(strip.cells[1:]):
            continue
        if total([*(known.width for known in strips), strip.width]) <= width:
            behind = next((at for at, known in enumerate(strips, 1) if TOTALS.get(known.name) == name), len(strips))
            strips = [*strips[:behind], strip, *strips[behind:]]
    return strips


def every(made: Strips, layout: Layout, screen: Screen, width: int) -> list[str]:
    """The columns that were asked for, below each other where they have no room beside each other."""
    ways = [
        [made.name(limits["layer"]), *(made.column(column, limits, bars=bars) for column in layout.columns)]
        for limits, bars in ((EASY, True), (EASY, False), (LEAST, False))
    ]
    return beside_or_below(ways, screen, width)


def fitted_groups(found: Groups, screen: Screen) -> list[str]:
    """The table of totals by kind or block; without the shares where there is no room for them."""
    strips = []
    for at, cells in enumerate(zip(*group_table(found), strict=True)):
        number, is_share = divmod(at - 2, 2)
        shares = [found.share(group, number) or 0.0 for group in found.groups] if at > 1 else []
        roles = ("strong", *map(heat, shares)) if shares and screen.paint.on else ()
        name = "share" if shares and is_share else cells[0]
        strips.append(Strip(name, cells, not at, None if at else LEAST[""], roles))
    bare = [strip for strip in strips if strip.name != "share"]
    lines = screen.table(strips) if screen.width is None else beside_or_below((strips, bare), screen, screen.width)
    gone = [f"{screen.width} columns have no room for shares"] if "share" not in lines[0] else []
    notes = screen.quiet([*group_notes(found), *gone])
    return [*lines, *([""] if notes else []), *notes]


def beside_or_below(ways: Sequence[Sequence[Strip]], screen: Screen, width: int) -> list[str]:
    """The first table that has room; where none has, the last in parts below each other."""
    for strips in ways:
        found = squeezed(strips, width)
        if found is not None:
            return screen.table(found)
    tables = [screen.table(block) for block in blocks(ways[-1], width)]
    return [line for at, table in enumerate(tables) for line in ([""] if at else []) + table]
