"""Fixes for the usual letters of sizes, where no header names them."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.bind.mistakes import UnknownName
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.syntax import tree

AXES = {"N": 0, "B": 0, "C": 1, "H": -2, "W": -1, "T": 1, "L": -1, "S": 1, "D": -1}
"""By letter, the axis that it usually stands for; of a map `C` is axis 1, of tokens `D` the last."""
USUAL = ("N", "C", "H", "W")
"""Letters of a map, for a header that has none."""


@mends(UnknownName)
def size_of_the_header(g: Ground) -> Iterator[Candidate]:
    """`C` in a block whose header names no such size: named there, where its place is open."""
    mistake, block = g.diagnostic.mistake, g.block
    letter = mistake.name if isinstance(mistake, UnknownName) else ""
    if block is None or letter not in AXES:
        return
    for port in (block.ports or ())[:1]:
        dims = port.spec.dims or ()
        if not dims and port.name_span is not None and block.kind != "net" and letter in USUAL:
            shown = f"{port.name}[{', '.join(USUAL)}]"
            yield Candidate(f"name the sizes in the header: `{shown}`", (g.put(port.span, shown),))
        at = AXES[letter] % len(dims) if dims else 0
        dim = dims[at] if -len(dims) <= AXES[letter] < len(dims) else None
        if dim is None or dim.rest:
            continue
        named = isinstance(dim.value, tree.Name)
        text = letter if dim.value is None else f"{letter}={dim.value.span.text}"
        if dim.value is None or (isinstance(dim.value, tree.Number) and letter not in ("N", "B", "C", "D")):
            shown = f"{port.name}[{', '.join(text if d is dim else d.span.text for d in dims)}]"
            yield Candidate(f"name the size in the header: `{short(shown)}`", (g.put(dim.span, text),))
        elif named and block.kind != "net":
            said = f"the header calls it `{dim.span.text}`: `{g.shown(g.span, dim.span.text)}`"
            yield Candidate(said, tuple(g.put(n.span, dim.span.text) for n in _read(g, letter)), sole=True)


@mends(UnknownName)
def size_of_the_current_value(g: Ground) -> Iterator[Candidate]:
    """`C` of what is made here: an axis of the current value."""
    mistake = g.diagnostic.mistake
    letter = mistake.name if isinstance(mistake, UnknownName) else ""
    call = g.call
    if letter not in AXES or call is None or call.target.span == g.span or len(_read(g, letter)) > 1:
        return
    text = f"it.shape[{AXES[letter]}]"
    said = f"no header names `{letter}`; axis {AXES[letter]} of the current value"
    yield Candidate(f"{said}: `{g.shown(g.span, text)}`", (g.put(g.span, text),))


def _read(g: Ground, name: str) -> list[tree.Name]:
    """Where the body reads a name."""
    return [n for n in walk(g.block) if isinstance(n, tree.Name) and n.name == name]
