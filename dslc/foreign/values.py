"""Values of another library as text of this one: sizes, paddings, words. What is not said exactly is refused."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.syntax import tree


class Unsaid(Exception):
    """What an expression means cannot be said exactly; the text says why, where there is more to say.

    `at` is the innermost foreign expression that cannot.
    """

    at: tree.Expr | None = None


def number(expr: tree.Expr | None) -> int | float | None:
    """The value of a literal number."""
    if isinstance(expr, tree.Unary) and expr.op == "-":
        value = number(expr.value)
        return None if value is None else -value
    return expr.value if isinstance(expr, tree.Number) else None


def words(expr: tree.Expr | None) -> str | None:
    """The text of a literal string; one in single quotes too, which the text is refused for elsewhere."""
    if not isinstance(expr, tree.Text):
        return None
    written = expr.span.text
    if written[:1] == "'":
        return written.strip("'")
    return "".join(piece for piece in expr.pieces if isinstance(piece, str)) if _plain(expr) else None


def _plain(expr: tree.Text) -> bool:
    return all(isinstance(piece, str) for piece in expr.pieces)


def listed(expr: tree.Expr | None) -> tuple[tree.Expr, ...] | None:
    """The items of a tuple or list."""
    return expr.items if isinstance(expr, tree.Tuple | tree.List) else None


def numbers(expr: tree.Expr | None) -> tuple[int | float, ...] | None:
    """A literal number, or the numbers of a tuple or list."""
    items = listed(expr)
    if items is None:
        single = number(expr)
        return None if single is None else (single,)
    found = tuple(value for item in items if (value := number(item)) is not None)
    return found if len(found) == len(items) and found else None


def is_name(expr: tree.Expr | None, *names: str) -> bool:
    """Whether an expression is one of these names or words."""
    return (isinstance(expr, tree.Name) and expr.name in names) or (isinstance(expr, tree.Word) and expr.word in names)


def sides(expr: tree.Expr, spelt: str) -> str:
    """A size of windows: `(3, 3)` is `3`, `(3, 5)` is `3x5`, anything else as it is written."""
    found = numbers(expr)
    if found is None or any(not isinstance(value, int) or value < 1 for value in found):
        items = listed(expr)
        if items is None or isinstance(expr, tree.Tuple):
            return spelt
        return f"({spelt[1:-1]})" if len(items) > 1 else spelt[1:-1]
    return str(found[0]) if len(set(found)) == 1 else "x".join(map(str, found))


def factors(expr: tree.Expr, spelt: str) -> str:
    """Factors of a map's sides: equal ones are one number."""
    found = numbers(expr)
    return f"{found[0]}" if found is not None and len(set(found)) == 1 else spelt


def window_padding(
    p: tree.Expr | None, spelt: str, k: tree.Expr | None, s: tree.Expr | None, d: tree.Expr | None, keras: bool
) -> str | None:
    """The padding of a convolution; none where it is `half`, the default, of an odd kernel that overlaps."""
    word = words(p) if p is not None else spelt
    strides = numbers(s) if s is not None else (1,)
    kernels = numbers(k)
    odd = kernels is None or all(isinstance(side, int) and side % 2 for side in kernels)
    overlaps = kernels is None or strides is None or all(a < b or b == 1 for a, b in _pairs(strides, kernels))
    if word == "valid":
        return "valid"
    if word == "same":
        if strides is not None and set(strides) == {1}:
            if odd:
                return None
            if keras:
                return "same_tf"
        if keras and strides is not None:
            return "same_tf"
        raise Unsaid("PyTorch's `same` of an even kernel pads one side more")
    if word is not None and p is not None:
        raise Unsaid(f"a padding is a number, `half`, `valid` or `same_tf`, not `{word}`")
    given = numbers(p) if p is not None else (int(spelt),)
    if given is None:
        return None if _is_half(spelt, k, d) else spelt
    dilations = numbers(d) if d is not None else (1,)
    if kernels is not None and dilations is not None and odd and overlaps:
        wanted = [(b - 1) * a / 2 for a, b in _pairs(dilations, kernels)]
        if list(map(float, _as_many(given, len(wanted)))) == wanted or list(given) == wanted:
            return None
    return sides_of(given)


def sides_of(found: Sequence[int | float]) -> str:
    """One number, or one each."""
    return str(found[0]) if len(set(found)) == 1 else f"({', '.join(map(str, found))})"


def _as_many(values: Sequence[int | float], count: int) -> Sequence[int | float]:
    return tuple(values) * count if len(values) == 1 else values


def _pairs(a: Sequence[int | float], b: Sequence[int | float]) -> list[tuple[int | float, int | float]]:
    count = max(len(a), len(b))
    return list(zip(_as_many(a, count), _as_many(b, count), strict=False))


def _is_half(p: str, k: tree.Expr | None, d: tree.Expr | None) -> bool:
    """Whether a padding is written as half of a kernel that is a name: `k // 2`, `(k - 1) // 2`."""
    if k is None or d is not None:
        return False
    kernel, tight = k.span.text, p.replace(" ", "")
    return tight in (f"{kernel}//2", f"({kernel}-1)//2", f"int({kernel}/2)")


def pads(expr: tree.Expr, spelt: str) -> str:
    """PyTorch's paddings, from the last axis on and in pairs, as pairs from the first axis on."""
    items = listed(expr)
    if items is None:
        return spelt
    texts = [item.span.text for item in items]
    if len(texts) % 2 or not texts:
        raise Unsaid("")
    if len(set(texts)) == 1:
        return texts[0]
    pairs = [f"({texts[i]}, {texts[i + 1]})" for i in range(0, len(texts), 2)]
    return f"({', '.join(reversed(pairs))}{',' if len(pairs) == 1 else ''})"


def one_axis(expr: tree.Expr | None) -> None:
    """Refuses the shape of a norm that is taken over more than the last axis."""
    items = listed(expr)
    if items is not None and len(items) != 1:
        raise Unsaid("`ln` is over the last axis, or over the channels of a map: `ln(axis=1)`")


def same_number(a: str, b: str) -> bool:
    """Whether two texts are one value."""
    if a == b:
        return True
    try:
        return float(a) == float(b)
    except ValueError:
        return False
