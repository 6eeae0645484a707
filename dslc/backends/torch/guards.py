"""The function that a root's `forward` calls first where a network is not defined for every size of its input."""

from __future__ import annotations

from dslc.backends.torch import layout, terms
from dslc.backends.torch.terms import Infix, Lit, Term, Var
from dslc.ir.demands import Demand, demands, places
from dslc.ir.model import Model
from dslc.names.reserved import local_name
from dslc.types.dim import Atom, Size, Sym, terms_of
from dslc.types.domain import Domain

MAX_LISTED = 64
"""Remainders that a condition lists; of more it gives ranges."""


def check_function(model: Model) -> tuple[list[str], list[tuple[str, int, int]]]:
    """The lines of `_check_size`, and its arguments as (name, input, axis); nothing where all sizes are allowed."""
    asked = demands(model)
    if not asked:
        return [], []
    read = places(model)
    wanted = {name for demand in asked for name in _named(demand)}
    # An axis that is no symbol's own stands behind the symbols, as in its condition.
    where = {name: read[name] for name in read if name in wanted} | {d.name: d.place for d in asked}
    spelled = _spelled(list(where))
    conditions = [" or ".join(_refused(demand, spelled)) for demand in asked]
    lines = ["@torch.fx.wrap", f"def _check_size({', '.join(f'{name}: int' for name in spelled.values())}) -> None:"]
    lines += layout.docstring(_why(model, asked), 1)
    order = {name: place for place, name in enumerate(where)}
    whole = f"if {' or '.join(conditions)}:"
    together = len(whole) + 4 <= layout.WIDTH
    # Where each condition has a test of its own, its message speaks of it alone: all of them would be a text of n * n.
    for test, said in (
        [(whole, asked)]
        if together
        else [(f"if {condition}:", [demand]) for condition, demand in zip(conditions, asked, strict=True)]
    ):
        names = list(where) if together else sorted(_named(said[0]), key=order.__getitem__)
        needs = ", ".join(demand.text for demand in said)
        got = ", ".join(f"{name}={{{spelled[name]}}}" for name in names)
        lines += layout.statement("", test, "", 1)
        lines += layout.statement("raise ", _error(f"the input must have {_plain(needs)}; it has {got}"), "", 2)
    return lines, [(spelled[name], *place) for name, place in where.items()]


def _named(demand: Demand) -> set[str]:
    """The sizes that a demand speaks of."""
    return {demand.name} | ({s.name for s in demand.equals.symbols} if demand.equals is not None else set())


def _spelled(names: list[str]) -> dict[str, str]:
    """Names of Python for sizes: `h` for `H`, `y_2` for `y.shape[2]`."""
    plain = {name: name.replace(".shape[", "_").rstrip("]") for name in names}
    found = {name: local_name(text.lower()) for name, text in plain.items()}
    return found if len(set(found.values())) == len(names) else {n: local_name(text) for n, text in plain.items()}


def _refused(demand: Demand, spelled: dict[str, str]) -> list[str]:
    """Conditions, one of which holds for each size that a demand does not allow, and for no other."""
    name = spelled[demand.name]
    if demand.equals is None:
        return refusal(name, demand.allowed)
    text = terms.text(size_term(demand.equals), lambda n: spelled.get(n, n), terms.COMPARISON + 1)
    return [f"{name} != {text}"]


def _error(message: str) -> layout.Group:
    """`ValueError` of an f-string, which is cut between words where it is too long for a line."""
    room = layout.WIDTH - 3 * len(layout.INDENT) - len('f""')
    text = _escaped(message)
    if len(text) <= room:
        return layout.Group("ValueError", (f'f"{text}"',))
    pieces = [""]
    for word in text.replace(", ", ",\0 ").replace(";", ";\0").split("\0"):
        if len(pieces[-1]) + len(word) > room:
            pieces.append("")
        pieces[-1] += word
    return layout.Group("ValueError", tuple(f'f"{piece}"' for piece in pieces), clauses=True)


def _plain(text: str) -> str:
    """Text that an f-string shows as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _why(model: Model, asked: list[Demand]) -> str:
    """The lines of the program that ask for the sizes."""
    places: dict[str, dict[int, None]] = {}
    guards = [*(g.span for g in model.sizes.guards), *(p.span for p in model.sizes.pins.values())]
    for span in (*guards, *(span for demand in asked for span in demand.spans)):
        path = span.source.path.rsplit("/", 1)[-1]
        places.setdefault(path, {})[span.line] = None
    listed = [f"{path}:{', '.join(map(str, sorted(lines)[:6]))}" for path, lines in places.items()]
    where = f" ({'; '.join(listed[:3])})" if listed else ""
    return f"Refuse sizes that this network is not defined for{where}."


def refusal(name: str, allowed: Domain) -> list[str]:
    """Conditions on a size, at least one of which holds exactly for the sizes that are refused."""
    if allowed.single is not None:
        return [f"{name} != {allowed.single}"]
    parts = []
    if allowed.mod > 1:
        parts.append(_remainders(f"{name} % {allowed.mod}", sorted(allowed.residues), allowed.mod))
    if allowed.lo > min((r or allowed.mod) for r in allowed.residues):
        parts.append(f"{name} < {allowed.lo}")
    if allowed.hi is not None:
        parts.append(f"{name} > {allowed.hi}")
    if allowed.holes:
        holes = sorted(allowed.holes)
        parts.append(f"{name} == {holes[0]}" if len(holes) == 1 else f"{name} in ({', '.join(map(str, holes))})")
    return parts


def _remainders(value: str, kept: list[int], mod: int) -> str:
    """A condition for a remainder that is not among those kept."""
    runs: list[list[int]] = []
    for r in sorted(set(range(mod)) - set(kept)):
        if runs and runs[-1][1] == r - 1:
            runs[-1][1] = r
        else:
            runs.append([r, r])
    if len(kept) == 1:
        return f"{value} != {kept[0]}"
    if len(runs) == 1:
        a, b = runs[0]
        return f"{value} == {a}" if a == b else f"{a} <= {value} <= {b}"
    if len(kept) <= MAX_LISTED:
        return f"{value} not in ({', '.join(map(str, kept))})"
    return " or ".join(f"{a} <= {value} <= {b}" if a < b else f"{value} == {a}" for a, b in runs)


def size_term(size: Size) -> Term:
    """A symbolic size as Python."""
    total: Term | None = None
    for monomial, coefficient in terms_of(size):
        term: Term = Lit(abs(coefficient))
        for atom in monomial:
            term = terms.infix("*", term, _atom(atom))
        if total is None:
            total = term if coefficient > 0 else terms.infix("-", Lit(0), term)
        else:
            total = Infix("+" if coefficient > 0 else "-", total, term)
    return total if total is not None else Lit(0)


def _atom(atom: Atom) -> Term:
    if isinstance(atom, Sym):
        return Var(atom.name)
    return Infix("//", size_term(atom.num), Lit(atom.den))
