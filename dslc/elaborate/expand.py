"""From a program to a model: the net's header, one forward walk, then what only the whole shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label, Reject, Sink
from dslc.elaborate.errors_body import SharedModule
from dslc.elaborate.errors_init import IdleInitialiser
from dslc.elaborate.errors_use import BadOperation, Dropped
from dslc.elaborate.limits import holdable
from dslc.elaborate.meaning import DTYPES
from dslc.elaborate.ports import dim_names
from dslc.elaborate.state import POISON, Definition, Place, Recipe, Runaway
from dslc.elaborate.statements import Statements
from dslc.ir.model import Call, Instance, Model, Node, Param, Value
from dslc.names.errors import NetArgument
from dslc.names.resolve import Program, lookup
from dslc.ops.base import ParamSpec
from dslc.ops.initialisers import DRAWN, FANS, BadInitialiser
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentioned
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.dim import Dim, Size
from dslc.types.dtypes import element_type
from dslc.types.floats import holds
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType, is_half

T = TypeVar("T")


class Elaborator(Statements):
    """All of elaboration; one object a run."""


def elaborate(
    program: Program,
    entry: str,
    args: Mapping[str, object],
    asked: Mapping[str, int],
    sizes: Sizes,
    sink: Sink,
    max_ops: int,
) -> Model | None:
    """The model of the net `entry`; none where a mistake left nothing to finish.

    `args` are values for its parameters, `asked` defaults for its symbolic sizes. Raises `Pinned` where a weight
    fixes a symbol: the caller starts again with the number in the port.
    """
    assert program.main is not None
    e = Elaborator(sink, sizes, max_ops)
    found = _bounded(e, program.main.scope.names[entry].span, lambda: _entry(e, program, entry, args, sink))
    if found is None:
        return None
    recipe, block, home, entry_args = found
    scope = Scope("block", home)
    root = Instance("net", block, block.name_span, None, block.name, False, scope, {}, (), None)
    scope.instance = root
    p = Place(root, scope, root.body, None, None)
    e.owners.append(root)
    before = sink.errors
    if not _bounded(e, block.name_span, lambda: _header(e, recipe, block, args, asked, p)):
        return None
    if not _bounded(e, block.name_span, lambda: e._body(block, p)):
        p.it = POISON
    if e.stopped:
        return None
    results = e._results(block, p, block.name_span) if p.it is not POISON else None
    if results is not None and all(r is not None for r in results):
        root.outputs = tuple(r for r in results if r is not None)
        if not root.output_names:
            root.output_names = (None,) * len(root.outputs)
            root.train_only = (False,) * len(root.outputs)
        for value in root.outputs:
            value.readers.append(root)
    _report_dropped(e)
    if sink.errors > before or not root.outputs:
        return None
    _settle_biases(e)
    params = _collect(e)
    return Model(
        entry, root, params, sizes, program.main.tree.source, entry, entry_args, block.doc, e.budgets, float=e.float
    )


def _bounded(e: Elaborator, span: Span, work: Callable[[], T]) -> T | None:
    """What a part of a net does; none where that would never end, which is reported at `span` if at no line."""
    try:
        return work()
    except Runaway as runaway:
        e.report(runaway.mistake, runaway.span or span)
        e.stopped = True
        return None


# ---- the entry


def _entry(
    e: Elaborator, program: Program, entry: str, args: Mapping[str, object], sink: Sink
) -> tuple[Recipe, tree.Block, Scope, dict[str, Const]] | None:
    """The net behind a name: aliases followed, their arguments bound."""
    assert program.main is not None
    binding = program.main.scope.names[entry]
    target = lookup(binding)
    if target is None:
        return None
    item, home = target
    if isinstance(item, tree.Block):
        return Recipe(Definition(item, home), item.name_span, home), item, home, {}
    assert isinstance(item, tree.NetAlias)
    scope = Scope("fn", home)
    nowhere = Instance("net", None, item.name_span, None, item.name, False, scope, {}, (), None)
    p = Place(nowhere, scope, [], None, None)
    given: dict[str, Const] = {}
    for declared in item.parameters:
        if declared.name in args:
            const = _given(args[declared.name], declared)
        elif declared.default is not None:
            const = e.evaluate(declared.default, p)
        else:
            text = f"`{item.name}` needs `{declared.name}`"
            sink.add(NetArgument(text, f"give it with --set {declared.name}=...").at(declared.span))
            return None
        checked = e.parameter(item.name, declared, const, p)
        if checked is None:
            return None
        given[declared.name] = checked
        scope.names[declared.name] = Binding("parameter", checked, declared.span)
    value = e.evaluate(item.value, p)
    recipe = value.value
    if recipe is POISON:
        return None
    if not isinstance(recipe, Recipe) or not isinstance(recipe.target, Definition):
        sink.add(BadOperation("an alias stands for a net or block with arguments").at(item.value.span))
        return None
    block = recipe.target.tree
    if not isinstance(block, tree.Block) or block.kind == "inline":
        sink.add(BadOperation("an alias stands for a net or block with arguments").at(item.value.span))
        return None
    for budget in item.budgets:
        e.add_budgets(budget, p)
    return recipe, block, recipe.target.scope, given


def _given(value: object, declared: tree.Parameter) -> Const:
    """An argument from outside; where a type of tensors is asked for, the type that a word names."""
    default, kind = declared.default, declared.type
    if isinstance(value, str) and (
        (isinstance(default, tree.Name) and default.name in DTYPES) or (kind is not None and kind.kind == "dtype")
    ):
        value = element_type(value) or DTYPES.get(value, value)
    return literal(value, declared.span)


def _header(
    e: Elaborator,
    recipe: Recipe,
    block: tree.Block,
    args: Mapping[str, object],
    asked: Mapping[str, int],
    p: Place,
) -> bool:
    """Bind a net's parameters and ports."""
    known = {d.name: d for d in block.parameters}
    for name, const in recipe.bound.items():
        checked = e.parameter(block.name, known[name], const, p)
        if checked is None:
            return False
        p.scope.names[name] = Binding("parameter", checked, known[name].span)
    for name, value in args.items():
        if name in known:
            given = e.parameter(block.name, known[name], _given(value, known[name]), p)
            if given is None:
                return False
            p.scope.names[name] = Binding("parameter", given, known[name].span)
    ports = block.ports or ()
    if not ports:
        e.report(
            NetArgument(f"`{block.name}` has no inputs", "write them in the header: `on x[N, 3, H=224, W=224]`"),
            block.name_span,
            p,
        )
        return False
    waiting = dim_names(ports) - set(known)
    later: list[tree.Parameter] = []
    for declared in block.parameters:
        if declared.name in p.scope.names:
            continue
        if declared.default is None:
            hint = (
                f"give it with --set {declared.name}=..., or write an alias: `net my_{block.name} = {block.name}(...)`"
            )
            e.report(NetArgument(f"the net `{block.name}` needs `{declared.name}`", hint), declared.span, p)
            return False
        if mentioned(declared.default) & (waiting | {d.name for d in later}):
            later.append(declared)
        elif not e._default(declared, block, recipe, p, p, block.name_span):
            return False
    if not _ports(e, ports, asked, p):
        return False
    for declared in later:
        if not e._default(declared, block, recipe, p, p, block.name_span):
            return False
    for declared in block.parameters:
        argument = p.scope.names[declared.name].value
        assert isinstance(argument, Const)
        p.owner.args[declared.name] = argument
    return True


