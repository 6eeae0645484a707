"""Suites, branches, conditions, loops and blocks: what holds steps."""

from __future__ import annotations

from dataclasses import replace

from tests.random.mixed.body import MAKERS, Body, Made, Param, makes
from tests.random.mixed.kinds import Kind, Side

DEPTH = 3


def fill(b: Body, count: int, keeping: bool = False) -> None:
    """Writes so many steps; `keeping`: only such as leave the kind of the value."""
    for _ in range(count):
        if b.fuel <= 0:
            return
        b.fuel -= 1
        one(b, keeping)


def one(b: Body, keeping: bool) -> None:
    """One step: of the makers that may stand here, the first of some drawn that fits."""
    allowed = [m for m in MAKERS for _ in range(m.weight) if (m.keeps or not keeping) and (b.names or not m.naming)]
    for _ in range(12):
        made: Made = b.choices.choice(allowed)
        before, lines, values, unread, params = (
            b.it,
            list(b.lines),
            dict(b.values),
            dict(b.unread),
            list(b.params or ()),
        )
        if made.run(b):
            return
        b.it, b.lines, b.values, b.unread, b.chained = before, lines, values, unread, False
        if b.params is not None:
            b.params[:] = params
    b.step("id", b.it)


def suite(b: Body, count: int, turn: str | None = None, flat: bool = False) -> list[str]:
    """The lines of a suite that keeps the kind of the value; at least one. `flat`: they are to be one chain."""
    held = Body(
        b.choices, b.numbers, b.it, b.fuel, params=b.params, indent=b.indent + 1, names=False,
        turn=turn or b.turn, blocks=b.blocks, flat=flat, depth=DEPTH if flat else b.depth + 1,
    )  # fmt: skip
    fill(held, count, keeping=True)
    b.fuel = held.fuel
    if not held.lines:
        held.step("relu" if b.it.is_float else "id", b.it)
    b.it = replace(b.it, channel=held.it.channel, split=held.it.split, small=b.it.small and held.it.small)
    return held.lines


def chain(b: Body, count: int, turn: str | None = None) -> str:
    """The same as one line, as in a branch."""
    return " -> ".join(line.strip() for line in suite(b, count, turn, flat=True))


@makes("add", keeps=True, weight=3)
def residual(b: Body) -> bool:
    if not b.it.is_float or b.depth >= DEPTH:
        return False
    lines = suite(b, b.number(1, 3))
    b.write("residual:")
    b.lines += lines
    return True


@makes("mul", keeps=True)
def scaled(b: Body) -> bool:
    x = b.it
    if not x.is_map or b.depth >= DEPTH:
        return False
    b.write(f"scale: gap -> conv({x.dims[1].size}, 1) -> {b.lifted('sigmoid', 'layer', ['tanh', 'hsigmoid'])}")
    b.it = replace(x, channel=1)
    return True


@makes("add", keeps=True, weight=2)
def branches(b: Body) -> bool:
    """Branches that are added."""
    if not b.it.is_float or b.depth >= DEPTH:
        return False
    texts = [chain(b, 2) for _ in range(b.number(2, 3))]
    b.write("add:")
    for text in texts:
        b.write(f"    | {text}")
    if b.chance(0.25):
        turn = b.new("j")
        text = chain(b, 1, turn)
        b.write(f"    for {turn} in range({b.lifted('2', 'int', ['1', '3'])}):")
        b.write(f"        | {text}")
    return True


@makes("cat", weight=2)
def concatenated(b: Body) -> bool:
    """Branches that are joined along the channels."""
    x = b.it
    if not x.is_map or b.depth >= DEPTH or x.elements > 800:
        return False
    widths = [b.pick(1, 2, 3) for _ in range(b.number(2, 3))]
    b.write("concat:")
    for width in widths:
        k = b.lifted("1", "int", ["3"])
        b.write(f"    | conv({width}, {k}){b.pick('', ' -> relu', ' -> bn -> relu')}")
    b.it = replace(x.with_side(1, Side(sum(widths))), channel=1)
    return True


@makes(keeps=True, weight=3)
def conditional(b: Body) -> bool:
    if b.depth >= DEPTH:
        return False
    flag = b.lifted("true", "bool", ["false"], 0.8)
    number = b.lifted("2", "int", ["1", "3"], 0.5)
    condition = b.pick(
        flag, f"not {flag}", f"{number} > 1", f"{flag} and {number} == 2", f"{number} % 2 == 0 or {flag}"
    )
    lines = suite(b, b.number(1, 2))
    b.write(f"if {condition}:")
    b.lines += lines
    if b.chance(0.4):
        lines = suite(b, b.number(1, 2))
        b.write("else:")
        b.lines += lines
    return True


@makes(keeps=True, weight=3)
def loop(b: Body) -> bool:
    if b.depth >= DEPTH or b.turn:
        return False
    turn = b.new("i")
    count = b.lifted(b.pick("2", "3", "1"), "int", ["1", "2", "3"], 0.6)
    lines = suite(b, b.number(1, 2), turn=turn)
    b.write(f"for {turn} in range({count}):")
    b.lines += lines
    return True


