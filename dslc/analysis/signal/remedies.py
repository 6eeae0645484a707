"""What a remedy would change: the network altered in memory, to be looked at again. No text is written.

A remedy alters the flat list of steps: other activations, other initial weights, a norm behind each linear map, a sum
around each layer. The model is the remedy's own afterwards (`init` alters its parameters).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from dslc.analysis.signal.analyse import signal
from dslc.analysis.signal.reshaped import GATED, branches, gated, scale_of, shallower, times
from dslc.analysis.signal.result import NetworkSignal
from dslc.diagnostics.codes import nearest
from dslc.ir.model import Model, Node, Param, Value
from dslc.ir.walk import Flat, Step, flatten
from dslc.ops.activation import Elementwise, LeakyRelu, Relu, Relu6, Selu, Sigmoid, Tanh
from dslc.ops.arithmetic import Add, Mul
from dslc.ops.base import REGISTRY, Init, Op
from dslc.ops.convolution import Conv, Deconv
from dslc.ops.gating import ParametricRelu
from dslc.ops.initialisers import DRAWN, FANS, INITIALISERS
from dslc.ops.linear import Linear
from dslc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from dslc.record import replace

Change = Callable[[Flat], Flat]

MAPS = (Conv, Deconv, Linear)
CURVES = (Elementwise, ParametricRelu)
NORMS = (BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm)
PUT = ("bn", "ln", "rmsnorm")
"""Norms that stand behind any layer."""

KINDS = (
    "`act=relu`, `init=kaiming_normal`, `norm=bn`, `residual`, `scale=0.1`, `depth=0.5`, `gates=lstm` and `all` of the "
    "usual ones"
)
USUAL = (
    "act=relu",
    "act=gelu",
    "act=selu",
    "init=xavier_normal",
    "init=kaiming_normal",
    "init=orthogonal",
    "norm=bn",
    "norm=ln",
    "residual",
    "scale",
    "depth=0.5",
    "gates=lstm",
    "gates=gru",
)
"""What texts on deep learning advise."""


def remedied(model: Model, remedies: Iterable[str], batch: int, loss: str = "independent") -> NetworkSignal:
    """The signal of a network after remedies, one after the other. The model is altered.

    Raises `ValueError`, in a user's words, for a text that is no remedy or one that changes nothing here.
    """
    flat = flatten(model, training=True)
    for text in remedies:
        flat = change_of(text, model)(flat)
    return signal(model, batch=batch, flat=flat, loss=loss)


def usual(model: Callable[[], Model], batch: int, loss: str = "independent") -> Iterator[tuple[str, NetworkSignal]]:
    """The remedies that texts give, each alone on a model made anew; without those that change nothing here."""
    for text in USUAL:
        try:
            yield text, remedied(model(), [text], batch, loss)
        except ValueError:
            continue


def change_of(text: str, model: Model) -> Change:
    """What a text such as `act=relu` does to a network."""
    kind, sign, value = (part.strip() for part in text.partition("="))
    if kind == "residual" and not sign:
        return residual
    if kind == "gates":
        return lambda flat: gated(flat, chosen(value or GATED[0], GATED))
    if kind == "scale":
        return lambda flat: scaled(flat, value)
    if kind == "depth":
        return lambda flat: shallower(flat, model, share(value or "0.5"))
    if kind == "act":
        return lambda flat: activated(flat, chosen(value, curves()))
    if kind == "init":
        return lambda flat: initialised(flat, chosen(value, [name for name in DRAWN if name in FANS]))
    if kind == "norm":
        return lambda flat: normed(flat, chosen(value, PUT))
    raise ValueError(f"`{text}` is no remedy; there are {KINDS}")


def curves() -> Iterator[str]:
    """Activations without weights that need no attribute."""
    for name, op in REGISTRY.items():
        if issubclass(op, Elementwise) and not any(rules.required for rules in op.attributes.values()):
            yield name


def chosen(name: str, names: Iterable[str]) -> str:
    """One of some names."""
    names = list(names)
    if name not in names:
        near = nearest(name, names)
        raise ValueError(f"`{name}` is none of {', '.join(names)}" + (f"; did you mean `{near}`?" if near else ""))
    return name


# ---- remedies


def activated(flat: Flat, name: str) -> Flat:
    """Another activation behind each linear map; gates, and what is a result, stay."""
    found = set(behind(flat, CURVES, NORMS))
    if not found:
        raise ValueError("no activation stands behind a layer with weights")
    op = REGISTRY[name]()
    return replace(flat, steps=tuple(with_op(step, op) if step in found else step for step in flat.steps))


def initialised(flat: Flat, name: str) -> Flat:
    """Another initialiser for the weights of all linear maps. Kaiming's takes the gain of the activation behind."""
    after = {maker: step for step, maker in pairs(flat, CURVES, NORMS)}
    changed = False
    for step in flat.steps:
        op = op_of(step)
        if not isinstance(op, MAPS) or not isinstance(step.node, Node):
            continue
        args = dict(INITIALISERS[name])
        if "nonlinearity" in args:
            args["nonlinearity"] = gain_name(after.get(step))
        for own, param in step.node.params.items():
            if own.startswith("weight"):
                init = Init(name, tuple((key, value) for key, value in args.items() if value is not None))
                param.spec = replace(param.spec, init=init)
                changed = True
    if not changed:
        raise ValueError("no layer has weights whose initialiser could be another")
    return flat


