"""Reports that fit a terminal: tables, long names, folded lines, colours."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dslc.diagnostics.fold import screen_width
from dslc.diagnostics.paint import STYLES, Paint, heat
from dslc.reports.gutters import refitted, tables
from dslc.reports.rendered import chosen_sections, rendered
from dslc.reports.screen import Screen
from dslc.reports.stats import Stats
from dslc.reports.strips import Strip, blocks, cut, leaf, squeezed, total
from tests.analysis.nets import compiled
from tests.cli.terminals import plain

LONG = "a_long_name_" * 16 + "end"
PROGRAM = f"""
block {LONG[4:]}(width: int) on x[N, C, H, W]:
    {LONG[2:]} = conv(width, 3)
    {LONG[2:]} -> bn -> relu

net long on image[N, 3, H=33, W=32]:
    {LONG} = {LONG[4:]}(16)
    {LONG} -> {LONG[4:]}(32) -> conv(64, 3, s=2) -> gap -> flatten -> linear(10)
"""
ASKED: list[dict[str, object]] = [
    {},
    {"columns": ("op", "output", "params", "macs", "field", "status", "memory", "k", "s", "stride", "padding")},
    {"symbolic": True},
    {"by": "kind"},
    {"by": "block", "columns": ("params", "buffers", "macs", "flops", "acts", "memory", "saved")},
    {"sort": "share"},
    {"depth": 1},
    {"idle": True, "fold": False},
]


@pytest.fixture(scope="module")
def stats() -> Stats:
    return Stats(compiled(PROGRAM))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 240])
@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: "-".join(map(str, asked)) or "default")
def test_no_line_is_wider_than_the_terminal(stats: Stats, asked: dict[str, object], width: int) -> None:
    sections = chosen_sections(stats, train=True, fit=10**9, verbose=True, tool="thop")
    text = rendered(stats, sections, screen=Screen(width, Paint(True)), **asked)  # type: ignore[arg-type]
    widest = max(plain(text).splitlines(), key=screen_width)
    assert screen_width(widest) <= width, widest
    for column in asked.get("columns", ()) if "by" not in asked else ():  # type: ignore[attr-defined]
        heading = {"params": "params", "macs": "MACs"}.get(column, column)
        assert heading in plain(text), "a column that was asked for is there"


def test_a_terminal_without_a_width_prints_what_a_file_has(stats: Stats) -> None:
    for asked in ASKED:
        coloured = rendered(stats, (), screen=Screen(None, Paint(True)), **asked)  # type: ignore[arg-type]
        assert "\x1b" in coloured and plain(coloured) == rendered(stats, (), **asked)  # type: ignore[arg-type]


def test_a_table_of_sums_says_what_it_leaves_out(stats: Stats) -> None:
    text = rendered(stats, (), by="block", screen=Screen(50))
    assert "50 columns have no room for shares" in text
    assert "no room" not in rendered(stats, (), by="block", screen=Screen(100))


def test_the_end_of_a_name_is_kept() -> None:
    assert cut("abcdefghij", 7) == "ab…ghij"
    assert cut("abc", 3) == "abc"
    assert [cut("abcdef", width) for width in (2, 1, 0)] == ["…f", "…", ""]
    assert screen_width(cut("层层层层层层", 6)) <= 6
    assert leaf("    " + "abcdefghij", 10) == "    a…ghij"
    assert leaf(" " * 50 + "abcdefghij", 10) == "     a…hij"


def test_the_widest_words_are_cut_first() -> None:
    strips = [
        Strip("a", ("x" * 30,), least=10),
        Strip("b", ("y" * 20,), least=10),
        Strip("c", ("123,456",)),
    ]
    found = squeezed(strips, 40)
    assert found is not None
    assert total([strip.width for strip in found]) == 40
    assert found[2].cells == ("123,456",), "numbers are never cut"
    assert abs(found[0].width - found[1].width) <= 1
    assert squeezed(strips, 30) is None


def test_every_part_of_a_table_begins_with_its_first_columns() -> None:
    strips = [Strip(name, (name, "1" * 10)) for name in "abcdef"]
    found = blocks(strips, 30, 2)
    assert [[strip.name for strip in block] for block in found] == [["a", "b", x] for x in "cdef"]


def test_tables_are_told_from_text() -> None:
    lines = ["a title of it", "  name  one  two", "  x       1   22", "  a sentence below the table", "", "end"]
    found = [(table, run) for table, run in tables(lines)]
    assert [run for table, run in found if table] == [lines[1:3]]
    assert [line for _, run in found for line in run] == lines
    assert refitted(lines[1:3], 15) == ["  name  one", "  x       1", "", "  name  two", "  x      22"]
    assert refitted(["        a  b  c", "        1  2  3"], 10) == ["  a  b  c", "  1  2  3"]


def test_shares_have_the_colours_of_heat() -> None:
    assert [heat(share) for share in (0.5, 0.25, 0.1, 0.02, 0.001)] == ["most", "most", "much", "", "quiet"]
    assert Paint(True)("x", "most") == f"{STYLES['most']}x\x1b[0m"
    assert Paint(True)("x", "") == Paint(False)("x", "most") == "x"


def painted(lines: Sequence[str]) -> list[str]:
    return Screen(None, Paint(True)).totals(lines)


def test_what_is_not_known_and_how_much_is_found_are_coloured() -> None:
    (line,) = painted(["params  at least 1,024 (1.024 k), ? in buffers"])
    assert f"{STYLES['unknown']}at least" in line and f"{STYLES['unknown']}?" in line
    assert f"{STYLES['quiet']}k" in line and line.startswith(f"{STYLES['strong']}params")
    (line,) = painted(["lints   2 warnings, 1 note: `dslc lint` says which"])
    assert f"{STYLES['warning']}2 warnings" in line and f"{STYLES['note']}1 note" in line
    assert plain(line) == "lints   2 warnings, 1 note: `dslc lint` says which"


def test_a_module_that_does_not_say_is_unknown() -> None:
    stats = Stats(
        compiled("""
        extern block mine(c: int) on x[N, C, H, W] -> [N, c, H, W] = "lib:Mine"

        net f on x[N, 3, H=8, W=8]: conv(4, 3) -> mine(5) -> gap
    """)
    )
    text = rendered(stats, (), screen=Screen(80, Paint(True)))
    assert any(STYLES["unknown"] in line and plain(line).startswith("mine") for line in text.splitlines())
