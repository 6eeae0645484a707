"""Numbers as text: decimal units, places of a field, sums by size."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from dslc.analysis.cost import Terms
from dslc.analysis.field import Field, Number, Status
from dslc.analysis.receptive import Tracks
from dslc.diagnostics.model import Reject
from dslc.types.dim import Atom, Dim, Monomial, Size, Sym, product, substitute, symbol
from dslc.types.period import period
from dslc.types.sizes import Sizes
from dslc.types.text import Style, sum_text

UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def short(number: int, digits: int = 3) -> str:
    """`4.089 G`, `25.557 M`; below 1,000 the number itself."""
    for unit, letter in UNITS:
        if number >= unit:
            return f"{number / unit:.{digits}f} {letter}"
    return str(number)


def number_text(number: Number) -> str:
    """An exact number: whole, or with at most two decimals and a `~` where that rounds."""
    if isinstance(number, int) or number.denominator == 1:
        return f"{int(number):,}"
    rounded = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return rounded if Fraction(rounded) == number else f"~{rounded}"


# ---- receptive fields


def field_text(tracks: Tracks) -> str:
    """The fields of a value: `43`, `43x11` where the axes differ, `all (43)` where everything is seen.

    One text per input, with `; ` between them. `~` marks a hull, `?` what an op could not say.
    """
    by_input: dict[int, list[Field]] = {}
    for track in tracks:
        by_input.setdefault(track.input, []).append(track.field)
    return "; ".join(dict.fromkeys(axes_text(fields) for fields in by_input.values()))


def axes_text(fields: list[Field]) -> str:
    """The sizes along the axes of one input, each once if they are equal."""
    sizes = [number_text(f.size) for f in fields]
    text = sizes[0] if len(set(sizes)) == 1 else "x".join(sizes)
    worst = max(f.status for f in fields)
    if worst is Status.GLOBAL:
        return f"all ({text})" if any(f.size != 1 for f in fields) else "all"
    if worst is Status.UNKNOWN:
        return f"? ({text})"
    return f"~{text}" if worst is not Status.EXACT else text


# ---- sums by size


def polynomial(terms: Terms, sizes: Sizes) -> tuple[str, str] | None:
    """A sum as a polynomial in the symbols, and where it holds: `81,456*H*W + 2,048,000`, `multiples of 32`.

    It is given where the floors leave on the multiples of their periods and the default is such a multiple;
    none where it would say nothing (no symbol), or would be too long.
    """
    dims = [size for key in terms for size in key]
    symbols = sorted({s for dim in dims for s in dim.symbols}, key=lambda s: s.name)
    if not symbols:
        return None
    steps = {s: lcm(*(period(dim, s) for dim in dims)) for s in symbols}
    if any(sizes.default[s.name] % step for s, step in steps.items()):
        return None
    stretched: dict[Atom, Size] = {s: symbol(s.name) * step for s, step in steps.items()}
    total: Size = 0
    try:
        for key, count in terms.items():
            total = total + count * product(substitute(size, stretched) for size in key)
    except Reject:
        return None
    if not isinstance(total, Dim) or total.depth or len(total.terms) > 8:
        return None
    scaled = unstretched(total, steps)
    where = sorted(set(steps.values()) - {1})
    return scaled, f"multiples of {' and '.join(map(str, where))}" if where else ""


def unstretched(total: Dim, steps: dict[Sym, int]) -> str:
    """A polynomial in t = H/m written in H, if its coefficients allow; else in (H/m)."""
    shrunk: list[tuple[Monomial, int]] = []
    for monomial, coefficient in total.terms:
        scale = 1
        for atom in monomial:
            assert isinstance(atom, Sym)
            scale *= steps[atom]
        if coefficient % scale:
            return parts_text(total, steps)
        shrunk.append((monomial, coefficient // scale))
    return sum_text(shrunk, Style(grouped=True))


def parts_text(total: Dim, steps: dict[Sym, int]) -> str:
    """`83,410,944*(H/32)*(W/32) + 2,048,000`."""
    words = []
    for monomial, coefficient in total.terms:
        factors = [f"{abs(coefficient):,}"]
        for atom in monomial:
            assert isinstance(atom, Sym)
            factors.append(atom.name if steps[atom] == 1 else f"({atom.name}/{steps[atom]})")
        words.append(("- " if coefficient < 0 else "+ ") + "*".join(factors))
    text = " ".join(words)
    return text[2:] if text.startswith("+ ") else text


def size_text(size: Size, sizes: Sizes) -> str:
    """A size in the allowed sizes' best words: `H/32` where exact."""
    return sizes.text(size)
