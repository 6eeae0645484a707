"""Fixes for sizes that depend on the input: another default, a `require`, a number in the net's port."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Edit
from dslc.mending.axes import size_names
from dslc.mending.ground import Candidate, Ground, net_dims
from dslc.mending.rules import mends
from dslc.syntax import tree
from dslc.types.errors import (
    BelowLeast,
    Coincidence,
    DifferentSymbols,
    Fit,
    JoinedSizes,
    NotAProduct,
    NotDivisible,
    OpenComparison,
    OpenCondition,
    RequireFails,
)
from dslc.types.limits import UniversalPin, UniversalSize

DEFAULTS = {"H": "224", "W": "224", "D": "16", "L": "1024", "T": "128", "S": "128"}
"""Defaults to propose for names of sizes."""


@mends(JoinedSizes, BelowLeast, NotDivisible, RequireFails)
def nearest_default(g: Ground) -> Iterator[Candidate]:
    """The nearest default at which the condition holds; several sizes are changed together."""
    fits: tuple[Fit, ...] = getattr(g.diagnostic.mistake, "fits", ())
    named = [fit for fit in fits if fit.symbol and fit.nearest]
    given = [(dim, dim.value.name, dim.default) for _, dim in net_dims(g) if isinstance(dim.value, tree.Name)]
    for at in range(max((len(fit.nearest) for fit in named), default=0)):
        sizes = {fit.symbol: fit.nearest[min(at, len(fit.nearest) - 1)] for fit in named}
        alike = {old.span.text: sizes[name] for _, name, old in given if old is not None and name in sizes}
        for wider in (False, True):  # a square image stays one
            edits, said = [], []
            for _, name, old in given:
                size = None if old is None else sizes.get(name, alike.get(old.span.text) if wider else None)
                if old is not None and size is not None:
                    edits.append(g.put(old.span, str(size)))
                    said.append(f"`{name}={size}`")
            if edits:
                text = f"another default in the header: {', '.join(dict.fromkeys(said))}"
                yield Candidate(text, tuple(edits), group=f"default {at}")


@mends(DifferentSymbols, NotAProduct, OpenCondition, OpenComparison)
def required(g: Ground) -> Iterator[Candidate]:
    """What a message asks to require, as the first line of the net."""
    mistake = g.diagnostic.mistake
    groups: list[tuple[str, ...]] = []
    if isinstance(mistake, DifferentSymbols | OpenComparison) and mistake.require:
        groups = [(mistake.require,)]
    elif isinstance(mistake, NotAProduct):
        groups = [mistake.requires] if mistake.requires else []
    elif isinstance(mistake, OpenCondition):
        groups = [tuple(text.split(" and ")) for text in mistake.requires]
    for group in groups:
        for block in g.blocks:
            lines = "\n".join(f"require {text}" for text in group)
            edit = _lines(g, block, lines) if block.kind == "net" else None
            if edit is not None:
                said = ", ".join(f"`require {text}`" for text in group)
                yield Candidate(f"one line more in the net: {said}", (edit,))


def _lines(g: Ground, block: tree.Block, text: str) -> Edit | None:
    first = block.suite.body[0].span.start if block.suite.body else -1
    start = g.line_start(first)
    indent = g.source.text[start:first]
    return g.first_line(block, text.replace("\n", f"\n{indent}")) if first >= 0 else None


@mends(OpenCondition, Coincidence)
def a_number_in_the_port(g: Ground) -> Iterator[Candidate]:
    """A network for one size: its number in the header."""
    mistake = g.diagnostic.mistake
    names = mistake.symbols if isinstance(mistake, Coincidence) else (getattr(mistake, "symbol", ""),)
    edits, said = [], []
    for _, dim in net_dims(g):
        if dim.default is not None and isinstance(dim.value, tree.Name) and dim.value.name in names:
            edits.append(g.put(dim.span, dim.default.span.text))
            said.append(f"`{dim.default.span.text}` for `{dim.span.text}`")
    if edits:
        yield Candidate(f"a network for this size alone: {', '.join(said)} in the header", tuple(edits))


@mends(UniversalPin, UniversalSize)
def name_of_the_size(g: Ground) -> Iterator[Candidate]:
    """`t=8` in a pattern, where the header says `T=8`: a network for any `T` asks for its name."""
    for call in g.calls(g.block):
        edits = tuple(size_names(g, call))
        if edits:
            shown = ", ".join(f"`{edit.text}` for `{edit.span.text}`" for edit in edits)
            yield Candidate(f"the size by its name, whatever it is: {shown} in line {call.span.line}", edits)


@mends(UniversalPin, UniversalSize)
def a_default(g: Ground) -> Iterator[Candidate]:
    """A default for a size that a weight, or a condition, depends on; never for the batch."""
    name = getattr(g.diagnostic.mistake, "symbol", "")
    default = DEFAULTS.get(name, "64")
    for axis, dim in net_dims(g):
        if axis and isinstance(dim.value, tree.Name) and dim.value.name == name and dim.default is None:
            said = f"a network for one `{name}`, such as `{name}={default}` in the header"
            yield Candidate(said, (g.after(dim.span, f"={default}"),))
