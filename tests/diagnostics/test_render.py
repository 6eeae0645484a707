"""What messages look like."""

from __future__ import annotations

import re
from textwrap import dedent

from dslc.diagnostics.model import CompileError, Diagnostic, Frame, Label, Sink
from dslc.diagnostics.render import MAX_WIDTH, render, render_one, render_placeless, summary
from dslc.source import Source, Span
from tests.diagnostics.sample import Doubtful, Uneven, eight, program, span_of


def shown(text: str) -> str:
    return dedent(text).strip("\n")


def frames(count: int, source: Source) -> Frame | None:
    """A trail of `count` frames; the innermost is `block0`."""
    trail = None
    for k in reversed(range(count)):
        trail = Frame(f"block{k}(c=1)", span_of("conv", source), trail)
    return trail


def test_caret_label_and_help() -> None:
    source = program()
    d = Uneven().at(eight(source))
    assert render_one(d) == shown("""
        error[E9001]: cannot split 90 channels into 8 groups
          --> net.dl:2:24
         2 |     a = conv(180, 3, g=8)
           |                        ^ 90 is not a multiple of 8
          help: 9 divides 90: write `g=9`
    """)


def test_a_longer_span_has_as_many_carets() -> None:
    source = program()
    text = render_one(Doubtful().at(span_of("conv(64, 3)", source)))
    assert text == shown("""
        warning[W9002]: rarely meant
          --> net.dl:3:9
         3 |     b = conv(64, 3)
           |         ^^^^^^^^^^^
    """)


def test_related_places_stand_in_the_order_of_lines_with_gaps_marked() -> None:
    source = program()
    related = [Label(span_of("x[N", source), "declared here"), Label(span_of("a =", source), "made here")]
    text = render_one(Doubtful().at(span_of("a + b", source), related=related))
    assert text == shown("""
        warning[W9002]: rarely meant
          --> net.dl:4:5
         1 | net f on x[N, 90, 32, 32]:
           |          --- declared here
         2 |     a = conv(180, 3, g=8)
           |     --- made here
        ...
         4 |     a + b
           |     ^^^^^
    """)


def test_a_place_in_another_file_has_its_own_header() -> None:
    source, other = program(), program("block b:\n    relu\n", "std/b.dl")
    text = render_one(Doubtful().at(span_of("a + b", source), related=[Label(span_of("relu", other), "there")]))
    assert text.splitlines()[-3:] == ["  ::: std/b.dl:2:5", " 2 |     relu", "   |     ---- there"]


def test_two_marks_on_one_line_have_a_row_each_with_the_primary_first() -> None:
    source = program()
    d = Uneven().at(eight(source), related=[Label(span_of("180", source), "these")])
    rows = render_one(d).splitlines()[3:5]
    assert rows == [
        "   |                        ^ 90 is not a multiple of 8",
        "   |              --- these",
    ]


def test_line_numbers_share_a_gutter() -> None:
    source = program("\n" * 8 + "first\nsecond\n")
    d = Doubtful().at(span_of("second", source), related=[Label(span_of("first", source), "x")])
    assert render_one(d).splitlines()[1:4] == ["   --> net.dl:10:1", "  9 | first", "    | ----- x"]


def test_trail_is_innermost_first_and_at_most_three_frames() -> None:
    source = program()
    three = render_one(Doubtful().at(span_of("a + b", source), frames(3, source)))
    assert [line.split("`")[1] for line in three.splitlines() if "expansion" in line] == [
        "block0(c=1)",
        "block1(c=1)",
        "block2(c=1)",
    ]
    assert "more level" not in three
    four = render_one(Doubtful().at(span_of("a + b", source), frames(4, source)))
    assert four.endswith("  ... and 1 more level up")
    assert render_one(Doubtful().at(span_of("a + b", source), frames(9, source))).endswith("and 6 more levels up")


def test_repeated_mistakes_are_counted_on_the_innermost_frame() -> None:
    source = program()
    sink = Sink()
    for _ in range(3):
        sink.add(Doubtful().at(span_of("a + b", source), frames(2, source)))
    (found,) = sink.diagnostics
    lines = render(sink.diagnostics, sink.counts).splitlines()
    assert lines[4] == "  in expansion of `block0(c=1)`, net.dl:2:9 (and 2 more like it)"
    assert not lines[5].endswith("like it)")
    assert render_one(found).count("like it") == 0


