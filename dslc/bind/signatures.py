"""What layers and functions take, and the arguments of a call put to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Final, TypeAlias

from dslc.bind.mistakes import GivenTwice, SurplusArgument, UnknownArgument
from dslc.bind.static import LAYER, Static
from dslc.bind.table import Call, Signature, Slot, Symbol
from dslc.diagnostics.model import Mistake
from dslc.ops.base import Op
from dslc.record import entity, replace
from dslc.source import Span
from dslc.syntax import tree

Headed: TypeAlias = tree.Block | tree.Extern | tree.Fn | tree.NetAlias
"""What has a header with parameters."""

_OF_OPS: Final[dict[type[Op], Signature]] = {}

STEPS: Final = Signature("this layer", "steps", most=None)
"""Several steps, a suite, a choice: it takes tensors and no arguments."""


@entity
class Signatures:
    """The signatures of a program's definitions, each made when it is first asked for, and what arguments name.

    `language`: of an op's name and the name of an attribute or port.
    """

    made: dict[tree.Definition, Signature] = field(default_factory=dict)
    headers: dict[tree.Definition, dict[str, Symbol]] = field(default_factory=dict)
    language: dict[tuple[str, str], Symbol] = field(default_factory=dict)

    def of(self, item: Headed) -> Signature:
        """The signature of a definition."""
        found = self.made.get(item)
        if found is None:
            found = self.made[item] = signature_of(item)
        return found

    def header(self, item: tree.Definition) -> dict[str, Symbol]:
        """The symbols of a definition's parameters and ports."""
        found = self.headers.get(item)
        if found is None:
            found = self.headers[item] = {}
            for parameter in () if isinstance(item, tree.LetItem) else item.parameters:
                found.setdefault(parameter.name, Symbol("parameter", parameter.name, parameter.name_span, item))
            for port in (item.ports or ()) if isinstance(item, tree.Block | tree.Extern) else ():
                found.setdefault(port.name, Symbol("tensor", port.name, port.name_span, item))
        return found

    def argument(self, signature: Signature, name: str) -> Symbol | None:
        """What the name of an argument means."""
        attribute = name in signature.parameters
        if not attribute and name not in signature.ports:
            return None
        if signature.item is not None:
            return self.header(signature.item).get(name)
        if signature.kind != "op":
            return None
        key = (signature.name, name)
        if key not in self.language:
            self.language[key] = Symbol("attribute" if attribute else "port", name, None)
        return self.language[key]


def signature_of_op(cls: type[Op]) -> Signature:
    """The signature of a layer of the language."""
    found = _OF_OPS.get(cls)
    return found if found is not None else _OF_OPS.setdefault(cls, _of_op(cls))


def _of_op(cls: type[Op]) -> Signature:
    slots = tuple(
        Slot(rules.name, rules.required and rules.name != cls.extra, rules.keyword, rules=rules)
        for rules in cls.attributes.values()
    )
    many = bool(cls.inputs) and cls.inputs[-1].many
    needed = frozenset(port.name for port in cls.inputs if not port.optional)
    single = cls.infer.__annotations__.get("return") == "TensorType"
    return Signature(
        cls.name,
        "op",
        tuple(port.name for port in cls.inputs),
        needed,
        len(needed),
        None if many else len(cls.inputs),
        slots,
        cls.extra,
        cls.gather,
        cls.numbers,
        1 if single else None,
    )


def signature_of(item: Headed) -> Signature:
    """The signature of a definition, from its header."""
    slots = tuple(Slot(q.name, q.default is None, declared=q) for q in item.parameters)
    if isinstance(item, tree.Fn):
        return Signature(item.name, "fn", least=0, most=0, slots=slots, item=item)
    if isinstance(item, tree.NetAlias):
        return Signature(item.name, "alias", most=None, slots=slots, item=item)
    if item.ports is None:
        return Signature(item.name, "block", slots=slots, results=_results(item), item=item)
    most = None if item.ports and item.ports[-1].many else len(item.ports)
    ports = tuple(port.name for port in item.ports)
    needed = frozenset(port.name for port in item.ports if not port.optional)
    results = _results(item)
    return Signature(item.name, "block", ports, needed, len(needed), most, slots, results=results, item=item)


