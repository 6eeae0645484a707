"""Sizes in words: products, quotients and sums of constants, written as a person would write them.

An axis is a size with the constant that says it, where known. A result is none where no word takes part, or
where the text would be too long to read; the size itself is never lost by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import TypeAlias

from dslc.syntax import tree
from dslc.types.const import Const, Ref, derived
from dslc.types.dim import Dim, Size
from dslc.types.dim import product as multiply

Axis: TypeAlias = tuple[Size, Const | None]

LONGEST = 16
"""Leaves of an expression above which a size is known by value only."""


def items(const: Const) -> tuple[Const, ...]:
    """The entries of a constant list or tuple, each with its own words: where the text lists them theirs; an open size
    of a list with a name is `to[0]`.
    """
    values = const.value
    assert isinstance(values, list | tuple)
    if len(values) == 1 and isinstance(values[0], Const) and isinstance(values[0].value, list | tuple):
        return items(values[0])
    origin = const.origin
    texts: Sequence[tree.Expr | None] = (None,) * len(values)
    if isinstance(origin, tree.Tuple | tree.List) and len(origin.items) == len(values):
        texts = origin.items
    elif origin is not None:
        numbers = [tree.Number(const.span, i) for i in range(len(values))]
        indexed = zip(numbers, values, strict=True)
        texts = [tree.Index(const.span, origin, (n,)) if isinstance(v, Dim) else None for n, v in indexed]
    return tuple(
        value if isinstance(value, Const) else Const(value, text, const.scope if text else None, const.span)
        for value, text in zip(values, texts, strict=True)
    )


def sizes(given: Sequence[object]) -> tuple[Size, ...]:
    """The sizes of an attribute that gathers its arguments: each a constant, or one list of them."""
    found: list[Size] = []
    for entry in given:
        value = entry.value if isinstance(entry, Const) else entry
        if isinstance(value, list | tuple):
            found += sizes(value)
        else:
            assert isinstance(value, int | Dim)
            found.append(value)
    return tuple(found)


def product(axes: Sequence[Axis]) -> Const | None:
    """The size of axes merged into one: `heads * (dim // heads)` is `dim`."""
    number, words = 1, []
    for size, word in axes:
        if word is None or word.origin is None:
            if not isinstance(size, int):
                return None
            number *= size
        else:
            n, more = factors(word)
            number *= n
            words += more
    return join(*cancel(number, words))


def quotient(whole: Axis, parts: Sequence[Axis]) -> Const | None:
    """What is left when an axis is divided by others: `3 * dim` by 3 and `heads` is `dim // heads`."""
    word = whole[1]
    if word is None or word.origin is None:
        return None
    number, words = factors(word)
    divisor, by = 1, []
    for part, part_word in parts:
        if part_word is None or part_word.origin is None:
            if not isinstance(part, int):
                return None
            divisor *= part
        else:
            n, more = factors(part_word)
            divisor *= n
            by += more
    common = gcd(number, divisor)
    number, divisor = number // common, divisor // common
    for factor in list(by):
        match = next((w for w in words if same(w, factor)), None)
        if match is not None:
            words.remove(match)
            by.remove(factor)
    left, right = join(number, words), join(divisor, by)
    if left is None:
        return None
    if right is None:
        return left if divisor == 1 else readable(derived("//", left, divisor, size_of(left) // divisor))
    return readable(derived("//", left, right, size_of(left) // size_of(right)))


def total(axes: Sequence[Axis]) -> Const | None:
    """The size of axes joined end to end; equal terms are counted: two halves of `C // 2` are `C`."""
    number = 0
    terms: list[tuple[Const, int]] = []
    for size, word in axes:
        if word is None or word.origin is None:
            if not isinstance(size, int):
                return None
            number += size
            continue
        if isinstance(word.origin, tree.Number) and isinstance(word.value, int):
            number += word.value
            continue
        at = next((i for i, (known, _) in enumerate(terms) if same(known, word)), None)
        if at is None:
            terms.append((word, 1))
        else:
            terms[at] = (word, terms[at][1] + 1)
    result: Const | None = None
    for word, count in terms:
        term = word if count == 1 else product([(count, None), (size_of(word), word)])
        if term is None:
            return None
        result = term if result is None else derived("+", result, term, size_of(result) + size_of(term))
    if result is not None and number:
        result = derived("+", result, number, size_of(result) + number)
    return readable(result)


def factors(const: Const) -> tuple[int, list[Const]]:
    """A constant as a number times constants that are no products themselves."""
    if isinstance(const.origin, tree.Number) and isinstance(const.value, int):
        return const.value, []
    sides = operands(const, "*")
    if sides is None:
        return 1, [const]
    left, right = factors(sides[0]), factors(sides[1])
    return left[0] * right[0], left[1] + right[1]


def operands(const: Const, op: str) -> tuple[Const, Const] | None:
    """The two sides of a constant that was written or derived as `a op b`, where their values are known."""
    origin = const.origin
    if not isinstance(origin, tree.Binary) or origin.op != op:
        return None
    left, right = part(const, origin.left), part(const, origin.right)
    return None if left is None or right is None else (left, right)


def part(whole: Const, expr: tree.Expr) -> Const | None:
    """A sub-expression of a constant's origin as a constant, if it is a number, a name or derived."""
    if isinstance(expr, Ref):
        inner = expr.const
        if inner.origin is None and isinstance(inner.value, int):
            return Const(inner.value, tree.Number(inner.span, inner.value), None, inner.span)
        return inner
    if isinstance(expr, tree.Number):
        return Const(expr.value, expr, None, expr.span)
    if isinstance(expr, tree.Name) and whole.scope is not None:
        found = whole.scope.find(expr.name)
        if found is not None and isinstance(found.value, Const):
            return Const(found.value.value, expr, whole.scope, expr.span)
    if isinstance(expr, tree.Binary) and expr.op in ("*", "//"):
        left, right = part(whole, expr.left), part(whole, expr.right)
        if left is None or right is None:
            return None
        a, b = size_of(left), size_of(right)
        value = a * b if expr.op == "*" else a // b
        return Const(value, expr, whole.scope, expr.span)
    return None


