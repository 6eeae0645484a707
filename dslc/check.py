"""What `dslc check` finds in a file."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from dslc.analysis.notes import size_notes
from dslc.api import compile_program, incomplete, load_program, nets_of, offer
from dslc.bind.hygiene import hygiene
from dslc.diagnostics.allow import Meant
from dslc.diagnostics.levels import DEFAULT, Levels
from dslc.diagnostics.model import CompileError, Diagnostic, Severity, Sink, in_order
from dslc.diagnostics.render import Key
from dslc.elaborate.watch import Watch
from dslc.ir.model import Budget, Model
from dslc.lints.base import Lint
from dslc.lints.catalogue import WARNINGS, rules
from dslc.lints.facts import NOTHING, Facts
from dslc.lints.run import Spoken, lint
from dslc.names.loader import Loader
from dslc.names.resolve import Program
from dslc.names.zoo import is_zoo
from dslc.record import entity, replace
from dslc.source import Source
from dslc.types.dtypes import DTypeLike, float_type
from dslc.types.tensor import DType, is_half

COLLECT = 64
"""Nets after which the models of earlier ones are freed: they are cyclic."""


@entity
class Findings:
    """What is wrong with nets, or worth knowing, each once, in the order found; `str()` is what is printed of it.

    - `ok`: whether there is no error
    - `errors`, `warnings`, `notes`: diagnostics, each with a `code`, a `severity`, a `message`, the place in `span`
      (`span.source.path`, `span.line`, `span.column`, `span.text`) and proposals in `help`
    - `nets`: the nets that were compiled
    - `silent`: rules that said nothing for want of facts, with the names of these
    - `program`: what was read, if the main file could be
    """

    nets: list[str] = field(default_factory=list)
    found: dict[Key, Diagnostic] = field(default_factory=dict)
    counts: dict[Key, int] = field(default_factory=dict)
    _main: Source | None = None  # the text of the main file, if it could be read
    _work: int = 0  # steps of elaboration that it took
    _whole: bool = False  # whether all its nets were checked, as they are
    silent: dict[type[Lint], tuple[str, ...]] = field(default_factory=dict)
    program: Program | None = None
    nets_of: dict[Key, set[str]] = field(default_factory=dict)  # the nets that tell it; none of them where rules do
    _ran: set[str] = field(default_factory=set)  # names of the rules that were run

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return list(in_order(self.found.values()))

    @property
    def without_notes(self) -> list[Diagnostic]:
        return [d for d in self.diagnostics if d.severity is not Severity.NOTE]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What makes a program wrong."""
        return self._of(Severity.ERROR)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is right and likely not meant."""
        return self._of(Severity.WARNING)

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What is worth knowing: where a size becomes a condition."""
        return self._of(Severity.NOTE)

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def _of(self, severity: Severity) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity is severity)

    def __str__(self) -> str:
        from dslc.diagnostics.render import render

        return render(self.diagnostics, self.counts)

    def __repr__(self) -> str:
        found = ((len(self.errors), "error"), (len(self.warnings), "warning"), (len(self.notes), "note"))
        said = ", ".join(f"{count} {word}{'s' * (count > 1)}" for count, word in found if count)
        return f"<Findings of {', '.join(self.nets) or 'no net'}: {said or 'nothing'}>"

    def _judge(self, levels: Levels) -> None:
        """Leave out what comments or levels allow, and make errors of what is denied.

        Warnings about the comments of the main file are added. Where all its nets were checked and no error is left, a
        comment that silenced nothing is one too many.
        """
        meant = Meant()
        found = [d for d in self.diagnostics if not meant.silences(d)]
        if self._main is not None:
            found += [d for d in meant.comments(self._main).wrong if not meant.silences(d)]
            if self._whole and self.ok:
                found += [d for d in meant.unused(self._main, self._was_looked_for) if not meant.silences(d)]
        said = [d for each in found if (d := levels.applied(each)) is not None]
        self.found = {d.key: d for d in said}

    def _was_looked_for(self, switch: str) -> bool:
        """Whether a warning of a name would have been found; a rule that was not run finds nothing."""
        from dslc.lints.catalogue import rules

        return switch in self._ran or all(switch != rule.switch for rule in rules())

    def _take(self, spoken: Spoken, chosen: Sequence[type[Lint]]) -> None:
        """Keep what rules say of a network."""
        self._keep(spoken.diagnostics, spoken.counts, ())
        self.silent.update(spoken.silent)
        self._ran.update(rule.switch for rule in chosen if rule not in spoken.silent)

    def _keep(
        self, diagnostics: tuple[Diagnostic, ...], counts: Mapping[Key, int], nets: Sequence[str] | None = None
    ) -> None:
        """Add what one net gave. A mistake in a shared block is found by each net that uses it, and kept once:
        in the words of the first, where sizes differ. A budget is each net's own.

        `nets` tell it, where that is not told of the program whatever net is asked for.
        """
        errors = (d for d in self.found.values() if d.severity is Severity.ERROR and d.span.source.kind == "text")
        known = {(d.code, d.span): d.key for d in errors if not d.code.startswith("E07")}
        for d in diagnostics:
            key = d.key
            if key in self.found or (d.code, d.span) not in known:
                self.found.setdefault(key, d)
                self.counts[key] = max(self.counts.get(key, 0), counts.get(key, 1))
            if nets is not None:
                self.nets_of.setdefault(known.get((d.code, d.span), key), set()).update(nets)


