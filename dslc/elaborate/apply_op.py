"""Applying an op: arguments and ports checked, the result typed, a node made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from dslc.bind.language import OPERATORS
from dslc.bind.mistakes import WrongType
from dslc.bind.mistakes_body import WrongInputs
from dslc.diagnostics.model import Label, Mistake, Reject, users_place
from dslc.elaborate.arguments import checked_attribute, report_missing
from dslc.elaborate.floats import mixed_floats
from dslc.elaborate.initial import idle, with_stated
from dslc.elaborate.limits import INT32, holdable
from dslc.elaborate.mistakes.limits import TooManyOps
from dslc.elaborate.mistakes.values import Beyond32
from dslc.elaborate.mistakes.weights import TiedShape
from dslc.elaborate.naming import name_node
from dslc.elaborate.recipe import Known, Recipe
from dslc.elaborate.run import Place, Run, Runaway, block_of
from dslc.ir.model import Node, Param, Value
from dslc.ops.base import Op, Port
from dslc.ops.errors import HeldLayer, WrongChannelAxis, WrongDtype, WrongRank
from dslc.ops.errors_axis import NoChannelAxis
from dslc.ops.errors_pattern import PatternRank
from dslc.ops.errors_tensor import CannotSplit, NoSuchAxis, RankMismatch, ShapeMismatch
from dslc.ops.guesses import guesses
from dslc.record import replace
from dslc.source import Span
from dslc.types.const import Const, literal
from dslc.types.dim import UNKNOWN, Dim, Size, Unknown, UnknownSize
from dslc.types.guards import Pinned
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType
from dslc.values.faces import describe
from dslc.values.hole import failed, hole
from dslc.values.kinds import whole

ABOUT_AXES: Final = (RankMismatch, WrongChannelAxis, WrongDtype, WrongRank, NoSuchAxis, NoChannelAxis, PatternRank)
"""Mistakes after which not even the rank of the result is known."""
SYMBOLS: Final = {name: symbol for symbol, name in OPERATORS.items()} | {"cat": "concat"}
"""What the user wrote for an op."""
NUMBERS: Final = frozenset(("number", "a_number", "b_number", "value", "min", "max"))
"""Attributes that are elements of the result, and so of an input's type."""


class OpContext:
    """What an op's `infer` may ask; see `ops.base.InferContext`."""

    def __init__(
        self,
        sizes: Sizes,
        op: str,
        inputs: tuple[Value, ...],
        consts: dict[str, Const],
        span: Span,
        count: Callable[[int], None],
    ) -> None:
        self.sizes = sizes
        self.count = count
        self.by = SYMBOLS.get(op, op)
        self.inputs = inputs
        self.consts = consts
        self.span = span

    def equal(self, a: Size, b: Size) -> Size:
        """A size that meets a weight's number is pinned; else equal for all allowed sizes, or a guard."""
        if isinstance(a, Dim) and isinstance(b, int) and any(self.loose(i) for i in range(len(self.inputs))):
            a = self.sizes.pin_axis(a, self.span)
        elif isinstance(b, Dim) and isinstance(a, int) and any(self.loose(i) for i in range(len(self.inputs))):
            b = self.sizes.pin_axis(b, self.span)
        return self.sizes.equal(a, b, self.span, self.by)

    def at_least(self, a: Size, b: Size) -> None:
        self.sizes.at_least(a, b, self.span, self.by)

    def divide(self, a: Size, m: Size) -> Size:
        return self.sizes.divide(a, m, self.span, self.by)

    def pin(self, a: Size) -> int:
        return self.sizes.pin_axis(a, self.span)

    def word(self, attribute: str) -> Const | None:
        return self.consts.get(attribute)

    def loose(self, index: int) -> bool:
        return isinstance(self.inputs[index].producer, Param)


