"""Binding: every name and call of a program's own files, expanded or not, put to what it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from dslc.bind import static
from dslc.bind.binder import Binder, Place
from dslc.bind.budgets import of_bytes
from dslc.bind.expressions import evaluate, flow, loop_targets
from dslc.bind.initial import initial_target
from dslc.bind.language import DTYPES
from dslc.bind.lines import Line
from dslc.bind.mistakes_body import Misplaced, NamedInSuite, NoElementType, NoResult, WrongCount
from dslc.bind.mistakes_scope import AliasOfItself
from dslc.bind.scopes import Scope, beyond_turns, names_again, plain
from dslc.bind.signatures import STEPS, Signatures
from dslc.bind.static import INT, TENSOR, TENSORS, UNKNOWN, Static, listed
from dslc.bind.table import Body, Kind, Symbol, Table
from dslc.bind.values import UNSAID, literal, wrong_parameter
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Help, Label, Sink, in_order
from dslc.names.resolve import FileNames, Program
from dslc.record import replace
from dslc.syntax import tree
from dslc.syntax.scan import dtype_span, nodes
from dslc.types import const

if TYPE_CHECKING:
    from dslc.bind.again import Chained


def bind(program: Program, sink: Sink) -> Table:
    """The table of a program's own files; mistakes go to the sink in the order of the text."""
    b = new_binder()
    for file in own_files(program):
        bind_file(b, file)
    for diagnostic in in_order(b.found):
        sink.add(diagnostic)
    return b.table


def new_binder() -> Binder:
    """The state of a binding that has seen no file."""
    return Binder(Table(), Signatures(), evaluate, execute)


def own_files(program: Program) -> list[FileNames]:
    """The files that the user wrote, the main one first."""
    files = [program.main, *program.files.values()]
    return list(dict.fromkeys(f for f in files if f is not None and not f.tree.source.is_library))


def bind_file(b: Binder, file: FileNames) -> None:
    """Bind the `use` lines and definitions of a file."""
    b.file = file.tree
    for item in file.tree.items:
        match item:
            case tree.Use():
                _use(b, item, file.scope)
            case tree.InitialItem():
                _settings(b, item.settings, Place(file.scope, Scope("fn", None)))
            case tree.LetItem() | tree.Fn() | tree.Block() | tree.NetAlias() | tree.Extern():
                try:
                    _definition(b, item, file.scope)
                except RecursionError:  # elaboration says where it nests too deeply
                    b.around.clear()
                    b.line = Line()
                    b.body = None


def _use(b: Binder, item: tree.Use, scope: const.Scope) -> None:
    for there, here in item.names:
        binding = scope.names.get(here.name)
        if binding is None or binding.span != here.span:
            continue
        symbol = b.imported(here.name, binding)
        if symbol is None or symbol.item is None:
            continue
        b.use(there.span, b.table.defined[symbol.item], "import")
        b.table.imported.setdefault(item, {})[here.name] = symbol
        if there is not here:
            b.use(here.span, symbol, "bind")


def _definition(b: Binder, item: tree.Definition, file: const.Scope) -> None:
    body = b.body = b.table.bodies[item] = Body(item)
    b.elsewhere.clear()
    symbol = b.defined(item, file)
    b.use(symbol.span, symbol, "bind")
    scope = Scope("body" if isinstance(item, tree.Block | tree.Extern) else "fn", None)
    p = Place(file, scope, indexed=isinstance(item, tree.Fn))
    match item:
        case tree.LetItem():
            evaluate(b, item.value, p)
        case tree.Fn():
            _parameters(b, item, p)
            for line in item.lets:
                _let(b, line, p)
            evaluate(b, item.value, p)
        case tree.NetAlias():
            _parameters(b, item, p)
            _of_itself(b, item)
            evaluate(b, item.value, p)
            for budget in item.budgets:
                _budget(b, budget, p)
        case tree.Extern():
            _ports(b, item, p)
            _results(b, item.results, p)
            for _, fact in item.facts:
                evaluate(b, fact, p)
        case tree.Block():
            _ports(b, item, p)
            names = names_again(item)
            b.again = _chained(b, item, names, p) if names else None
            p.it = execute(b, item.suite, p)
            _results(b, item.results or (), p)
            b.again = None
    b.settle_later(p.scope)
    body.symbols.insert(0, symbol)
    b.body = None


def _chained(b: Binder, item: tree.Block, names: set[str], p: Place) -> Chained | None:
    from dslc.bind.again import Chained  # for programs with mistakes only

    return None if b.file is None else Chained(item, names, b.kind_of(p), b.file)


