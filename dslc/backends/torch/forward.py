"""The text of `forward`: parameters, sizes read, the body, and what it returns."""

from __future__ import annotations

from typing import Protocol

from dslc.backends.torch import layout, terms
from dslc.backends.torch.body import CHOICE, Body, Line
from dslc.backends.torch.comments import Shapes
from dslc.backends.torch.layout import Group, flat
from dslc.backends.torch.liveness import made, needed
from dslc.backends.torch.merged import Class, MCall, MFor, MIf, MNode, MSeq, walk
from dslc.backends.torch.modules import Modules
from dslc.backends.torch.slots import Resolver
from dslc.backends.torch.writer import is_attribute, template_text
from dslc.ir.model import Model
from dslc.names.reserved import local_name


class Head(Protocol):
    """What a file knows of itself when a class is written."""

    model: Model
    classes: list[Class]
    taken: set[str]  # names of classes, functions and helpers
    check: tuple[list[str], list[tuple[str, int, int]]]  # `_check_size`, and its arguments
    result: str  # name of the NamedTuple that the root returns in training
    untyped: bool  # a forward returns what a module gives, which torch types as Any


def forward_lines(target: Class, resolver: Resolver, modules: Modules, file: Head) -> tuple[list[str], str]:
    """The text of `forward`, and the buffer that it takes the network's float type from, if it needs one."""
    train = target.first.train_only or (False,) * len(target.outputs)
    main = [s for s, t in zip(target.outputs, train, strict=True) if not t]
    everything = needed(target, target.outputs)
    training = everything - needed(target, main)
    prune(target, everything)
    reserved = file.taken | {"self"}
    names = input_names(target, reserved)
    spelled: dict[str, str] = {f"{k}": f"self.{v}" for k, v in target.stored.items()}
    taken = reserved | set(names) | {"x", "y", "z"}
    inlined = once(target, names)
    places: dict[tuple[int, int], str] = {}
    for key in (*target.reads, *target.local):
        if key in inlined:
            continue
        place = target.reads.get(key)
        if place in places:  # two names of one size: the size of an inline block's input is also its outer one's
            spelled[key] = spelled[places[place]]
            continue
        if place is not None:
            places[place] = key
        name = local_name(key.lower() if not key.startswith("@") else f"size{target.reads[key][1]}")
        while name in taken:
            name += "_"
        taken.add(name)
        reserved.add(name)
        spelled[key] = name
    for item in walk(target.items):
        if isinstance(item, MFor):
            spelled[item.variable] = modules.spelled[item.variable]
            reserved.add(modules.spelled[item.variable])
    reserved -= set(names)

    def attribute(item: MNode | MCall | MSeq) -> str:
        child = body.spelled.get(f"child {id(item)}")
        if child is not None:
            return child
        if item.template is not None:
            return f"self.get_submodule({template_text(item.template, spelled[modules.variable_of(item)])})"
        return f"self.{item.name}" if is_attribute(item.name) else f'self.get_submodule("{item.name}")'

    def condition(item: MIf) -> str:
        held = modules.optional[id(item)]
        if held.kind == "term" and item.condition.term is not None:
            return terms.text(item.condition.term, body.spell)
        return held.test

    shapes = Shapes(target, resolver, file.model, target is file.classes[-1])
    body = Body(target, attribute, spelled, inlined, condition=condition, comment=shapes.comment, reserved=reserved)
    if target is file.classes[-1] and file.check[1]:
        given = ", ".join(f"{names[i]}.shape[{a}]" for _, i, a in file.check[1])
        body.lines += [_line(f"_check_size({given})")]
    body.lines += [_line(text) for text in shape_reads(target, names, spelled)]
    for key, term in target.local.items():
        body.lines.append(_line(terms.text(term, lambda n: spelled.get(n, n)), f"{spelled[key]} = "))
    body.write(names, training)
    returned = give_back(target, body, train, file)
    parameters = ("self", *(f"{n}: Tensor" for n in names))
    head = layout.statement("def ", Group("forward", parameters), f" -> {returned}:", 1)
    return [*head, *body.finish()], body.own


