"""The report of `dslc diff` for people: as text for a terminal or a file, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from dslc.analysis.compare import Comparison, Fact, Total, Weights
from dslc.analysis.metrics import COMPARED, unit_text
from dslc.diagnostics.fold import printable
from dslc.diagnostics.model import Diagnostic
from dslc.diagnostics.paint import Paint
from dslc.reports.aligned import aligned
from dslc.reports.diff_rows import ARROW, Folder, Row
from dslc.reports.memory import amount
from dslc.reports.numbers import number_text, short

COLUMNS = {name: metric.column_heading for name, metric in COMPARED.items()}
"""Counts of a layer by name, with the heading of their column."""

SHOWN = ("params", "macs")
MAX_KEYS = 6
"""Keys of a state dict that are listed; `--format json` has all."""

ROLES = {"+": "added", "-": "removed", "~": "changed", "": "quiet"}
"""Of the lines of a table, by their marks."""


def render_diff(
    comparison: Comparison,
    *,
    columns: Sequence[str] = SHOWN,
    only_changed: bool = False,
    every: bool = False,
    levels: int | None = None,
    color: bool = False,
) -> str:
    """The whole report as text, without a newline at its end; the layers `levels` deep, or all."""
    lines = [heading(comparison)]
    if not comparison.differ:
        return "\n".join([*lines, "", f"no difference in {len(comparison.a.flat.steps):,} layers"])
    rows = Folder(every, only_changed, levels).rows(comparison)
    if rows:
        lines += ["", *layer_lines(rows, columns, color)]
    lines += ["", *total_lines(comparison, only_changed, color)]
    lines += ["", *weight_lines(comparison.weights, *sides(comparison))]
    if suspicions := lint_lines(comparison):
        lines += ["", *suspicions]
    if any(row.times > 1 for row in rows):
        lines += ["", "xN: N in a row with the same change; the numbers are of each one"]
    return "\n".join(lines)


def heading(comparison: Comparison) -> str:
    """`resnet18 -> resnet34  examples/resnet.dl`."""
    a, b = comparison.a.model, comparison.b.model
    paths = list(dict.fromkeys(printable(m.source.path) for m in (a, b)))
    return f"{ARROW.join(dict.fromkeys((a.entry, b.entry)))}  {ARROW.join(paths)}"


def sides(comparison: Comparison) -> tuple[str, str]:
    """What the two networks are called where one line names both: their nets, their files, or before and after."""
    a, b = comparison.a.model, comparison.b.model
    if a.entry != b.entry:
        return a.entry, b.entry
    if a.source.path != b.source.path:
        return printable(a.source.path), printable(b.source.path)
    return "before", "after"


# ---- layers


def layer_lines(rows: Sequence[Row], columns: Sequence[str], color: bool) -> list[str]:
    """The layers as aligned columns."""
    head = ["  layer", "op", "output", *(COLUMNS[c] for c in columns), "field"]
    table = [head, *(cells(row, columns) for row in rows)]
    lines = aligned(table, {0, 1, 2, 3 + len(columns)})
    return [lines[0], *(paint(line, row.mark, color) for line, row in zip(lines[1:], rows, strict=True))]


def cells(row: Row, columns: Sequence[str]) -> list[str]:
    """One row's texts."""
    name = f"{row.mark or ' '} {'  ' * row.depth}{printable(row.name)}" + (f"  x{row.times}" if row.times > 1 else "")
    return [name, printable(row.what), row.output, *(signed(row.deltas.get(c, 0)) for c in columns), row.field]


def signed(number: int | Fraction | None) -> str:
    """`+73,984`; empty for no change, `?` for an unknown one."""
    if number is None:
        return "?"
    if not number:
        return ""
    return f"{number:+,}" if isinstance(number, int) else f"{'+' if number > 0 else ''}{number_text(number)}"


def paint(line: str, mark: str, color: bool) -> str:
    """A line in the colour of its mark."""
    return Paint(color)(line, ROLES[mark])


# ---- totals


def total_lines(comparison: Comparison, only_changed: bool, color: bool) -> list[str]:
    """Every number of both networks, and what they state in words where that differs."""
    shown = shown_totals(comparison, only_changed)
    table = [["", *sides(comparison), "change", ""], *([total.title, *total_cells(total)] for total in shown)]
    lines = aligned(table, {0})
    found = [lines[0], *(paint(x, "" if t.a == t.b else "~", color) for x, t in zip(lines[1:], shown, strict=True))]
    found += [f"{title}: {gap}" for title, gap in gaps(shown)]
    facts = [fact for fact in comparison.facts if fact.a != fact.b]
    return [*found, "", *aligned([[fact.name, fact_text(fact)] for fact in facts], {0, 1})] if facts else found


def shown_totals(comparison: Comparison, only_changed: bool) -> list[Total]:
    """Those worth a line: not zero or unknown on both sides and, if so asked, different."""
    return [t for t in comparison.totals if (t.a or t.b) and (t.a != t.b or not only_changed)]


def total_cells(total: Total) -> list[str]:
    """Both values, the change and its share."""
    a, b = (value_text(v, total.unit, gap) for v, gap in zip((total.a, total.b), total.gaps, strict=True))
    if total.delta is None:
        return [a, b, "?", ""]
    change = signed(total.delta) + unit_text(total.unit) if total.delta else "same"
    return [a, b, change, "" if total.percent is None or not total.delta else f"{total.percent:+.2f} %"]