def _results(item: tree.Block | tree.Extern) -> int | None:
    results = item.results
    return None if not results or any(r.optional for r in results) else len(results)


# ---- the arguments of a call

Given = list[tuple[tree.Argument, Static]]


@entity
class Filled:
    """A call's arguments put to a signature: the layer, the record of the call, and what is wrong at which place."""

    layer: Static
    call: Call
    wrong: list[tuple[Mistake, Span]]


def fill(layer: Static, arguments: Given, call: tree.Call) -> Filled:
    """The layer with more arguments, as `elaborate` fills them: tensors are no arguments, names given again override.

    Where it is not known whether an argument by position is a tensor, or how many a `*list` holds, the places of
    those by position are unknown.
    """
    signature = layer.signature
    if signature is None:
        return Filled(replace(layer, span=call.span), Call(call, None, {}, call.arguments), [])
    known = signature.parameters
    free = [name for name in signature.by_position if name not in layer.given]
    most = len(free)
    given: dict[str, tree.Expr] = {}
    extra: list[tree.Argument] = []
    wrong: list[tuple[Mistake, Span]] = []
    sure, at_once = layer.sure, any(s.kind == "tensor" and a.name is None for a, s in arguments)
    surplus = 0
    told: set[str] = set()
    position = 0
    for argument, static in arguments:
        name, place = argument.name, argument.name_span or argument.span
        if name is None:
            port = signature.ports[position] if position < len(signature.ports) else None
            position += 1
            if argument.star or static.kind == "unknown":
                sure = sure and signature.gather is not None
                continue
            if static.kind == "tensor":
                sure = sure and signature.kind != "fn"  # which takes none: another mistake
                continue
            if at_once and port in signature.numbers:
                name = signature.numbers[port]
            elif signature.gather is not None:
                given[signature.gather] = argument.value
                continue
            elif not sure:
                continue
            elif free:
                given[free[0]] = argument.value
                free.pop(0)
                continue
            else:
                surplus += 1
                extra.append(argument)
                if surplus == 1:
                    wrong.append((SurplusArgument(signature.name, most), argument.span))
                continue
        elif name not in known and _tensor_by_name(signature, name, static):
            continue
        elif name in signature.numbers:
            name = signature.numbers[name]
        if name in given:
            wrong.append((GivenTwice(signature.name, name, _shown(given[name].span.text)), place))
        elif name in known and name not in (signature.spread, signature.gather):
            given[name] = argument.value
            if name in free:
                free.remove(name)
        elif signature.spread is None:
            wrong.append((UnknownArgument(signature.name, name, known), place))
            extra.append(argument)
            from dslc.foreign.arguments import meant

            likely = meant(signature.name, name, known)
            told |= set(known) if likely is None else {likely}  # one that may stand for any lacks none
    if surplus:
        told |= set(known)
    filled = replace(layer, given=layer.given | given.keys() | told, sure=sure, span=call.span)
    return Filled(filled, Call(call, signature, given, tuple(extra)), wrong)


def _tensor_by_name(signature: Signature, name: str, static: Static) -> bool:
    """Whether an argument by name may be a tensor for the port of that name; what an alias stands for has ports."""
    if signature.kind == "alias":
        return static.kind in ("tensor", "unknown")
    return name in signature.ports and static.kind in ("tensor", "none", "unknown", "value")


def missing(layer: Static) -> tuple[str, ...]:
    """The parameters that a layer still needs where it is applied."""
    if layer.kind not in ("layer", "fn") or layer.signature is None or not layer.sure:
        return ()
    return tuple(s.name for s in layer.signature.slots if s.required and s.name not in layer.given)


def steps(span: Span | None = None) -> Static:
    """A layer of several steps."""
    return replace(LAYER, signature=STEPS, span=span)


def without(names: Iterable[str], layer: Static) -> Static:
    """A layer with more names given."""
    return replace(layer, given=layer.given | frozenset(names))


def _shown(text: str) -> str:
    """What stands at a place, where it is short enough to be shown."""
    return text if len(text) <= 40 and "\n" not in text else ""
