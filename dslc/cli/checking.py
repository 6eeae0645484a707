"""What `dslc check` does: checks each program, mends it if asked, and prints what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.check import Findings, check_file
from dslc.cli.programs import count_of, difference, paths, read_stdin, stdin_alone
from dslc.cli.progress import progress
from dslc.cli.show import of_options, show_diagnostics
from dslc.diagnostics.levels import Level, Levels
from dslc.diagnostics.model import CompileError, Diagnostic, Reject, Severity
from dslc.diagnostics.render import summary
from dslc.lints.facts import NOTHING, Facts
from dslc.names.loader import MAX_BYTES, Loader, file_diagnostic
from dslc.names.zoo import is_zoo
from dslc.record import entity, record
from dslc.settings import project_facts, project_levels

if TYPE_CHECKING:
    from dslc.ir.model import Budget
    from dslc.lints.base import Lint
    from dslc.types.tensor import DType

STDIN_NAME = "<stdin>"
MOST_BASELINE = 100_000_000
"""Bytes of a baseline."""


@record
class Request:
    """What is asked of each program."""

    net: str | None
    args: dict[str, object]
    sizes: dict[str, int]
    max_ops: int
    limits: tuple[Budget, ...]
    dtype: DType | None
    levels: Mapping[Level, tuple[str, ...]]
    facts: Facts = NOTHING
    advice: bool = False  # all rules, as `dslc lint` runs them

    def check(self, source: str | Path, texts: Mapping[Path, str]) -> Findings:
        """What is found in a program; `texts` stand in for files, by absolute path."""
        folder = Path.cwd() if is_zoo(source) else Path(source).absolute().parent
        return check_file(
            source,
            self.net,
            args=self.args,
            sizes=self.sizes,
            max_ops=self.max_ops,
            budgets=self.limits,
            dtype=self.dtype,
            levels=Levels.of(self.levels, project_levels(folder)),
            loader=Loader(texts=texts),
            facts=self.facts.over(project_facts(folder)),
            advice=self.advice,
        )


@entity
class Run:
    """The programs, and what was found in them."""

    sources: Sequence[str | Path]
    request: Request
    stdin: str | None = None  # the program on stdin
    texts: dict[Path, str] = field(default_factory=dict)  # what files would hold, by absolute path
    before: dict[Path, str] = field(default_factory=dict)  # what mended files hold
    fixed: dict[str | Path, int] = field(default_factory=dict)  # how many proposals were applied
    findings: dict[str | Path, Findings] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    counts: dict[tuple[str, str, str, int, int], int] = field(default_factory=dict)
    gone: int = 0  # warnings of the baseline that are no more

    @classmethod
    def of(cls, files: Sequence[str | Path], request: Request, stdin_name: str | None) -> Run:
        """The programs that arguments name, each once. Raises `BadParameter`."""
        if stdin_alone([str(file) for file in files]):
            name = stdin_name or STDIN_NAME
            try:
                text = read_stdin(name)
            except Reject as error:
                raise CompileError((file_diagnostic(error.mistake, name),)) from None
            path = Path(name)
            return cls([path], request, text, {path.absolute(): text})
        if stdin_name is not None:
            raise click.UsageError("--stdin-name needs `-`")
        each = (p for file in files for p in ([file] if is_zoo(file) else paths(Path(file))))
        return cls(list(dict.fromkeys(each)), request)

    @property
    def several(self) -> bool:
        return len(self.sources) > 1

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.found if d.status]

    @property
    def status(self) -> int:
        """The exit status, of what is found."""
        return max((d.status for d in self.found), default=0)

    def check(self) -> None:
        """Check every program; a mistake that several have in common is kept once."""
        found: dict[tuple[str, str, str, int, int], Diagnostic] = {}
        with progress("checking", len(self.sources)) as step:
            for source in self.sources:
                step(str(source))
                findings = self.findings[source] = self.request.check(source, self.texts)
                for d in findings.diagnostics:
                    found.setdefault(d.key, d)
                    self.counts[d.key] = max(self.counts.get(d.key, 0), findings.counts.get(d.key, 1))
        self.found = list(found.values())

    # ---- mending

    def fix(self) -> None:
        """Apply what is proposed, in each program's own text alone; nothing is written yet."""
        from dslc.fix import Fixing

        for source in self.sources:
            if is_zoo(source):
                raise click.UsageError(f"`{source}` is part of dslc and stays as it is")
            path = Path(source).absolute()

            def check(texts: Mapping[Path, str], source: str | Path = source) -> Findings:
                return self.request.check(source, {**self.texts, **texts})

            fixing = Fixing(check, path, check({}))
            fixing.run()
            if fixing.applied:
                self.before[path] = fixing.before
                self.texts[path] = fixing.text
                self.fixed[source] = fixing.applied

    def write_fixed(self) -> None:
        """Write the mended programs, all or none; that of stdin goes to stdout. Raises `OutputError`."""
        if self.stdin is not None:
            (text,) = self.texts.values()
            click.echo(text.encode(), nl=False)
            return
        from dslc.output import CannotWrite, OutputError, write_all
        from dslc.output import text as file_of_text
        from dslc.reading import content

        for path, before in self.before.items():
            if content(path, MAX_BYTES) != before.encode():
                raise OutputError(CannotWrite(str(path), "it changed while it was checked"))
        write_all([file_of_text(path, self.texts[path]) for path in self.before])

    def show_difference(self) -> None:
        """Print what would change."""
        for source in self.fixed:
            path = Path(source).absolute()
            click.echo(difference(str(source), self.before[path], self.texts[path], "fixed"), nl=False)

    # ---- what there is already

    def write_baseline(self, target: str) -> None:
        """Write the warnings there are, which are not told of then."""
        from dslc.diagnostics.baseline import new, read, text_of
        from dslc.output import text as file_of_text
        from dslc.output import write_all

        folder = Path(target).absolute().parent
        text = text_of(self.found, folder)
        write_all([file_of_text(target, text)])
        count = len(self.found)
        self.found, _ = new(self.found, read(text), folder)
        click.echo(f"{target}: {count_of(count - len(self.found), 'warning')}", err=True)

    def take_baseline(self, path: str) -> None:
        """Leave out the warnings that a baseline holds."""
        from dslc.diagnostics.baseline import NoBaseline, new, read
        from dslc.reading import content

        try:
            old = read(content(path, MOST_BASELINE).decode())
        except OSError as error:
            raise click.BadParameter(f"`{path}`: {error.strerror or error}".lower(), param_hint="--baseline") from None
        except (NoBaseline, UnicodeDecodeError) as error:
            raise click.BadParameter(f"`{path}`: {error}", param_hint="--baseline") from None
        self.found, self.gone = new(self.found, old, Path(path).absolute().parent)

    # ---- printing

    def print(self, form: str, verbose: bool, dry: bool) -> None:
        """Print what was found; as text, with what was mended."""
        notes = verbose or self.request.advice
        found = [of_options(d) for d in self.found if notes or d.severity is not Severity.NOTE]
        if form == "text":
            self.print_text(found, dry, verbose)
        elif form == "github":
            from dslc.diagnostics.github import to_github

            if found:
                click.echo(to_github(found))
        elif form == "sarif":
            from dslc import __version__
            from dslc.diagnostics.sarif import to_sarif

            click.echo(to_sarif(list(map(of_options, self.found)), __version__))
        else:
            from dslc.diagnostics.export import to_json

            click.echo(to_json(map(of_options, self.found), self.counts))

    def print_text(self, found: Sequence[Diagnostic], dry: bool, verbose: bool) -> None:
        """What was found on stderr, and on stdout, if it is free, that there is no error."""
        taken = dry or (self.stdin is not None and bool(self.fixed))
        for source, count in self.fixed.items():
            click.echo(f"{source}: {count} {'would be ' * dry}fixed", err=taken)
        show_diagnostics(found, self.counts, footer=self.footer if self.errors else None)
        if not self.errors:
            click.echo(f"{self.summary}{', ' * bool(found) + summary(found) if summary(found) else ''}", err=taken)
        if verbose and self.request.advice:
            for rule, names in sorted(self.silent.items(), key=lambda item: item[0].code):
                facts = " and ".join(f"`{name}`" for name in names)
                click.echo(f"{rule.code} ({rule.switch}) was not asked: {facts} not stated, see --fact", err=True)
        if self.gone:
            click.echo(f"{count_of(self.gone, 'warning')} of the baseline are no more: write it again", err=True)

    @property
    def silent(self) -> dict[type[Lint], tuple[str, ...]]:
        """Rules that lacked facts, which are the same for all programs of a folder."""
        return {rule: names for findings in self.findings.values() for rule, names in findings.silent.items()}

    @property
    def summary(self) -> str:
        """What is said of programs without errors."""
        if self.several:
            return f"{count_of(len(self.sources))}: no errors"
        (findings,) = self.findings.values()
        nets = (
            f"{', '.join(findings.nets)}: no errors"
            if findings.nets
            else "no errors; no net is complete without arguments"
        )
        return f"{self.sources[0]}: {nets}"

    @property
    def footer(self) -> str:
        """Of several programs, how many have mistakes."""
        if not self.several:
            return ""
        bad = sum(bool(findings.without_notes) for findings in self.findings.values())
        return f" in {bad} of {count_of(len(self.sources))}"
