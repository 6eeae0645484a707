"""The function that a root's `forward` calls first where a network is not defined for every size of its input."""

from __future__ import annotations

from dslc.backends.torch import layout, terms
from dslc.backends.torch.root import guards
from dslc.backends.torch.terms import Infix, Lit, Term, Var
from dslc.ir.model import Model
from dslc.names.reserved import local_name
from dslc.types.dim import Atom, Size, Sym, terms_of
from dslc.types.domain import EVERY, Domain

MAX_LISTED = 64
"""Remainders that a condition lists; of more it gives ranges."""


def check_function(model: Model) -> tuple[list[str], list[tuple[str, int, int]]]:
    """The lines of `_check_size`, and its arguments as (name, input, axis); nothing where all sizes are allowed."""
    places = guards(model)
    conditions: list[tuple[str, str]] = []
    read: dict[str, tuple[int, int]] = {}
    spelled = {name: local_name(name.lower()) for name, *_ in places}
    if len(set(spelled.values())) < len(spelled):
        spelled = {name: local_name(name) for name in spelled}
    for name, index, axis, allowed in places:
        same = model.sizes.same.get(name)
        if same is not None:
            text = terms.text(size_term(same), lambda n: spelled.get(n, n), terms.COMPARISON + 1)
            conditions.append((f"{spelled[name]} != {text}", f"{name} == {same}"))
            read[name] = (index, axis)
            for other in terms.free(size_term(same)):
                read.update({n: (i, a) for n, i, a, _ in places if n == other})
        elif allowed != EVERY:
            refused = refusal(spelled[name], allowed)
            if refused:
                conditions.append((" or ".join(refused), allowed.sufficient().exact_text(name)))
                read[name] = (index, axis)
    if not conditions:
        return [], []
    ordered = [(name, i, a) for name, i, a, _ in places if name in read]
    arguments = ", ".join(f"{spelled[n]}: int" for n, _, _ in ordered)
    needs = ", ".join(text for _, text in conditions)
    got = ", ".join(f"{n}={{{spelled[n]}}}" for n, _, _ in ordered)
    lines = ["@torch.fx.wrap", f"def _check_size({arguments}) -> None:"]
    lines += layout.docstring(_why(model), 1)
    message = f"the input must have {_plain(needs)}; it has {got}"
    whole = f"if {' or '.join(text for text, _ in conditions)}:"
    tests = [whole] if len(whole) + 4 <= layout.WIDTH else [f"if {text}:" for text, _ in conditions]
    for test in tests:
        lines += layout.statement("", test, "", 1)
        lines += layout.statement("raise ", layout.Group("ValueError", ("f" + _string(message),)), "", 2)
    return lines, [(spelled[n], i, a) for n, i, a in ordered]


def _plain(text: str) -> str:
    """Text that an f-string shows as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _why(model: Model) -> str:
    """The lines of the program that ask for the sizes."""
    places: dict[str, dict[int, None]] = {}
    for span in (*(g.span for g in model.sizes.guards), *(p.span for p in model.sizes.pins.values())):
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
