"""From a program to a model: the net's header, one forward walk, then what only the whole shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from dslc.bind.language import DTYPES
from dslc.bind.mistakes_body import NoElementType
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Reject, Sink
from dslc.elaborate.apply_block import bind_default, body_of, results_of
from dslc.elaborate.arguments import checked_parameter
from dslc.elaborate.expressions import evaluate
from dslc.elaborate.finish import collect, report_dropped, report_unread, settle_biases
from dslc.elaborate.headers import dim_names
from dslc.elaborate.layers import BlockLayer
from dslc.elaborate.limits import holdable
from dslc.elaborate.meaning import is_free
from dslc.elaborate.mistakes.layers import AliasTarget
from dslc.elaborate.mistakes.nets import (
    InputSize,
    MixedInputs,
    NeedsArgument,
    NoInputs,
    OpenAxis,
    OpenInput,
    SettledSize,
)
from dslc.elaborate.recipe import Recipe
from dslc.elaborate.run import Place, Run, Runaway
from dslc.elaborate.statements import add_budgets, execute
from dslc.elaborate.watch import Seen, Watch
from dslc.ir.model import Instance, Model, Value
from dslc.names.errors_given import UnknownSize
from dslc.names.resolve import Program, lookup
from dslc.ops.guesses import known_channels
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import dtype_span, mentioned
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.dim import Dim, Size
from dslc.types.dtypes import element_type
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType, is_half
from dslc.values.hole import failed, is_hole

T = TypeVar("T")

STEPS = 50
"""Steps of compile-time work that take as long as making one op."""


def elaborate(
    program: Program,
    entry: str,
    args: Mapping[str, object],
    asked: Mapping[str, int],
    sizes: Sizes,
    sink: Sink,
    max_ops: int,
    watch: Watch | None = None,
) -> Model | None:
    """The model of the net `entry`; none where a mistake left nothing to finish.

    `args` are values for its parameters, `asked` defaults for its symbolic sizes. `watch` is told what
    each line makes. Raises `Pinned` where a weight fixes a symbol: the caller starts again with the number in the port.
    """
    assert program.main is not None
    run = Run(sink, sizes, max_ops, frozenset() if program.table is None else program.table.failed)
    run.evaluate, run.execute = partial(evaluate, run), partial(execute, run)
    if watch is not None:
        run.net, run.watch = entry, watch
        watch.start(Seen(entry, sizes, run.made))
    try:
        return _elaborated(run, program, entry, args, asked)
    finally:
        sink.work += run.ops + run.work // STEPS


def _elaborated(
    run: Run, program: Program, entry: str, args: Mapping[str, object], asked: Mapping[str, int]
) -> Model | None:
    sink, sizes = run.sink, run.sizes
    assert program.main is not None
    found = _bounded(run, program.main.scope.names[entry].span, lambda: _entry(run, program, entry, args, sink))
    if found is None:
        return None
    recipe, block, home, entry_args = found
    scope = Scope("block", home)
    root = Instance("net", block, block.name_span, None, block.name, False, scope, {}, (), None)
    scope.instance = root
    p = Place(root, scope, root.body, None, None)
    run.owners.append(root)
    if run.watch is not None:
        run.watch.nets[entry].root = root
    before = sink.errors
    if not _bounded(run, block.name_span, lambda: _header(run, recipe, block, args, asked, p)):
        return None
    _bounded(run, block.name_span, lambda: body_of(run, block, p))
    if run.stopped:
        return None
    results = results_of(run, block, p)
    if all(r is not None for r in results):
        root.outputs = tuple(r for r in results if r is not None)
        if not root.output_names:
            root.output_names = (None,) * len(root.outputs)
            root.train_only = (False,) * len(root.outputs)
        for value in root.outputs:
            value.readers.append(root)
    report_dropped(run)
    report_unread(run)
    if sink.errors > before or run.broken or not root.outputs:
        return None
    settle_biases(run)
    params = collect(run)
    return Model(
        entry, root, params, sizes, program.main.tree.source, entry, entry_args, block.doc, run.budgets, float=run.float
    )


def _bounded(run: Run, span: Span, work: Callable[[], T]) -> T | None:
    """What a part of a net does; none where that would never end, which is reported at `span` if at no line."""
    try:
        return work()
    except Runaway as runaway:
        run.report(runaway.mistake, runaway.span or span)
        run.stopped = True
        return None


def _entry(
    run: Run, program: Program, entry: str, args: Mapping[str, object], sink: Sink
) -> tuple[Recipe, tree.Block, Scope, dict[str, Const]] | None:
    """The net behind a name: aliases followed, their arguments bound."""
    assert program.main is not None
    binding = program.main.scope.names[entry]
    target = lookup(binding)
    if target is None:
        return None
    item, home = target
    if isinstance(item, tree.Block):
        return Recipe(BlockLayer(item, home), item.name_span, home), item, home, {}
    assert isinstance(item, tree.NetAlias)
    scope = Scope("fn", home)
    nowhere = Instance("net", None, item.name_span, None, item.name, False, scope, {}, (), None)
    p = Place(nowhere, scope, [], None, None)
    given: dict[str, Const] = {}
    for declared in item.parameters:
        if declared.name in args:
            const = _given(args[declared.name], declared)
        elif declared.default is not None:
            const = run.evaluate(declared.default, p)
        else:
            sink.add(NeedsArgument(item.name, declared.name, alias=True).at(declared.span))
            return None
        checked = checked_parameter(run, item.name, declared, const, p)
        if checked is None:
            return None
        given[declared.name] = checked
        scope.names[declared.name] = Binding("parameter", checked, declared.span)
    value = run.evaluate(item.value, p)
    recipe = value.value
    if is_hole(recipe):
        return None
    if not isinstance(recipe, Recipe) or not isinstance(recipe.layer, BlockLayer):
        sink.add(AliasTarget().at(item.value.span))
        return None
    block = recipe.layer.tree
    if not isinstance(block, tree.Block) or block.kind == "inline":
        sink.add(AliasTarget().at(item.value.span))
        return None
    for budget in item.budgets:
        add_budgets(run, budget, p)
    return recipe, block, recipe.layer.scope, given


def _given(value: object, declared: tree.Parameter) -> Const:
    """An argument from outside; where a type of tensors is asked for, the type that a word names."""
    default, kind = declared.default, declared.type
    if isinstance(value, str) and (
        (isinstance(default, tree.Name) and default.name in DTYPES) or (kind is not None and kind.kind == "dtype")
    ):
        value = element_type(value) or DTYPES.get(value, value)
    return literal(value, declared.span)


def _header(
    run: Run,
    recipe: Recipe,
    block: tree.Block,
    args: Mapping[str, object],
    asked: Mapping[str, int],
    p: Place,
) -> bool:
    """Bind a net's parameters and ports."""
    known = {d.name: d for d in block.parameters}
    for name, const in recipe.bound.items():
        checked = checked_parameter(run, block.name, known[name], const, p)
        if checked is None:
            return False
        p.scope.names[name] = Binding("parameter", checked, known[name].span)
    for name, value in args.items():
        if name in known:
            given = checked_parameter(run, block.name, known[name], _given(value, known[name]), p)
            if given is None:
                return False
            p.scope.names[name] = Binding("parameter", given, known[name].span)
    ports = block.ports or ()
    if not ports:
        run.report(NoInputs(block.name), block.name_span, p)
        return False
    waiting = dim_names(ports) - set(known)
    later: list[tree.Parameter] = []
    for declared in block.parameters:
        if declared.name in p.scope.names:
            continue
        if declared.default is None:
            run.report(NeedsArgument(block.name, declared.name), declared.span, p)
            return False
        if mentioned(declared.default) & (waiting | {d.name for d in later}):
            later.append(declared)
        elif not bind_default(run, declared, block.name, p):
            return False
    if not _ports(run, ports, asked, p):
        return False
    for declared in later:
        if not bind_default(run, declared, block.name, p):
            return False
    for declared in block.parameters:
        argument = p.scope.names[declared.name].value
        if isinstance(argument, Const):  # else a port of its name stands there, which is told
            p.owner.args[declared.name] = argument
    return True