def _of_itself(b: Binder, item: tree.NetAlias) -> None:
    """An alias that stands for itself; the only other net of the file is likely meant."""
    target = item.value.target if isinstance(item.value, tree.Call) else item.value
    if not isinstance(target, tree.Name) or target.name != item.name:
        return
    items = b.file.items if b.file is not None else ()
    nets = [i.name for i in items if isinstance(i, tree.Block) and i.kind == "net" and i.name != item.name]
    b.report(AliasOfItself(item.name, nets[0] if len(nets) == 1 else None), target.span, expr=item.value)


# ---- headers


def _parameters(b: Binder, item: tree.Block | tree.Extern | tree.Fn | tree.NetAlias, p: Place) -> None:
    """Declare the parameters; `names.headers` has said which names have two meanings. Then the defaults."""
    _declare_parameters(b, item, p)
    _defaults(b, item, p)


def _declare_parameters(b: Binder, item: tree.Block | tree.Extern | tree.Fn | tree.NetAlias, p: Place) -> None:
    header = b.signatures.header(item)
    for parameter in item.parameters:
        symbol = header[parameter.name]
        symbol.static = static.of_parameter(parameter)
        _in_header(b, symbol, p)


def _in_header(b: Binder, symbol: Symbol, p: Place) -> None:
    p.scope.names[symbol.name] = symbol
    b.use(symbol.span, symbol, "bind")
    if b.body is not None:
        b.body.symbols.append(symbol)


def _defaults(b: Binder, item: tree.Block | tree.Extern | tree.Fn | tree.NetAlias, p: Place) -> None:
    for parameter in item.parameters:
        if parameter.default is not None:
            value = literal(parameter.default)
            wrong = None if value is UNSAID else wrong_parameter(item.name, parameter, value)
            if wrong is not None:
                b.report(wrong, parameter.default.span)
            _later_parameters(b, parameter, item.parameters)
            evaluate(b, parameter.default, replace(p, it=None, apart=True))


def _later_parameters(b: Binder, parameter: tree.Parameter, header: tuple[tree.Parameter, ...]) -> None:
    """A default that uses parameters after its own, which have no value yet."""
    following = {q.name for q in header[header.index(parameter) + 1 :]}
    for node in nodes(parameter.default) if following else ():
        if isinstance(node, tree.Name) and node.name in following:
            from dslc.bind.owners import later_parameter

            found = later_parameter(node, parameter, header)
            if found is not None:
                mistake, label, help = found
                b.report(mistake, node.span, (label,), node, help)


def _ports(b: Binder, item: tree.Block | tree.Extern, p: Place) -> None:
    """Parameters, then the ports with the sizes that they name, each visible from there on; then the defaults."""
    _declare_parameters(b, item, p)
    header = b.signatures.header(item)
    for port in item.ports or ():
        symbol = header[port.name]
        free = p.scope.names.get(port.name) is None  # else the header's mistake is told
        symbol.static = UNKNOWN if port.optional or not free else TENSORS if port.many else TENSOR
        if free:
            _in_header(b, symbol, p)
        _element_type(b, port.spec)
        for dim in port.spec.dims or ():
            _port_size(b, dim, p)
    _defaults(b, item, p)
    p.it = UNKNOWN if item.ports and item.ports[0].optional else TENSOR


def _element_type(b: Binder, spec: tree.TensorSpec) -> None:
    if spec.dtype is not None and spec.dtype not in DTYPES:
        b.report(NoElementType(spec.dtype, tuple(DTYPES), nearest(spec.dtype, DTYPES)), dtype_span(spec))


def _port_size(b: Binder, dim: tree.DimSpec, p: Place) -> None:
    if isinstance(dim.value, tree.Name) and p.scope.names.get(dim.value.name) is None:
        _in_header(b, Symbol("size", dim.value.name, dim.value.span, b.definition, static=INT), p)
    elif dim.value is not None:
        evaluate(b, dim.value, p)
    if dim.default is not None:
        evaluate(b, dim.default, p)
    if dim.rest_name is not None and dim.name_span is not None and p.scope.names.get(dim.rest_name) is None:
        _in_header(b, Symbol("size", dim.rest_name, dim.name_span, b.definition, static=listed(INT)), p)


