"""docs/messages.md: the programs compared, and that no mark of ours is lost since it was written."""

from __future__ import annotations

import ast
import json
import re
from itertools import zip_longest

import pytest

from benchmarks.messages import (
    JUDGED,
    PAGE,
    SAID,
    TOOLS,
    Mistake,
    checked,
    dslc_marks,
    mistakes,
    page,
    run,
    shortened,
)

MISTAKES = mistakes()


def test_forty_mistakes_are_written_in_each_language() -> None:
    said, judged = (json.loads(path.read_text(encoding="utf-8")) for path in (SAID, JUDGED))
    assert len(MISTAKES) == 40 and set(judged) == {m.name for m in MISTAKES}
    assert sum("keras" in m.texts for m in MISTAKES) > 35
    for mistake in MISTAKES:
        tools = {tool for tool, kind in TOOLS.items() if kind in mistake.texts}
        assert set(said[mistake.name]) == set(judged[mistake.name]) == tools
        assert all(mistake.lines(tool) for tool in tools) and "#!" not in mistake.program("dslc")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_the_programs_of_others_are_python(mistake: Mistake) -> None:
    """But for the three whose mistake is one of syntax."""
    for tool in ("PyTorch", "Keras"):
        if TOOLS[tool] in mistake.texts:
            try:
                ast.parse(mistake.program(tool))
            except SyntaxError:
                assert mistake.name in ("bracket never closed", "colon missing", "nothing indented")


def test_no_mark_is_lost(request: pytest.FixtureRequest) -> None:
    """`--regen` writes the page anew, with what dslc says now."""
    if request.config.getoption("--regen"):
        run(["dslc"])
        PAGE.write_text("\n".join(page()), encoding="utf-8")
    judged = json.loads(JUDGED.read_text(encoding="utf-8"))
    written = re.findall(r"^\| dslc \| `([01]{4})` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    for mistake, before in zip_longest(MISTAKES, written):
        now = dslc_marks(mistake, judged[mistake.name]["dslc"] == "1")
        assert all(a >= b for a, b in zip(now, before, strict=True)), f"{mistake.name}: {before} became {now}"


def test_what_a_library_prints_of_itself_is_counted() -> None:
    said = (
        'Traceback (most recent call last):\n  File "net.py", line 3, in <module>\n    net(x)\n'
        '  File "/lib/torch/nn/x.py", line 9, in call\n    return f()\n           ^^^\nValueError: \x1b[96mno\x1b[0m\n'
    )
    assert shortened(said) == (
        'Traceback (most recent call last):\n  File "net.py", line 3, in <module>\n    net(x)\nValueError: no\n'
        "(left out: 1 frames of the library)"
    )


def test_a_program_without_a_mistake_says_nothing() -> None:
    assert not checked("net f on x[N, 8]: linear(4)\n")
