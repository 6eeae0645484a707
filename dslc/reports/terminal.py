"""The report of `dslc stats` as text: a tree of layers with their numbers, then the totals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from dslc.analysis.cost import Count, Terms
from dslc.analysis.field import Status
from dslc.analysis.receptive import Track, Tracks
from dslc.diagnostics.render import printable
from dslc.ir.walk import Needed
from dslc.reports.numbers import axes_text, field_text, number_text, polynomial, short, size_text
from dslc.reports.stats import Row, Stats
from dslc.types.dim import Size, evaluate
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType

MAX_TERMS = 10
"""Rows of the table of multiply-adds by size; the rest is one line."""

HEADINGS = ("layer", "op", "output", "params", "MACs", "field")
RIGHT = (False, False, False, True, True, True)


def render_stats(stats: Stats, *, symbolic: bool = False) -> str:
    """The whole report, without a newline at its end. `symbolic` shows sizes and counts as expressions too."""
    sizes = stats.model.sizes
    lines = [title(stats), ""]
    table = [HEADINGS, *(cells(row, sizes, symbolic) for row in stats.rows)]
    lines += columns(table)
    lines += ["", *totals(stats)]
    legend = legend_line(stats.rows)
    if legend:
        lines += ["", legend]
    return "\n".join(lines)


def title(stats: Stats) -> str:
    """`resnet50: image[N, 3, H=224, W=224] -> [N, 1000]  examples/resnet.dl`."""
    inputs = ", ".join(f"{name}{port_text(type, stats.model.sizes)}" for name, type in stats.inputs)
    outputs = ", ".join(f"{name or ''}{shape_text(type, stats.model.sizes)}" for name, type, _ in stats.outputs)
    return f"{stats.model.name}: {inputs} -> {outputs}  {printable(stats.model.source.path)}"


def port_text(type: TensorType, sizes: Sizes) -> str:
    """An input's sizes with their defaults: `[N, 3, H=224, W=224]`."""
    words = []
    for size in type.dims:
        if isinstance(size, int) or str(size) in sizes.universal:
            words.append(str(size))
        else:
            words.append(f"{size}={evaluate(size, sizes.default)}")
    text = f"[{', '.join(words)}]"
    return text if type.dtype.is_float else f": {type.dtype.value}{text}"


def shape_text(type: TensorType, sizes: Sizes, symbolic: bool = False) -> str:
    """A type at the default sizes, `[N, 64, 112, 112]`; universal sizes keep their names."""
    words = []
    for size in type.dims:
        if isinstance(size, int):
            words.append(str(size))
        elif symbolic or any(s.name in sizes.universal for s in size.symbols):
            words.append(size_text(size, sizes))
        else:
            words.append(str(evaluate(size, sizes.default)))
    text = f"[{', '.join(words)}]"
    return text if type.dtype.is_float else f"{type.dtype.value}{text}"


# ---- the tree


def cells(row: Row, sizes: Sizes, symbolic: bool) -> tuple[str, ...]:
    """A row's texts, one per column."""
    shapes = ", ".join(shape_text(t, sizes, symbolic) for t in row.outs)
    params = row.count.params + row.count.train_only
    macs = f"{row.macs:,}" if row.macs else "" if row.known else "?"
    if symbolic and any(row.terms):
        macs = terms_text(row.terms, sizes)
    op = row.op if row.needed is not Needed.TRAINING else f"{row.op} (training)"
    name = "  " * row.depth + printable(row.name)
    return (name, op, shapes, f"{params:,}" if params else "", macs, field_text(row.tracks))


