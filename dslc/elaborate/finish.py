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
        dropped = Dropped(kind, name) if name or kind == "input" or not value.name else Dropped("value", value.name)
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
    for owner in run.owners:
        if isinstance(owner, Node) and owner.first is not None:
            _check_reuse(run, owner)
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
                _check_fit(run, known, param.spec, owner)
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


def _check_reuse(run: Run, node: Node) -> None:
    """A `module` applied again must have the weights that this input needs."""
    first = node.first
    assert first is not None
    known = node_params(first)
    for spec in node.op.params(*(v.type for v in node.inputs)):
        if spec.name in known:
            _check_fit(run, known[spec.name], spec, node)


def _check_fit(run: Run, known: Param, spec: ParamSpec, owner: Node | Instance) -> None:
    if known.spec.shape != spec.shape:
        name = known.path or known.name
        span = owner.span if isinstance(owner, Node) else owner.site
        run.report(SharedShape(name, known.spec.shape, spec.shape), span)
