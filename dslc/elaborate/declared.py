"""`param`, `buffer` and `const`: tensors that a block owns."""

from __future__ import annotations

from typing import Final

from dslc.bind.language import DTYPES
from dslc.bind.mistakes_body import Misplaced, NoElementType
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Reject
from dslc.elaborate.indexed import tabulate
from dslc.elaborate.limits import INT32
from dslc.elaborate.meaning import is_free
from dslc.elaborate.mistakes.tensors import (
    BrokenInteger,
    LargeTable,
    LearnedByIndex,
    LearnedIntegers,
    NoTable,
    NoTensorValue,
    OpenSize,
    TensorSize,
    ValueShape,
)
from dslc.elaborate.mistakes.values import Beyond32
from dslc.elaborate.naming import take
from dslc.elaborate.run import Place, Run, block_of
from dslc.ir.model import Node, Param, Value
from dslc.ops.base import Init, ParamSpec
from dslc.record import replace
from dslc.syntax import tree
from dslc.syntax.scan import dtype_span
from dslc.types.const import Binding, Const
from dslc.types.dim import Dim
from dslc.types.tensor import DType, TensorType
from dslc.values.faces import describe
from dslc.values.hole import failed, hole, is_hole
from dslc.values.kinds import INITIALISER, is_number, numbers_in

MAX_ELEMENTS: Final = 4_000_000


def declare(run: Run, line: tree.TensorDef, p: Place) -> None:
    """A `param`, `buffer` or `const` line: a tensor of the block, read by its name."""
    name = line.target.name
    owner = block_of(p.owner)
    if p.scope.kind in ("turn", "suite"):
        run.report(Misplaced(f"a `{line.kind}`", "block"), line.span, p)
        p.scope.names.setdefault(name, Binding("let", hole(line.span), line.target.span))
        return
    if not is_free(run, name, line.target.span, p):
        return
    try:
        dims, consts = _sizes(run, line, p)
    except Reject as reject:
        run.report(reject.mistake, line.spec.span, p)
        dims, consts = None, ()
    if dims is None:
        p.scope.names[name] = Binding("let", hole(line.span), line.target.span)
        return
    dtype = DTYPES.get(line.spec.dtype or "float", DType.FLOAT)
    if line.spec.dtype is not None and line.spec.dtype not in DTYPES:
        unknown = NoElementType(line.spec.dtype, tuple(DTYPES), nearest(line.spec.dtype, DTYPES))
        run.report(unknown, dtype_span(line.spec), p)
    value = _value(run, line, dims, p)
    if value is not None:
        value = _fitting(run, line, value, dtype, p)
    if value is None:
        p.scope.names[name] = Binding("let", hole(line.span), line.target.span)
        return
    init, values = value
    param = Param("", name, ParamSpec(name, dims, init, line.kind, dtype), owner, line, p.scope, line.span)
    param.dims, param.values = consts, values
    param.name = take(run, owner, name, line.target.span, p, param)
    param.spec = replace(param.spec, name=param.name)
    owner.params[param.name] = param
    tensor = param_value(param)
    tensor.name = name
    p.scope.names[name] = Binding("tensor", tensor, line.target.span)
    run.made.append((tensor, (line.kind, name), owner))


def param_value(param: Param) -> Value:
    """A parameter read as a tensor. Its channel axis is left open: it takes its partner's."""
    rank = len(param.spec.shape)
    words = param.dims if len(param.dims) == rank else (None,) * rank
    return Value(TensorType(param.spec.shape, param.spec.dtype, None, words), param, None, 0, param.span)


def node_params(node: Node) -> dict[str, Param]:
    """The parameters of an op's node, made when first asked for."""
    owner = node.first or node
    if not owner.params:
        for spec in owner.op.params(*(v.type for v in owner.inputs)):
            if spec.name not in owner.tied:
                owner.params[spec.name] = Param("", spec.name, spec, owner)
    node.params = owner.params
    return owner.params


