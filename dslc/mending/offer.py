"""The door: diagnostics that are about to be shown, with fixes that were tried.

A fix is offered only after the program with it was checked: that error is gone, and no new one is there. What messages
propose themselves, with edits, is tried too. The number of tries is bounded, and so is their work: a program that
takes long to check gets fewer fixes, never a slow check. Work is counted in steps, not in seconds, so that one program
has the same messages on every machine, however busy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

from dslc.diagnostics.model import Applicability, Diagnostic, Edit, Help, Severity
from dslc.elaborate.mistakes.flow import Dropped
from dslc.mending.ground import ground
from dslc.mending.rules import candidates
from dslc.mending.ways import ways
from dslc.ops.guesses import ChannelsLast, NoBatch, ReadOtherwise, TorchOrder
from dslc.record import entity, replace
from dslc.source import Source
from dslc.syntax.rewrite import apply_edits

Again = Callable[[Mapping[str, str]], tuple[Sequence[Diagnostic], int]]
"""What is wrong with the program where files hold other texts, by the paths that messages show, and what work that
took: ops that were made, and what takes as long.
"""

Place = tuple[str, str, int]
"""Code, file and offset of a diagnostic."""

MISTAKES: Final = 8
"""Mistakes of one run that fixes are looked for."""
TRIES: Final = 14
"""Candidates that are tried for one mistake."""
ALL_TRIES: Final = 48
WORK: Final = 12_000
"""Ops that all tries of a run make at most, some 1.5 seconds' worth; reached by large programs alone."""
LETTERS: Final = 50
"""Letters of a text that take as long to read as making one op."""
OFFERED: Final = 3
"""Fixes of one mistake that are shown."""
GUESSES: Final = (ChannelsLast, NoBatch, TorchOrder)
"""Warnings whose other reading may explain errors further on."""
WORD: Final = re.compile(r"\w+")
REPLACED: Final = ("E0121", "E0122", "E0124")
"""Codes whose own edits, of all lines of a suite, are shown only where no move of one line will do."""
LARGEST: Final = 200_000
"""Letters of a file in which fixes are looked for."""


@entity
class Tries:
    """What is left of the bounds, and what was tried."""

    again: Again
    each: int = 0  # the work that the check took, or a try that took more
    work: int = WORK  # what is left of it
    left: int = ALL_TRIES
    known: dict[str, Sequence[Diagnostic] | None] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.left <= 0 or self.work < self.each

    def made(self, edits: Sequence[Edit]) -> Sequence[Diagnostic] | None:
        """What was wrong after edits that were tried."""
        return self.known.get(self.text(edits)) if edits else None

    def text(self, edits: Sequence[Edit]) -> str:
        """The text after some edits of one file; empty where they cannot be made."""
        try:
            return apply_edits(edits[0].span.source.text, edits)
        except ValueError:
            return ""

    def after(self, edits: Sequence[Edit]) -> Sequence[Diagnostic] | None:
        """What is wrong after some edits of one file; none where they cannot be made."""
        text = self.text(edits)
        if not text:
            return None
        if text not in self.known:
            self.left -= 1
            self.known[text], work = self.again({edits[0].span.source.path: text})
            work += len(text) // LETTERS
            self.work -= work
            self.each = max(self.each, work)
        return self.known[text]


def offer(found: Sequence[Diagnostic], again: Again, work: int = 0) -> tuple[Diagnostic, ...]:
    """The diagnostics with help that was tried in the place of what was only thought of, and with their sizes' ways.

    `work`: what the check took, and so a try does.
    """
    tries = Tries(again, work)
    found = [replace(d, notes=(*d.notes, *ways(d))) if d.inputs else d for d in found]
    mended: list[Diagnostic] = []
    gone: set[int] = set()
    for at, diagnostic in enumerate(found):
        if at in gone:
            continue
        apt = diagnostic.severity is Severity.ERROR and at < MISTAKES and apt_source(diagnostic.span.source)
        cause = _misread(at, diagnostic, found, tries) if isinstance(diagnostic.mistake, GUESSES) else None
        if cause is not None:
            mended.append(cause[0])
            gone |= cause[1]
            continue
        diagnostic = _kept_reading(diagnostic, found, tries) if isinstance(diagnostic.mistake, GUESSES) else diagnostic
        mended.append(_mended(diagnostic, found, tries) if apt and not tries.over else diagnostic)
        gone |= _followers(at, mended[-1], found, tries)
    return tuple(mended)