def check_file(
    source: str | Path,
    net: str | None = None,
    *,
    args: dict[str, object] | None = None,
    sizes: dict[str, int] | None = None,
    max_ops: int = 100_000,
    budgets: Sequence[Budget] = (),
    dtype: DTypeLike | None = None,
    levels: Levels = DEFAULT,
    loader: Loader | None = None,
    facts: Facts = NOTHING,
    advice: bool = False,
    watch: Watch | None = None,
    mend: bool = True,
    lints: bool = True,
) -> Findings:
    """Compile one net of a file, or all that have defaults for all their parameters, and keep what is found.

    `dtype` is what a build would make of `float` (none: what the net's inputs set): numbers that it does not hold are
    mistakes. A file without such a net is read and its names are resolved. `levels` says which warnings are told, and
    which are errors; comments of the program go before it. `loader` reads the files, if not from disk.

    Rules (`dslc.lints`) are run over each net: those of warnings that need no signal, and with `advice` all of them, in
    place of the notes on sizes; `facts` is what they are told beside the program. `watch` is told what each line makes,
    and may stop the check; without `mend` no fixes are looked for, which takes some checks more, and without `lints`
    nothing that is only suspicious. Raises `Failure` where it cannot be read, and `Cancelled`.
    """
    loader, kind = loader or Loader(), float_type(dtype)

    def checked(loader: Loader, chosen: Sequence[type[Lint]] | None, watch: Watch | None) -> Findings:
        found = _check(source, net, args, sizes, max_ops, budgets, kind, loader, facts, advice, chosen, watch)
        found._judge(levels)
        return found

    def again(texts: Mapping[str, str]) -> tuple[Sequence[Diagnostic], int]:
        other = None if watch is None else Watch(watch.cancel)
        found = checked(loader.edited(texts), (), other)  # a fix need not mend what was suspicious before
        return found.diagnostics, found._work

    chosen = tuple(rules() if advice else rules(WARNINGS)) if lints else None
    findings = checked(loader, chosen, watch)
    if mend and not findings.ok:
        mended = offer(findings.diagnostics, again, findings._work)
        findings.found = {d.key: d for d in mended}
    return findings