def _sizes(run: Run, line: tree.TensorDef, p: Place) -> tuple[tuple[int, ...] | None, tuple[Const, ...]]:
    dims: list[int] = []
    consts: list[Const] = []
    for dim in line.spec.dims or ():
        if dim.value is None:
            run.report(OpenSize(), dim.span, p)
            return None, ()
        const = run.evaluate(dim.value, p)
        size = const.value
        if is_hole(size):
            return None, ()
        if isinstance(size, Dim):
            size = run.sizes.pin(size, dim.span)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            run.report(TensorSize(describe(size)), dim.span, p)
            return None, ()
        dims.append(size)
        consts.append(Const(size, const.origin, const.scope, const.span))
    return tuple(dims), tuple(consts)


def _value(run: Run, line: tree.TensorDef, dims: tuple[int, ...], p: Place) -> tuple[Init, object] | None:
    """The initialiser of a declared tensor, or its numbers."""
    if line.value is None:
        run.report(NoTensorValue(line.target.name), line.span, p)
        return None
    names = [d.index for d in line.spec.dims or ()]
    for dim in line.spec.dims or ():
        if dim.index is not None and not is_free(run, dim.index, dim.name_span or dim.span, p):
            return None
    if any(names):
        return _by_index(run, line, dims, names, p)
    const = run.evaluate(line.value, p)
    const = replace(const, value=INITIALISER.meant(const.value))
    if failed(const):
        return None
    if isinstance(const.value, Init):
        return const.value, None
    number = run.sizes.pin(const.value, const.span) if isinstance(const.value, Dim) else const.value
    if isinstance(number, int | float):
        return Init("constant", (("value", float(number)),), said=(("value", const),)), None
    shape = shape_of(const.value)
    if shape is not None:
        if shape != dims:
            run.report(ValueShape(line.target.name, dims, shape), line.value.span, p)
            return None
        return Init("zeros"), const.value
    run.report(NoTable(describe(const.value)), line.value.span, p)
    return None


def _fitting(
    run: Run, line: tree.TensorDef, value: tuple[Init, object], dtype: DType, p: Place
) -> tuple[Init, object] | None:
    """The value, if its numbers are of the element type: a float never becomes an integer by itself."""
    if line.kind == "param" and not dtype.is_float:
        run.report(LearnedIntegers(dtype.value), line.spec.span, p)
        return None
    init, numbers = value
    given = dict(init.args).get("value") if numbers is None and init.kind == "constant" else numbers
    given_numbers = numbers_in(given) if given is not None and not dtype.is_float else []
    over = [n for n in given_numbers if n not in INT32] if dtype is DType.INT32 else []
    if over:
        assert line.value is not None
        run.report(Beyond32(int(over[0]), line.target.name), line.value.span, p)
        return None
    if set(map(type, given_numbers)) <= {int} or all(isinstance(n, int) or n.is_integer() for n in given_numbers):
        return value
    assert line.value is not None
    run.report(BrokenInteger(line.target.name, dtype.value), line.value.span, p)
    return None


def _by_index(
    run: Run, line: tree.TensorDef, dims: tuple[int, ...], names: list[str | None], p: Place
) -> tuple[Init, object] | None:
    """A tensor given by index: its expression evaluated at each place, at compile time."""
    if line.kind == "param":
        run.report(LearnedByIndex(), line.span, p)
        return None
    count = 1
    for side in dims:
        count *= side
    if count > MAX_ELEMENTS:
        run.report(LargeTable(count), line.span, p)
        return None
    assert line.value is not None

    values = tabulate(line.value, names, dims, p, run, line)
    return None if values is None else (Init("zeros"), values)


def shape_of(value: object) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers; none where they are ragged or hold anything else."""
    if is_number(value) or isinstance(value, bool):
        return ()
    if not isinstance(value, list | tuple | range) or not value:
        return None
    shapes = {shape_of(v) for v in value}
    if len(shapes) != 1:
        return None
    inner = shapes.pop()
    return None if inner is None else (len(value), *inner)