def _ports(run: Run, ports: tuple[tree.Port, ...], asked: Mapping[str, int], p: Place) -> bool:
    """Make the net's input values; a size's name becomes a symbol."""
    inputs = []
    for port in ports:
        if port.optional or port.many or port.spec.dims is None:
            run.report(OpenInput(port.name), port.span, p)
            return False
        dims: list[Size] = []
        words: list[Const | None] = []
        for dim in port.spec.dims:
            size = _port_size(run, dim, asked, p)
            if size is None:
                return False
            dims.append(size)
            words.append(Const(size, dim.value, p.scope, dim.span))
        if port.spec.dtype is not None and port.spec.dtype not in DTYPES:
            unknown = NoElementType(port.spec.dtype, tuple(DTYPES), nearest(port.spec.dtype, DTYPES))
            run.report(unknown, dtype_span(port.spec), p)
            return False
        dtype = DTYPES[port.spec.dtype or "float"]
        if is_half(dtype):
            if is_half(run.float) and run.float is not dtype:
                run.report(MixedInputs(port.name, dtype.value, run.float.value), port.spec.span, p)
                return False
            run.float, dtype = dtype, DType.FLOAT
        type = TensorType(tuple(dims), dtype, None, tuple(words), given=port)
        value = Value(replace(type, channel=known_channels(type)), None, port.name, 0, port.span)
        try:
            holdable(value.type, run.sizes)
        except Reject as reject:
            run.report(reject.mistake, port.span, p)
            return False
        if not is_free(run, port.name, port.name_span or port.span, p):
            return False
        p.scope.names[port.name] = Binding("tensor", value, port.span)
        run.made.append((value, ("input", port.name), p.owner))
        inputs.append(value)
    strange = [n for n in asked if n not in p.scope.names or p.scope.names[n].kind != "dim"]
    if strange:
        names = tuple(n for n, b in p.scope.names.items() if b.kind == "dim")
        run.report(UnknownSize(p.owner.name, strange[0], names, nearest(strange[0], names)), ports[0].span, p)
        return False
    p.owner.inputs = tuple(inputs)
    p.it = inputs[0]
    return True


