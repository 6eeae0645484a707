"""Equal parts one after the other, which the page shows as one box, x11."""

from __future__ import annotations

from collections.abc import Sequence

Json = dict[str, object]


def repeats(rows: Sequence[Json], kinds: Sequence[object], steps: Sequence[Json]) -> list[int]:
    """The parts that are the same as the part before them, in all but their names and the values of their weights.

    Rows are in program order, so that what is in a part stands behind it; `kinds` says what each is by itself. What is
    read is told by how many rows before it is made, where that is within the part. Linear in the rows and the nesting.
    """
    parents = [parent if isinstance(parent := row.get("parent", -1), int) else -1 for row in rows]
    ends = list(range(1, len(rows) + 1))
    depths = [0] * len(rows)
    for i in reversed(range(len(rows))):
        if parents[i] >= 0:
            ends[parents[i]] = max(ends[parents[i]], ends[i])
    for i, parent in enumerate(parents):
        depths[i] = depths[parent] + 1 if parent >= 0 else 0
    makers = {value: i for i, row in enumerate(rows) for value in _of(row, steps, "outs")}
    names = [str(row["path"]).rpartition(".")[2] for row in rows]

    def tokens(i: int) -> list[object]:
        found: list[object] = [kinds[i]]
        for j in range(i + 1, ends[i]):
            reads = [makers.get(value, -1) for value in _of(rows[j], steps, "ins")]
            inside = tuple(j - maker if maker > i else 0 for maker in reads)
            found.append((kinds[j], depths[j] - depths[i], names[j], inside))
        return found

    found = []
    before: dict[int, tuple[int, list[object]]] = {}  # the part that was met last in each part, and what is in it
    for i in range(len(rows)):
        last = before.pop(parents[i], None)
        if ends[i] == i + 1:
            continue
        mine = tokens(i)
        if last is not None and last[1] == mine:
            found.append(i)
        before[parents[i]] = i, mine
    return found


def _of(row: Json, steps: Sequence[Json], key: str) -> list[int]:
    """The values that a row's step reads or makes."""
    step = row.get("step")
    values = steps[step][key] if isinstance(step, int) else []
    return values if isinstance(values, list) else []