def _misread(
    at: int, guess: Diagnostic, found: Sequence[Diagnostic], tries: Tries
) -> tuple[Diagnostic, set[int]] | None:
    """A guess that errors follow from is the error, and they are notes of it; none where the other reading keeps them.

    The proposal that confirms the guess is left out: with it they stay.
    """
    mistake = guess.mistake
    errors = [n for n, d in enumerate(found) if n != at and d.severity is Severity.ERROR]
    if not isinstance(mistake, GUESSES) or not errors or tries.over or not apt_source(guess.span.source):
        return None
    left: list[int] = []
    fitting: list[Help] = []
    for help in _readings(guess):
        edits = _edits(guess, help)
        after = tries.after(edits)
        if after is None or any(d.severity is Severity.ERROR for d in _new(guess, edits, found, after)):
            continue
        still = {_moved(d, ()) for d in after}
        gone = [n for n in errors if n > at and _moved(found[n], edits) not in still]
        if gone:
            left = left or gone
            fitting.append(help)
    if not fitting:
        return None
    said = [help for n, help in enumerate(guess.help) if n != mistake.confirming and not _edits(guess, help)]
    shown = (*fitting, *(said if fitting[0] is guess.help[0] else ()))  # words that say the same as the first
    notes = tuple(f"so read, {found[n].message} (line {found[n].span.line})" for n in left[:1])
    told = replace(ReadOtherwise(mistake).at(guess.span), related=guess.related, trail=guess.trail, help=shown)
    return replace(told, notes=(*guess.notes, *notes), inputs=guess.inputs), set(left)


def _readings(guess: Diagnostic) -> Iterator[Help]:
    """Other readings of what a warning is about, as edits: its own, and those of the rules."""
    yield from (help for help in guess.help if _edits(guess, help))
    for candidate in candidates(ground(guess)):
        yield Help(candidate.text, edits=candidate.edits, tried=True, applicability=Applicability.MAYBE)


def _kept_reading(guess: Diagnostic, found: Sequence[Diagnostic], tries: Tries) -> Diagnostic:
    """A warning whose other readings were tried: without the proposals that bring new mistakes."""
    mistake, edits = guess.mistake, _edits(guess, guess.help[0])
    after = tries.made(edits) if isinstance(mistake, GUESSES) else None
    if not isinstance(mistake, GUESSES) or after is None or not _new(guess, edits, found, after):
        return guess
    return replace(guess, help=(guess.help[mistake.confirming],))


def _followers(at: int, diagnostic: Diagnostic, found: Sequence[Diagnostic], tries: Tries) -> set[int]:
    """Which later mistakes are gone with this one, by its first fix: they only follow from it, and are not told.

    What the fix itself changes on another line is none of them: that is mended, not gone.
    """
    first = next((help for help in diagnostic.help if help.tried), None)
    covered = _covered(at, diagnostic, found, tries)
    after = tries.made(first.edits) if first is not None else None
    if first is None or after is None:
        return covered
    left = {_moved(d, ()) for d in after}
    lines = {edit.span.line for edit in first.edits} - {diagnostic.span.line}
    later = ((n, d) for n, d in enumerate(found) if n > at and d.severity is Severity.ERROR)
    return covered | {n for n, d in later if d.span.line not in lines and _moved(d, first.edits) not in left}


def _covered(at: int, diagnostic: Diagnostic, found: Sequence[Diagnostic], tries: Tries) -> set[int]:
    """Which later mistakes stand inside the text that the first proposal writes anew: quotes in a foreign call."""
    edits = next((edits for help in diagnostic.help if (edits := _edits(diagnostic, help))), ())
    after = tries.made(edits)
    if after is None:
        return set()
    codes = {(d.code, d.span.line) for d in after}
    spans = [edit.span for edit in edits if edit.text]
    return {
        n
        for n, d in enumerate(found)
        if n > at
        and (d.code, d.span.line) not in codes
        and any(s.source is d.span.source and s.start < d.span.start and d.span.end < s.end for s in spans)
    }


def apt_source(source: Source) -> bool:
    """Whether a text is a user's, and of a size in which looking for fixes is quick."""
    return source.kind == "text" and bool(source.text) and not source.is_library and len(source.text) <= LARGEST


def _mended(diagnostic: Diagnostic, found: Sequence[Diagnostic], tries: Tries) -> Diagnostic:
    fitting: list[tuple[int, bool, Help]] = []
    groups: set[str] = set()
    texts: set[str] = set()
    for count, candidate in enumerate(sorted(candidates(ground(diagnostic)), key=lambda one: one.loses)):
        if tries.over or count >= TRIES or len(fitting) >= 2 * OFFERED or (candidate.loses and fitting):
            break
        text = tries.text(candidate.edits)
        fits = _helps if candidate.reveals else _fits
        if candidate.group not in groups and text not in texts and fits(diagnostic, candidate.edits, found, tries):
            left = sum(d.severity is Severity.ERROR for d in tries.made(candidate.edits) or ())
            level = Applicability.CERTAIN if candidate.certain else Applicability.MAYBE
            help = Help(candidate.text, edits=candidate.edits, tried=True, applicability=level)
            fitting.append((left, candidate.sole, help))
            groups |= {candidate.group} - {""}
            texts.add(text)
            if candidate.sole and not left:
                break
    fitting.sort(key=lambda fit: fit[:1])  # what mends more comes first
    alone = next((fit for fit in fitting if fit[1] and fit[0] == fitting[0][0]), None)
    kept = [_later(diagnostic, help, found, tries) for *_, help in fitting]
    fitting = [fit for fit, later in zip(fitting, kept, strict=True) if later <= kept[0]]
    offered = [help for *_, help in ([alone] if alone is not None else fitting[:OFFERED])]
    facts = [help for help in diagnostic.help if help.fact]
    others = () if offered and diagnostic.code in REPLACED else diagnostic.help
    said = {help.text for help in offered}
    others = tuple(help for help in others if help.text not in said)
    rest = [help for help in others if not help.fact and _stays(diagnostic, help, found, tries, bool(offered))]
    return replace(diagnostic, help=(*facts, *offered, *rest))


