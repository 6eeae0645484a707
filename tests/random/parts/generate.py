"""Programs whose blocks are used several times with different arguments, so that instances are merged.

A program is some blocks and a net that uses them several times with different arguments. A suite is written line by
line while its state is tracked: the width of `it` as an expression of the block's words, the place (an id that
changes where the map's size does), and the names not read yet, which later lines must read. Widths are multiples
of 4, so that groups, heads and halves divide. A program that dslc refuses is of no use and is skipped by its reader.
"""

from dataclasses import replace

from tests.random.choices import Choices
from tests.random.parts.words import CHOICES, TYPES, Part, State
from tests.random.parts.writer import Writer


def header(params: dict[str, str | None]) -> str:
    found = []
    for name, default in params.items():
        text = f"{name}: {TYPES.get(name, 'int')}"
        found.append(text if default is None else f"{text} = {default}")
    return f"({', '.join(found)})" if found else ""


def block(rng: Choices, name: str, parts: list[Part], inlines: list[str]) -> tuple[Part, list[str]]:
    """A block and its text."""
    kind = rng.choice(["map", "map", "map", "tokens"])
    ports = 2 if rng.chance(0.2) else 1
    pool = ["n", "wide", "act", "norm", "p", "mode", "widths"] + (["k"] if kind == "map" else ["heads"])
    chosen = rng.sample(pool, rng.number(0, 4))
    result = rng.choice(["out", "out", "C" if kind == "map" else "D"])
    if kind == "map" and ports == 1 and rng.chance(0.35):
        chosen.append("s")
    params: dict[str, str | None] = {}
    if result == "out" or rng.chance(0.3):
        params["out"] = None if rng.chance(0.6) else "8"
    for key in rng.shuffled(chosen):
        default: str | None = None
        if (params and next(reversed(params.values())) is not None) or rng.chance(0.5):
            default = {"act": "relu", "norm": "bn" if kind == "map" else "ln", "s": "1"}.get(key) or rng.choice(
                CHOICES[key]
            )
        params[key] = default
    writer = Writer(rng, parts, inlines, kind, params, rng.number(2, 7), "C" if kind == "map" else "D")
    if "s" not in params:
        writer.halvings = 0
    axis = "C" if kind == "map" else "D"
    state = State(axis)
    rest = "N, {}, H, W" if kind == "map" else "N, T, {}"
    on = f"x[{rest.format(axis)}]"
    if ports == 2:
        on += f", z[{rest.format('E')}]"
        writer.write(f"concat(it, z) -> {writer.back(state, axis)}")
    if "s" in params and rng.chance(0.5):
        writer.write(f"conv({axis}, 3, s=s) as down")
        writer.halvings = 0
        state = replace(state, place=1)
        writer.places = 1
    state = writer.suite(state, 6)
    if state.width != result or not writer.lines:
        writer.write(writer.back(state, result))
    line = f"block {name}{header(params)} on {on}"
    return Part(name, kind, params, result, ports), [f"{line}:", *writer.lines, ""]


COMBINATORS = {
    "weighted": ["inline block weighted(e: float = 0.5, body: layer = id): it + body(it) * e", ""],
    "twice": ["inline block twice(body: layer): body(it) + body(it)", ""],
    "wrap": ["block wrap(body: layer) on x[N, C, *S]:", "    body as inner", "    it + x", ""],
    "after": ["inline block after(body: layer): it -> body -> relu", ""],
}


def program(rng: Choices) -> str:
    """The text of a program."""
    inlines = sorted(rng.sample(sorted(COMBINATORS), rng.number(0, 3)))
    text = ["use std.attention: attention, encoder, mlp", "use std.resnet: basic", ""]
    for name in inlines:
        text += COMBINATORS[name]
    parts: list[Part] = []
    for k in range(rng.number(1, 3)):
        part, lines = block(rng, f"part{k}", parts, inlines)
        parts.append(part)
        text += lines
    return "\n".join([*text, *net(rng, parts, inlines)]) + "\n"