def test_a_count_without_a_trail_has_its_own_line() -> None:
    d = Doubtful().at(span_of("a + b", program()))
    assert render_one(d, 2).splitlines()[-1] == "  (and 1 more like it)"


def test_several_are_separated_by_an_empty_line() -> None:
    source = program()
    first, second = Doubtful().at(span_of("a =", source)), Uneven().at(eight(source))
    assert render([first, second]) == f"{render_one(first)}\n\n{render_one(second)}"


def test_a_long_line_is_cut_around_its_mark() -> None:
    source = program("x" * 5000 + "HERE" + "y" * 5000)
    text = render_one(Uneven().at(span_of("HERE", source)))
    row, under = text.splitlines()[2:4]
    assert "...xxx" in row and row.endswith("yyy...")
    assert len(row) < MAX_WIDTH + 20
    at = row.index("HERE")
    assert under[at : at + 4] == "^^^^" and under[at - 1] == " "


def test_ten_megabytes_on_one_line_are_shown_at_once() -> None:
    source = program("x" * 10_000_000 + "!")
    row = render_one(Uneven().at(source.span(10_000_000, 10_000_001))).splitlines()[2]
    assert row.endswith("x!") and len(row) < MAX_WIDTH + 20


def test_carets_stand_under_wide_characters_and_tabs() -> None:
    source = program("\ts = 漢字 + here")
    row, under = render_one(Doubtful().at(span_of("here", source))).splitlines()[2:4]
    assert row == " 1 |     s = 漢字 + here"
    assert under == "   |     " + " " * len("s = ") + "    " + " " * len(" + ") + "^^^^"


def test_nothing_printed_can_steer_the_terminal() -> None:
    source = program("let a = \u202e\x00\x1b[31m\n", "evil\x1b[2J.dl")
    d = Uneven(hint="\x1b[0m").at(
        source.span(0, 3), Frame("b\x07", source.span(0, 3)), [Label(source.span(4, 5), "\x1b")]
    )
    text = render_one(d)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", text)
    assert "<U+202E><U+0000><U+001B>[31m" in text


def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first() -> None:
    source = program("seq:   \n    relu\n")
    assert render_one(Doubtful().at(source.span(0, 15))).splitlines()[2:] == [" 1 | seq:", "   | ^^^^"]


def test_places_at_the_ends_of_a_text() -> None:
    for text in ("", "net", "net\n"):
        source = program(text)
        rows = render_one(Uneven().at(Span(source, len(text), len(text)))).splitlines()
        assert rows[0].startswith("error[E9001]") and "^ 90" in rows[3]


def test_windows_line_ends_leave_no_trace() -> None:
    source = program("net f:\r\n    relu\r\n")
    assert render_one(Doubtful().at(span_of("net f:\r\n", source))).splitlines()[2:] == [
        " 1 | net f:",
        "   | ^^^^^^",
    ]


def test_colours_change_nothing_but_colours() -> None:
    source = program()
    d = Uneven().at(eight(source), frames(4, source), [Label(span_of("a =", source), "made here")])
    colored = render_one(d, 3, color=True)
    assert "\x1b[31m" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == render_one(d, 3)


def test_an_exception_reads_like_the_command_line() -> None:
    sink = Sink()
    sink.add(Uneven().at(eight(program())))
    sink.add(Uneven().at(eight(program())))
    try:
        sink.finish(None)
    except CompileError as error:
        assert str(error) == render(sink.diagnostics, sink.counts)
        assert "(and 1 more like it)" in str(error)
        assert error.counts == sink.counts
    else:
        raise AssertionError("an error was added")


def test_summary_counts_errors_and_warnings() -> None:
    source = program()
    bad: Diagnostic = Uneven().at(eight(source))
    doubtful = Doubtful().at(eight(source))
    assert summary([]) == ""
    assert summary([bad]) == "1 error"
    assert summary([bad, doubtful, bad]) == "2 errors, 1 warning"


def test_a_mistake_without_a_place() -> None:
    assert render_placeless(Uneven()) == shown("""
        error[E9001]: cannot split 90 channels into 8 groups
          help: 9 divides 90: write `g=9`
    """)