def _ports(e: Elaborator, ports: tuple[tree.Port, ...], asked: Mapping[str, int], p: Place) -> bool:
    """Make the net's input values; a size's name becomes a symbol."""
    inputs = []
    for port in ports:
        if port.optional or port.many or port.spec.dims is None:
            e.report(
                NetArgument(f"the input `{port.name}` of a net has a shape, and is always there"),
                port.span,
                p,
            )
            return False
        dims: list[Size] = []
        words: list[Const | None] = []
        for dim in port.spec.dims:
            size = _port_size(e, dim, asked, p)
            if size is None:
                return False
            dims.append(size)
            words.append(Const(size, dim.value, p.scope, dim.span))
        if port.spec.dtype is not None and port.spec.dtype not in DTYPES:
            near = nearest(port.spec.dtype, DTYPES)
            hint = f"did you mean `{near}`?" if near else f"it is one of {', '.join(DTYPES)}"
            e.report(NetArgument(f"unknown element type `{port.spec.dtype}`", hint), port.spec.span, p)
            return False
        dtype = DTYPES[port.spec.dtype or "float"]
        if is_half(dtype):
            if is_half(e.float) and e.float is not dtype:
                hint = f"an input of 16 bits sets the type of the whole network, here {e.float.value} already"
                e.report(NetArgument(f"the input `{port.name}` is {dtype.value}", hint), port.spec.span, p)
                return False
            e.float, dtype = dtype, DType.FLOAT
        rank = len(dims)
        channel = (1 if rank in (2, 4, 5) else None) if dtype.is_float else None
        value = Value(TensorType(tuple(dims), dtype, channel, tuple(words)), None, port.name, 0, port.span)
        try:
            holdable(value.type, e.sizes)
        except Reject as reject:
            e.report(reject.mistake, port.span, p)
            return False
        if not e.free(port.name, port.span, p):
            return False
        p.scope.names[port.name] = Binding("tensor", value, port.span)
        e.made.append((value, f"the input `{port.name}`", p.owner))
        inputs.append(value)
    unknown = [n for n in asked if n not in p.scope.names or p.scope.names[n].kind != "dim"]
    if unknown:
        names = [n for n, b in p.scope.names.items() if b.kind == "dim"]
        hint = f"its sizes by name are {', '.join(names)}" if names else "all its sizes are fixed"
        e.report(NetArgument(f"the input has no size called `{unknown[0]}`", hint), ports[0].span, p)
        return False
    p.owner.inputs = tuple(inputs)
    p.it = inputs[0]
    return True


