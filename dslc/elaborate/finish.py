"""What only the whole shows: values read nowhere, biases before a norm, parameters by path."""

from __future__ import annotations

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label, Reject
from dslc.elaborate.declared import node_params
from dslc.elaborate.limits import holdable
from dslc.elaborate.mistakes.flow import Dropped
from dslc.elaborate.mistakes.modules import SharedShape
from dslc.elaborate.mistakes.weights import IdleInitialiser, MisfitInitialiser
from dslc.elaborate.recovery import restarts, unread
from dslc.elaborate.run import Run
from dslc.ir.model import Call, Instance, Node, Param
from dslc.ops.base import ParamSpec
from dslc.ops.initialisers import DRAWN, FANS
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import literal
from dslc.types.floats import holds
from dslc.types.tensor import TensorType


def report_dropped(run: Run) -> None:
    """Every value must be read; those of a block in which something failed are left out."""
    for shared in run.shared:
        if (
            shared.first is None
            and not shared.read
            and shared.instance not in run.broken
            and not shared.name.startswith("_")
        ):
            run.report(Dropped("module", shared.name), shared.span)
    meant = {expr.name for expr in run.told if isinstance(expr, tree.Name)}  # which a mistake speaks of
    for value, (kind, name), block in run.made:
        if value.readers or block in run.broken or value.span is None or name in meant:
            continue
        producer = value.producer
        by = run.replaced.get(value)
        related = [Label(by, "this line takes its place")] if by is not None else []
        frame = producer.frame if isinstance(producer, Node | Call) else block.frame
        dropped = Dropped("value", value.name) if value.name and kind == "result" else Dropped(kind, name)
        run.sink.add(dropped.at(value.span, frame, related))


def report_unread(run: Run) -> None:
    """Named values that nothing reads in bodies in which something failed: what the text alone shows.

    One that a misspelt name may mean is read, and a line with a mistake of its own may not be meant to name a tensor.
    """
    blocks = {owner.definition: owner for owner in run.broken if isinstance(owner.definition, tree.Block)}
    misspelt = [expr.name for expr in run.told if isinstance(expr, tree.Name)]
    places = [*(d.span for d in run.sink.diagnostics), *(expr.span for expr in run.told)]
    for block, owner in blocks.items():
        if block.span.source.is_library:
            continue
        for kind, name, span, line in unread(block):
            itself = any(line.source is at.source and line.start <= at.start < line.end for at in places)
            if not itself and not any(nearest(wrong, (name,)) for wrong in misspelt):
                run.sink.add(Dropped(kind, name).at(span, owner.frame))
        for made, by in restarts(block):
            if not any(made.source is at.source and at.start < by.end and made.start <= at.end for at in places):
                run.sink.add(Dropped("result", "").at(made, owner.frame, [Label(by, "this line takes its place")]))


def settle_biases(run: Run) -> None:
    """`bias=auto`: off exactly where the next step of the same chain is a norm that subtracts the mean."""
    for node in run.auto_bias:
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
            if given.value is not None and given not in run.stated:
                run.report(IdleInitialiser(node.op.core.name, "bias_init", reader.op.name), given.span)


def collect(run: Run) -> dict[str, Param]:
    """All parameters by path, in order of first application; a second use of a `module` must fit the first."""
    params: dict[str, Param] = {}
    told: set[Node | Instance] = set()
    for owner in run.owners:
        if isinstance(owner, Node) and owner.first is not None:
            _check_reuse(run, owner, told)
        made = node_params(owner) if isinstance(owner, Node) else owner.params
        path = owner.path
        for name, param in list(made.items()):
            if param.path:
                continue
            full = f"{path}.{name}" if path else name
            known = params.get(full)
            param.path = full
            if known is None:
                params[full] = param
                _check_init(run, param)
                _check_size(run, param)
            else:
                made[name] = known
                _check_fit(run, known, param.spec, owner, told)
    return params


