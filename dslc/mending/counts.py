"""Fixes for names and values that differ in number: results that nobody needs, turns without their number."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.bind.mistakes_body import WrongCount, WrongInputs
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.syntax import tree


def _line(g: Ground) -> tree.Assign | None:
    """The line whose names are at the caret."""
    lines = (n for n in walk(g.block) if isinstance(n, tree.Assign))
    return next((n for n in lines if n.targets[0].span.start == g.span.start), None)


@mends(WrongCount)
def names_too_many(g: Ground) -> Iterator[Candidate]:
    """`y, state = gru(64)`: the names that have a value, where nothing reads the others."""
    mistake, line = g.diagnostic.mistake, _line(g)
    if not isinstance(mistake, WrongCount) or mistake.values >= mistake.names or line is None:
        return
    kept = line.targets[: mistake.values]
    read = {n.name for n in walk(g.block) if isinstance(n, tree.Name) and n.span.start > line.span.end}
    if any(isinstance(t, tree.Name) and t.name in read for t in line.targets[mistake.values :]):
        return
    names = ", ".join(t.span.text for t in kept)
    made = "one value" if mistake.values == 1 else f"{mistake.values} values"
    yield Candidate(f"it makes {made}: `{names} = ..`", (g.put(g.span, names),))


@mends(WrongCount)
def names_too_few(g: Ground) -> Iterator[Candidate]:
    """`a, b = chunk(3)`: a name that begins with `_` takes what is not needed."""
    mistake, line = g.diagnostic.mistake, _line(g)
    if (
        isinstance(mistake, WrongCount)
        and 1 <= mistake.names < mistake.values <= mistake.names + 3
        and line is not None
    ):
        rest = [f"_rest{n + 1}" for n in range(mistake.values - mistake.names)]
        names = ", ".join([g.span.text, *(rest if len(rest) > 1 else ["_rest"])])
        said = f"there are {mistake.values} values, and `_` begins the name of one that is not needed: `{names} = ..`"
        yield Candidate(said, (g.put(g.span, names),))


@mends(WrongCount)
def numbered(g: Ground) -> Iterator[Candidate]:
    """`for i, w in widths`: the number of a turn comes from `enumerate`."""
    mistake = g.diagnostic.mistake
    loop = next((n for n in walk(g.block) if isinstance(n, tree.For) and n.targets[0].span.start == g.span.start), None)
    if isinstance(mistake, WrongCount) and loop is not None and (mistake.names, mistake.values) == (2, 1):
        source = loop.source.span
        said = f"`enumerate` gives the number, and the item: `for {g.span.text} in enumerate({source.text})`"
        yield Candidate(said, (g.before(source, "enumerate("), g.after(source, ")")))


@mends(WrongInputs)
def tensor_of_the_chain(g: Ground) -> Iterator[Candidate]:
    """`conv(8, 3) -> fuse(u)`: a call with tensors gets all of them in its brackets, the current value first."""
    mistake, call = g.diagnostic.mistake, g.call
    given = g.positional(call) if call is not None else []
    if not isinstance(mistake, WrongInputs) or call is None or not given or call.bare:
        return
    first = call.arguments[0].span
    rest = g.source.text[first.start : call.span.end]
    shown = short(f"{call.target.span.text}(it, {rest}")
    yield Candidate(f"the current value is given too: `{shown}`", (g.before(first, "it, "),))