def normed(flat: Flat, name: str) -> Flat:
    """A norm between each linear map and the activation behind it, where none is."""
    op = REGISTRY[name]()
    return inserted(flat, {maker: op for _, maker in pairs(flat, CURVES, ())}, None)


def residual(flat: Flat) -> Flat:
    """A sum around each linear map with its activation, where the two sides are of one shape."""
    around = {}
    for step, maker in pairs(flat, CURVES, NORMS):
        if step.outs[0].type.dims == maker.inputs[0].type.dims:
            around[step] = maker.inputs[0]
    return inserted(flat, dict.fromkeys(around, Add()), around)


def scaled(flat: Flat, text: str) -> Flat:
    """Each residual branch times a factor: `text`, or 1/sqrt(number of branches)."""
    ends = branches(flat)
    op = times(scale_of(text, len(ends)))
    return inserted(flat, dict.fromkeys(ends, op), None)


def share(text: str) -> float:
    """A part of the turns of loops: `0.5`, `1/2`."""
    try:
        part = float(Fraction(text.replace(" ", "")))
    except (ValueError, ZeroDivisionError):
        part = 0.0
    if not 0 < part < 1:
        raise ValueError(f"`{text}` is no share of the turns of loops, such as 0.5")
    return part


# ---- steps


def op_of(step: Step) -> Op | None:
    return step.node.op.core if isinstance(step.node, Node) else None


def gain_name(step: Step | None) -> str:
    """What `torch.nn.init.calculate_gain` calls an activation."""
    op = None if step is None else op_of(step)
    if isinstance(op, (Relu, Relu6, LeakyRelu)):
        return "relu"
    if isinstance(op, Tanh):
        return "tanh"
    return "sigmoid" if isinstance(op, Sigmoid) else "linear" if op is None or isinstance(op, Selu) else "relu"


def pairs(flat: Flat, kinds: tuple[type[Op], ...], past: tuple[type[Op], ...]) -> Iterator[tuple[Step, Step]]:
    """Activations with the linear map before each, past norms; none of those that a product or a result reads."""
    makers = {value: step for step in flat.steps for value in step.outs}
    kept = {value for _, value in flat.outputs}
    kept.update(value for step in flat.steps if isinstance(op_of(step), Mul) for value in step.inputs)
    for step in flat.steps:
        if isinstance(op_of(step), kinds) and not kept.intersection(step.outs):
            maker = makers.get(step.inputs[0])
            while maker is not None and isinstance(op_of(maker), past):
                maker = makers.get(maker.inputs[0])
            if maker is not None and isinstance(op_of(maker), MAPS):
                yield step, maker


def behind(flat: Flat, kinds: tuple[type[Op], ...], past: tuple[type[Op], ...]) -> Iterator[Step]:
    return (step for step, _ in pairs(flat, kinds, past))


def with_op(step: Step, op: Op) -> Step:
    """A step with another op, which owns no weights."""
    assert isinstance(step.node, Node)
    return replace(step, node=replace(step.node, op=op, consts={}, params={}), inputs=step.inputs[:1])


def inserted(flat: Flat, ops: dict[Step, Op], others: dict[Step, Value] | None) -> Flat:
    """A step behind each of some, which all that reads these reads in their place; `others`: its second inputs."""
    if not ops:
        raise ValueError("there is no place for it in this network")
    moved: dict[Value, Value] = {}
    steps: list[Step] = []
    for step in flat.steps:
        tied = {name: moved.get(value, value) for name, value in step.tied.items()}
        now = replace(step, inputs=tuple(moved.get(value, value) for value in step.inputs), tied=tied)
        steps.append(now)
        op = ops.get(step)
        if op is not None and isinstance(now.node, Node):
            more = () if others is None else (moved.get(others[step], others[step]),)
            extra = step_behind(now, now.node, op, more)
            moved[now.outs[0]] = extra.outs[0]
            steps.append(extra)
    outputs = tuple((name, moved.get(value, value)) for name, value in flat.outputs)
    actual = {formal: moved.get(value, value) for formal, value in flat.actual.items()}
    return replace(flat, steps=tuple(steps), outputs=outputs, actual=actual)


def step_behind(step: Step, maker: Node, op: Op, more: tuple[Value, ...]) -> Step:
    """A new step that reads what a step makes."""
    value = step.outs[0]
    out = Value(value.type)
    inputs = (value, *more)
    node = Node(op, inputs, (out,), {}, maker.owner, f"{maker.name}_{op.name}", False, maker.span, maker.frame)
    out.producer = node
    path = f"{step.path}_{op.name}"
    for spec in op.params(*(one.type for one in inputs)):
        node.params[spec.name] = Param(f"{path}.{spec.name}", spec.name, spec, node)
    return Step(node, path, inputs, {}, (out,), step.needed)
