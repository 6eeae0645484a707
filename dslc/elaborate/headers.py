"""Headers' shapes: tensors compared with ports and results, new names of sizes bound."""

from __future__ import annotations

from dslc.bind.language import DTYPES
from dslc.diagnostics.model import Label, Reject
from dslc.elaborate.mistakes.flow import End, Fault, WrongPort
from dslc.elaborate.mistakes.layers import NotASize
from dslc.elaborate.run import Place, Run
from dslc.ir.made import maker
from dslc.ir.model import Value
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Binding, Const, literal
from dslc.types.dim import Dim, Size
from dslc.types.errors import JoinedSizes
from dslc.types.tensor import DType, TensorType, is_half
from dslc.values.faces import describe
from dslc.values.hole import failed


def bind_sizes(run: Run, name: str, port: tree.Port, value: Value, q: Place, p: Place, span: Span) -> TensorType | None:
    """Compare a tensor with its port, and bind the port's new names to sizes; the type in the block's words."""
    spec, actual = port.spec, value.type
    end = End(name, port.name)
    if not _of_type(run, spec, actual):
        _wrong_port(run, end, spec, value, "type", q, p, span, given=actual.dtype.value)
        return None
    if spec.dims is None:
        return replace(actual, words=tuple(w and Const(w.value, None, None, w.span) for w in actual.words))
    rest = next((i for i, d in enumerate(spec.dims) if d.rest), None)
    fixed = len(spec.dims) - (rest is not None)
    if actual.rank < fixed or (rest is None and actual.rank != fixed):
        _wrong_port(run, end, spec, value, "rank", q, p, span, given=str(actual.rank))
        return None
    axes = _axes(spec.dims, rest, actual.rank)
    words: list[Const | None] = [None] * actual.rank
    for dim, axis in axes:
        word = _bind_size(run, end, spec, dim, axis, value, q, p, span)
        if isinstance(word, bool):
            return None
        words[axis] = word
    if rest is not None and (rest_name := spec.dims[rest].rest_name):
        sizes = actual.dims[rest : actual.rank - (fixed - rest)]
        q.scope.names[rest_name] = Binding("dim", literal(sizes, port.span), port.span)
    return replace(actual, words=tuple(words))


def _of_type(run: Run, spec: tree.TensorSpec, actual: TensorType) -> bool:
    """Whether a tensor has the element type that a header states, if any; the 16 bits of the net's inputs are its
    `float`.
    """
    stated = actual.dtype if spec.dtype is None else DTYPES.get(spec.dtype)
    return stated is actual.dtype or (stated is run.float and is_half(stated) and actual.dtype is DType.FLOAT)


def _axes(dims: tuple[tree.DimSpec, ...], rest: int | None, rank: int) -> list[tuple[tree.DimSpec, int]]:
    if rest is None:
        return [(d, i) for i, d in enumerate(dims)]
    after = len(dims) - rest - 1
    return [
        *((d, i) for i, d in enumerate(dims[:rest])),
        *((d, rank - after + i) for i, d in enumerate(dims[rest + 1 :])),
    ]


def _bind_size(
    run: Run,
    end: End,
    spec: tree.TensorSpec,
    dim: tree.DimSpec,
    axis: int,
    value: Value,
    q: Place,
    p: Place,
    span: Span,
) -> Const | bool | None:
    """One size of a port: a new name is bound, anything else compared. False after a mistake."""
    actual = value.type.dims[axis]
    if dim.value is None:
        return None
    if isinstance(dim.value, tree.Name) and not _is_bound(dim.value.name, q):
        name = dim.value.name
        outer = value.type.word(axis) or literal(actual, dim.span)
        q.scope.names[name] = Binding("dim", Const(actual, outer.origin, outer.scope, outer.span), dim.span)
        return Const(actual, dim.value, q.scope, dim.span)
    wanted = _stated_size(run, dim, dim.value, q)
    if wanted is not None and _same_size(run, end, spec, value, axis, wanted, q, p, span):
        return Const(actual, dim.value, q.scope, dim.span)
    return False


def _stated_size(run: Run, dim: tree.DimSpec, text: tree.Expr, q: Place) -> Size | None:
    """The size that a header states for an axis by `text`; none after a mistake."""
    wanted = run.evaluate(text, q)
    if failed(wanted):
        return None
    if not isinstance(wanted.value, int | Dim) or isinstance(wanted.value, bool):
        run.report(NotASize(describe(wanted.value)), dim.span, q)
        return None
    return wanted.value


def _is_bound(name: str, q: Place) -> bool:
    """Whether a size's name is a parameter or an earlier size of this header."""
    return name in q.scope.names


