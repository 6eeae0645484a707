"""Tensors as tables: what a file of weights or a network holds, and what two of them have apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite

from dslc.diagnostics.fold import printable
from dslc.reports.aligned import aligned
from dslc.reports.numbers import bytes_text
from dslc.weights.folding import folded
from dslc.weights.look import Compared, Row

MOST = 20
"""Rows of each part of a comparison, without `--all`."""


def inspected(rows: Sequence[Row], title: str) -> str:
    """The table of one set of tensors under a line that counts them."""
    tensors, count = sum(row.tensors for row in rows), sum(row.count for row in rows)
    head = f"{title}: {tensors:,} tensors, {count:,} numbers, {bytes_text(sum(row.nbytes for row in rows)) or '0 B'}"
    if not rows:
        return head
    odd = any(row.numbers is not None and (row.numbers.nan or row.numbers.infinite) for row in rows)
    drawn = any(row.init for row in rows)
    names = ["tensor", "", "shape", "type", "bytes"]
    names += ["initialiser"] if drawn else ["norm", "mean", "std", "min", "max"]
    table = [names + (["NaN", "inf"] if odd else [])]
    for row in rows:
        cells = [printable(row.name), f"x{row.tensors}" if row.tensors > 1 else "", _shape(row.shape)]
        cells += [row.dtype or "", bytes_text(row.nbytes) or "0 B"]
        table.append(cells + ([row.init] if drawn else _numbers(row, odd)))
    return "\n".join([printable(head), "", *aligned(table, left={0, 2, 3} | ({5} if drawn else set()))])


def _shape(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else str(list(shape))


def _numbers(row: Row, odd: bool) -> list[str]:
    found = row.numbers
    if found is None or not found.count:
        texts = [""] * 5
    else:
        texts = [f"{value:.4g}" for value in (found.norm, found.mean, found.std, found.least, found.most)]
    if odd:
        texts += [f"{n:,}" if n else "" for n in ((found.nan, found.infinite) if found else (0, 0))]
    return texts


def inspected_json(rows: Sequence[Row], title: str, notes: Sequence[str]) -> dict[str, object]:
    """The same as data; a number that no JSON holds is null."""
    return {"source": title, "notes": list(notes), "tensors": [_record(row) for row in rows]}


def _record(row: Row) -> dict[str, object]:
    record: dict[str, object] = {
        "name": row.name,
        "tensors": row.tensors,
        "shape": None if row.shape is None else list(row.shape),
        "dtype": row.dtype,
        "count": row.count,
        "bytes": row.nbytes,
    }
    if row.numbers is None:
        return record | {"init": row.init}
    found = row.numbers
    values = {"norm": found.norm, "mean": found.mean, "std": found.std, "min": found.least, "max": found.most}
    finite = {name: value if found.count and isfinite(value) else None for name, value in values.items()}
    return record | finite | {"nan": found.nan, "inf": found.infinite}


def text_of(value: object) -> str:
    """JSON in ASCII: names of a stranger's file go to a terminal."""
    return json.dumps(value, indent=2, allow_nan=False)


# ---- two of them


def differences(found: Compared, a: str, b: str, every: bool = False) -> str:
    """What two sets have apart, the largest differences first."""
    parts: list[str] = []

    def part(title: str, table: list[list[str]], left: set[int]) -> None:
        if len(table) > 1:
            kept = table if every else table[: MOST + 1]
            lines = [f"  {line}" for line in aligned(kept, left)]
            more = [f"  .. and {len(table) - len(kept):,} more rows (--all)"] if len(kept) < len(table) else []
            parts.append("\n".join([title, *lines, *more]))

    for name, tensors in ((a, found.only_a), (b, found.only_b)):
        rows = folded({printable(key): (spec.shape, str(spec.dtype)) for key, spec in tensors.items()})
        table = [["tensor", "", "shape", "type"]]
        table += [[text, _times(names), str(list(shape)), kind] for text, names, (shape, kind) in rows]
        part(f"only in {printable(name)}: {len(tensors):,}", table, {0, 2, 3})
    pairs = folded({printable(key): value for key, value in found.shapes.items()})
    table = [["tensor", "", "first", "second"]]
    part(
        f"of another shape: {len(found.shapes):,}",
        table + [[text, _times(names), str(list(x)), str(list(y))] for text, names, (x, y) in pairs],
        {0, 2, 3},
    )
    kinds = folded({printable(key): value for key, value in found.types.items()})
    part(
        f"of another type: {len(found.types):,}",
        table + [[text, _times(names), x, y] for text, names, (x, y) in kinds],
        {0, 2, 3},
    )
    table = [["tensor", "differ", "of", "largest", "relative"]]
    for name, far in found.apart.items():
        share = "" if far.relative == float("inf") else f"{far.relative:.2e}"
        table.append([printable(name), f"{far.differ:,}", f"{far.count:,}", f"{far.largest:.2e}", share])
    part(f"with other numbers: {len(found.apart):,}", table, {0})
    parts.append(f"the same: {found.same:,} tensors")
    return "\n\n".join(parts)


def _times(names: Sequence[str]) -> str:
    return f"x{len(names)}" if len(names) > 1 else ""


def differences_json(found: Compared, a: str, b: str) -> dict[str, object]:
    """The same as data."""

    def finite(value: float) -> float | None:
        return value if isfinite(value) else None

    return {
        "a": a,
        "b": b,
        "differ": found.differ,
        "same": found.same,
        "only_a": {name: list(spec.shape) for name, spec in found.only_a.items()},
        "only_b": {name: list(spec.shape) for name, spec in found.only_b.items()},
        "shapes": {name: [list(x), list(y)] for name, (x, y) in found.shapes.items()},
        "types": {name: list(pair) for name, pair in found.types.items()},
        "numbers": {
            name: {
                "differ": far.differ,
                "count": far.count,
                "largest": finite(far.largest),
                "relative": finite(far.relative),
            }
            for name, far in found.apart.items()
        },
    }
