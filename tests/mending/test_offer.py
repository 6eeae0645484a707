"""Fixes that are offered: only what was tried and fits; bounded; never for programs without mistakes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import dslc
import dslc.mending.offer as door
from dslc.api import compile_model
from dslc.check import check_file
from dslc.diagnostics.model import CompileError, Diagnostic, Edit, Help
from dslc.names.loader import Loader
from dslc.source import Source
from dslc.syntax.rewrite import apply_edits
from tests.diagnostics.sample import Uneven

HEADER = "net f on x[N, 16, H=32, W=32] -> [N, 10]:\n"
PROJECTED = f"{HEADER}    residual:\n        conv(32, 3, s=2) -> bn\n    gap -> flatten -> linear(10)\n"


def proposals(text: str) -> list[str]:
    """The programs that the first mistake's proposals make."""
    with pytest.raises(CompileError) as raised:
        compile_model(text)
    first = raised.value.mended[0]
    own = {help: Edit(first.span, help.replace) for help in first.help if help.replace is not None}
    edits = [[*help.edits, *([own[help]] if help in own else [])] for help in first.help]
    return [apply_edits(text, change) for change in edits if change]


def test_every_fix_makes_a_program_that_checks() -> None:
    made = proposals(PROJECTED)
    assert made
    for text in made:
        compile_model(text)


def test_a_fix_that_only_moves_the_mistake_is_not_offered() -> None:
    """Without its stride the body still has other channels."""
    assert all("skip" in text for text in proposals(PROJECTED))


def test_nothing_is_imported_for_a_program_without_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith("dslc.mending")]:
        monkeypatch.delitem(sys.modules, name)
    compile_model(f"{HEADER}    gap -> flatten -> linear(10)\n")
    assert not [n for n in sys.modules if n.startswith("dslc.mending")]


def test_looking_for_fixes_waits_until_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def offer(found: Sequence[Diagnostic], again: object, work: int) -> tuple[Diagnostic, ...]:
        asked.append(len(found))
        return tuple(found)

    monkeypatch.setattr(door, "offer", offer)
    with pytest.raises(CompileError) as raised:
        compile_model(PROJECTED)
    assert not asked
    assert "help" not in str(raised.value)
    assert str(raised.value) and asked == [1]  # once


def test_another_mistake_does_not_keep_a_fix_away() -> None:
    text = f"{HEADER}    residual:\n        conv(32, 3, s=2) -> bn\n    gap -> flatten -> linear(10)\n    convv(1)\n"
    with pytest.raises(CompileError) as raised:
        compile_model(text)
    assert all(d.code != "E0331" or any(h.edits for h in d.help) for d in raised.value.mended)


# ---- the door


class Wrong(Uneven):
    """A mistake with a proposal that can be tried."""

    proposed: str = ""

    @property
    def message(self) -> str:
        return "wrong"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("so", self.proposed), Help("words"), Help("fact", fact=True))


TEXT = Source("f.dl", "net f:\n    relu\n")


def shown(after: Sequence[Diagnostic]) -> list[str]:
    """The help of a mistake whose proposal leads to these mistakes."""

    def again(texts: Mapping[str, str]) -> tuple[Sequence[Diagnostic], int]:
        assert texts == {"f.dl": "net f:\n    gelu\n"}
        return after, 0

    (found,) = door.offer([Wrong(proposed="gelu").at(TEXT.span(11, 15))], again)
    return [help.text for help in found.help]


def test_a_proposal_that_leaves_the_mistake_is_not_shown() -> None:
    assert shown([]) == ["fact", "so", "words"]
    assert shown([Wrong(proposed="x").at(TEXT.span(11, 15))]) == ["fact", "words"]