def _check_init(run: Run, param: Param) -> None:
    """An initialiser that looks at fans, axes or groups needs a tensor that has them; `constant` alone has no value."""
    kind, shape = param.spec.init.kind, param.spec.shape
    rank, numbers = len(shape), dict(param.spec.init.args)
    least, most = {"dirac": (3, 5), "eye": (2, 2)}.get(kind, (2, None) if kind in FANS else (0, None))
    needs = found = ""
    if rank < least or (most is not None and rank > most):
        needs = f"a tensor of {least} axes" if least == most else f"a tensor of at least {least} axes"
    elif kind == "constant" and not numbers:
        needs = "`value`"
    elif kind == "constant" and not holds(float(numbers["value"]), param.spec.dtype):
        needs = f"a value that {param.spec.dtype.value} holds, not {numbers['value']:,}"
    elif kind in DRAWN and not param.spec.dtype.is_float:
        needs = "a tensor of floats"
    elif kind in DRAWN and param.spec.kind == "const":
        needs, found = "a tensor that is saved, a `param` or `buffer`", "a `const`"
    elif kind == "dirac" and shape[0] % int(numbers["groups"]):
        needs = f"channels that {int(numbers['groups'])} groups divide"
    if needs:
        span, related = param.span, []
        found = found or str(TensorType(shape, param.spec.dtype))
        if isinstance(param.owner, Node):
            given = param.owner.consts[param.spec.by]
            if given in run.unfit:
                return
            run.unfit.add(given)
            span = given.span
            related = [Label(param.owner.span, "for this layer")] if given in run.stated else []
        assert span is not None
        run.report(MisfitInitialiser(kind, needs, param.path, found), span, None, related)


def _check_size(run: Run, param: Param) -> None:
    """A parameter is a tensor that can be addressed, too."""
    try:
        holdable(TensorType(param.spec.shape, param.spec.dtype), run.sizes)
    except Reject as reject:
        span = param.owner.span if isinstance(param.owner, Node) else param.span
        assert span is not None
        run.report(reject.mistake, span)


def _check_reuse(run: Run, node: Node, told: set[Node | Instance]) -> None:
    """A `module` applied again must have the weights that this input needs."""
    first = node.first
    assert first is not None
    known = node_params(first)
    for spec in node.op.params(*(v.type for v in node.inputs)):
        if spec.name in known and not _check_fit(run, known[spec.name], spec, node, told):
            return  # of weight and bias one says it


def _check_fit(run: Run, known: Param, spec: ParamSpec, owner: Node | Instance, told: set[Node | Instance]) -> bool:
    if known.spec.shape == spec.shape:
        return True
    again = _shared(owner)
    if again is not None and again.first in told:
        return False
    name, span = known.path or known.name, owner.span if isinstance(owner, Node) else owner.site
    first = again.first if again is not None else None
    made, comes = (_width(use) for use in (first, again))
    related: list[Label] = []
    mistake = SharedShape(name, known.spec.shape, spec.shape)
    if made != comes and made and comes and first is not None and again is not None:
        told.add(first)
        name = again.path if isinstance(again, Instance) else name
        mistake = SharedShape(name, known.spec.shape, spec.shape, made, comes, isinstance(again, Instance))
        span = _use(again) or span
        here = _use(first)
        related = [Label(here, f"its first use: {made} channels")] if here is not None else []
    run.report(mistake, span, None, related, inputs=tuple(again.inputs) if again is not None else ())
    return False


def _shared(owner: Node | Instance) -> Node | Instance | None:
    """What is used again: the layer, or the outermost block around it that is."""
    found: Node | Instance | None = owner if owner.first is not None else None
    around = owner.owner if isinstance(owner, Node) else owner.parent
    while around is not None:
        found = around if around.first is not None else found
        around = around.parent
    return found


def _use(of: Node | Instance) -> Span | None:
    """The text of a use."""
    if isinstance(of, Node):
        return of.span
    items = of.parent.body if of.parent is not None else ()
    call = next((item for item in items if isinstance(item, Call) and item.instance is of), None)
    return call.span if call is not None else of.frame.call if of.frame is not None else None


def _width(of: Node | Instance | None) -> int:
    """The channels or features that come in at a use of a layer; 0 where that is not known."""
    type = of.inputs[0].type if of is not None and of.inputs else None
    size = type.dims[type.channel] if type is not None and type.channel is not None else 0
    return size if isinstance(size, int) else 0
