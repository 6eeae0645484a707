"""`analyse`: a program as far as it is known. It raises on no text."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from dslc.analyse.shapes import Shapes
from dslc.bind.table import Table
from dslc.check import Findings, check_file
from dslc.diagnostics.levels import DEFAULT, Levels
from dslc.diagnostics.model import Diagnostic, Severity
from dslc.diagnostics.render import Key
from dslc.elaborate.watch import Cancelled, Seen, Watch, never
from dslc.names.loader import Loader
from dslc.names.resolve import Program
from dslc.record import entity
from dslc.source import Source
from dslc.syntax import tree


@entity
class Analysis:
    """What is known of a program.

    - `diagnostics`: what is wrong with it or worth knowing, in the order of the text; with fixes if they were asked for
    - `program`: what was read, none of a file that cannot be; `table`: what its names mean, with definitions and uses
    - `nets`: the names of the main file's nets
    - `shapes`: of each net that was elaborated, its tensors by place, also of one with mistakes
    - `nets_of`: by the key of a diagnostic the nets that tell it: none where rules do, no entry where the program does
    """

    path: Path
    diagnostics: tuple[Diagnostic, ...] = ()
    program: Program | None = None
    nets: tuple[str, ...] = ()
    shapes: dict[str, Shapes] = field(default_factory=dict)
    nets_of: dict[Key, set[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return all(d.severity is not Severity.ERROR for d in self.diagnostics)

    @property
    def table(self) -> Table | None:
        """What every name means."""
        return None if self.program is None else self.program.table

    @property
    def tree(self) -> tree.File | None:
        """The main file."""
        return None if self.program is None or self.program.main is None else self.program.main.tree

    @property
    def source(self) -> Source | None:
        """The text of the main file."""
        return None if self.tree is None else self.tree.source


def analyse(
    path: str | Path,
    net: str | None = None,
    *,
    texts: Mapping[Path, str] | None = None,
    cancel: Callable[[], bool] = never,
    mend: bool = False,
    typing: int | None = None,
    before: Analysis | None = None,
    levels: Levels = DEFAULT,
    lints: bool = True,
    each: Callable[[Seen], None] | None = None,
) -> Analysis:
    """What is known of the program `path`: of one of its nets, or of all that have defaults for all their parameters.

    `texts` stands in for what files hold, by absolute path. `cancel` is asked after each line: where it says so, the
    work ends with `Cancelled`. `mend`: fixes are looked for, in some checks more; without `lints` nothing is told that
    is only suspicious. `each` is given what is known of each net, which then is not among the result's `shapes`.

    `typing` is the line that is being written, counted from 1: while it is wrong, shapes are those of the program
    without it, and where these are not known what is known with it. `before`: an analysis of the text when it was
    right, whose shapes stand where neither knows any, on lines that are as they were.
    """
    path = Path(path)
    loader = Loader(texts=_absolute(texts or {}))
    if net is not None and net not in _nets(path, loader):
        net = None
    watch = Watch(cancel, each)
    findings = check_file(path, net, loader=loader, levels=levels, watch=watch, mend=mend, lints=lints)
    found = _analysis(path, findings, watch)
    if typing is not None and (text := without_line(found, typing)) is not None:
        watch = Watch(cancel)
        texts = {**loader.texts, **_absolute({path: text})}
        rest = check_file(path, net, loader=Loader(texts=texts), levels=levels, watch=watch, mend=False, lints=False)
        found.shapes = filled(_analysis(path, rest, watch).shapes, found.shapes, typing)
    if before is not None:
        remember(found, before)
    return found


def remember(found: Analysis, before: Analysis) -> None:
    """Shapes of an earlier text in the place of those that a mistake has taken away."""
    new = next((d.span.source for d in found.diagnostics if _stands(d, found.path)), None)
    if found.ok or new is None or before.source is None:
        return
    for name, each in before.shapes.items():
        if name not in found.shapes:
            found.shapes[name] = Shapes(Seen(name, each.seen.sizes, []))
        found.shapes[name].keep(each, before.source, new)


def filled(shapes: Mapping[str, Shapes], others: Mapping[str, Shapes], line: int) -> dict[str, Shapes]:
    """The shapes of a program without a line, where they are not known those of the program with it."""
    return {name: Shapes(each.seen, others.get(name), line) for name, each in shapes.items()} or dict(others)


def without_line(found: Analysis, line: int) -> str | None:
    """The text with spaces in place of a line of a body that has an error; none where it has none."""
    source = next((d.span.source for d in found.diagnostics if _stands(d, found.path)), None)
    if source is None or line > len(source.line_starts):
        return None
    if not any(
        d.severity is Severity.ERROR and _stands(d, found.path) and d.span.line == line for d in found.diagnostics
    ):
        return None
    text = source.line_text(line)
    start = source.line_starts[line - 1]
    return source.text[:start] + " " * len(text) + source.text[start + len(text) :]


def _stands(diagnostic: Diagnostic, path: Path) -> bool:
    source = diagnostic.span.source
    return source.kind == "text" and os.path.abspath(source.shown) == os.path.abspath(path)


def _nets(path: Path, loader: Loader) -> list[str]:
    """The nets that stand in a text; a net in focus may have gone with the last key."""
    import re

    from dslc.diagnostics.model import Reject

    try:
        text = loader.main(path).text
    except Reject:
        return []
    return re.findall(r"^net[ \t]+([A-Za-z_]\w*)", text, re.MULTILINE)


def _absolute(texts: Mapping[Path, str]) -> dict[Path, str]:
    """Texts by path, as the main file is asked for and as imports are."""
    found: dict[Path, str] = {}
    for path, text in texts.items():
        found |= {path.absolute(): text, Path(os.path.normpath(path.absolute())): text}
    return found


def _analysis(path: Path, findings: Findings, watch: Watch) -> Analysis:
    program = findings.program
    nets = () if program is None or program.main is None else tuple(program.nets)
    shapes = {name: Shapes(seen) for name, seen in watch.nets.items()}
    return Analysis(path, tuple(findings.diagnostics), program, nets, shapes, findings.nets_of)


__all__ = ["Analysis", "Cancelled", "analyse", "filled", "remember", "without_line"]
