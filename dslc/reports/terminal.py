"""The report of `dslc stats` as text: a tree of layers with their numbers, then the totals."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from dslc.analysis.cost import Count, Terms, value_at
from dslc.analysis.field import Status
from dslc.analysis.metrics import QUANTITIES, Metric, unit_text
from dslc.analysis.receptive import Track, Tracks
from dslc.diagnostics.fold import printable
from dslc.record import replace
from dslc.reports.columns import COLUMNS, View, shape_text, shown_columns
from dslc.reports.fitted import fitted, fitted_groups
from dslc.reports.groups import Groups, group_lines
from dslc.reports.groups import table as group_table
from dslc.reports.kept import budget_lines
from dslc.reports.memory import memory_lines
from dslc.reports.numbers import axes_text, bytes_text, factors, formula_of, number_text, short
from dslc.reports.screen import PLAIN, Screen
from dslc.reports.sections import Section
from dslc.reports.stats import Stats
from dslc.reports.table import Layout, Line, chosen, markdown, table_lines, texts
from dslc.types.dim import evaluate
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType

TOLD = frozenset({"params", "weights_memory", "macs", "flops", "acts", "activation_memory", "peak_memory",
                  "onnx_peak_memory", "receptive_field"})  # fmt: skip
"""Numbers of the network that the lines below tell in words of their own; each other one has a line from its record."""

MAX_TERMS = 10
"""Rows of the table of multiply-adds by size; the rest is one line."""


def render_stats(
    view: View,
    layout: Layout,
    sections: Sequence[Section] = (),
    grouped: Groups | None = None,
    screen: Screen = PLAIN,
    asked: bool = True,
) -> str:
    """The whole report, without a newline at its end; `sections` follow the totals.

    `grouped`: these totals stand in the place of the layers. `screen`: the terminal, for which it is made to fit;
    `asked`: the columns were chosen.
    """
    stats = view.stats
    lines = chosen(view, layout)
    if screen.plain:
        notes: list[str] = []
        table = table_lines(texts(lines, view, layout), layout.columns) if grouped is None else group_lines(grouped)
    elif grouped is not None:
        table, notes = fitted_groups(grouped, screen), []
    else:
        table, notes = fitted(lines, view, layout, screen, asked)
    parts = [
        screen.totals([title(stats)]),
        table,
        screen.totals(totals(stats, view.symbolic)),
        budget_lines(stats, screen) if screen.width is not None else [],
        *(screen.totals(s.lines) for s in sections),
        screen.quiet([*(legend(lines, view, layout) if grouped is None else []), *notes]),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def default_report(stats: Stats, *, symbolic: bool = False) -> str:
    """The report with the columns that are shown when none are chosen."""
    return render_stats(View(stats, symbolic=symbolic), Layout(shown_columns(stats)))


def render_markdown(view: View, layout: Layout, sections: Sequence[Section] = (), grouped: Groups | None = None) -> str:
    """The report as Markdown: the net, the table, the totals and sections as they stand in the terminal."""
    stats = view.stats
    if grouped is not None:
        table = markdown(group_table(grouped), [COLUMNS["params"]] * (1 + 2 * len(grouped.columns)))
    else:
        table = markdown(texts(chosen(view, layout), view, layout), layout.columns)
        table += [line for note in left_out(view, layout) for line in ("", note)]
    blocks = [totals(stats, view.symbolic), *(section.lines for section in sections)]
    fenced = [line for block in blocks for line in ("", "```text", *block, "```")]
    return "\n".join([f"### `{title(stats)}`", "", *table, *fenced])


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


# ---- the totals


def totals(stats: Stats, symbolic: bool = False) -> list[str]:
    """Sizes, parameters, multiply-adds and receptive fields of the network."""
    model, cost = stats.model, stats.cost
    lines = sizes_lines(model.sizes)
    least = "at least " if cost.unknown else ""
    bound = "at least " if cost.unknown_in_training else ""
    lines.append(f"params  {least}{params_text(cost.count, bound)}")
    if cost.count.params:
        lines.append(f"weights {least}{weights_text(stats)}")
    macs = f"MACs    {least}{cost.macs:,}" + (f" ({short(cost.macs)})" if cost.macs >= 1000 else "")
    more = f"{bound}{cost.train_only_macs:,} more in training" if cost.train_only_macs or bound else ""
    lines += macs_lines(macs, cost.terms, model.sizes, more)
    if cost.macs or cost.flops:
        lines.append(flops_text(stats, least))
    lines += labelled("memory", memory_lines(stats.memory, stats.emitted, model.sizes, symbolic=symbolic))
    lines += (more_text(metric, stats) for name, metric in QUANTITIES.items() if name not in TOLD)
    if cost.unknown:
        paths = ", ".join(f"`{printable(path)}`" for path in cost.unknown)
        one = len(cost.unknown) == 1
        lines.append(f"        {paths} {'does' if one else 'do'} not say what {'it costs' if one else 'they cost'}")
    names = [name for name, _ in stats.inputs]
    for name, _, tracks in stats.outputs:
        lines += field_lines(f"{name}: " if name else "", names, tracks)
    return lines


def more_text(metric: Metric, stats: Stats) -> str:
    """The line of a number that has none of its own making."""
    value, gap = metric.value(stats), metric.gap(stats)
    text = "?" if value is None else number_text(value) + unit_text(metric.unit)
    return f"{metric.heading:<7} {'at least ' if gap and value is not None else ''}{text}"


def params_text(count: Count, bound: str = "") -> str:
    """`25,557,032 (25.557 M), 53,120 in buffers`."""
    text = f"{count.params:,}" + (f" ({short(count.params)})" if count.params >= 1000 else "")
    if count.buffers:
        text += f", {count.buffers:,} in buffers"
    if count.train_only or bound:
        text += f", {bound}{count.train_only:,} more in training"
    return text


def labelled(label: str, lines: Sequence[str]) -> list[str]:
    """Lines under one label of the totals."""
    return [f"{label if k == 0 else '':8}{line}" for k, line in enumerate(lines)]


def weights_text(stats: Stats) -> str:
    """`102.2 MB in float32, 51.1 MB in float16 or bfloat16, 25.6 MB in int8`: of the trained tensors."""
    params = stats.cost.count.params
    return ", ".join(
        f"{bytes_text(params * width)} in {name}"
        for width, name in ((4, "float32"), (2, "float16 or bfloat16"), (1, "int8"))
    )


def flops_text(stats: Stats, least: str) -> str:
    """`FLOPs   8.178 G core (two per MAC), 8.215 G full; acts 11.115 M`."""
    sizes = stats.model.sizes.default
    full, acts = value_at(stats.cost.flops, sizes), value_at(stats.cost.acts, sizes)
    core = f"{short(2 * stats.cost.macs)} core (two per MAC)"
    return f"FLOPs   {least}{core}, {short(full)} full; acts {short(acts)} (elements that linear maps write)"


def sizes_lines(sizes: Sizes) -> list[str]:
    """The default sizes and the allowed ones, with the lines that ask for them."""
    if not sizes.default and not sizes.pins:
        return []
    values = "  ".join(f"{name}={value}" for name, value in sizes.default.items())
    line = f"sizes   {values}".ljust(32)
    pinned = [pin.text for pin in sizes.pins.values()]
    allowed = sizes.allowed().removesuffix("; ".join(pinned)).removesuffix("; ")
    if allowed:
        where = guard_places(sizes)
        line += f"  allowed: {allowed}" + (f"  {where}" if where else "")
    return [line.rstrip(), *(f"        {text}" for text in pinned)]


def guard_places(sizes: Sizes) -> str:
    """The lines of the guards, by file: `fpn.dl:31, 33, 35`."""
    by_path: dict[str, list[int]] = {}
    for guard in sizes.guards:
        by_path.setdefault(guard.span.source.path, []).append(guard.span.line)
    places = [f"{path}:{', '.join(map(str, sorted(set(lines))))}" for path, lines in by_path.items()]
    return printable("; ".join(places))


def macs_lines(head: str, terms: Terms, sizes: Sizes, more: str) -> list[str]:
    """The total, as a polynomial where it is one, and as a table by size; `more` is said of it besides."""
    found = formula_of(terms, sizes)
    if found is not None:
        head += f" = {found}"
    if more:
        head += f"; {more}"
    if not any(terms) or (found is not None and not found.note):
        return [head]
    lines = [f"{head}; exact for every size:"]
    at = sizes.default
    table = []
    for key, n in terms.items():
        values = [evaluate(size, at) for size in key]
        table.append((f"{n:,}", factors(key, sizes), values, n * prod(values)))
    if len(table) > MAX_TERMS:
        table.sort(key=lambda row: -row[3])
    else:
        table.sort(key=lambda row: -prod(row[2]))
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


def left_out(view: View, layout: Layout) -> list[str]:
    """How many layers are not shown because they do nothing."""
    if layout.idle:
        return []
    count = sum(row.is_idle and (layout.depth is None or row.depth < layout.depth) for row in view.stats.rows)
    what = "a layer that does nothing is" if count == 1 else f"{count} layers that do nothing are"
    return [f"{what} left out (the identity, dropout with p = 0): `--all` shows them"] if count else []


def legend(lines: Sequence[Line], view: View, layout: Layout) -> list[str]:
    """What the signs of the table mean, of those that stand there."""
    found = []
    if any(column.name == "field" for column in layout.columns):
        texts = [view.field(line.row) for line in lines]
        parts = ["field: places of the input that one place of the output sees, along each axis"]
        if any("all (" in t for t in texts):
            parts.append("all (n): every place, n without the layers that see everything")
        if any("~" in t for t in texts):
            parts.append("~n: the hull of what differs from place to place")
        if any("?" in t for t in texts):
            parts.append("? (n): at least n, an op cannot say")
        found += ["; ".join(parts)] if any(texts) else []
    found += left_out(view, layout)
    if layout.top is not None and len(lines) == layout.top:
        of = len(chosen(view, replace(layout, top=None)))
        found.append(f"the first {layout.top} of {of} by {layout.sort.heading if layout.sort else ''}; equal ones in "
                     "program order")  # fmt: skip
    if any(line.repeats > 1 for line in lines):
        found.append("xn: n equal parts one after the other; the numbers are one's, a field runs from first to last")
    return found
