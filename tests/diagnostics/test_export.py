"""The JSON form of diagnostics."""

from __future__ import annotations

import json

from dslc.diagnostics.export import diagnostic_record, to_json
from dslc.diagnostics.model import Edit, Frame, Help, Label
from tests.diagnostics.sample import Doubtful, Uneven, eight, program, span_of


def test_a_record_has_every_fact() -> None:
    source = program()
    caret = eight(source)
    trail = Frame("inner", span_of("conv", source), Frame("outer", span_of("a +", source)))
    d = Uneven().at(caret, trail, [Label(span_of("x[N", source), "declared")])
    record = diagnostic_record(d, 4)
    assert record == {
        "code": "E9001",
        "name": "",
        "severity": "error",
        "message": "cannot split 90 channels into 8 groups",
        "label": "90 is not a multiple of 8",
        "span": {
            "kind": "text",
            "path": "net.dl",
            "start": {"offset": caret.start, "line": 2, "column": 24},
            "end": {"offset": caret.end, "line": 2, "column": 25},
        },
        "related": [{"span": record["related"][0]["span"], "text": "declared"}],  # type: ignore[index]
        "trail": [
            {"what": "inner", "span": record["trail"][0]["span"]},  # type: ignore[index]
            {"what": "outer", "span": record["trail"][1]["span"]},  # type: ignore[index]
        ],
        "notes": [],
        "help": [
            {
                "text": "9 divides 90: write `g=9`",
                "edits": [{"span": record["span"], "text": "9"}],
                "applicability": "machine-applicable",
            }
        ],
        "count": 4,
        "url": "docs/errors.md#e9001",
    }
    assert record["related"][0]["span"]["start"] == {"offset": 9, "line": 1, "column": 10}  # type: ignore[index]


def test_applying_the_edits_makes_the_change() -> None:
    source = program()
    d = Uneven().at(eight(source))
    (edit,) = diagnostic_record(d)["help"][0]["edits"]  # type: ignore[index]
    start, end = edit["span"]["start"]["offset"], edit["span"]["end"]["offset"]
    mended = source.text[:start] + edit["text"] + source.text[end:]
    assert "g=9)" in mended and len(mended) == len(source.text)


def test_edits_elsewhere_come_after_the_own_replacement() -> None:
    source = program()
    more = Help("both", replace="9", edits=(Edit(span_of("180", source), "90"),))
    d = Doubtful().at(eight(source), help=[more])
    edits = diagnostic_record(d)["help"][0]["edits"]  # type: ignore[index]
    assert [e["text"] for e in edits] == ["9", "90"]


def test_the_document_counts_by_key_and_keeps_the_order() -> None:
    source = program()
    first, second = Doubtful().at(span_of("a =", source)), Uneven().at(eight(source))
    document = json.loads(to_json([first, second], {second.key: 3}))
    assert document["version"] == 1
    assert [(d["code"], d["count"]) for d in document["diagnostics"]] == [("W9002", 1), ("E9001", 3)]


def test_a_deep_trail_is_cut() -> None:
    source = program()
    trail = None
    for k in range(1000):
        trail = Frame(f"b{k}", span_of("conv", source), trail)
    record = diagnostic_record(Doubtful().at(span_of("a =", source), trail))
    assert len(record["trail"]) == 50  # type: ignore[arg-type]
