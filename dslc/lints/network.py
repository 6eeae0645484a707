"""A network as rules read it: its steps by kind, who makes and who reads each value, and tables computed when asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from dslc.analysis.measure import batch_names
from dslc.analysis.quantities import Numbers
from dslc.diagnostics.model import Diagnostic, Help, Label, Mistake, users_place
from dslc.ir.model import Call, Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step, flatten
from dslc.lints.facts import NOTHING, Facts
from dslc.ops.base import Op
from dslc.source import Span
from dslc.types.dim import Size, evaluate

if TYPE_CHECKING:
    from dslc.analysis.signal.result import LayerSignal, NetworkSignal
    from dslc.lints.windows import Side

Kind = TypeVar("Kind", bound=Op)

SAMPLES = 16
"""The batch that signals are of where none is stated."""


class Network:
    """What rules may ask. Steps are those of evaluation and those that training alone computes, in program order; what
    nothing reads is not among them.
    """

    def __init__(self, model: Model, facts: Facts = NOTHING, numbers: Numbers | None = None) -> None:
        self.model = model
        self.facts = facts
        self.flat: Flat = flatten(model) if numbers is None else numbers.flat
        self._counted = numbers
        self.steps: list[Step] = [step for step in self.flat.steps if step.needed is not Needed.NEVER]
        self.batch = facts.batch
        self.windows: dict[Step, tuple[Side, ...]] = {}
        """What windows.sides has found."""

    # ---- tables, each when it is first asked for

    @cached_property
    def numbers(self) -> Numbers:
        """Costs, memory and receptive fields; those that were computed already, where `numbers` were given."""
        return self._counted or Numbers(self.model, self.flat)

    @cached_property
    def trained(self) -> Flat:
        """The network as it runs in training."""
        return flatten(self.model, training=True)

    @cached_property
    def signal(self) -> NetworkSignal:
        """How values and gradients go through it at initialisation: `check` does not ask, for its time."""
        from dslc.analysis.signal.analyse import signal

        return signal(self.model, batch=self.batch or SAMPLES, flat=self.trained)

    @cached_property
    def passed(self) -> dict[str, LayerSignal]:
        """What the signal is at each use of an op, by its path."""
        return {layer.path: layer for layer in self.signal.layers}

    @cached_property
    def _paths(self) -> dict[str, Step]:
        return {step.path: step for step in self.steps}

    @cached_property
    def _makers(self) -> dict[Value, Step]:
        return {out: step for step in self.steps for out in step.outs}

    @cached_property
    def _readers(self) -> dict[Value, list[Step]]:
        found: dict[Value, list[Step]] = {}
        for step in self.steps:
            for value in dict.fromkeys((*step.inputs, *step.tied.values())):
                found.setdefault(value, []).append(step)
        return found

    @cached_property
    def _kinds(self) -> dict[type[Op], list[Step]]:
        found: dict[type[Op], list[Step]] = {}
        for step in self.steps:
            if isinstance(step.node, Node):
                found.setdefault(type(step.node.op.core), []).append(step)
        return found

    @cached_property
    def _places(self) -> dict[Step, int]:
        return {step: index for index, step in enumerate(self.steps)}

    @cached_property
    def results(self) -> frozenset[Value]:
        """The values that are results of the network."""
        return frozenset(value for _, value in self.flat.outputs)

    # ---- steps

    def of(self, *kinds: type[Op]) -> list[Step]:
        """The uses of some ops, in program order; a layer whose weight is computed (`wn(conv(..))`) is one."""
        found = [step for kind, steps in self._kinds.items() if issubclass(kind, kinds) for step in steps]
        return found if len(kinds) == 1 else sorted(found, key=self._places.__getitem__)

    def found(self, path: str) -> Step | None:
        """The step of a path; none of one that training alone computes."""
        return self._paths.get(path)

    def maker(self, value: Value) -> Step | None:
        """The step that makes a value; none of an input or a parameter."""
        return self._makers.get(value)

    def readers(self, value: Value) -> Sequence[Step]:
        """The steps that read a value, in program order. A result of the network has one more reader."""
        return self._readers.get(value, ())

    def next(self, step: Step) -> Step | None:
        """The one step that reads what this one makes; none where several do, or where it is a result as well."""
        (*more, out) = step.outs
        readers = self.readers(out)
        return readers[0] if len(readers) == 1 and not more and out not in self.results else None

    def before(self, step: Step, port: int = 0) -> Step | None:
        """The step that makes an input of this one."""
        return self.maker(step.inputs[port]) if port < len(step.inputs) else None

    def chain(self, step: Step, *through: type[Op]) -> Iterator[Step]:
        """The steps after this one, each the only reader of the one before, as long as all are of the kinds named; the
        first that is not comes last.
        """
        following = self.next(step)
        while following is not None:
            yield following
            if not isinstance(op_of(following), through):
                return
            following = self.next(following)

    def after(self, step: Step, *through: type[Op]) -> Step | None:
        """The one step that follows, past the kinds named; none where the chain forks or ends."""
        for following in self.chain(step, *through):
            if not isinstance(op_of(following), through):
                return following
        return None

    def source(self, value: Value, *through: type[Op]) -> Step | None:
        """The step that makes a value, looked for past the kinds named, by their first inputs."""
        maker = self.maker(value)
        while maker is not None and isinstance(op_of(maker), through) and maker.inputs:
            maker = self.maker(maker.inputs[0])
        return maker

    # ---- sizes

    def size(self, size: Size) -> int:
        """A size at the defaults; one without a default, the batch, is the batch that is stated, or 1."""
        if isinstance(size, int):
            return size
        return evaluate(size, self._defaults)

    @cached_property
    def open(self) -> frozenset[str]:
        """Sizes without a default, but for the batch: `size` takes them for 1, and rules about sizes say nothing."""
        return frozenset(self.model.sizes.universal) - set(batch_names(self.model))

    @cached_property
    def _defaults(self) -> dict[str, int]:
        batch = dict.fromkeys(batch_names(self.model), self.batch or 1)
        return {**dict.fromkeys(self.model.sizes.universal, 1), **batch, **self.model.sizes.default}

    def shape(self, value: Value) -> tuple[int, ...]:
        """The shape of a value at the defaults."""
        return tuple(self.size(size) for size in value.type.dims)

    def params(self, step: Step) -> tuple[Param, ...]:
        """The tensors that a step's layer owns."""
        return tuple(step.node.params.values()) if isinstance(step.node, Node) else ()

    # ---- what is said

    @property
    def header(self) -> Span:
        """The name of the network in its header: the place of what is true of it as a whole."""
        definition = self.model.root.definition
        return self.model.root.site if definition is None else definition.name_span

    def place(self, step: Step) -> Span:
        """The user's text that a step stands for: its own, or the line that led into std."""
        return users_place(step.node.span, step.node.frame)[0]

    def at(
        self,
        mistake: Mistake,
        step: Step,
        span: Span | None = None,
        related: Iterable[Label] = (),
        help: Iterable[Help] = (),
    ) -> Diagnostic:
        """What was found, said at a step's place in the user's text; `span`: at a part of it, such as an argument,
        which counts only where the step is the user's own line.
        """
        place, trail = users_place(step.node.span, step.node.frame)
        own = place == step.node.span
        return mistake.at(span if span is not None and own else place, trail, related, help if own else ())

    def label(self, step: Step, text: str) -> Label:
        """A second place, in the user's text."""
        return Label(self.place(step), text)

    def argument(self, step: Step, name: str) -> Span | None:
        """Where an attribute of a step is written; none where it has its default."""
        word = step.node.consts.get(name) if isinstance(step.node, Node) else None
        return None if word is None else word.span


def op_of(step: Step) -> Op | None:
    """The op of a step, past what computes its weight; none of a user's module."""
    return None if isinstance(step.node, Call) else step.node.op.core
