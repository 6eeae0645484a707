"""What is known of the sizes of a network's inputs, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.analysis.sizes import Demand, SizeFacts
from dslc.types.domain import Domain
from dslc.types.text import number_runs

SHOWN = 3
"""Windows that lose places: the first few are named."""


def size_lines(facts: Sequence[SizeFacts]) -> list[str]:
    """A line for each size, and below it, indented, what asks for it and which sizes are used well."""
    lines = []
    for size in facts:
        lines.append(f"{size.name} = {size.default}: {demand(size)}")
        lines += [f"  {asked(line, size.name)}" for line in size.demands]
        if size.pin is None and size.given is None:
            lines += [f"  {line}" for line in (same_cost(size), losses(size), whole(size), best(size)) if line]
    return lines


def demand(size: SizeFacts) -> str:
    """What the network asks: `a multiple of 16`, `any size from 33 up`, `pinned by net.dl:41`."""
    if size.pin is not None:
        return size.pin.text
    if size.given is not None:
        return f"must be {size.given}"
    words = sizes_in_words(size.allowed, size.name)
    return words if words.startswith("any") else f"must be {words}"


def asked(line: Demand, name: str) -> str:
    """What one line asks: "`concat` asks for H % 16 == 0 (std/combine.dl:22)"."""
    who = f"`{line.by}`" if line.by else "this line"
    return f"{who} asks for {line.allowed.text(name)} ({line.span.source.path}:{line.span.line})"


def sizes_in_words(allowed: Domain, name: str) -> str:
    """A set of sizes in words where it has a short form, else as conditions: `H % 32 in {0, 29..31}`."""
    if allowed.single is not None:
        return str(allowed.single)
    if allowed.empty or len(allowed.residues) > 1 or len(allowed.holes) > 3:
        return f"such that {allowed.exact_text(name)}"
    (rest,) = allowed.residues
    kind = "any size" if allowed.mod == 1 else f"a multiple of {allowed.mod}"
    if rest:
        kind = f"{rest} more than {kind}"
    if allowed.hi is not None:
        kind += f" from {allowed.lo} to {allowed.hi}"
    elif allowed.lo > (rest or allowed.mod):
        kind += f" from {allowed.lo} up"
    if allowed.holes:
        kind += f" but {number_runs(list(allowed.holes)).strip('{}')}"
    return kind


def same_cost(size: SizeFacts) -> str:
    """Which sizes have the multiply-adds of the default."""
    if size.alike is None:
        return f"the multiply-adds do not depend on {size.name}"
    first, last = size.alike
    if first == last:
        return ""
    if last > size.default:
        return f"{last} has the same multiply-adds as {size.default}"
    return f"{first}..{last} have the same multiply-adds: {last} is the largest of them"


def losses(size: SizeFacts) -> str:
    """The windows that leave places unread at the default."""
    if not size.lost:
        return ""
    shown = [f"`{loss.path}` leaves {loss.places} of {loss.size} places unread" for loss in size.lost[:SHOWN]]
    more = len(size.lost) - SHOWN
    return f"at {size.default} {', '.join(shown)}" + (f", and {more} more do so" if more > 0 else "")


def whole(size: SizeFacts) -> str:
    """The sizes at which windows read every place, where not all of them are."""
    if size.whole is None:
        return f"rounding repeats only every {size.period:,} sizes, too many to compare"
    if size.whole.empty:
        return "at no size do all windows read every place"
    if size.allowed.within(size.whole):
        return ""
    return f"every place is read: {size.name} {sizes_in_words(size.whole, size.name)}{near(size, size.whole)}"


def best(size: SizeFacts) -> str:
    """The sizes, of those, with the fewest multiply-adds for each place, and how the default compares."""
    if size.best is None or any(pool is not None and pool.within(size.best) for pool in (size.whole, size.allowed)):
        return ""
    text = f"fewest multiply-adds for each place: {size.name} {sizes_in_words(size.best, size.name)}"
    over = f"; {float(100 * size.excess):.2g}% of those at {size.default} are above that" if size.excess > 0 else ""
    return f"{text}{near(size, size.best)}{over}"


def near(size: SizeFacts, among: Domain) -> str:
    """The sizes next to the default, where it is none of them."""
    return "" if size.default in among else f" (nearest: {' and '.join(map(str, among.nearest(size.default)))})"


def size_records(facts: Sequence[SizeFacts]) -> list[dict[str, object]]:
    """The facts as plain data: the sizes that are allowed, the loss at the default, the sizes without loss."""
    return [
        {
            "symbol": size.name,
            "value": size.default,
            "allowed": size.allowed.exact_text(size.name) if size.pin is None else size.pin.text,
            "same_macs": list(size.alike) if size.alike is not None else None,
            "lost": [{"path": loss.path, "places": loss.places, "of": loss.size} for loss in size.lost],
            "whole": size.whole.exact_text(size.name) if size.whole is not None else None,
            "best": size.best.exact_text(size.name) if size.best is not None else None,
            "excess": float(size.excess),
        }
        for size in facts
    ]