def apply_op(
    run: Run,
    cls: type[Op],
    recipe: Recipe,
    inputs: tuple[Value, ...],
    p: Place,
    span: Span,
    texts: Sequence[Span] = (),
) -> Const:
    """One use of an op: arguments and ports checked, the result typed, a node added. `texts` are its operands."""
    if cls.name == "id" and recipe.via is None and len(inputs) == 1:
        return literal(inputs[0], span)
    held = _held(run, cls, recipe, p, span) if cls.holds else (cls, recipe)
    if held is None:
        return run.lost(span, p)
    applied, inner = held
    if not texts and all(value in recipe.places for value in inputs):
        texts = tuple(recipe.places[value] for value in inputs)
    if not _fits_ports(run, applied, inputs, p, span, texts):
        return run.lost(span, p)
    consts = _consts(run, applied, inner, len(inputs), p, span)
    own = _consts(run, cls, recipe, len(inputs), p, span) if cls.holds else {}
    if inner.lost or failed(*consts.values(), *own.values()):
        return _known_results(run, applied, consts, inputs, p, span)
    with_stated(applied, consts, p)
    tied = {k: c.value for k, c in consts.items() if isinstance(c.value, Value)}
    if cls.holds and tied:
        return run.report(HeldLayer(cls.name, "one whose weight is owned elsewhere", cls.held_names()), inner.span, p)
    if any(v.type.dtype is DType.INT32 for v in inputs):
        for name in NUMBERS & set(consts):
            number = consts[name].value
            if isinstance(number, int) and number not in INT32:
                run.report(Beyond32(number), consts[name].span, p)
                return _known_results(run, applied, consts, inputs, p, span)
    values = {k: c.value for k, c in consts.items()}
    automatic = values.get("bias") == "auto"
    if automatic:
        values["bias"] = True
        consts["bias"] = literal(True, recipe.span)
    op: Op = applied(**values)
    if cls.holds:
        del own["layer"]
        op = cls(layer=op, **{k: c.value for k, c in own.items()})
        consts |= own
    guards = len(run.sizes.guards)
    try:
        types = op.infer(OpContext(run.sizes, op.core.name, inputs, consts, span, run.spend), *(v.type for v in inputs))
    except Reject as reject:
        _rejected(run, reject, applied, inner, consts, inputs, p, span)
        return hole(span) if isinstance(reject.mistake, ABOUT_AXES) else _recovered(run, op, inputs, p, span)
    except Pinned as pinned:
        pinned.pin = replace(pinned.pin, trail=p.frame)
        raise
    except Unknown:
        _check(run, op, inner, consts, p, span)
        return _recovered(run, op, inputs, p, span)
    run.sizes.led_by(p.frame, guards)
    for guess, about in guesses(op.core, tuple(v.type for v in inputs), consts):
        _warned(run, guess, about, p, span)
    found = types if isinstance(types, tuple) else (types,)
    failing = run.broken or run.sink.errors
    if failing and any(UNKNOWN in v.type.dims for v in inputs):  # no weights are made that depend on them
        return _results(run, found, inputs, p, span)
    for spec in op.params(*(v.type for v in inputs)) if tied else ():
        given = tied.get(spec.name)
        if given is not None and given.type.dims != spec.shape:
            wanted = TensorType(spec.shape, spec.dtype)
            mistake = TiedShape(cls.name, spec.name, str(wanted), str(given.type))
            sides = [Label(span, f"its input is {run.shape(inputs[0].type)}")] if inputs else []
            run.report(mistake, consts[spec.name].span, p, sides, inputs=(*inputs[:1], given), site=span)
            return _results(run, found, inputs, p, span)
    if idle(run, op, inner.bound, inputs, tied, p):
        return _results(run, found, inputs, p, span)
    node = Node(op, inputs, (), consts, p.owner, "", False, span, p.frame, recipe.via, tied=tied)
    if automatic:
        run.auto_bias.append(node)
    return _add(run, node, recipe, found, p, span)