def _same_size(
    run: Run,
    end: End,
    spec: tree.TensorSpec,
    value: Value,
    axis: int,
    wanted: Size,
    q: Place,
    p: Place,
    span: Span,
) -> bool:
    """Whether a size is what the header states, for all allowed inputs or under a guard; reports it if not."""
    actual = value.type.dims[axis]
    if isinstance(wanted, int) and isinstance(actual, int):
        if wanted != actual:
            _wrong_port(run, end, spec, value, "size", q, p, span, axis, str(wanted), str(actual))
        return wanted == actual
    try:
        run.sizes.equal(wanted, actual, span)
    except Reject as reject:
        if isinstance(reject.mistake, JoinedSizes) and not reject.mistake.fits:  # at no size
            needed, given = (f"`{run.sizes.text(size)}`" for size in (wanted, actual))
            _wrong_port(run, end, spec, value, "size", q, p, span, axis, needed, given)
            return False
        place, labels = _blamed(run, spec, value, q, p, span, axis)
        mistake = reject.mistake
        if isinstance(mistake, JoinedSizes) and mistake.where:
            mistake = JoinedSizes(**{**vars(mistake), "ends": end.verbs})
        run.report(mistake, place, p, labels, inputs=(value,))
        return False
    return True


def _blamed(
    run: Run, spec: tree.TensorSpec, value: Value, q: Place, p: Place, span: Span, axis: int | None
) -> tuple[Span, list[Label]]:
    """Where a tensor that is not what a header states is shown, and what it is.

    Of a result the caret is at the layer that made it so, in the body: the header says what was meant.
    """
    labels = [Label(spec.span, f"the header {'promises' if p is q else 'asks for'} this")]
    made = maker(value, axis) if p is q and axis is not None else None
    for place in (made.node.span if made is not None else None, value.span if p is q else None):
        if place is not None and place.source is span.source and not place.source.is_library:
            return place, labels
    label = run.made_here(value) if value.span != span else None
    return span, labels + ([label] if label is not None else [])


def _wrong_port(
    run: Run,
    end: End,
    spec: tree.TensorSpec,
    value: Value,
    fault: Fault,
    q: Place,
    p: Place,
    span: Span,
    axis: int | None = None,
    needed: str = "",
    given: str = "",
) -> None:
    """A tensor that is not what a header states; `q` is the block that has the header, `axis` that of one size."""
    asked = spec.dims[axis] if axis is not None and spec.dims is not None and len(spec.dims) > axis else None
    span, labels = _blamed(run, spec, value, q, p, span, axis)
    sizes = _known_sizes(spec, q)
    place, text = (None, "") if asked is None else (asked.span, asked.span.text)
    wrong = WrongPort(end, spec.span.text, str(value.type), fault, axis, needed, given, text, place, sizes)
    run.report(wrong, span, p, labels, inputs=(value,))


def _known_sizes(spec: tree.TensorSpec, q: Place) -> tuple[Size | None, ...]:
    """What a header has on each axis, where that is a number or the name of a size that is known."""
    sizes: list[Size | None] = []
    for dim in spec.dims or ():
        found = q.scope.find(dim.value.name) if isinstance(dim.value, tree.Name) else None
        size: object = dim.value.value if isinstance(dim.value, tree.Number) else None
        if found is not None and isinstance(found.value, Const):
            size = found.value.value
        sizes.append(size if isinstance(size, int | Dim) and not isinstance(size, bool) else None)
    return tuple(sizes)


def fits(run: Run, end: End, spec: tree.TensorSpec, value: Value, q: Place, span: Span) -> bool:
    """Whether a tensor has the shape a header states; reports where it has not."""
    if not _of_type(run, spec, value.type):
        _wrong_port(run, end, spec, value, "type", q, q, span, given=value.type.dtype.value)
        return False
    if spec.dims is None:
        return True
    rest = next((i for i, d in enumerate(spec.dims) if d.rest), None)
    fixed = len(spec.dims) - (rest is not None)
    if value.type.rank < fixed or (rest is None and value.type.rank != fixed):
        _wrong_port(run, end, spec, value, "rank", q, q, span, given=str(value.type.rank))
        return False
    for dim, axis in _axes(spec.dims, rest, value.type.rank):
        if dim.value is None:
            continue
        wanted = _stated_size(run, dim, dim.value, q)
        if wanted is None or not _same_size(run, end, spec, value, axis, wanted, q, q, span):
            return False
    return True


def dim_names(ports: tuple[tree.Port, ...]) -> set[str]:
    """The names that the sizes of a header's ports may bind, and the ports' own names."""
    names = {p.name for p in ports}
    for port in ports:
        for dim in port.spec.dims or ():
            if isinstance(dim.value, tree.Name):
                names.add(dim.value.name)
            if dim.rest_name:
                names.add(dim.rest_name)
    return names