def size_of(const: Const) -> Size:
    """The value of a constant that is a size."""
    value = const.value
    assert isinstance(value, int | Dim)
    return value


def same(a: Const, b: Const) -> bool:
    """Whether two constants are the same expression of the same names."""
    if a is b:
        return True
    if a.value != b.value or a.origin is None or b.origin is None:
        return False
    if isinstance(a.origin, tree.Number) and isinstance(b.origin, tree.Number):
        return True
    if isinstance(a.origin, tree.Name) and isinstance(b.origin, tree.Name):
        if a.origin.name != b.origin.name or a.scope is None or b.scope is None:
            return False
        return a.scope is b.scope or a.scope.find(a.origin.name) is b.scope.find(b.origin.name)
    if isinstance(a.origin, tree.Binary) and isinstance(b.origin, tree.Binary) and a.origin.op == b.origin.op:
        left, right = operands(a, a.origin.op), operands(b, b.origin.op)
        return left is not None and right is not None and all(map(same, left, right))
    return False


def cancel(number: int, words: list[Const]) -> tuple[int, list[Const]]:
    """Undo divisions: `a // b` times b is a, because a was divided exactly."""
    for word in words:
        sides = operands(word, "//")
        if sides is None:
            continue
        by_number, by_words = factors(sides[1])
        rest = [w for w in words if w is not word]
        if number % by_number:
            continue
        for by in by_words:
            match = next((w for w in rest if same(w, by)), None)
            if match is None:
                break
            rest.remove(match)
        else:
            n, more = factors(sides[0])
            if multiply([n, *map(size_of, more)]) == size_of(word) * size_of(sides[1]):
                return cancel(number // by_number * n, [*more, *rest])
    return number, words


def join(number: int, words: Sequence[Const]) -> Const | None:
    """A number times constants as one constant; none if there is no constant."""
    if not words:
        return None
    result = words[0] if number == 1 else derived("*", number, words[0], number * size_of(words[0]))
    for word in words[1:]:
        result = derived("*", result, word, size_of(result) * size_of(word))
    return readable(result)


def readable(const: Const | None) -> Const | None:
    """The constant, unless its text has too many leaves."""
    if const is None or const.origin is None:
        return None
    return const if leaves(const.origin, LONGEST) <= LONGEST else None


def leaves(expr: tree.Expr, most: int) -> int:
    """Leaves of an expression, counted no further than `most + 1`."""
    if isinstance(expr, Ref):
        return 1 if expr.const.origin is None else leaves(expr.const.origin, most)
    if not isinstance(expr, tree.Binary):
        return 1
    left = leaves(expr.left, most)
    return left if left > most else left + leaves(expr.right, most - left)