def uses(writer: Writer, part: Part, state: State) -> State:
    """Several uses of one block, so that instances are merged."""
    for _ in range(writer.rng.number(1, 4)):
        if part.ports == 2:
            state = writer.two_ports(state)
            continue
        call = writer.call(part, state)
        if "s" in part.params and writer.halvings and writer.chance(0.5):
            call = writer.with_stride(call, part)
            writer.halvings -= 1
            writer.places += 1
            state = replace(state, place=writer.places)
        writer.write(call + writer.module_name(state, 0.4))
        after = writer.after(part, call, state)
        state = after
    return state


def net(rng: Choices, parts: list[Part], inlines: list[str]) -> list[str]:
    """The net: inputs, uses of every block, a head."""
    params: dict[str, str | None] = {}
    if rng.chance(0.5):
        params["out"] = rng.choice(CHOICES["out"])
    if rng.chance(0.3):
        params["n"] = rng.choice(CHOICES["n"])
    params["classes"] = "5"
    kinds = {p.kind for p in parts}
    maps = "map" in kinds or rng.chance(0.3)
    writer = Writer(rng, parts, inlines, "map" if maps else "tokens", params, rng.number(0, 4), "8", halvings=2)
    results, head = "", []
    if maps:
        fixed = rng.chance(0.2)
        sides = rng.choice(["H=16, W=16", "H=16, W=24", "H=24, W=16"]) if not fixed else "H: 16, W: 16"
        on = f"image[N, 3, {sides}]" if not fixed else "image[N, 3, 16, 16]"
        if rng.chance(0.25):
            on += ", other[N, 5, H, W]" if not fixed else ", other[N, 5, 16, 16]"
            writer.write("y0 = other -> conv(8, 3)")
            writer.write("conv(8, 3) as stem")
            writer.write(rng.choice(["it + y0", "concat(it, y0) -> conv(8, 1)", "it * (y0 -> sigmoid)"]))
        else:
            writer.write(rng.choice(["conv(8, 3) as stem", "cba(8, 3) as stem", "conv(8, 3) as stem -> relu"]))
        state = State("8")
        if fixed:
            state = replace(state, place=1)
            writer.places = 1
    else:
        dim = rng.choice(["8", "12", "D=8"])
        if rng.chance(0.25):
            on = "ids: int64[N, T=6]"
            writer.write("module table = embedding(9, 8)")
            writer.write("table")
            head.append("linear(9, weight=table.weight, bias=false)")
        else:
            on = f"x[N, T=6, {dim}]"
            writer.write("linear(8) as stem")
        state = State("8")
    order = rng.shuffled([p for p in parts if p.kind == writer.kind])
    for part in order:
        state = uses(writer, part, state)
        if writer.fuel > 0:
            state = writer.suite(state, rng.number(0, 2))
    aux = ""
    if maps:
        if rng.chance(0.25):
            writer.write("aux = gap -> flatten -> linear(classes) as aux_head")
            aux = rng.choice([", aux when training", ", aux"])
        tokens = [p for p in parts if p.kind == "tokens"]
        if tokens or rng.chance(0.2):
            writer.write(rng.choice(['rearrange("n c h w -> n (h w) c")', "flatten(2) -> transpose(1, 2)"]))
            writer.kind = "tokens"
            for part in tokens:
                state = uses(writer, part, state)
            pool = ["mean(axis=1)", "it[:, 0]", "it[:, -1]", "amax(axis=1)"]
            head += [rng.choice(pool)]
            head.append("linear(classes) as head")
        else:
            head += [rng.choice(["gap -> flatten", "gmp -> flatten", "flatten", "adaptive_avgpool(2) -> flatten",
                                 "mean(axis=(2, 3))", "adaptive_maxpool(1x2) -> flatten", "none"])]  # fmt: skip
            head = [h for h in head if h != "none"]
            head.append("linear(classes) as head" if head else "conv(classes, 1) as head")
    elif not head:
        head += [rng.choice(["mean(axis=1)", "it[:, 0]", "flatten"]), "linear(classes) as head"]
    if "linear(9" in (head[0] if head else ""):
        writer.write(writer.back(state, "8").partition(" as ")[0])
    for line in head[:-1]:
        writer.write(line)
    if aux:
        writer.write(f"main = {head[-1]}")
        results = f" -> main{aux}"
    else:
        writer.write(head[-1])
    return [f"net main_net{header(params)} on {on}{results}:", *writer.lines]
