"""Sizes as text: `ceil(H/32)`, `(H + 3) // 8`, `H/32` where it is known to be exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TypeAlias

from dslc.record import frozen
from dslc.types.dim import Atom, Dim, Floor, Monomial, Size, Sym, as_remainder

Terms: TypeAlias = Iterable[tuple[Monomial, int]]


def _unknown(floor: Floor) -> int | None:
    return None


@frozen
class Style:
    """How to print.

    `exact` gives the remainder of a floor's number by its divisor where it is the same for every allowed
    size; `grouped` writes thousands separators; `names` are other words for symbols; `code`: as a program writes it.
    """

    exact: Callable[[Floor], int | None] = _unknown
    grouped: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    code: bool = False


PLAIN = Style()
CODE = Style(code=True)


def dim_text(size: Size, style: Style = PLAIN) -> str:
    """A size. A lone floor takes the number beside it in: `(H - 7) // 4`, not `(H + 1) // 4 - 2`."""
    if isinstance(size, int):
        return _number(size, style)
    first, coefficient = size.terms[0]
    if len(size.terms) == 1 + (size.constant != 0) and coefficient == 1 and len(first) == 1:
        atom = first[0]
        if isinstance(atom, Floor) and style.exact(atom) is None:
            return _floor_text(atom, style, size.constant)
    return _remainder_text(size, style) or sum_text(size.terms, style)


def sum_text(terms: Terms, style: Style = PLAIN) -> str:
    """Terms in their order, but a positive one first."""
    ordered = list(terms)
    start = next((i for i, (_, coefficient) in enumerate(ordered) if coefficient > 0), 0)
    ordered.insert(0, ordered.pop(start))
    text = ""
    for monomial, coefficient in ordered:
        bare = bool(text) or coefficient > 0
        term = _term_text(monomial, abs(coefficient), style, bare)
        if text:
            text += f" - {term}" if coefficient < 0 else f" + {term}"
        else:
            text = term if bare else f"-{term}"
    return text


def _number(number: int, style: Style) -> str:
    return f"{number:,}" if style.grouped else str(number)


def _term_text(monomial: Monomial, coefficient: int, style: Style, bare: bool) -> str:
    """One term without its sign; `bare`: a lone floor needs no brackets here."""
    if not monomial:
        return _number(coefficient, style)
    if bare and coefficient == 1 and len(monomial) == 1:
        return _atom_text(monomial[0], style)
    factors = [_number(coefficient, style)] if coefficient != 1 else []
    for atom in dict.fromkeys(monomial):
        text = _atom_text(atom, style)
        if isinstance(atom, Floor) and not text.startswith("ceil("):
            text = f"({text})"
        power = monomial.count(atom)
        factors.append(text if power == 1 else f"{text}**{power}")
    return "*".join(factors)


def _atom_text(atom: Atom, style: Style) -> str:
    return style.names.get(atom.name, atom.name) if isinstance(atom, Sym) else _floor_text(atom, style, 0)


def _floor_text(floor: Floor, style: Style, extra: int) -> str:
    """`floor + extra`, with the number inside the floor."""
    terms = [term for term in floor.num.terms if term[0]]
    constant = floor.num.constant + extra * floor.den
    remainder = style.exact(floor)
    if remainder is not None:
        return f"{_numerator(terms, constant - remainder, style)}/{floor.den}"
    if constant == floor.den - 1 and not style.code:
        text = sum_text(terms, style)
        return f"ceil({_bracketed(text, ' ')}/{floor.den})"
    return f"{_bracketed(_numerator(terms, constant, style), '*')} // {floor.den}"


def _numerator(terms: list[tuple[Monomial, int]], constant: int, style: Style) -> str:
    return _bracketed(sum_text([*terms, ((), constant)] if constant else terms, style), " ")


def _bracketed(text: str, sign: str) -> str:
    """Brackets around a text that holds a sign, unless it has them."""
    return f"({text})" if sign in text and not _enclosed(text) else text


def _enclosed(text: str) -> bool:
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return i == len(text) - 1
    return False


def _remainder_text(dim: Dim, style: Style) -> str:
    """`H % 32` for a size that is it, times a number."""
    found = as_remainder(dim)
    if found is None or found[2]:
        return ""
    times, floor, _ = found
    text = _bracketed(_numerator(list(floor.num.terms), 0, style), "*")
    return f"{text} % {floor.den}" if times == 1 else f"{times}*({text} % {floor.den})"


def number_runs(values: Iterable[int], shown: int = 8) -> str:
    """A set of numbers: `{0, 29..31}`; runs of three and more as a range, at most `shown` runs."""
    ordered = sorted(values)
    runs: list[list[int]] = []
    for value in ordered:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    parts = [f"{run[0]}..{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs[:shown]]
    if len(runs) > shown:
        parts.append(f"... ({len(ordered)} in all)")
    return f"{{{', '.join(parts)}}}"