def _results(b: Binder, results: tuple[tree.Result, ...], p: Place) -> None:
    """The results of a header, in the words of the body's end."""
    lacking: list[tree.Result] = []
    for result in results:
        if result.spec is not None:
            _element_type(b, result.spec)
        for dim in (result.spec.dims or ()) if result.spec is not None else ():
            if dim.value is not None:
                evaluate(b, dim.value, p)
        if result.name is None or isinstance(b.definition, tree.Extern):
            continue
        symbol = p.scope.names.get(result.name) or p.scope.of_family(result.name)
        if symbol is not None:
            b.use(result.name_span, symbol, "read")
        elif not result.optional:
            lacking.append(result)
    for result in lacking:
        _lacking(b, result, len(lacking) == 1)


def _lacking(b: Binder, result: tree.Result, alone: bool) -> None:
    """A result that the body does not name: one tensor that nothing reads, or one named alike, is likely meant."""
    assert result.name is not None and b.body is not None
    from dslc.bind.unread import unread_tensors

    body = b.body.definition
    idle = unread_tensors(body) if isinstance(body, tree.Block) else []
    near = nearest(result.name, [name.name for name in idle])
    found = next((name for name in idle if name.name == near), idle[0] if alone and len(idle) == 1 else None)
    if found is None:
        b.report(NoResult(result.name), result.span)
        return
    b.body.failed.add(found)
    label = Label(result.span, "it is promised here")
    help = (Help(f"call it `{result.name}`: `{result.name} = ..`", result.name),)
    b.report(NoResult(result.name, found.name), found.span, (label,), help=help)


# ---- lines


def execute(b: Binder, suite: tree.Suite, p: Place) -> Static | None:
    """Bind the lines of a suite in the scope of a place; the current value after them."""
    q = replace(p)
    outer = b.line
    for line in suite.body:
        b.line = Line(len(b.around), isinstance(line, tree.Step | tree.Assign | tree.ModuleDef))
        _STATEMENTS[type(line)](b, line, q)
    b.line = outer
    return q.it


def _moved(value: Static) -> Static:
    return value if value.kind == "tensor" else TENSORS


def _step(b: Binder, line: tree.Step, p: Place) -> None:
    _passed(b, line.value)
    value = flow(b, line.value, p)
    p.it = UNKNOWN if isinstance(line.value, tree.Tuple) else _moved(value)  # several values are told by elaborate


def _passed(b: Binder, value: tree.Expr) -> None:
    """The words of another library in a line that is told to be one of a chain are mended by that."""
    if b.again is not None and b.body is not None and value.span in b.again.covered:
        b.line.told.append(value.span)
        b.body.failed.add(value)


def _assign(b: Binder, line: tree.Assign, p: Place) -> None:
    _passed(b, line.value)
    value = flow(b, line.value, p)
    if value.kind != "tensor" or isinstance(line.value, tree.Tuple):
        value = UNKNOWN
    elif len(line.targets) > 1:
        if value.count is not None and value.count != len(line.targets):
            span = line.targets[0].span.to(line.targets[-1].span)
            b.report(WrongCount(len(line.targets), value.count), span)
        value = TENSOR
    for target in line.targets:
        _bind_name(b, target, "tensor", p, value)


def _bind_name(b: Binder, target: tree.Name | tree.TickName, kind: Kind, p: Place, value: Static) -> None:
    if isinstance(target, tree.TickName):
        evaluate(b, target.text, p)
    scope = beyond_turns(p.scope, target)
    name = target.name if isinstance(target, tree.Name) else plain(target.text)
    if name == "_" and kind == "tensor":
        return
    if scope.kind == "suite" and kind == "tensor":
        shown = name or target.span.text.strip("`")
        b.elsewhere.add(shown)
        if not any(symbol.kind == "tensor" for symbol in scope.names.values()):  # told once of a suite
            b.report(NamedInSuite(shown), target.span)
    if name is None and isinstance(target, tree.TickName):
        b.family(target, kind, scope, value)
    elif kind == "tensor" and isinstance(target, tree.Name) and b.given_again(target, scope, value):
        return
    elif name is not None:
        b.declare(name, target.span, kind, p.inside(scope), value)


def _let(b: Binder, line: tree.Let, p: Place) -> None:
    value = evaluate(b, line.value, replace(p, apart=True))
    b.declare(line.target.name, line.target.span, "let", p, value)


def _grow(b: Binder, line: tree.Grow, p: Place) -> None:
    value = evaluate(b, line.value, p)
    symbol = p.scope.find(line.target.name)
    if symbol is not None:
        symbol.static = static.joined((symbol.static or UNKNOWN, value))
        b.use(line.target.span, symbol, "bind")


