"""A whole program: blocks and a net of one or more inputs."""

from __future__ import annotations

from tests.random.choices import Choices
from tests.random.mixed import elements, maps, shapes, tokens
from tests.random.mixed.body import Body, Numbers
from tests.random.mixed.kinds import Kind, Side, sides
from tests.random.mixed.suites import fill, finish, header

FAMILIES = (elements, maps, shapes, tokens)
"""Files whose makers are registered when they are imported."""


def inputs(c: Choices, own: str) -> tuple[dict[str, Kind], str]:
    """Inputs by name, and how they are written; `own`: the type that some of them declare for the whole network."""
    n = Side(1, "N")
    batch, first = (n, "N") if c.chance(0.85) else (Side(2), "2")
    h, w, t = Side(c.choice((8, 6, 9, 12)), "H"), Side(c.choice((8, 6, 5)), "W"), Side(c.choice((6, 5, 4)), "T")
    if not c.chance(0.7):
        h, w, t = Side(h.size), Side(w.size), Side(t.size)
    texts = {s: f"{s.name}={s.size}" if s.name else str(s.size) for s in (h, w, t)}
    seen: set[Side] = set()

    def size(side: Side) -> str:
        """A size: with its default where it is written first."""
        text = texts[side] if side not in seen or side.fixed else str(side.name)
        seen.add(side)
        return text

    width = c.choice((3, 4, 6, 2, 8, 1))
    count = c.choice((1, 1, 1, 2, 2, 3))
    found: dict[str, Kind] = {}
    written: list[str] = []
    main = c.choice(("map", "map", "tokens", "tokens", "line", "features", "volume", "ids"))
    kinds = [main, *(c.choice(("map", "tokens", "features", "ids", "ints", "mask", "marks")) for _ in range(count - 1))]
    for number, kind in enumerate(kinds):
        name = f"x{number}"
        if kind == "map":
            found[name] = Kind((batch, *sides(width), h, w), channel=1)
            written.append(f"{name}[{first}, {width}, {size(h)}, {size(w)}]")
        elif kind == "volume":
            found[name] = Kind((batch, *sides(2, 4, 3), w), channel=1)
            written.append(f"{name}[{first}, 2, 4, 3, {size(w)}]")
        elif kind in ("tokens", "line"):
            middle = (t, Side(width)) if kind == "tokens" else (Side(width), t)
            text = f"{size(t)}, {width}" if kind == "tokens" else f"{width}, {size(t)}"
            found[name] = Kind((batch, *middle), channel=None)
            written.append(f"{name}[{first}, {text}]")
        elif kind == "features":
            found[name] = Kind((batch, *sides(width)), channel=1)
            written.append(f"{name}[{first}, {width}]")
        elif kind in ("ids", "ints"):
            dtype = "int64" if kind == "ids" else c.choice(("int32", "int64"))
            found[name] = Kind((batch, t), dtype, small=True)
            written.append(f"{name}: {dtype}[{first}, {size(t)}]")
        else:
            dims = (batch, t) if kind == "mask" else (batch, Side(1), h, w)
            text = size(t) if kind == "mask" else f"1, {size(h)}, {size(w)}"
            found[name] = Kind(dims, "bool")
            written.append(f"{name}: bool[{first}, {text}]")
    for number, (name, type_) in enumerate(found.items()):
        exact = number > 0 and type_.is_float and c.chance(0.15)
        dtype = "float32" if exact else own if type_.is_float and (number == 0 or c.chance(0.5)) else ""
        if dtype:
            written[number] = written[number].replace(f"{name}[", f"{name}: {dtype}[")
        if exact:
            found[name] = type_.of("float32")
    return found, ", ".join(written)


def settle(b: Body, kinds: dict[str, Kind]) -> None:
    """A first step, which says where the channels of an input of rank 3 are."""
    x = next(iter(kinds.values()))
    if x.is_float and x.rank == 3:
        if x.dims[2].fixed and not (x.dims[1].fixed and b.chance(0.3)):
            b.step(f"linear({b.pick(4, 6, 8)}){b.named()}", x)
            b.it = Kind((*x.dims[:2], Side(int(b.lines[-1].split("(")[1].split(")")[0]))), channel=2)
        elif x.dims[1].fixed:
            b.step(f"conv(4, 3){b.named()}", Kind((x.dims[0], Side(4), x.dims[2]), channel=1))


def program(c: Choices, own: str = "") -> str:
    """The text of a program; `own` is the type that its inputs declare, if they do."""
    kinds, on = inputs(c, own)
    body = Body(c, Numbers(), next(iter(kinds.values())), c.number(3, 14), params=[])
    body.values = dict(list(kinds.items())[1:])
    body.unread = dict.fromkeys(body.values)
    settle(body, kinds)
    fill(body, body.fuel)
    results = finish(body, twist=True)
    if not body.lines:
        body.step("relu" if body.it.is_float else "id", body.it)
    assert body.params is not None
    arrow = f" -> {', '.join(results)}" if results else ""
    net = f"net main_net{header(body.params, [True] * len(body.params))} on {on}{arrow}:"
    return "\n".join([*body.blocks, net, *body.lines]) + "\n"