def _line(text: str, prefix: str = "") -> Line:
    return Line(2, prefix, text)


def prune(target: Class, kept: set[int]) -> None:
    """Drop from forward what no result needs."""
    target.items = [i for i in target.items if id(i) in kept or not isinstance(i, MNode | MCall | MSeq)]


def input_names(target: Class, reserved: set[str]) -> list[str]:
    """Names of forward's parameters: the ports', else `x`."""
    found: list[str] = []
    for at, sym in enumerate(target.inputs):
        value = sym.values[0]
        base = value.name if value.name and value.name.isidentifier() and value.name != "it" else "x"
        base = local_name(base)
        name, number = base, 1
        while name in found or (name in reserved and name != "x"):
            number += 1
            name = f"{base}{number}" if base == "x" else f"{base}_{number}"
        found.append(name if at or name else "x")
    return found


def once(target: Class, names: list[str]) -> dict[str, tuple[int, int]]:
    """Sizes of inputs that one expression of forward reads, before anything can have taken the input's name."""
    counts: dict[str, int] = {}
    for slot in target.slots:
        if slot.forward and slot.term is not None:
            for name in terms.free(slot.term):
                counts[name] = counts.get(name, 0) + (1 if not slot.rows[0].turns else 2)
    for term in target.local.values():
        counts.update(dict.fromkeys(terms.free(term), 2))
    reused = {"x", "y", "z"} | {s.name for s in made(target) if s.name is not None}
    return {key: place for key, place in target.reads.items() if counts.get(key) == 1 and names[place[0]] not in reused}


def shape_reads(target: Class, names: list[str], spelled: dict[str, str]) -> list[str]:
    """Lines that bind the sizes of inputs: `n, _, h, w = x.shape`, or `t = x.shape[1]`."""
    lines = []
    for index, name in enumerate(names):
        axes = {axis: spelled[key] for key, (i, axis) in target.reads.items() if i == index and key in spelled}
        if len(axes) == 1 or any(axis < 0 for axis in axes):
            lines += [f"{local} = {name}.shape[{axis}]" for axis, local in axes.items()]
        elif axes:
            rank = target.inputs[index].values[0].type.rank
            lines.append(f"{', '.join(axes.get(a, '_') for a in range(rank))} = {name}.shape")
    return lines


def give_back(target: Class, body: Body, train: tuple[bool, ...], file: Head) -> str:
    """Write `return`; the type of what is returned."""
    outputs = target.outputs
    if not outputs:  # a `seq` that hands its input on: it owns modules that are not run, and is not called
        body.lines.append(_line("None", "return "))
        return "None"
    if len(outputs) == 1 and not train[0]:
        file.untyped = not body.give(outputs[0], 2) or file.untyped
        return "Tensor"
    texts = [body.operand(s) for s in outputs]
    if not any(train):
        body.lines.append(_line(", ".join(t.text for t in texts), "return "))
        return f"tuple[{', '.join(['Tensor'] * len(outputs))}]"
    kinds = ["Tensor | None" if t else "Tensor" for t in train]
    if target is not file.classes[-1]:
        body.lines.append(_line(", ".join(t.text for t in texts), "return "))
        return f"tuple[{', '.join(kinds)}]"
    name = f"{target.name}Output"
    while name in file.taken:
        name += "_"
    file.result = name
    result = Group(name, tuple(t.text for t in texts))
    main = [t.text for t, when in zip(texts, train, strict=True) if not when]
    if len(main) == 1:
        kind = f"Tensor | {name}"
        one_line = f"{flat(result)} if self.training else {main[0]}"
        if len(one_line) <= CHOICE:
            body.lines.append(_line(one_line, "return "))
            file.untyped = True
            return kind
    else:
        kind = f"tuple[{', '.join(['Tensor'] * len(main))}] | {name}"
    body.lines.append(_line("if self.training:"))
    body.lines.append(Line(3, "return ", result))
    body.lines.append(_line(", ".join(main), "return "))
    file.untyped = True
    return kind