def _port_size(e: Elaborator, dim: tree.DimSpec, asked: Mapping[str, int], p: Place) -> Size | None:
    if dim.value is None:
        e.report(
            NetArgument("a net's input has a size or a name on each axis, as in `image[N, 3, H=224, W=224]`"),
            dim.span,
            p,
        )
        return None
    if isinstance(dim.value, tree.Name) and p.scope.find(dim.value.name) is None:
        name = dim.value.name
        default: int | None = None
        if dim.default is not None:
            const = e.evaluate(dim.default, p)
            if not isinstance(const.value, int) or isinstance(const.value, bool) or const.value < 1:
                if const.value is not POISON:
                    e.report(
                        NetArgument(f"the default of `{name}` must be a whole number of at least 1"),
                        dim.span,
                        p,
                    )
                return None
            default = const.value
        if name in asked:
            default = asked[name]
        size = e.sizes.port(name, default, dim.span)
        p.scope.names[name] = Binding("dim", literal(size, dim.span), dim.span)
        return size
    const = e.evaluate(dim.value, p)
    if const.value is POISON:
        return None
    known = p.scope.find(dim.value.name) if isinstance(dim.value, tree.Name) else None
    if dim.default is not None and (known is None or known.kind != "dim"):
        text = dim.value.span.text
        why = f"`{text}` is settled before, so no other default can stand here"
        e.report(NetArgument(why, f"write the size alone: `{text}`"), dim.span, p)
        return None
    if (
        not isinstance(const.value, int | Dim)
        or isinstance(const.value, bool)
        or (isinstance(const.value, int) and const.value < 1)
    ):
        e.report(NetArgument("a size is a whole number of at least 1"), dim.span, p)
        return None
    assert isinstance(const.value, int | Dim)
    return const.value


# ---- what only the whole shows


def _report_dropped(e: Elaborator) -> None:
    """Every value must be read; those of a block in which something failed are left out."""
    for shared in e.shared:
        if (
            shared.first is None
            and not shared.read
            and id(shared.instance) not in e.broken
            and not shared.name.startswith("_")
        ):
            e.report(Dropped(f"the module `{shared.name}`"), shared.span)
    for value, what, block in e.made:
        if value.readers or id(block) in e.broken or value.span is None:
            continue
        producer = value.producer
        by = e.replaced.get(id(value))
        related = [Label(by, "this line takes its place")] if by is not None else []
        frame = producer.frame if isinstance(producer, Node | Call) else block.frame
        named = f"`{value.name}`" if value.name and not what.startswith("the ") else what
        e.sink.add(Dropped(named).at(value.span, frame, related))