@makes(keeps=True, weight=2)
def sequence(b: Body) -> bool:
    if b.depth >= DEPTH or b.turn:
        return False
    lines = suite(b, b.number(1, 3))
    b.write(b.pick("seq:", f"seq as {b.new('s')}:"))
    b.lines += lines
    return True


@makes(keeps=True)
def either(b: Body) -> bool:
    if not b.it.is_float or b.depth >= DEPTH:
        return False
    first, second = (b.pick("(it -> dropout(0.5))", "(it * 0.5)", "it", "(it -> relu)") for _ in range(2))
    b.line(f"({first} if training else {second})", b.it)
    return True


@makes(naming=True, weight=3)
def tap(b: Body) -> bool:
    """A name for the value as it is now; the chain goes on from it, or from another value."""
    name = b.name("it", b.it)
    others = [other for other in b.unread if other != name]
    if others and b.chance(0.6):
        other = b.read(b.pick(*others))
        b.line(other, b.values[other])
    return True


# ---- blocks


def port(name: str, kind: Kind, words: dict[Side, str]) -> str:
    """An input of a block as written; equal sizes have one name."""
    sizes = []
    for axis, side in enumerate(kind.dims):
        if side not in words:
            words[side] = "N" if side.name == "N" else f"{'DCHWUVXY'[len(words) % 8]}{len(words)}"
        sizes.append(words[side] if not side.fixed or axis else str(side.size))
    dtype = "" if kind.is_float else f": {kind.dtype}"
    return f"{name}{dtype}[{', '.join(sizes)}]"


def header(params: list[Param], defaults: list[bool]) -> str:
    """Parameters as written: those without a default first."""
    written = [f"{p.name}: {p.type}" for p, d in zip(params, defaults, strict=True) if not d]
    written += [f"{p.name}: {p.type} = {p.values[0]}" for p, d in zip(params, defaults, strict=True) if d]
    return f"({', '.join(written)})" if written else ""


def finish(b: Body, twist: bool) -> list[str]:
    """Reads what nothing reads yet, as further results; the names of all results, or none where there is one.

    `twist`: a value may be an input, which is changed before it is given back.
    """
    waiting = list(b.unread)
    if not waiting:
        return []
    names = []
    for name in waiting:
        kind = b.values[name]
        b.read(name)
        if twist:
            text = {"float": f"{name} * 0.5", "float32": f"{name} - 1.5", "bool": f"not {name}"}.get(
                kind.dtype, f"{name} + 1"
            )
            result = b.new("r")
            b.write(f"{result} = {text}")
            b.values[result] = kind if kind.dtype == "bool" else kind.of(kind.dtype)
            name = result
        names.append(name)
    main = b.new("r")
    b.write(f"{main} = it")
    b.values[main] = b.it
    return [main, *names]


@makes(naming=True, weight=6)
def block(b: Body) -> bool:
    """A block written for the value as it is, and used one to three times with different arguments."""
    x = b.it
    if b.depth >= DEPTH - 1 or not x.is_float:
        return False
    ports = {"x": x}
    second = b.find(lambda k: True) if b.chance(0.25) else None
    if second is not None:
        ports["z"] = b.values[second]
    held = Body(b.choices, b.numbers, x, min(b.fuel, b.number(2, 7)), params=[], blocks=b.blocks, depth=b.depth + 1)
    if second is not None:
        held.values["z"] = ports["z"]
        held.unread["z"] = None
    b.fuel -= held.fuel
    words: dict[Side, str] = {}
    on = ", ".join(port(name, kind, words) for name, kind in ports.items())
    fill(held, held.fuel)
    results = finish(held, twist=True)
    if not held.lines:
        held.step("relu", held.it)
    assert held.params is not None
    name = b.new("part")
    defaults = [b.chance(0.5) for _ in held.params]
    arrow = f" -> {', '.join(results)}" if results else ""
    b.blocks.append("\n".join([f"block {name}{header(held.params, defaults)} on {on}{arrow}:", *held.lines, ""]))
    keeps = held.it.dims == x.dims and held.it.dtype == x.dtype and held.it.channel == x.channel
    keeps = keeps and held.it.split == x.split
    uses = b.number(1, 3) if keeps else b.number(1, 2)
    for turn in range(uses):
        args = []
        for param, default in zip(held.params, defaults, strict=True):
            value = b.pick(*param.values)
            if not default or value != param.values[0] or b.chance(0.3):
                args.append(f"{param.name}={value}")
        if second is not None:
            args = ["it", second, *args]
        call = f"{name}({', '.join(args)})" if args else name
        if results:
            names = [b.new("b") for _ in results]
            b.write(f"{', '.join(names)} = {call}{'' if second else b.named()}")
            for given, inside in zip(names, results, strict=True):
                b.values[given] = held.values[inside]
                b.unread[given] = None
            if keeps or turn == uses - 1:
                b.line(b.read(names[0]), held.it)
        elif keeps or turn == uses - 1:
            if second is None:
                b.step(call + b.named(), held.it)
            else:
                b.line(call, held.it)
        else:
            b.name(call, held.it)
    return True
