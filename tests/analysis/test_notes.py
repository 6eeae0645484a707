"""Notes on sizes: one for each cause, at the user's line."""

from __future__ import annotations

from pathlib import Path

from dslc.analysis.notes import size_notes
from dslc.api import compile_model
from dslc.diagnostics.model import Diagnostic, Frame, users_place
from dslc.source import Source

ROOT = Path(__file__).resolve().parent.parent.parent


def notes(text: str) -> tuple[Diagnostic, ...]:
    return size_notes(compile_model(text))


def test_a_unet_of_depth_4_has_one_note_for_pools_and_one_for_joins() -> None:
    pools, joins = size_notes(compile_model(ROOT / "examples" / "unet.dl"))
    assert (pools.code, pools.label) == (joins.code, joins.label) == ("N0710", "asked for 4 times")
    assert pools.message == "`maxpool` makes this network need H >= 16 and W >= 16"
    assert joins.message == "`concat` makes this network need H % 16 == 0 and W % 16 == 0"
    assert joins.span.text == "concat(`level{i}`, it)" and joins.trail is None


def test_each_line_asks_for_itself() -> None:
    found = notes("""
net f on x[N, 3, H=32, 32]:
    conv(8, 4, p=0)
    maxpool(2) -> maxpool(2)
""")
    assert [(d.span.line, d.span.text, d.message.split("need ")[1]) for d in found] == [
        (3, "conv(8, 4, p=0)", "H >= 4"),
        (4, "maxpool(2)", "H >= 5"),
        (4, "maxpool(2)", "H >= 7"),
    ]


def test_instances_of_a_block_are_one_cause() -> None:
    (found,) = notes("""
block halves on x[N, C, H, W]:
    maxpool(2)

net f on x[N, 3, H=64, 64]:
    halves -> halves -> halves
""")
    assert found.message == "`maxpool` makes this network need H >= 8" and found.label == "asked for 3 times"
    assert found.span.line == 3


def test_a_weight_that_fixes_a_size() -> None:
    height, width = notes("net f on x[N, 3, H=8, W=8]:\n    flatten -> linear(4)\n")
    assert (height.code, height.message) == ("N0711", "a weight fixes `H` at 8") and height.span.line == 2
    assert width.message == "a weight fixes `W` at 8"


def test_a_line_of_std_is_shown_where_the_user_used_it() -> None:
    std, own = Source("std/conv.dl", "a\nb\n"), Source("net.dl", "conv\n")
    outer = Frame("f", own.span(0, 4))
    inner = Frame("cba", std.span(2, 3), outer)
    assert users_place(std.span(0, 1), inner) == (own.span(0, 4), None)
    assert users_place(own.span(0, 1), None) == (own.span(0, 1), None)
    assert users_place(std.span(0, 1), None) == (std.span(0, 1), None)
    (found,) = notes("use std.conv: cba\n\nnet f on x[N, 3, H=64, 64]:\n    cba(8, 3, p=0)\n")
    assert (found.span.source.path, found.span.line) == ("<text>", 4)