def _port_size(run: Run, dim: tree.DimSpec, asked: Mapping[str, int], p: Place) -> Size | None:
    if dim.value is None:
        run.report(OpenAxis(), dim.span, p)
        return None
    if isinstance(dim.value, tree.Name) and p.scope.find(dim.value.name) is None:
        name = dim.value.name
        default: int | None = None
        if dim.default is not None:
            const = run.evaluate(dim.default, p)
            if not isinstance(const.value, int) or isinstance(const.value, bool) or const.value < 1:
                if not failed(const):
                    run.report(InputSize(name), dim.span, p)
                return None
            default = const.value
        if name in asked:
            default = asked[name]
        size = run.sizes.port(name, default, dim.span)
        p.scope.names[name] = Binding("dim", literal(size, dim.span), dim.span)
        return size
    const = run.evaluate(dim.value, p)
    if failed(const):
        return None
    known = p.scope.find(dim.value.name) if isinstance(dim.value, tree.Name) else None
    if dim.default is not None and (known is None or known.kind != "dim"):
        run.report(SettledSize(dim.value.span.text), dim.span, p)
        return None
    stated = const.value
    if isinstance(stated, bool) or not isinstance(stated, int | Dim) or (isinstance(stated, int) and stated < 1):
        run.report(InputSize(), dim.span, p)
        return None
    return stated