def _later(diagnostic: Diagnostic, help: Help, found: Sequence[Diagnostic], tries: Tries) -> set[Place]:
    """The errors further on, as they stood, that a fix leaves: of two fixes, what one takes away may only follow."""
    left = {_moved(d, ()) for d in tries.made(help.edits) or ()}
    errors = (d for d in found if d.severity is Severity.ERROR and d.code != Dropped.code)
    return {_moved(d, ()) for d in errors if d.span.start > diagnostic.span.start and _moved(d, help.edits) in left}


def _stays(diagnostic: Diagnostic, help: Help, found: Sequence[Diagnostic], tries: Tries, mended: bool) -> bool:
    """Whether a message's own proposal is shown: words where nothing better was found, an edit if it works."""
    edits = _edits(diagnostic, help)
    return not mended if not edits else tries.over or _helps(diagnostic, edits, found, tries)


def _edits(diagnostic: Diagnostic, help: Help) -> tuple[Edit, ...]:
    own = () if help.replace is None else (Edit(diagnostic.span, help.replace),)
    return (*own, *help.edits)


def _fits(diagnostic: Diagnostic, edits: Sequence[Edit], found: Sequence[Diagnostic], tries: Tries) -> bool:
    """Whether the mistake is gone after the edits, and nothing is wrong that was not wrong before."""
    after = tries.after(edits)
    if after is None or _new(diagnostic, edits, found, after):
        return False
    unread = {_moved(d, edits) for d in found if d.code == Dropped.code and d is not diagnostic}
    left = {_moved(d, ()) for d in after if d.code == Dropped.code}
    return diagnostic.code != Dropped.code or left <= unread  # else another value is left for this one


def _helps(diagnostic: Diagnostic, edits: Sequence[Edit], found: Sequence[Diagnostic], tries: Tries) -> bool:
    """Whether a message's own proposal does what it says: the mistake is gone, and the text can still be read.

    Others may come to light behind it, which a name or a letter that was wrong had hidden.
    """
    after = tries.after(edits)
    if after is None:
        return False
    new = _new(diagnostic, edits, found, after)
    spans = [(at := _offset(edit.span.start, edits), at + len(edit.text)) for edit in edits]
    inside = any(
        start <= d.span.start and d.span.end <= end and d.span.source.path == edits[0].span.source.path
        for d in new
        for start, end in spans
    )
    return not inside and not any(d.code == diagnostic.code or d.code.startswith("E01") for d in new)


def _new(
    diagnostic: Diagnostic, edits: Sequence[Edit], found: Sequence[Diagnostic], after: Sequence[Diagnostic]
) -> list[Diagnostic]:
    """What is wrong after the edits and was not before, but at this place: the mistake itself counts as new."""
    before = {_moved(d, edits) for d in found if d is not diagnostic}
    own = _moved(diagnostic, edits)
    if own in before and sum(_moved(d, ()) == own for d in after) > 1:
        before -= {own}  # another one moved to this place, and the mistake is still there beside it
    removed = {word for edit in edits for word in WORD.findall(edit.span.text)}
    return [d for d in after if _counts(d, removed) and _moved(d, ()) not in before]


def _counts(diagnostic: Diagnostic, removed: set[str]) -> bool:
    """Whether a fix may not bring it: errors, and a parameter or value that nothing reads any more.

    Other warnings, and values that nothing reads, are told of programs without an error alone, so that they say
    nothing about a fix.
    """
    if diagnostic.severity is Severity.ERROR and diagnostic.code != Dropped.code:
        return True
    return diagnostic.severity is not Severity.NOTE and not removed.isdisjoint(WORD.findall(diagnostic.span.text))


def _moved(diagnostic: Diagnostic, edits: Sequence[Edit]) -> Place:
    """Where a diagnostic stands after the edits of a file."""
    path = diagnostic.span.source.path
    return diagnostic.code, path, _offset(diagnostic.span.start, [e for e in edits if e.span.source.path == path])


def _offset(start: int, edits: Sequence[Edit]) -> int:
    """Where an offset of a file is after edits of it."""
    return start + sum(len(e.text) - (e.span.end - e.span.start) for e in edits if e.span.end <= start)
