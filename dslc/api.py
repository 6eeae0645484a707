"""The pipeline on one screen: from text to a checked model. The only place that knows the order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dslc.bind import language
from dslc.bind.bodies import bind, own_files
from dslc.bounds import beyond, held, shown, unheld
from dslc.collector import paused
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import CompileError, Diagnostic, Reject, Severity, Sink
from dslc.diagnostics.place import assigned, given
from dslc.elaborate.entry import elaborate
from dslc.elaborate.examine import examine
from dslc.elaborate.watch import Watch
from dslc.ir.model import Budget, Model
from dslc.names import zoo
from dslc.names.errors import NoNet
from dslc.names.errors_given import OutsideNumber, UnknownParameter, UnknownSize, WhichNet
from dslc.names.headers import check_headers
from dslc.names.loader import Loader, file_diagnostic
from dslc.names.resolve import Program, lookup, resolve
from dslc.source import Source
from dslc.syntax import tree
from dslc.types.arguments import arguments, sizes_of
from dslc.types.const import Binding, Scope
from dslc.types.guards import Pinned
from dslc.types.sizes import Sizes

MAX_OPS = 100_000

TEXT = "<text>"
"""What messages call the file of a program that is given as text."""

Again = Callable[[Mapping[str, str]], tuple[Sequence[Diagnostic], int]]
"""What is wrong with a program where files hold other texts, by the paths that messages show."""


def compile_model(
    source: str | Path,
    net: str | None = None,
    *,
    args: Mapping[str, object] | None = None,
    sizes: Mapping[str, int] | None = None,
    max_ops: int = MAX_OPS,
    loader: Loader | None = None,
    budgets: Sequence[Budget] | None = (),
) -> Model:
    """The checked model of a net.

    `source` is a path, the text of a program (a `str` with a newline), or `zoo:NAME`. `net` names the net where
    the file has several; `args` gives its parameters, `sizes` the defaults of its symbolic sizes. `loader` reads the
    files, if not from disk; `budgets` are limits beside the program's own; with none in their place the
    program's are not held against it either. Raises `CompileError`.
    """
    loader = loader or Loader()
    sink = Sink()
    with _deep(), mending(loader, source, net, args, sizes, max_ops, budgets):
        program = load_program(source, sink, loader)
        return compile_program(program, net, args=args, sizes=sizes, max_ops=max_ops, budgets=budgets, sink=sink)


def compile_program(
    program: Program,
    net: str | None = None,
    *,
    args: Mapping[str, object] | None = None,
    sizes: Mapping[str, int] | None = None,
    max_ops: int = MAX_OPS,
    budgets: Sequence[Budget] | None = (),
    sink: Sink | None = None,
    watch: Watch | None = None,
) -> Model:
    """As `compile_model`, of a program that was loaded, for any of its nets; `sink` holds what loading found.

    After mistakes in some definitions the net is elaborated all the same, so that all mistakes are told at once.
    `watch` is told what each line makes.
    """
    sink = sink or Sink()
    asked = sizes_of(sizes or {})
    if not program.whole:  # any definition may be in what was not read
        sink.finish(None)
    main = program.main
    source = "" if main is None else main.path or main.tree.source.text
    with _deep(), mending(program.loader, source, net, args, sizes, max_ops, budgets):
        entry = choose(program, net, sink, args or {})
        _check_names(program, entry, args or {}, asked, sink)
        values = arguments(args or {})
        _check_numbers(values, asked, sink)
        for diagnostic in program.told.diagnostics:
            sink.add(diagnostic)
        model = _elaborate(program, entry, values, asked, sink, max_ops, watch)
        if watch is not None and entry in watch.nets:
            watch.nets[entry].elaborated = model
        if model is not None and budgets is not None and (model.budgets or budgets):
            from dslc.analysis.budget import check_budgets  # what numbers need is imported only for them

            check_budgets(model, sink, budgets)
        if model is None and budgets is not None and (lines := _budget_lines(program, entry)):
            from dslc.analysis.budget import check_names

            check_names(lines, sink)
        model = sink.finish(model)
    assert model is not None, "elaboration failed without a diagnostic"
    model.given, model.asked = values, asked
    model.notes = tuple(d for d in sink.diagnostics if d.severity is not Severity.ERROR)
    return model


@contextmanager
def mending(
    loader: Loader,
    source: str | Path,
    net: str | None,
    args: Mapping[str, object] | None,
    sizes: Mapping[str, int] | None,
    max_ops: int,
    budgets: Sequence[Budget] | None,
) -> Iterator[None]:
    """What is wrong inside is looked for fixes, by compiling edited texts in the same way, once it is shown."""

    def again(texts: Mapping[str, str]) -> tuple[Sequence[Diagnostic], int]:
        """What is wrong where files hold other texts, and the work that it took."""
        text = texts.get(TEXT)
        sink = Sink()
        try:
            program = load_program(text or source, sink, loader.edited({} if text is not None else texts))
            model = compile_program(program, net, args=args, sizes=sizes, max_ops=max_ops, budgets=budgets, sink=sink)
        except CompileError as error:
            return error.diagnostics, sink.work
        return model.notes, sink.work

    try:
        yield
    except CompileError as error:
        if error.mend is None:
            found, work = error.diagnostics, error.work
            error.mend = lambda: offer(found, again, work)
        raise


def offer(found: Sequence[Diagnostic], again: Again, work: int) -> tuple[Diagnostic, ...]:
    """The diagnostics with fixes that were tried. What computes them is imported for programs with mistakes only."""
    from dslc.mending.offer import offer

    return offer(found, again, work)


def _budget_lines(program: Program, entry: str) -> list[tree.Budget]:
    """The `budget` lines of a net of the main file."""
    item = program.nets[entry]
    lines = item.budgets if isinstance(item, tree.NetAlias) else item.suite.body
    return [line for line in lines if isinstance(line, tree.Budget)]


def nets(source: str | Path, complete: bool = False) -> list[str]:
    """The names of a program's nets, in order; `complete`: those that need no argument. Raises `CompileError`."""
    sink = Sink()
    return nets_of(sink.finish(load_program(source, sink)), complete)