def _check(
    source: str | Path,
    net: str | None,
    args: dict[str, object] | None,
    sizes: dict[str, int] | None,
    max_ops: int,
    budgets: Sequence[Budget],
    kind: DType | None,
    loader: Loader,
    facts: Facts = NOTHING,
    advice: bool = False,
    chosen: Sequence[type[Lint]] | None = (),
    watch: Watch | None = None,
) -> Findings:
    """As `check_file`, with what reads the files and the rules to run (none: nothing that is only suspicious), and
    without fixes; of all that is found, allowed or not.
    """
    findings, sink = Findings(), Sink()
    try:
        program = load_program(source if is_zoo(source) else Path(source), sink, loader)
    except CompileError as error:
        findings._keep(error.diagnostics, error.counts)
        return findings
    findings._keep(tuple(sink.diagnostics), sink.counts)
    if net is None:
        findings._keep(program.told.diagnostics, program.told.counts)
    findings.program = program
    findings._main = None if program.main is None else program.main.tree.source
    if watch is not None:
        watch.check()
    if not program.whole:
        return findings
    wanted = [net] if net is not None else nets_of(program, complete=True)
    if net is None and not args:
        asking = incomplete(program, [name for name in program.nets if name not in wanted])
        findings._keep(tuple(asking.diagnostics), asking.counts, ())
    suspicions: list[Spoken] = []
    if watch is None:  # who watches lives on, and looks after its garbage itself
        gc.freeze()  # what was loaded stays: only what the nets made is looked through
    try:
        for number, name in enumerate(wanted):
            if watch is None and number % COLLECT == COLLECT - 1:  # a command collects no garbage by itself
                gc.collect()
            findings.nets.append(name)
            own = sink.copy()
            try:
                model = compile_program(
                    program, name, args=args, sizes=sizes, max_ops=max_ops, budgets=budgets, sink=own, watch=watch
                )
            except CompileError as error:
                findings._keep(tuple(of_net(d, name, len(wanted)) for d in error.diagnostics), error.counts, (name,))
            else:
                findings._keep(warned(model) if advice else said(model, kind), {}, (name,))
                if chosen is not None:
                    suspicions.append(lint(model, facts, chosen))
                if watch is not None:
                    watch.nets[name].model = model
                    watch.check()
                del model  # who watches may be done with it now
            findings._work += own.work
            if watch is not None:
                watch.finish(name)
    finally:
        if watch is None:
            gc.unfreeze()
    if findings.ok and chosen is not None:  # beside a mistake, what is only suspicious would stand in its way
        for spoken in suspicions:
            findings._take(spoken, chosen)
        idle = Sink()
        hygiene(program, idle)
        findings._keep(idle.diagnostics, idle.counts, ())
    findings._whole = len(findings.nets) == len(program.nets) and not (args or sizes)
    return findings


def check_model(
    model: Model, *, dtype: DTypeLike | None = None, budgets: Sequence[Budget] = (), strict: bool = False
) -> Findings:
    """What there is to say of a network that compiled: notes, numbers that `dtype` does not hold, budgets not kept.

    `strict`: numbers that are only lower bounds are mistakes too.
    """
    findings, sink = Findings([model.entry]), Sink()
    findings._keep(said(model, float_type(dtype)), {})
    findings._judge(DEFAULT)
    if budgets or model.budgets or strict:
        from dslc.analysis.budget import check_budgets, check_complete
        from dslc.analysis.quantities import Numbers

        check_budgets(model, sink, budgets)
        if strict:
            check_complete(Numbers(model), sink)
        findings._keep(sink.diagnostics, sink.counts)
    return findings


def lint_model(model: Model, facts: Facts = NOTHING) -> Findings:
    """What all rules say of a network that compiled."""
    findings = Findings([model.entry])
    findings._keep(warned(model), {})
    findings._take(lint(model, facts, tuple(rules())), tuple(rules()))
    findings._judge(DEFAULT)
    return findings


def said(model: Model, dtype: DType | None) -> tuple[Diagnostic, ...]:
    """What there is to say of a network that compiled, but for budgets."""
    return (*model.notes, *size_notes(model), *unheld_numbers(model, dtype or model.float))


def warned(model: Model) -> tuple[Diagnostic, ...]:
    """The warnings of a network that compiled, but for those of rules."""
    return tuple(d for d in model.notes if d.severity is not Severity.NOTE)


def unheld_numbers(model: Model, dtype: DType) -> tuple[Diagnostic, ...]:
    """Numbers that a build in 16 bits does not hold; what finds them is imported only for one."""
    if not is_half(dtype):
        return ()
    from dslc.analysis.numbers import unheld
    from dslc.ir.walk import flatten

    return unheld(model, flatten(model), dtype)


def of_net(diagnostic: Diagnostic, net: str, nets: int) -> Diagnostic:
    """A mistake in a budget of the command line, which no line of the program tells apart from another net's."""
    from dslc.analysis.errors import UnknownQuantity

    if nets == 1 or diagnostic.span.source.kind != "option" or diagnostic.code == UnknownQuantity.code:
        return diagnostic
    return replace(diagnostic, message=f"`{net}`: {diagnostic.message}")