def _module(b: Binder, line: tree.ModuleDef, p: Place) -> None:
    value = evaluate(b, line.value, replace(p, apart=True))
    if value.kind == "layer":
        signature = (value.signature or STEPS).applied(line.target.span.text.strip("`"))
        value = Static("layer", signature, inner=value)
    _bind_name(b, line.target, "module" if value.kind != "list" else "let", p, value)


def _tensor(b: Binder, line: tree.TensorDef, p: Place) -> None:
    if p.scope.kind in ("turn", "suite"):
        b.report(Misplaced(f"a `{line.kind}`", "block"), line.span)
    _element_type(b, line.spec)
    indexed = any(dim.index is not None for dim in line.spec.dims or ())
    inside = replace(p, scope=Scope("turn", p.scope), indexed=indexed)
    for dim in line.spec.dims or ():
        if dim.value is not None:
            evaluate(b, dim.value, p)
        if dim.index is not None and dim.name_span is not None:
            b.declare(dim.index, dim.name_span, "loop", inside, INT)
    if line.value is not None:
        evaluate(b, line.value, inside)
    b.declare(line.target.name, line.target.span, "tensor", p, TENSOR)


def _if(b: Binder, line: tree.If, p: Place) -> None:
    """The sides are alternatives: what each gives may be given by the others too, and is given *maybe* after them."""
    scope, before, maybe, others = p.scope, p.scope.names, p.scope.maybe, p.scope.others
    made: dict[str, Symbol] = {}
    sure: list[set[str]] = []
    after: list[Static | None] = []
    for condition, suite in line.branches:
        if condition is not None:
            scope.names, scope.maybe, scope.others = before, maybe, others
            evaluate(b, condition, p)
        scope.names, scope.maybe, scope.others = dict(before), set(maybe), {**others, **made}
        after.append(execute(b, suite, p))
        sure.append(set(scope.names) - scope.maybe)
        made = {**{k: v for k, v in scope.names.items() if k not in before}, **made}
    always = set.intersection(*sure) if line.branches[-1][0] is None else set()
    scope.names, scope.others = {**before, **made}, others
    scope.maybe = (maybe | made.keys()) - always
    if any(value is not p.it for value in after):
        p.it = TENSORS


def _for(b: Binder, line: tree.For, p: Place) -> None:
    source = evaluate(b, line.source, p)
    turn = replace(p, scope=Scope("turn", p.scope), it=TENSORS)
    loop_targets(b, line.targets, source, turn)
    execute(b, line.suite, turn)
    p.it = TENSORS


def _branch(b: Binder, line: tree.Branch, p: Place) -> None:
    q = p.suite()
    q.it = _moved(flow(b, line.value, q))
    if line.more is not None:
        execute(b, line.more, q)


def _require(b: Binder, line: tree.Require, p: Place) -> None:
    evaluate(b, line.condition, p)
    if line.message is not None:
        evaluate(b, line.message, p)


def _budget(b: Binder, line: tree.Budget, p: Place) -> None:
    for limit in line.limits:
        for value in limit.values[1:]:
            evaluate(b, value, p)
        subject, value = limit.values[0], limit.values[-1]
        if isinstance(subject, tree.Name):
            wrong = of_bytes(subject.name, limit.ops[0], value.span.text, subject.span)
            if wrong is not None:
                b.report(wrong, value.span)


def _initial(b: Binder, line: tree.Initial, p: Place) -> None:
    if p.scope.kind != "body" or p.seq:
        b.report(Misplaced("an `init` statement", "body"), line.span)
    _settings(b, line.settings, p)


def _settings(b: Binder, settings: tuple[tree.Setting, ...], p: Place) -> None:
    for setting in settings:
        binding = p.file.find(setting.target.name)
        target = initial_target(setting, binding is not None)
        if not isinstance(target, str):
            b.report(*target)
        if setting.target.name != "bias":
            symbol = b.global_name(setting.target.name, p.file)
            if symbol is not None:
                b.use(setting.target.span, symbol, "read")
        evaluate(b, setting.value, replace(p, it=None))


_STATEMENTS: Final[dict[type[tree.Stmt], Callable[[Binder, Any, Place], None]]] = {
    tree.Step: _step,
    tree.Assign: _assign,
    tree.Let: _let,
    tree.Grow: _grow,
    tree.ModuleDef: _module,
    tree.TensorDef: _tensor,
    tree.If: _if,
    tree.For: _for,
    tree.Branch: _branch,
    tree.Require: _require,
    tree.Budget: _budget,
    tree.Initial: _initial,
}