def nets_of(program: Program, complete: bool = False) -> list[str]:
    """As `nets`, of a program that was loaded; the complete ones of `zoo:NET` are that one."""
    found = program.nets.items()
    names = [name for name, i in found if not complete or all(p.default is not None for p in i.parameters)]
    meant = _meant(program, names) if complete else None
    return names if meant is None else [meant]


def _meant(program: Program, ready: Sequence[str]) -> str | None:
    """The net that the program's name says; none where it has a file's name and the net of that name is not ready."""
    name, file = program.asked, program.main
    return None if file is None or (name == Path(file.tree.source.path).stem and name not in ready) else name


def load_program(source: str | Path, sink: Sink, loader: Loader | None = None) -> Program:
    """Read, parse and bind a program with all it imports."""
    loader = loader or Loader()
    path, asked = located(source)
    if path is None:
        text = Source(TEXT, str(source))
    else:
        try:
            text = loader.main(path)
        except Reject as reject:
            sink.add(file_diagnostic(reject.mistake, str(path)))
            raise CompileError(sink.diagnostics) from None
    program = resolve(text, path, loader, sink, language.reserved())
    program.asked = asked
    check_headers(program, sink)
    with _deep():
        program.table = bind(program, program.told)
        if program.whole:
            found = Sink()
            for block, scope in idle_blocks(program):
                examine(program, block, scope, found, MAX_OPS)
            _add_new(program.told, found, sink)
    if sink.errors and program.told.errors:
        _once(sink, program.told)
    return program


def incomplete(program: Program, names: Sequence[str]) -> Sink:
    """What is wrong with nets of the main file that need arguments, whatever those are."""
    found, told = Sink(), Sink()
    with _deep():
        for name in names:
            block = program.nets[name]
            if program.main is not None and isinstance(block, tree.Block):
                examine(program, block, program.main.scope, found, MAX_OPS)
    _add_new(told, found, program.told)
    return told


def idle_blocks(program: Program) -> list[tuple[tree.Block, Scope]]:
    """Blocks of the program's own files to which no net leads, with the names of their files."""
    assert program.table is not None
    nets = {} if program.main is None else program.nets
    led = set().union(*(program.table.reached(net) for net in nets.values()))
    return [
        (item, file.scope)
        for file in own_files(program)
        for item in file.tree.items
        if isinstance(item, tree.Block) and item.kind != "net" and item not in led
    ]


def _add_new(told: Sink, found: Sink, known: Sink) -> None:
    """Add errors of places of which the same is not told yet; of warnings only sizes that are known tell."""
    places = {(d.code, d.span) for d in (*told.diagnostics, *known.diagnostics)}
    for diagnostic in found.diagnostics:
        place = (diagnostic.code, diagnostic.span)
        if diagnostic.severity is Severity.ERROR and place not in places:
            places.add(place)
            told.add(diagnostic)


def _once(read: Sink, bound: Sink) -> None:
    """What a proposal of the one replaces, the other does not speak of: of a text it is said once what is wrong."""
    for sink, other in ((bound, read), (read, bound)):
        for diagnostic in sink.diagnostics:
            for edit in (
                edit for help in diagnostic.help[:1] for edit in help.edits if edit.span.start < edit.span.end
            ):
                other.retract(edit.span)


def located(source: str | Path) -> tuple[Path | None, str | None]:
    """The file of a source and the net that it names: of a text neither, of a path no net. Raises `CompileError`."""
    if zoo.is_zoo(source):
        try:
            return zoo.find(source)
        except Reject as reject:
            raise CompileError((file_diagnostic(reject.mistake, source),)) from None
    return None if isinstance(source, str) and ("\n" in source or not source) else Path(source), None


