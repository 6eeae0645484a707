"""What changed between two networks: layer by layer, in total, and for weights made for the first of them.

The networks are compared, not their texts: a block renamed or rewritten that gives the same layers is no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from dslc.analysis.changes import Change, Status, changes
from dslc.analysis.layer_tree import Keys, layer_tree
from dslc.analysis.metrics import METRICS, Unit
from dslc.analysis.quantities import Numbers
from dslc.collector import paused
from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Model
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType

Number: TypeAlias = int | Fraction


@dataclass(frozen=True, slots=True)
class Total:
    """A quantity of both networks. A value is none where it is not known; `gaps` says what is missing from each."""

    name: str
    title: str
    unit: Unit
    a: Number | None
    b: Number | None
    gaps: tuple[str, str] = ("", "")

    @property
    def delta(self) -> Number | None:
        """b - a; none where one is unknown or a lower bound."""
        return None if self.a is None or self.b is None or any(self.gaps) else self.b - self.a

    @property
    def percent(self) -> float | None:
        """The change in percent of a; none where that is zero or unknown."""
        return None if self.delta is None or not self.a else float(Fraction(self.delta) / Fraction(self.a) * 100)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something both networks state in words; empty where one does not."""

    name: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Weights:
    """Whether a state dict of the first network loads into the second with `strict=True`.

    `missing`: keys that only the second has; `unexpected`: that only the first has; `reshaped`: (key, shape in the
    first, in the second); `fitting` counts the tensors that load. `renamed`: (old key, new key) of tensors that belong
    to one layer under another name, which says how to carry weights over; where all load, that some load into other
    layers. `unknown`: users' modules, whose keys are their own.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    fitting: int
    renamed: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]

    @property
    def load(self) -> bool:
        """Whether `load_state_dict(strict=True)` takes it."""
        return not (self.missing or self.unexpected or self.reshaped)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two networks side by side. `appeared`, `gone`: what rules say of the second alone, and of the first alone."""

    a: Numbers
    b: Numbers
    root: Change
    totals: tuple[Total, ...]
    facts: tuple[Fact, ...]
    weights: Weights
    appeared: tuple[Diagnostic, ...] = ()
    gone: tuple[Diagnostic, ...] = ()

    @property
    def differ(self) -> bool:
        """Whether anything differs but the names of the nets."""
        numbers = any(total.a != total.b for total in self.totals)
        words = any(fact.a != fact.b for fact in self.facts)
        return self.root.status is not Status.SAME or numbers or words or not self.weights.load


def compare(a: Model, b: Model) -> Comparison:
    """What changed from `a` to `b`. Linear in the layers where most of them are the same."""
    keys = Keys()
    numbers_a, numbers_b = Numbers(a), Numbers(b)
    with paused():
        root = changes(layer_tree(numbers_a, keys), layer_tree(numbers_b, keys))
        found = totals(numbers_a, numbers_b)
        return Comparison(numbers_a, numbers_b, root, found, facts(a, b), weights(a, b, root))


# ---- totals


def totals(a: Numbers, b: Numbers) -> tuple[Total, ...]:
    """Every number of both networks as a whole; those that budgets know are first."""
    known = sorted((m for m in METRICS.values() if m.of_net is not None), key=lambda m: m.better is None)
    return tuple(Total(m.name, m.title, m.unit, m.value(a), m.value(b), (m.gap(a), m.gap(b))) for m in known)


def facts(a: Model, b: Model) -> tuple[Fact, ...]:
    """What both networks take and give, which sizes they allow, and what their programs limit."""
    rows = (("inputs", inputs_text), ("outputs", outputs_text), ("allowed", allowed_text), ("budgets", budgets_text))
    return tuple(Fact(name, text(a), text(b)) for name, text in rows)


def inputs_text(model: Model) -> str:
    """`image[N, 3, H=224, W=224]`."""
    return ", ".join(f"{value.name or 'it'}{port_text(value.type, model.sizes)}" for value in model.root.inputs)


def port_text(type: TensorType, sizes: Sizes) -> str:
    """An input's element type, where it is not a float's, and its sizes with their defaults."""
    words = [
        str(s) if str(s) not in sizes.default or str(s) in sizes.universal else f"{s}={sizes.value(s)}"
        for s in type.dims
    ]
    return f"{'' if type.dtype.is_float else f': {type.dtype.value}'}[{', '.join(words)}]"


def outputs_text(model: Model) -> str:
    """`logits[N, 1000]`, in the input's sizes."""
    names = model.root.output_names or (None,) * len(model.root.outputs)
    outputs = zip(names, model.root.outputs, strict=True)
    return ", ".join(
        f"{name or ''}{'' if v.type.dtype.is_float else v.type.dtype.value}"
        f"[{', '.join(model.sizes.text(size) for size in v.type.dims)}]"
        for name, v in outputs
    )


def allowed_text(model: Model) -> str:
    """The allowed sizes, without the lines that ask for them."""
    text = model.sizes.allowed()
    for pin in model.sizes.pins.values():
        text = text.replace(pin.text, f"{pin.symbol} == {pin.value}")
    return text


def budgets_text(model: Model) -> str:
    """`macs <= 4,200,000,000, params <= 26,000,000`."""
    return ", ".join(f"{b.name} {b.op} {b.limit:,}" for b in model.budgets)


# ---- weights


def weights(a: Model, b: Model, root: Change) -> Weights:
    """Whether weights of `a` load into `b`, key by key."""
    old, new = ({k: p for k, p in m.params.items() if p.spec.kind != "const"} for m in (a, b))
    missing = tuple(k for k in new if k not in old)
    unexpected = tuple(k for k in old if k not in new)
    both = [(k, old[k].spec.shape, p.spec.shape) for k, p in new.items() if k in old]
    reshaped = tuple(entry for entry in both if entry[1] != entry[2])
    unknown = tuple(layer.path for change in (root.a, root.b) if change for layer in change if layer.kind == "extern")
    return Weights(
        missing, unexpected, reshaped, len(both) - len(reshaped), renamed_keys(root), tuple(dict.fromkeys(unknown))
    )


def renamed_keys(root: Change) -> tuple[tuple[str, str], ...]:
    """(old key, new key) of tensors of layers that stand for each other, where their shapes are equal."""
    found: dict[str, str] = {}
    if root.status is not Status.CHANGED:
        return ()
    for change in root:
        if change.a is None or change.b is None:
            continue
        for name, before in change.a.tensors.items():
            after = change.b.tensors.get(name)
            if after is not None and before.path != after.path and before.spec.shape == after.spec.shape:
                found.setdefault(before.path, after.path)
    return tuple(found.items())