def _warned(run: Run, guess: Mistake, about: Span, p: Place, span: Span) -> None:
    """A warning about the step itself, or about a header that it reads; then the user's step is shown beside it."""
    inside = span.start <= about.start and about.end <= span.end and about.source is span.source
    place, _ = users_place(span, p.frame)
    run.report(guess, about, None, [] if inside else [Label(place, "read here")])


def recover_op(run: Run, cls: type[Op], recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
    """What is known of a use of an op some of whose inputs failed; what is wrong with its arguments is told."""
    held = _held(run, cls, recipe, p, span) if cls.holds else (cls, recipe)
    if held is None:
        return run.lost(span, p)
    applied, inner = held
    consts = _consts(run, applied, inner, None, p, span)
    own = _consts(run, cls, recipe, None, p, span) if cls.holds else {}
    if not inner.lost and not failed(*consts.values(), *own.values()):
        _check(run, applied(**{k: c.value for k, c in consts.items()}), inner, consts, p, span)
    return _known_results(run, applied, consts, inputs, p, span)


def guess_op(run: Run, cls: type[Op], recipe: Recipe, inputs: Known, p: Place, span: Span) -> Const:
    """What an op would make of these inputs, if it is the one that is meant."""
    consts = {name: recipe.bound.get(name, literal(rules.default, span)) for name, rules in cls.attributes.items()}
    for name, rules in cls.attributes.items():
        given = name in recipe.bound
        if (rules.required and not given) or (given and not rules.kind.holds(consts[name].value)):
            consts[name] = hole(span)
    return _known_results(run, cls, consts, inputs, p, span)


def _check(run: Run, op: Op, recipe: Recipe, consts: dict[str, Const], p: Place, span: Span) -> None:
    """Tell what is wrong with an op's arguments whatever its inputs are."""
    try:
        op.check()
    except Reject as reject:
        _rejected(run, reject, type(op), recipe, consts, (), p, span)


def _known_results(run: Run, cls: type[Op], consts: dict[str, Const], inputs: Known, p: Place, span: Span) -> Const:
    """What is known of the results of an op whose arguments or inputs failed in part."""
    op = object.__new__(cls)
    op.__dict__.update({name: UNKNOWN if failed(const) else const.value for name, const in consts.items()})
    return _recovered(run, op, inputs, p, span)


def _recovered(run: Run, op: Op, inputs: Known, p: Place, span: Span) -> Const:
    return _results(run, op.recover([None if v is None else v.type for v in inputs]), inputs, p, span)


def _results(run: Run, types: tuple[TensorType, ...], inputs: Known, p: Place, span: Span) -> Const:
    """Tensors of which the types are known in part; no node makes them, since no model comes of them."""
    for value in inputs:
        if value is not None:
            value.readers.append(p.owner)
    lost = run.lost(span, p)
    outs = tuple(Value(type, None, None, i, span) for i, type in enumerate(types))
    return literal(outs[0] if len(outs) == 1 else outs, span) if outs else lost


def _held(run: Run, cls: type[Op], recipe: Recipe, p: Place, span: Span) -> tuple[type[Op], Recipe] | None:
    """The layer that `wn` or `sn` is given; none after a mistake."""
    given = recipe.bound.get("layer")
    if given is None and recipe.lost:
        return None
    if given is None:
        report_missing(run, recipe, ["layer"], p, span)
        return None
    inner = given.value
    if isinstance(inner, Recipe) and inner.layer.op is not None and inner.layer.op in cls.holds:
        return inner.layer.op, inner
    if failed(given) or checked_attribute(run, cls, cls.attributes["layer"], given, p) is None:
        return None
    run.report(HeldLayer(cls.name, describe(inner), cls.held_names()), given.span, p)
    return None


def _consts(run: Run, cls: type[Op], recipe: Recipe, inputs: int | None, p: Place, span: Span) -> dict[str, Const]:
    """The attributes of an op, checked, with defaults filled in; holes after mistakes. `inputs` none: not known."""
    consts: dict[str, Const] = {}
    missing = []
    for name, rules in cls.attributes.items():
        const = recipe.bound.get(name)
        if const is None:
            if rules.required and name != cls.extra:
                missing.append(name)
                consts[name] = hole(recipe.span)
                continue
            consts[name] = Const(() if name == cls.extra else rules.default, None, None, recipe.span)
            continue
        try:
            checked = None if failed(const) else checked_attribute(run, cls, rules, const, p)
        except Unknown:
            checked = None
        except Reject as reject:
            checked = run.report(reject.mistake, const.span, p, reject.related)
        consts[name] = hole(const.span) if checked is None else checked
    if missing and not recipe.lost:
        report_missing(run, recipe, missing, p, span)
    if cls.numbers and inputs is not None and not recipe.lost:
        given_count = inputs + sum(n in recipe.bound for n in cls.numbers.values())
        if given_count != len(cls.inputs):
            run.report(WrongInputs(cls.name, f"{len(cls.inputs)} tensors or numbers", given_count), span, p)
            return consts | dict.fromkeys(cls.attributes, hole(span))
    if cls.extra is not None and recipe.extra:
        consts[cls.extra] = literal(tuple(recipe.extra.items()), recipe.span)
        for name, const in recipe.extra.items():
            if not whole(const.value):
                consts[cls.extra] = hole(const.span)
            if not whole(const.value) and not failed(const):
                refused = WrongType(cls.name, name, "a whole number", describe(const.value))
                run.report(refused, const.span, p)
    return consts


def _add(run: Run, node: Node, recipe: Recipe, types: tuple[TensorType, ...], p: Place, span: Span) -> Const:
    run.ops += 1
    if run.ops > run.max_ops:
        raise Runaway(TooManyOps(run.ops, run.max_ops))
    for type in types:
        holdable(type, run.sizes)
    outs = tuple(Value(t, node, None, i, span) for i, t in enumerate(types))
    node.outs = outs
    for value in (*node.inputs, *node.tied.values()):
        value.readers.append(node)
    name_node(run, node, recipe, p, span)
    run.nodes.append(node)
    run.owners.append(node)
    p.items.append(node)
    layer = recipe.label if node.op.is_layer else ""
    run.made += [(v, ("result", layer), block_of(p.owner)) for v in outs]
    return literal(outs[0] if len(outs) == 1 else outs, span)


def _fits_ports(
    run: Run, op: type[Op], inputs: tuple[Value, ...], p: Place, span: Span, texts: Sequence[Span] = ()
) -> bool:
    """Number, rank, element type and channel axis of an op's inputs."""
    ports: list[Port] = list(op.inputs)
    if ports and ports[-1].many:
        ports += [ports[-1]] * (len(inputs) - len(ports))
    least = sum(not q.optional for q in op.inputs)
    if not (least <= len(inputs) <= len(ports)):
        wanted = f"{least} tensor{'' if least == 1 else 's'}" + (
            " or more" if len(ports) > least or (ports and ports[-1].many) else ""
        )
        run.report(WrongInputs(op.name, wanted, len(inputs)), span, p)
        return False
    for port, value in zip(ports, inputs, strict=False):
        mistake = _unfit(op.name, port, value.type)
        if _of_nothing(mistake):
            return False
        if mistake is not None:
            made = run.made_here(value) if value.span != span else None
            run.report(mistake, span, p, [made] if made else [], inputs=(value,))
            return False
    joined = [value for q, value in zip(ports, inputs, strict=False) if q.joins]
    found = mixed_floats(SYMBOLS.get(op.name, op.name), joined, texts)
    if found is not None:
        mistake, sides, help = found
        run.report(mistake, span, p, filter(None, map(run.made_here, sides)), help, inputs=tuple(sides))
    return found is None


def _rejected(
    run: Run,
    reject: Reject,
    cls: type[Op],
    recipe: Recipe,
    consts: dict[str, Const],
    inputs: tuple[Value, ...],
    p: Place,
    span: Span,
) -> Const:
    """An op's Reject at the text that is at fault, with the places that made several inputs."""
    if _of_nothing(reject.mistake):
        return run.lost(span, p)
    where = span
    if reject.at is not None and reject.at in recipe.bound:
        where = consts[reject.at].span
    elif reject.at is not None and reject.at in recipe.extra:
        where = recipe.extra[reject.at].span
    at = next((i for i, port in enumerate(cls.inputs) if port.name == reject.at), len(inputs))
    if at < len(inputs) and inputs[at] in recipe.places:
        where = recipe.places[inputs[at]]
    mistake = reject.mistake
    alike = len({value.type.rank for value in inputs}) == 1
    axis = mistake.axis if isinstance(mistake, ShapeMismatch) and mistake.channels and alike else None
    made = _made_here(run, inputs, axis, mistake, inputs[at : at + 1]) if len(inputs) > 1 else []
    if isinstance(mistake, CannotSplit) and where is span and len(inputs) == 1 and inputs[0].span != span:
        made = [label for label in [run.made_here(inputs[0], 1)] if label is not None]
    if where.source is span.source and where.line != span.line:  # a default, or an argument of a use further out
        made.append(Label(span, f"`{SYMBOLS.get(cls.name, cls.name)}` is applied here"))
    related = [*reject.related, *(label for label in made if label.span != where)]
    return run.report(reject.mistake, where, p, related, inputs=inputs, site=span)


def _made_here(
    run: Run, inputs: tuple[Value, ...], axis: int | None, mistake: Mistake, blamed: tuple[Value, ...]
) -> list[Label]:
    """Where the tensors that do not fit were made; those of one step that are alike, as of `chunk(3)`, said once.

    `blamed`: the one that is at fault, where that is known.
    """
    together: dict[tuple[Span | None, str], list[Value]] = {}
    for value in dict.fromkeys(inputs):
        together.setdefault((value.span, str(value.type)), []).append(value)
    if isinstance(mistake, ShapeMismatch | RankMismatch):
        sides = {mistake.left} if blamed else {mistake.left, mistake.right}
        at_fault = {
            key: alike for key, alike in together.items() if key[1] in sides or not set(alike).isdisjoint(blamed)
        }
        together = at_fault or together
    labels = []
    for alike in together.values():
        label = run.made_here(alike[0], axis)
        if label is not None and len(alike) > 1:
            names = [f"`{value.name}`" for value in alike if value.name]
            words = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) == len(alike) else "these"
            label = Label(label.span, f"{words} are {run.shape(alike[0].type)}")
        labels.append(label)
    return [label for label in labels if label is not None]


def _of_nothing(mistake: Mistake | None) -> bool:
    """Whether a mistake is about the axes of a tensor of which no size is known: it only follows from another."""
    return isinstance(mistake, WrongChannelAxis) and all(isinstance(d, UnknownSize) for d in mistake.type.dims)


def _unfit(op: str, port: Port, type: TensorType) -> Mistake | None:
    """Why a tensor does not fit a port: its rank, element type or channel axis."""
    least, most = port.rank
    if type.rank < least or (most is not None and type.rank > most):
        return WrongRank(op, port.name, type, least, most)
    if not _has_dtype(type.dtype, port.dtype):
        return WrongDtype(op, port.name, type, port.dtype)
    axis = None if port.channel is None or type.rank <= 2 else port.channel % type.rank
    if axis is not None and type.channel not in (None, axis):
        return WrongChannelAxis(op, port.name, type, port.channel or 0)
    return None


def _has_dtype(dtype: DType, wanted: str) -> bool:
    match wanted:
        case "float":
            return dtype.is_float
        case "int":
            return dtype in (DType.INT64, DType.INT32)
        case "bool":
            return dtype is DType.BOOL
    return True
