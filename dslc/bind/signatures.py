"""What layers and functions take, and the arguments of a call put to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dslc.bind.mistakes import GivenTwice, SurplusArgument, UnknownArgument
from dslc.bind.static import LAYER, Static
from dslc.bind.table import Call, Signature, Slot, Symbol
from dslc.diagnostics.model import Mistake
from dslc.ops.base import REGISTRY, Attr, Op
from dslc.record import entity, replace
from dslc.source import Span
from dslc.syntax import tree

STEPS: Final = Signature("this layer", "steps", most=None)
"""Several steps, a suite, a choice: it takes tensors and no arguments."""


@entity
class Signatures:
    """The signatures of a program, each made when it is first asked for, with the symbols that arguments name."""

    ops: dict[str, Signature]
    blocks: dict[tree.Definition, Signature]
    headers: dict[tree.Definition, dict[str, Symbol]]
    ports: dict[tuple[str, str], Symbol]

    def of_op(self, name: str) -> Signature:
        """The signature of a layer of the language."""
        found = self.ops.get(name)
        if found is None:
            found = self.ops[name] = _of_op(REGISTRY[name])
            self.ports |= {(name, port): Symbol("port", port, None) for port in found.ports}
        return found

    def of(self, item: tree.Block | tree.Extern | tree.Fn | tree.NetAlias) -> Signature:
        """The signature of a definition."""
        found = self.blocks.get(item)
        if found is None:
            found = self.blocks[item] = _of_item(item, self.header(item))
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
        slot = next((s for s in signature.slots if s.name == name), None)
        if slot is not None:
            return slot.symbol
        if name not in signature.ports:
            return None
        if signature.item is not None:
            return self.header(signature.item).get(name)
        return self.ports.get((signature.name, name))


def _of_op(cls: type[Op]) -> Signature:
    slots = tuple(_slot(cls, rules) for rules in cls.attributes.values())
    many = bool(cls.inputs) and cls.inputs[-1].many
    single = cls.infer.__annotations__.get("return") == "TensorType"
    return Signature(
        cls.name,
        "op",
        tuple(port.name for port in cls.inputs),
        sum(not port.optional for port in cls.inputs),
        None if many else len(cls.inputs),
        slots,
        cls.extra,
        cls.gather,
        cls.numbers,
        1 if single else None,
    )


def _slot(cls: type[Op], rules: Attr) -> Slot:
    shown = isinstance(rules.default, int | float | str) and not isinstance(rules.default, bool)
    text = rules.name if rules.required else f"{rules.name}={rules.default}" if shown else ""
    symbol = Symbol("attribute", rules.name, None)
    return Slot(rules.name, rules.required and rules.name != cls.extra, rules.keyword, text, symbol, rules=rules)


def _of_item(item: tree.Block | tree.Extern | tree.Fn | tree.NetAlias, header: dict[str, Symbol]) -> Signature:
    slots = tuple(
        Slot(
            q.name,
            q.default is None,
            False,
            q.name if q.default is None else f"{q.name}={q.default.span.text}",
            header[q.name],
            q,
        )
        for q in item.parameters
    )
    if isinstance(item, tree.Fn):
        return Signature(item.name, "fn", least=0, most=0, slots=slots, item=item)
    if isinstance(item, tree.NetAlias):
        return Signature(item.name, "alias", most=None, slots=slots, item=item)
    if item.ports is None:
        return Signature(item.name, "block", slots=slots, results=_results(item), item=item)
    many = bool(item.ports) and item.ports[-1].many
    ports = tuple(port.name for port in item.ports)
    least = sum(not port.optional for port in item.ports)
    return Signature(
        item.name, "block", ports, least, None if many else len(ports), slots, results=_results(item), item=item
    )


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
    known = [slot.name for slot in signature.slots]
    free = [
        slot.name
        for slot in signature.slots
        if not slot.keyword and slot.name not in (*layer.given, signature.spread, signature.gather)
    ]
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
            wrong.append((GivenTwice(signature.name, name), place))
        elif name in known and name not in (signature.spread, signature.gather):
            given[name] = argument.value
            if name in free:
                free.remove(name)
        elif signature.spread is None:
            wrong.append((UnknownArgument(signature.name, name, tuple(known)), place))
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