@pytest.mark.parametrize(("left", "work", "count"), [(3, 0, 3), (99, 500, 2), (99, 5000, 1)])
def test_tries_are_bounded(left: int, work: int, count: int) -> None:
    """By their number, and by the work that they are: one that took more than is left is the last."""
    tried: list[object] = []

    def again(texts: Mapping[str, str]) -> tuple[Sequence[Diagnostic], int]:
        tried.append(texts)
        return (), work

    text = "".join(f"net f{i} on x[N, 16, H=32, W=32]:\n    conv(8, 2)\n    flatten\n" for i in range(9))
    source = Source("f.dl", text)
    begin = [i for i in range(len(text)) if text.startswith("conv(8, 2)", i)]
    found = [Wrong(count=i).at(source.span(at, at + 4)) for i, at in enumerate(begin)]
    tries = door.Tries(again, left=left, work=1200)
    for diagnostic in found:
        if not tries.over:
            tries.after([Edit(diagnostic.span, "cba")])
    assert len(tried) == count


CLOCKED = """
import sys, time
late = iter(range(0, 10**9, 100))
for name in ("perf_counter", "monotonic", "time", "process_time"):
    setattr(time, name, lambda: float(next(late)))
from dslc.check import check_file
print(check_file(sys.argv[1]))
"""


def test_messages_are_the_same_on_a_slow_machine(tmp_path: Path) -> None:
    """Every look at the clock is 100 seconds later than the one before."""
    path = tmp_path / "f.dl"
    path.write_text(PROJECTED, encoding="utf-8")
    slow = subprocess.run([sys.executable, "-c", CLOCKED, path], capture_output=True, text=True, check=True)
    assert "help: project the input" in slow.stdout
    assert slow.stdout.strip() == str(check_file(path)).strip()


def test_a_mistake_of_a_file_is_mended_in_that_file(tmp_path: Path) -> None:
    (tmp_path / "dslc.toml").write_text("", encoding="utf-8")
    (tmp_path / "part.dl").write_text("block part on x[N, C, H, W]:\n    conv(8, 4, s=2)\n", encoding="utf-8")
    main = tmp_path / "main.dl"
    main.write_text('use "./part.dl": part\nnet f on x[N, 3, H=32, W=32]: part -> gap -> flatten\n', encoding="utf-8")
    (found,) = check_file(main).errors
    assert found.span.source.path.endswith("part.dl")
    assert [edit.text for help in found.help for edit in help.edits] == [", p=1", ", p=0"]


def test_programs_of_python_are_mended_when_their_mistake_is_printed() -> None:
    with pytest.raises(CompileError) as raised:
        dslc.compile("net f on x[N, 3, H=32, W=32]:\n    conv(8, 4, s=2) -> gap -> flatten\n")
    assert "conv(8, 4, s=2, p=1)" in str(raised.value)


def test_what_only_follows_from_a_mistake_is_not_told() -> None:
    """The list stands where the axis is expected, and so the axis where branches are: one fix mends both."""
    text = "net f on x[N, 8, H=64, W=64]:\n    a = conv(8, 3)\n    concat([x, a], 2) -> conv(2, 1)\n"
    with pytest.raises(CompileError) as raised:
        compile_model(text)
    assert [d.code for d in raised.value.diagnostics] == ["E0360", "E0360"]
    (told,) = raised.value.mended
    assert [edit.text for help in told.help for edit in help.edits] == ["concat(x, a, axis=2)"]


ERRORS = sorted((Path(__file__).resolve().parents[1] / "errors").glob("*/*.dl"))


@pytest.mark.parametrize("path", ERRORS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_edit_that_is_offered_does_what_it_says(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every program with mistakes in tests/errors: the mistake is gone, and the text can still be read."""
    monkeypatch.chdir(path.parent.parent)
    shown = path.relative_to(path.parent.parent)
    for found in check_file(shown).errors:
        own = [Edit(found.span, help.replace) if help.replace is not None else None for help in found.help]
        for help, mine in zip(found.help, own, strict=True):
            edits = [*help.edits, *([mine] if mine else [])]
            if not edits or any(edit.span.source.path != str(shown) for edit in edits):
                continue
            loader = Loader().edited({str(shown): apply_edits(found.span.source.text, edits)})
            after = check_file(shown, loader=loader).errors
            moved = found.span.start + sum(
                len(e.text) - (e.span.end - e.span.start) for e in edits if e.span.end <= found.span.start
            )
            assert (found.code, moved) not in [(d.code, d.span.start) for d in after], help.text
            assert found.code.startswith("E01") or not [d for d in after if d.code.startswith("E01")], help.text