def _settle_biases(e: Elaborator) -> None:
    """`bias=auto`: off exactly where the next step of the same chain is a norm that subtracts the mean."""
    for node in e.auto_bias:
        first = node.first or node
        if first is not node:
            node.op, node.consts = first.op, {**node.consts, "bias": first.consts["bias"]}
            continue
        readers = node.outs[0].readers
        reader = readers[0] if len(readers) == 1 else None
        if (
            isinstance(reader, Node)
            and reader.op.absorbs_bias
            and reader.owner is node.owner
            and node.outs[0].name is None
            and reader.inputs[0] is node.outs[0]
        ):
            node.op = node.op.replace(bias=False)
            node.consts["bias"] = literal(False, node.span)
            node.note = f"{reader.name if reader.explicit else reader.op.name} follows"
            given = node.consts["bias_init"]
            if given.value is not None and id(given) not in e.stated:
                e.report(IdleInitialiser(node.op.core.name, "bias_init", reader.op.name), given.span)


def _collect(e: Elaborator) -> dict[str, Param]:
    """All parameters by path, in order of first application; a second use of a `module` must fit the first."""
    params: dict[str, Param] = {}
    for owner in e.owners:
        if isinstance(owner, Node) and owner.first is not None:
            _check_reuse(e, owner)
        made = e.node_params(owner) if isinstance(owner, Node) else owner.params
        path = owner.path
        for name, param in list(made.items()):
            if param.path:
                continue
            full = f"{path}.{name}" if path else name
            known = params.get(full)
            param.path = full
            if known is None:
                params[full] = param
                _check_init(e, param)
                _check_size(e, param)
            else:
                made[name] = known
                _check_fit(e, known, param.spec, owner)
    return params


def _check_init(e: Elaborator, param: Param) -> None:
    """An initialiser that looks at fans, axes or groups needs a tensor that has them; `constant` alone has no value."""
    kind, shape = param.spec.init.kind, param.spec.shape
    rank, numbers = len(shape), dict(param.spec.init.args)
    least, most = {"dirac": (3, 5), "eye": (2, 2)}.get(kind, (2, None) if kind in FANS else (0, None))
    fault = None
    if rank < least or (most is not None and rank > most):
        axes = f"{least} axes" if least == most else f"at least {least} axes"
        fault = f"`{kind}` needs a tensor of {axes}"
    elif kind == "constant" and not numbers:
        fault = "`constant` needs `value`"
    elif kind == "constant" and not holds(float(numbers["value"]), param.spec.dtype):
        fault = f"`constant` has {numbers['value']:,}, which {param.spec.dtype.value} does not hold"
    elif kind in DRAWN and not param.spec.dtype.is_float:
        fault = f"`{kind}` draws floats, not {param.spec.dtype.value}"
    elif kind in DRAWN and param.spec.kind == "const":
        fault = f"`{kind}` draws other numbers in each module, and a `const` is not saved: `buffer` is"
    elif kind == "dirac" and shape[0] % int(numbers["groups"]):
        fault = f"`dirac` cannot split {shape[0]} channels into {int(numbers['groups'])} groups"
    if fault is not None:
        span, related = param.span, []
        if isinstance(param.owner, Node):
            given = param.owner.consts[param.spec.by]
            if id(given) in e.unfit:
                return
            e.unfit.add(id(given))
            span = given.span
            related = [Label(param.owner.span, "for this layer")] if id(given) in e.stated else []
        assert span is not None
        e.report(BadInitialiser(f"{fault}, and `{param.path}` is {list(shape)}"), span, None, related)


def _check_size(e: Elaborator, param: Param) -> None:
    """A parameter is a tensor that can be addressed, too."""
    try:
        holdable(TensorType(param.spec.shape, param.spec.dtype), e.sizes)
    except Reject as reject:
        span = param.owner.span if isinstance(param.owner, Node) else param.span
        assert span is not None
        e.report(reject.mistake, span)


def _check_reuse(e: Elaborator, node: Node) -> None:
    """A `module` applied again must have the weights that this input needs."""
    first = node.first
    assert first is not None
    known = e.node_params(first)
    for spec in node.op.params(*(v.type for v in node.inputs)):
        if spec.name in known:
            _check_fit(e, known[spec.name], spec, node)


def _check_fit(e: Elaborator, known: Param, spec: ParamSpec, owner: Node | Instance) -> None:
    if known.spec.shape != spec.shape:
        name = known.path or known.name
        text = f"`{name}` is {list(known.spec.shape)} by its first use, and {list(spec.shape)} by this one"
        span = owner.span if isinstance(owner, Node) else owner.site
        e.report(SharedModule(text), span)