def columns(table: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned columns with two spaces between them; columns of numbers stand at the right."""
    widths = [max(len(row[k]) for row in table) for k in range(len(HEADINGS))]
    lines = []
    for row in table:
        texts = zip(row, widths, RIGHT, strict=True)
        lines.append("  ".join(t.rjust(w) if right else t.ljust(w) for t, w, right in texts).rstrip())
    return lines


def terms_text(terms: Terms, sizes: Sizes) -> str:
    """`9,408 * ceil(H/2) * ceil(W/2) + 2,048,000`."""
    parts = [" * ".join([f"{n:,}", *factors(key, sizes)]) for key, n in terms.items() if n]
    return " + ".join(parts)


def factors(key: Iterable[Size], sizes: Sizes) -> list[str]:
    """The symbolic factors of a term as text, in brackets where they are sums or quotients."""
    texts = [size_text(size, sizes) for size in key]
    return [f"({t})" if " " in t and not t.startswith("ceil(") else t for t in texts]


# ---- the totals


def totals(stats: Stats) -> list[str]:
    """Sizes, parameters, multiply-adds and receptive fields of the network."""
    model, cost = stats.model, stats.cost
    lines = sizes_lines(model.sizes)
    lines.append(f"params  {params_text(cost.count)}")
    least = "at least " if cost.unknown else ""
    macs = f"MACs    {least}{cost.macs:,}" + (f" ({short(cost.macs)})" if cost.macs >= 1000 else "")
    more = f"{cost.train_only_macs:,} more in training" if cost.train_only_macs else ""
    lines += macs_lines(macs, cost.terms, model.sizes, more)
    if cost.unknown:
        lines.append(f"        without {', '.join(cost.unknown)}, which do not say what they cost")
    names = [name for name, _ in stats.inputs]
    for name, _, tracks in stats.outputs:
        lines += field_lines(f"{name}: " if name else "", names, tracks)
    return lines


def params_text(count: Count) -> str:
    """`25,557,032 (25.557 M), 53,120 in buffers`."""
    text = f"{count.params:,}" + (f" ({short(count.params)})" if count.params >= 1000 else "")
    if count.buffers:
        text += f", {count.buffers:,} in buffers"
    if count.train_only:
        text += f", {count.train_only:,} more in training"
    return text


def sizes_lines(sizes: Sizes) -> list[str]:
    """The default sizes and the allowed ones, with the lines that ask for them."""
    if not sizes.default and not sizes.pins:
        return []
    values = "  ".join(f"{name}={value}" for name, value in sizes.default.items())
    line = f"sizes   {values}".ljust(32)
    allowed = sizes.allowed()
    if allowed:
        where = guard_places(sizes)
        line += f"  allowed: {allowed}" + (f"  {where}" if where else "")
    return [line.rstrip()]


def guard_places(sizes: Sizes) -> str:
    """The lines of the guards, by file: `fpn.dl:31, 33, 35`."""
    by_path: dict[str, list[int]] = {}
    for guard in sizes.guards:
        by_path.setdefault(guard.span.source.path, []).append(guard.span.line)
    places = [f"{path}:{', '.join(map(str, sorted(set(lines))))}" for path, lines in by_path.items()]
    return printable("; ".join(places))


def macs_lines(head: str, terms: Terms, sizes: Sizes, more: str) -> list[str]:
    """The total, as a polynomial where it is one, and as a table by size; `more` is said of it besides."""
    found = polynomial(terms, sizes)
    if found is not None:
        head += f" = {found[0]}" + (f" at {found[1]}" if found[1] else "")
    if more:
        head += f"; {more}"
    if not any(terms) or (found is not None and not found[1]):
        return [head]
    lines = [f"{head}; exact for every size:"]
    at = sizes.default
    table = []
    for key, n in terms.items():
        values = [evaluate(size, at) for size in key]
        table.append((f"{n:,}", factors(key, sizes), values, n * prod(values)))
    if len(table) > MAX_TERMS:
        table.sort(key=lambda row: -row[3])
    shown, left_out = table[:MAX_TERMS], table[MAX_TERMS:]
    rows = [
        (n, " x ".join(["", *words])[1:], " x ".join(map(str, values)), short(value, 1))
        for n, words, values, value in shown
    ]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    for number, words_text, places, value_text in rows:
        left = f"{number.rjust(widths[0])} {words_text.ljust(widths[1])}"
        right = f"{places.rjust(widths[2])}   {value_text.rjust(widths[3])}"
        lines.append(f"        {left}    {right}".rstrip())
    if left_out:
        rest = sum(row[3] for row in left_out)
        lines.append(f"        ... and {len(left_out)} more, {short(rest, 1)} together")
    return lines


def field_lines(prefix: str, names: list[str], tracks: Tracks) -> list[str]:
    """The receptive field of a result, one line per input it sees, and why it is not exact."""
    by_input: dict[int, list[Track]] = {}
    for track in tracks:
        by_input.setdefault(track.input, []).append(track)
    lines = []
    for index, own in by_input.items():
        fields = [t.field for t in own]
        several = f" of {names[index]}" if len(names) > 1 else ""
        lines.append(f"field   {prefix}{axes_text(fields)}{several}{field_facts(own)}")
    return lines


def field_facts(tracks: Sequence[Track]) -> str:
    """` (stride 32, padding 213, smallest path 11; everything through gap)`."""
    fields = [t.field for t in tracks]

    def along(values: Sequence[object]) -> str:
        texts = [str(v) for v in values]
        return texts[0] if len(set(texts)) == 1 else "x".join(texts)

    if all(f.size == 1 for f in fields):
        facts = []
    else:
        facts = [
            f"stride {along([number_text(f.stride) for f in fields])}",
            f"padding {along([number_text(f.padding) for f in fields])}",
        ]
        if any(f.smallest != f.size for f in fields):
            facts.append(f"smallest path {along([number_text(f.smallest) for f in fields])}")
        spreads = [f.spread for f in fields]
        if any(spreads):
            facts.append(f"centres of paths up to {along(spreads)} apart")
    text = ", ".join(facts)
    worst = max(fields, key=lambda f: f.status)
    if worst.status is Status.GLOBAL:
        text += f"{'; ' if text else ''}everything is seen through {worst.cause}"
    elif worst.status is not Status.EXACT:
        text += f"{'; ' if text else ''}{worst.status.text}: {worst.cause}"
    return f" ({text})" if text else ""


def legend_line(rows: Sequence[Row]) -> str:
    """What the signs in the column `field` mean, of those that stand there."""
    texts = [field_text(row.tracks) for row in rows]
    parts = ["field: places of the input that one place of the output sees, along each axis"]
    if any("all (" in t for t in texts):
        parts.append("all (n): every place, n by local paths")
    if any("~" in t for t in texts):
        parts.append("~n: the hull of what differs from place to place")
    if any("?" in t for t in texts):
        parts.append("? (n): at least n, an op cannot say")
    return "; ".join(parts) if any(texts) else ""
