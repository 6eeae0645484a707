"""What messages look like."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from dslc.diagnostics.model import CompileError, Diagnostic, Frame, Label, Sink
from dslc.diagnostics.place import given, renamed, whole_file
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
    assert render([second, second]) == f"{render_one(second)}\n\n{render_one(second)}"
    assert render([first, second]) == f"{render_one(first, named=True)}\n\n{render_one(second)}"


def test_the_name_of_a_warning_is_said_once() -> None:
    source = program()
    warnings = [Doubtful().at(span_of(text, source)) for text in ("a =", "b =", "conv(64")]
    text = render(warnings)
    assert text.count("allow:") == 1
    assert text.split("\n\n")[0].endswith("  allow: `# dslc: allow(rarely-meant)` on this line or the one above")


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


# ---- width


def rows(text: str, width: int) -> list[str]:
    """The lines of a message, none of which is wider."""
    lines = text.splitlines()
    assert all(len(line) <= width for line in lines), lines
    return lines


def test_long_messages_are_broken_at_spaces_outside_of_code() -> None:
    source = program()
    d = Uneven(hint="write `g = 9` there, or any other number that divides the channels: 1, 2, 3").at(eight(source))
    assert (
        rows(render_one(d, width=44), 44)
        == shown("""
        error[E9001]: cannot split 90 channels into
            8 groups
          --> net.dl:2:24
         2 |     a = conv(180, 3, g=8)
           |                        ^
           |                90 is not a multiple of
           |                8
          help: write `g = 9` there, or any other
                number that divides the channels: 1,
                2, 3
    """).splitlines()
    )


@pytest.mark.parametrize("width", [40, 41, 50, 60, 80, 100])
def test_nothing_is_wider_than_asked(width: int) -> None:
    source = program("x" * 50 + " HERE = " + "y" * 300 + "\n")
    related = [Label(span_of("y" * 20, source), "these are far too many letters for one line of a program")]
    d = Uneven(count=10**12, hint="words " * 40).at(span_of("HERE", source), related=related)
    text = "\n".join(rows(render_one(d, width=width, named=True), width))
    assert "^^^^" in text and "HERE" in text and "..." in text


def test_a_word_that_is_too_long_stays_whole() -> None:
    d = Uneven(hint=f"`{'a b ' * 30}` is code").at(eight(program()))
    assert f"`{'a b ' * 30}`" in render_one(d, width=40)


def test_marks_stand_under_their_text_in_a_narrow_window() -> None:
    source = program("é" * 60 + "漢" * 60 + "HERE" + "漢" * 60)
    row, under = render_one(Doubtful().at(span_of("HERE", source)), width=60).splitlines()[2:4]
    before = row[: row.index("HERE")]
    assert len(before) + before.count("漢") == under.index("^") and under.endswith("^^^^")
    assert len(row) + row.count("漢") <= 60


def test_the_primary_mark_is_in_the_window_where_not_all_are() -> None:
    source = program("first" + "x" * 500 + "HERE" + "y" * 500)
    related = [Label(span_of("first", source), "far away")]
    assert "HERE" in render_one(Doubtful().at(span_of("HERE", source), related=related))


# ---- other places


def test_a_whole_file_has_no_line_and_an_option_no_number() -> None:
    assert render_one(Doubtful().at(whole_file("none.dl"))).splitlines()[1:] == ["  --> none.dl"]
    d = Doubtful().at(given("--set", "dpeth=3", "dpeth"), related=[Label(eight(program()), "there")])
    assert render_one(d) == shown("""
        warning[W9002]: rarely meant
          --> --set
           | dpeth=3
           | ^^^^^
          ::: net.dl:2:24
         2 |     a = conv(180, 3, g=8)
           |                        - there
    """)


def test_an_argument_is_called_by_its_option() -> None:
    span = renamed(given("args", "dpeth=3", "3"), {"args": "--set"})
    assert str(span) == "--set" and span.text == "3"
    assert renamed(eight(program()), {"args": "--set"}).source.path == "net.dl"


def test_what_was_asked_for_is_another_status_than_what_is_wrong_in_the_program() -> None:
    source = program()
    assert Uneven().at(eight(source)).status == 1
    assert Uneven().at(given("--set", "a=1")).status == Uneven().at(whole_file("a.dl")).status == 2
    assert Doubtful().at(whole_file("a.dl")).status == 0