def value_text(value: int | Fraction | None, unit: str, gap: str) -> str:
    """`25,557,032 (25.557 M)`, `102,228,128 B (102.228 MB)`; `>=` before a lower bound."""
    if value is None:
        return "?"
    text = number_text(value) + unit_text(unit)
    if isinstance(value, int) and value >= 10_000 and unit != "places":
        text += f" ({amount(value) if unit == 'B' else short(value)})"
    return f">= {text}" if gap else text


def gaps(totals: Sequence[Total]) -> list[tuple[str, str]]:
    """What is missing from totals, by their titles."""
    by_gap: dict[str, list[str]] = {}
    for total in totals:
        for gap in dict.fromkeys(total.gaps):
            if gap:
                by_gap.setdefault(gap, []).append(total.title)
    return [(", ".join(titles), gap) for gap, titles in by_gap.items()]


def fact_text(fact: Fact) -> str:
    """`every H, W -> H % 32 == 0`."""
    return f"{fact.a or 'none'}{ARROW}{fact.b or 'none'}"


# ---- what rules say


def lint_lines(comparison: Comparison) -> list[str]:
    """`lints  1 more, 2 less`, with a line for each."""
    more, less = comparison.appeared, comparison.gone
    if not more and not less:
        return []
    lines = [f"lints  {len(more)} more, {len(less)} fewer"]
    return [*lines, *(f"+ {lint_text(d)}" for d in more), *(f"- {lint_text(d)}" for d in less)]


def lint_text(diagnostic: Diagnostic) -> str:
    """`W1101 net.dl:3: the bias of `conv` has no effect ..`."""
    span = diagnostic.span
    return f"{diagnostic.code} {printable(span.source.shown)}:{span.line}: {printable(diagnostic.message)}"


# ---- weights


def weight_lines(weights: Weights, a: str, b: str) -> list[str]:
    """Whether weights of one load into the other, and the keys that stand against it."""
    if a == "before":
        a, b = "the first net", "the second"
    if weights.load:
        lines = [f"weights  those of {a} load into {b} with strict=True ({weights.fitting:,} tensors)"]
    else:
        counts = (
            f"{len(weights.missing):,} missing, {len(weights.unexpected):,} unexpected, "
            f"{len(weights.reshaped):,} of another shape; {weights.fitting:,} fit"
        )
        lines = [f"weights  those of {a} do not load into {b} with strict=True: {counts}"]
        lines += key_lines("missing", weights.missing)
        lines += key_lines("unexpected", weights.unexpected)
        lines += key_lines("shape", [f"{key} {list(x)}{ARROW}{list(y)}" for key, x, y in weights.reshaped])
    if weights.load and weights.renamed:
        lines.append("  but some of these keys belong to other layers now:")
    lines += key_lines("renamed", [f"{x}{ARROW}{y}" for x, y in weights.renamed])
    if weights.unknown:
        lines.append(f"         not counting those of {', '.join(weights.unknown)}, which are modules of your own")
    return lines


def key_lines(word: str, keys: Sequence[str]) -> list[str]:
    """The first keys of a list, one on each line."""
    shown = keys if len(keys) <= MAX_KEYS + 1 else keys[:MAX_KEYS]
    lines = [f"  {word if k == 0 else '':<10}  {printable(key)}" for k, key in enumerate(shown)]
    if len(shown) < len(keys):
        lines.append(f"  {'':<10}  ... and {len(keys) - len(shown):,} more")
    return lines


# ---- Markdown


def markdown_diff(
    comparison: Comparison,
    *,
    columns: Sequence[str] = SHOWN,
    only_changed: bool = False,
    every: bool = False,
    levels: int | None = None,
) -> str:
    """The report for a pull request: two tables and a sentence about weights."""
    lines = [f"### {escaped(heading(comparison))}", ""]
    if not comparison.differ:
        return "\n".join([*lines, f"No difference in {len(comparison.a.flat.steps):,} layers."])
    rows = Folder(every, only_changed, levels).rows(comparison)
    shown = shown_totals(comparison, only_changed)
    head = ["", *map(escaped, sides(comparison)), "change", ""]
    lines += markdown_table(head, [[t.title, *total_cells(t)] for t in shown], {1, 2, 3, 4})
    lines += [f"| {f.name} | {escaped(f.a)} | {escaped(f.b)} | | |" for f in comparison.facts if f.a != f.b]
    if rows:
        names = ["", "layer", "op", "output", *(COLUMNS[c] for c in columns), "field"]
        table = []
        for row in rows:
            rest = cells(row, columns)[1:]
            name = f"{'&nbsp;' * 2 * row.depth}`{row.name}`" + (f" x{row.times}" if row.times > 1 else "")
            table.append([f"`{row.mark}`" if row.mark else "", name, *map(escaped, rest)])
        lines += ["", *markdown_table(names, table, {4 + k for k in range(len(columns))})]
    first, *keys = weight_lines(comparison.weights, *sides(comparison))
    lines += [
        "",
        "T" + escaped(first.removeprefix("weights  t")) + ".",
        *(["", "```text", *keys, "```"] if keys else []),
    ]
    if suspicions := lint_lines(comparison):
        lines += ["", "```diff", *suspicions, "```"]
    return "\n".join(lines)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> list[str]:
    """A table of GitHub's Markdown."""
    rule = ["---:" if k in right else "---" for k in range(len(head))]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, inside a table too."""
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"\\{sign}")
    return printable(text)
