"""The walk forward: the statistics of every value of a network at initialisation, in training."""

from __future__ import annotations

from collections.abc import Mapping

from dslc.analysis.signal.laws import Law, law, over_largest
from dslc.analysis.signal.result import Gap
from dslc.analysis.signal.roles import Missing, Shape, Use, shape_of
from dslc.analysis.signal.rules import RULES
from dslc.analysis.signal.stats import Part, Stats
from dslc.ir.model import Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.signals import NoSignal, Signal, Weighs
from dslc.record import record

PREFIX = "parametrizations.weight."


@record
class Passed:
    """One use that a rule was found for, as the walk back needs it. `owners`: its tensors by the op's names."""

    step: Step
    rule: Signal
    use: Use
    outs: tuple[Stats, ...]
    owners: dict[str, Param]


@record
class Forward:
    """`values` of all that is known; `gaps`: uses without a rule, none that only depend on one."""

    values: dict[Value, Stats]
    passed: list[Passed]
    gaps: list[Gap]
    shapes: dict[Value, Shape]


def batch_symbol(model: Model) -> str | None:
    """The size that counts samples: that of the first axis of the first input that has no default."""
    for value in model.root.inputs:
        for size in value.type.dims[:1]:
            for symbol in getattr(size, "symbols", ()):
                if symbol.name in model.sizes.universal:
                    return str(symbol.name)
    return None


def forward(
    model: Model,
    flat: Flat,
    batch: int,
    *,
    dropping: bool = True,
    square: float = 1.0,
    laws: Mapping[Param, Law] | None = None,
) -> Forward:
    """Walk over the steps that results need; `flat` is of training. `square`: the mean square of the inputs; `laws`: of
    tensors whose moments are known otherwise than by their initialisers.
    """
    symbol = batch_symbol(model)
    at = {**model.sizes.default, **({symbol: batch} if symbol else {})}
    walk = Walk(model, flat, at, symbol, dropping, square)
    walk.laws.update(laws or {})
    for step in flat.steps:
        if step.needed is Needed.ALWAYS:
            walk.take(step)
    return walk.found


class Walk:
    """The state of a walk."""

    def __init__(
        self, model: Model, flat: Flat, at: dict[str, int], symbol: str | None, dropping: bool, square: float
    ) -> None:
        self.at, self.symbol, self.dropping = at, symbol, dropping
        self.found = Forward({}, [], [], {})
        self.laws: dict[Param, Law | None] = {}
        self.seen: dict[object, Shape] = {}
        for value in model.root.inputs:
            shape = self.shape(value)
            one = square if value.type.dtype.is_float else 1.0
            mean = 0.0 if value.type.dtype.is_float else 1.0
            part = Part(shape.width, mean, one, (one - mean,) * 4 if mean == 0 else (0.0,) * 4)
            self.found.values[value] = Stats((part,), shape.places, shape.width, shape.samples)

    def shape(self, value: Value) -> Shape:
        known = self.found.shapes.get(value)
        if known is None:
            kind = value.type
            key = (kind.dims, kind.dtype, kind.channel, kind.split)
            known = self.seen.get(key)
            if known is None:
                known = self.seen[key] = shape_of(kind, self.at, self.symbol)
            self.found.shapes[value] = known
        return known

    def law(self, param: Param) -> Law | None:
        if param not in self.laws:
            self.laws[param] = law(param)
        return self.laws[param]

    def stats(self, value: Value) -> Stats | None:
        """What is known of an actual value; none behind a gap."""
        known = self.found.values.get(value)
        if known is None and isinstance(value.producer, Param):
            one, shape = self.law(value.producer), self.shape(value)
            if one is None:
                return None
            drawn = value.producer.spec.kind != "buffer"
            var = one.var if drawn or shape.places > 1 else 0.0
            part = Part(shape.width, one.mean, one.square, (var, var, 0.0, var))
            known = self.found.values[value] = Stats((part,), shape.places, shape.width, 1)
        return known

    def take(self, step: Step) -> None:
        """Apply the rule of one use, or note why there is none."""
        node = step.node
        if not isinstance(node, Node):
            self.gap(step, "the class of a user has no rule")
            return
        ins = [self.stats(value) for value in step.inputs]
        if any(x is None for x in ins):
            for value, x in zip(step.inputs, ins, strict=True):
                if x is None and isinstance(value.producer, Param):
                    self.gap(step, f"`{value.producer.path}` is drawn by place, not at random")
            return
        laws: dict[str, Law] = {}
        owners = {name.removeprefix(PREFIX): param for name, param in node.params.items()}
        for name, value in step.tied.items():
            if not isinstance(value.producer, Param):
                known = self.stats(value)
                if known is None or known.samples > 1:
                    self.gap(step, f"its `{name}` is computed")
                    return
                laws[name] = Law(known.whole.m, known.whole.q)
                continue
            owners[name] = value.producer
        if "original1" in owners:  # the weight is its direction times its own length, so itself at first
            owners["weight"] = owners["original1"]
        for name, param in owners.items():
            if param.spec.kind == "buffer" or name.startswith(("original", "0.")):
                continue
            one = self.law(param)
            if one is None:
                self.gap(step, f"`{param.path}` is drawn by place, not at random")
                return
            laws[name] = one
        shapes = tuple(self.shape(value) for value in step.inputs)
        results = tuple(self.shape(value) for value in step.outs)
        rule = node.op.signal(tuple(s.type for s in shapes), tuple(s.type for s in results))
        if isinstance(rule, NoSignal):
            self.gap(step, rule.reason)
            return
        if isinstance(rule, Weighs) and rule.unit is not None and "original" in owners:
            owners["weight"] = owners["original"]
            original = self.law(owners["weight"])
            if original is None:
                self.gap(step, f"`{owners['weight'].path}` is drawn by place, not at random")
                return
            laws["original"], laws["weight"] = original, over_largest(original, *rule.unit)
        counts = {name: param.spec.count for name, param in owners.items()}
        given = tuple(x for x in ins if x is not None)
        use = Use(step.path, node.op, given, shapes, results, laws, counts, self.dropping)
        try:
            outs = RULES[type(rule)][0](rule, use)
        except Missing as missing:
            self.gap(step, str(missing))
            return
        for value, out in zip(step.outs, outs, strict=True):
            self.found.values[value] = out
        self.found.passed.append(Passed(step, rule, use, outs, owners))

    def gap(self, step: Step, reason: str) -> None:
        op = step.node.op.name if isinstance(step.node, Node) else "extern"
        self.found.gaps.append(Gap(step.path, op, reason))