def choose(program: Program, net: str | None, sink: Sink, args: Mapping[str, object]) -> str:
    """The net to compile: the one asked for, or the only one that needs no argument."""
    assert program.main is not None
    found = program.nets
    at = program.main.tree.source
    if net in found:
        return net
    if not found or net is not None:
        sink.finish(None)  # the net that is meant may be one that could not be read
    if not found:
        sink.add(file_diagnostic(NoNet(at.path), at.path))
    elif net is not None:
        sink.add(WhichNet(net, tuple(found), nearest(net, found)).at(given("net", net)))
    else:
        ready = [
            name for name, i in found.items() if all(p.default is not None or p.name in args for p in i.parameters)
        ]
        if (meant := _meant(program, ready)) is not None:
            return meant
        if len(found) == 1 or (len(ready) == 1 and program.asked is None):
            return (ready or list(found))[0]
        sink.add(file_diagnostic(WhichNet(None, tuple(ready or found), None), at.path))
    sink.finish(None)
    assert net is not None
    return net


def _check_names(
    program: Program, entry: str, args: Mapping[str, object], sizes: Mapping[str, int], sink: Sink
) -> None:
    """Arguments and sizes from outside must be ones of the net (an alias: of the net it stands for)."""
    assert program.main is not None
    before = sink.errors
    known, named = _parameters(program.main.scope.names[entry])
    for name, value in args.items():
        if name not in known:
            mistake = UnknownParameter(entry, name, tuple(known), nearest(name, known), name in (named or ()))
            sink.add(mistake.at(assigned("args", name, value, name)))
    for name, size in sizes.items():
        if named is not None and name not in named:
            unknown = UnknownSize(entry, name, tuple(named), nearest(name, named), name in known)
            sink.add(unknown.at(assigned("sizes", name, size, name)))
    _stop_if_more(sink, before)


def _stop_if_more(sink: Sink, before: int) -> None:
    """Raise where there are more errors than before: they are of the command, and the program may be right."""
    if sink.errors > before:
        sink.finish(None)


def _check_numbers(args: Mapping[str, object], sizes: Mapping[str, int], sink: Sink) -> None:
    """Numbers from outside must be ones that a program may hold."""
    before = sink.errors
    for name, value in args.items():
        if (wrong := unheld(value)) is not None:
            mistake = OutsideNumber(name, shown(wrong), f"is {beyond(wrong)}")
            sink.add(mistake.at(assigned("args", name, value)))
    for name, size in sizes.items():
        if size < 1 or not held(size):
            why = "is not a size: it is at least 1" if size < 1 else "is not a number of 64 bits"
            sink.add(OutsideNumber(name, shown(size), why).at(assigned("sizes", name, size)))
    _stop_if_more(sink, before)


def _parameters(binding: Binding | None) -> tuple[list[str], list[str] | None]:
    """The parameters of a net, and of an alias and the nets it stands for, imports followed; and its sizes by name.

    The sizes are none where that net is not found.
    """
    known: list[str] = []
    named: list[str] | None = None
    seen: list[object] = []  # aliases of each other would be followed without end
    while binding is not None and binding.kind == "definition":
        found = lookup(binding)
        if found is None or found[0] in seen:
            break
        item, scope = found
        if not isinstance(item, tree.NetAlias | tree.Block):
            break
        seen.append(item)
        known += [p.name for p in item.parameters]
        if isinstance(item, tree.Block):
            dims = [dim.value for port in item.ports or () for dim in port.spec.dims or ()]
            own = (dim.name for dim in dims if isinstance(dim, tree.Name) and scope.find(dim.name) is None)
            named = [name for name in dict.fromkeys(own) if name not in known]
            break
        target = item.value.target if isinstance(item.value, tree.Call) else item.value
        binding = scope.find(target.name) if isinstance(target, tree.Name) else None
    return known, named


def _elaborate(
    program: Program,
    entry: str,
    args: Mapping[str, object],
    asked: Mapping[str, int],
    sink: Sink,
    max_ops: int,
    watch: Watch | None,
) -> Model | None:
    """Elaborate; where a weight pins a size, again with the number in the port (at most once a symbol).

    What binding has told of a place is not told again, in whichever words an expansion would say it.
    A mistake at a place where one was found while the size was a symbol keeps those words: they say which sizes fit.
    """
    table = Sizes()
    symbolic: dict[tuple[str, int, int], Diagnostic] = {}
    told = {(d.code, d.span) for d in (*program.told.diagnostics, *sink.diagnostics)}
    while True:
        trial = Sink()
        try:
            model = elaborate(program, entry, args, asked, table, trial, max_ops, watch)
        except Pinned as pinned:
            sink.work += trial.work
            table = Sizes(pins={**table.pins, pinned.symbol: pinned.pin})
            symbolic = {d.key[2:]: d for d in trial.diagnostics if d.help} | symbolic
            continue
        sink.work += trial.work
        for diagnostic in trial.diagnostics:
            if (diagnostic.code, diagnostic.span) in told:
                continue
            for _ in range(trial.counts[diagnostic.key]):
                sink.add(symbolic.get(diagnostic.key[2:], diagnostic))
        return model


@contextmanager
def _deep() -> Iterator[None]:
    """Room for nested blocks, and no garbage collection meanwhile.

    200 levels take some 20 Python frames each (pure Python frames use no C stack).
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 12_000))
    try:
        with paused():
            yield
    finally:
        sys.setrecursionlimit(before)
