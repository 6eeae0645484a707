"""Numbers as text: decimal units, places of a field, sums by size."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from dslc.analysis.cost import Terms
from dslc.analysis.field import Field, Number, Status
from dslc.analysis.receptive import Tracks
from dslc.types.cost import Cost, Formula, formula
from dslc.types.dim import Size
from dslc.types.sizes import Sizes

MAX_FACTORS = 24
"""Multiplications in a polynomial that is still read."""

UNITS = ((10**18, "E"), (10**15, "P"), (10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def short(number: int, digits: int = 3) -> str:
    """`4.089 G`, `25.557 M`; below 1,000 the number itself, from 1,000 E on `3.614e+44`."""
    if number >= 10**21:
        return power_text(number)
    for unit, letter in UNITS:
        if number >= unit:
            return f"{number / unit:.{digits}f} {letter}"
    return str(number)


def power_text(number: int) -> str:
    """`3.614e+44`: four digits of a number that no float may hold."""
    power = len(str(number)) - 1
    digits = (number + 10 ** (power - 3) // 2) // 10 ** (power - 3)
    return f"{digits / 1000:.3f}e+{power}" if digits < 10_000 else f"1.000e+{power + 1}"


def number_text(number: Number) -> str:
    """An exact number: whole, or with at most two decimals and a `~` where that rounds."""
    if isinstance(number, int) or number.denominator == 1:
        return f"{int(number):,}"
    rounded = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return rounded if Fraction(rounded) == number else f"~{rounded}"


def grouped(number: object) -> str:
    """A count with its thousands apart; nothing for none and zero."""
    return f"{number:,}" if isinstance(number, int | float) and number else ""


def bytes_text(number: object) -> str:
    """Bytes in decimal units, `802.8 kB`; nothing for none and zero."""
    if not isinstance(number, int | float) or not number:
        return ""
    if number >= 10**15:
        text = short(int(number), 1)
        return f"{text}B" if text[-1].isalpha() else f"{text} B"
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number} B"


def seconds_text(seconds: float) -> str:
    """A time with three digits: `12.3 us`."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns" if seconds else ""


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
    sizes = [f.size for f in fields]
    texts = [number_text(sizes[0])] * len(sizes) if len(set(sizes)) == 1 else [number_text(size) for size in sizes]
    text = texts[0] if len(set(texts)) == 1 else "x".join(texts)
    worst = max(f.status for f in fields)
    if worst is Status.GLOBAL:
        return f"all ({text})" if any(f.size != 1 for f in fields) else "all"
    if worst is Status.UNKNOWN:
        return f"? ({text})"
    return f"~{text.lstrip('~')}" if worst > Status.UNALIGNED else text


# ---- sums by size


def formula_of(terms: Terms, sizes: Sizes) -> Formula | None:
    """A sum as a polynomial in the sizes: `81,456*H*W + 2,048,000 at multiples of 32`.

    None where the default sizes are no such multiples, where no size is open, or where it would be too long to read.
    """
    if not any(terms):
        return None
    found = formula(Cost(terms), sizes)
    return found if found is not None and found.text.count("*") <= MAX_FACTORS else None


def terms_text(terms: Terms, sizes: Sizes) -> str:
    """`9,408 * ceil(H/2) * ceil(W/2) + 2,048,000`."""
    parts = [" * ".join([f"{n:,}", *factors(key, sizes)]) for key, n in terms.items() if n]
    return " + ".join(parts)


def factors(key: Iterable[Size], sizes: Sizes) -> list[str]:
    """The symbolic factors of a term as text, in brackets where they are sums or quotients."""
    texts = [size_text(size, sizes) for size in key]
    return [f"({t})" if " " in t and not t.startswith("ceil(") else t for t in texts]


def size_text(size: Size, sizes: Sizes) -> str:
    """A size in the allowed sizes' best words: `H/32` where exact."""
    return sizes.text(size)
