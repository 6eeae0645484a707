"""Steps over features `[.., D]`: linear maps, norms, attention, recurrences, embeddings."""

from __future__ import annotations

from dataclasses import replace

from tests.random.mixed.body import MOST, Body, makes
from tests.random.mixed.kinds import Kind, Side


def featured(x: Kind, width: int) -> Kind:
    """Features of another width."""
    return replace(x.with_side(-1, Side(width)), channel=x.rank - 1)


@makes("linear", "wn", "sn", weight=6)
def linear(b: Body) -> bool:
    x = b.it
    if not x.is_tokens:
        return False
    out = b.pick(4, 6, 8, 1, 3, 12)
    width = b.lifted(str(out), "int", [], 0.2)
    text = f"linear({width}{b.pick('', '', ', bias=false', ', init=xavier_uniform', ', init=trunc_normal(0.02)')})"
    if b.chance(0.15):
        text = b.pick(f"wn({text})", f"sn({text})")
    b.step(text + b.named(), featured(x, out))
    return True


@makes("linear", keeps=True, weight=3)
def linear_same(b: Body) -> bool:
    x = b.it
    if not x.is_tokens:
        return False
    bias = b.lifted("true", "bool", ["false"])
    b.step(f"linear({x.dims[-1].size}, bias={bias}){b.named()}", replace(x, channel=x.rank - 1))
    return True


@makes("ln", "rmsnorm", "l2norm", keeps=True, weight=3)
def norm(b: Body) -> bool:
    x = b.it
    if not x.is_tokens or x.dims[-1].size < 2:
        return False
    eps = b.lifted("0.001", "float", ["0.1", "1e-05"])
    options = [
        "ln",
        f"ln(eps={eps})",
        "ln(bias=false)",
        "ln(affine=false)",
        "rmsnorm",
        f"rmsnorm(eps={eps})",
        "rmsnorm(affine=false)",
    ]
    if x.channel is not None:
        options += ["l2norm", "l2norm(eps=0.5)"]
    b.step(b.pick(*options) + b.named(), replace(x, channel=x.rank - 1))
    return True


@makes("sdpa", weight=3)
def attention(b: Body) -> bool:
    """Attention of a tensor with itself, in heads or without."""
    x = b.it
    if not x.is_tokens or x.rank != 3 or x.elements > MOST:
        return False
    d = x.dims[2].size
    heads = b.pick(*(h for h in (1, 2, 3, 4) if d % h == 0))
    after = replace(x, channel=2)
    options = b.pick("", "", ", causal=true", ", scale=0.5", ", causal=true, scale=1.0")
    if b.names and b.chance(0.6):
        q, k, v = b.new("q"), b.new("k"), b.new("v")
        rotary = " -> rotary" if (d // heads) % 2 == 0 and b.chance(0.4) else ""
        b.write(f'{q}, {k}, {v} = linear({3 * d}) -> rearrange("n t (three h d) -> three n h t d", three=3, h={heads})'
                f"{rotary} -> unbind(0)")  # fmt: skip
        mask = masked(b, x, heads) if "causal" not in options else ""
        b.write(f"sdpa({q}, {k}, {v}{mask}{options})")
        b.step('rearrange("n h t d -> n t (h d)")', after)
        return True
    b.line(f"sdpa(it, it, it{options})", after)
    return True


def masked(b: Body, x: Kind, heads: int) -> str:
    """A mask over `[N, heads, T, T]`, or nothing. No row is masked throughout."""
    t = x.dims[1]
    how = b.number(0, 4)
    if how == 1 and t.fixed:
        name = b.new("b")
        b.write(f"const {name}: bool[i: {t.size}, j: {t.size}] = j <= i")
        return f", mask={name}"
    if how == 2 and t.fixed:
        name = b.new("b")
        b.write(f"param {name}: [{b.pick(1, heads)}, {t.size}, {t.size}] = normal(0.5)")
        return f", mask={name}"
    if how == 3:
        found = b.find(lambda k: k.dtype == "bool" and k.rank == 2 and k.dims == x.dims[:2])
        if found is not None:
            name = b.new("b")
            b.write(f"{name} = {found} or arange({size_of('it', 1, t)})[none] == 0")
            return f", mask={name}[:, none, none]"
    return ""


def size_of(value: str, axis: int, side: Side) -> str:
    """A size as text."""
    return str(side.size) if side.fixed else f"{value}.shape[{axis}]"


@makes("sdpa", "rearrange", naming=True, weight=1)
def grouped(b: Body) -> bool:
    """Grouped queries: fewer heads of keys than of queries."""
    x = b.it
    if not x.is_tokens or x.rank != 3 or x.dims[2].size % 4 or x.elements > MOST:
        return False
    q, k = b.new("q"), b.new("k")
    b.write(f'{q} = linear(8) -> rearrange("n t (h d) -> n h t d", h=4)')
    b.write(f'{k} = linear(4) -> rearrange("n t (h d) -> n h t d", h=2)')
    b.line(f"sdpa({q}, {k}, {k}, gqa=true)", Kind((x.dims[0], Side(4), x.dims[1], Side(2)), x.dtype, split=(1, 3)))
    return True


@makes("rotary", keeps=True, weight=1)
def rotary(b: Body) -> bool:
    x = b.it
    if not x.is_tokens or x.rank < 3 or x.dims[-1].size % 2:
        return False
    options = b.pick("", f"(base={b.lifted('100.0', 'float', ['500.0'])})", "(interleaved=true)")
    b.step(f"rotary{options}", replace(x, channel=x.rank - 1))
    return True


@makes("lstm", "gru", "rnn", weight=3)
def recurrent(b: Body) -> bool:
    x = b.it
    if not x.is_tokens or x.rank != 3:
        return False
    kind, hidden = b.pick("lstm", "gru", "rnn"), b.pick(2, 3, 4)
    layers, both = b.pick(1, 1, 2), b.chance(0.3)
    proj = b.number(1, hidden - 1) if kind == "lstm" and b.chance(0.2) else None
    text = f"{kind}({hidden}"
    text += f", layers={layers}" if layers > 1 else ""
    text += ", bidirectional=true" if both else ""
    text += b.pick("", "", ", bias=false")
    text += f", proj={proj}" if proj else ""
    text += ', act="relu"' if kind == "rnn" and b.chance(0.3) else ""
    text += ", drop=0.2" if layers > 1 and b.chance(0.2) else ""
    width = (proj or hidden) * (2 if both else 1)
    after = featured(x, width)
    if b.names and b.chance(0.3):
        y, h = b.new("y"), b.new("h")
        states = [h] + ([b.new("c")] if kind == "lstm" else [])
        b.write(f"{y}, {', '.join(states)} = {text}, state=true){b.named()}")
        for name, size in zip(states, (proj or hidden, hidden), strict=False):
            b.values[name] = Kind((Side(layers * (2 if both else 1)), x.dims[0], Side(size)), channel=2)
            b.unread[name] = None
        if b.chance(0.5):
            for name in states:
                b.read(name)
            b.line(f"it -> linear({x.dims[2].size})", replace(x, channel=2))
            b.line(f"{kind}(it, {', '.join(states)}, {text.partition('(')[2]})", after)
            b.line(f"it + {y}", after)
        else:
            b.line(y, after)
        return True
    b.step(text + ")" + b.named(), after)
    return True


@makes("embedding", "wn", "sn", weight=4)
def embedding(b: Body) -> bool:
    """Rows of a table picked by whole numbers, which are below 5."""
    x = b.it
    if not x.small or x.rank > 4 or x.elements * 4 > MOST:
        return False
    width = b.pick(4, 6, 3)
    text = f"embedding({b.pick(5, 9)}, {width}{b.pick('', '', ', init=normal(0.5)')})"
    if b.chance(0.15) and "init" not in text:
        text = b.pick(f"wn({text})", f"sn({text})")
    b.step(text + b.named(), Kind((*x.dims, Side(width)), "float", x.rank))
    return True


@makes("one_hot", "cast", weight=2)
def one_hot(b: Body) -> bool:
    x = b.it
    if not x.small or x.elements * 5 > MOST:
        return False
    b.step("one_hot(5) -> cast(float)", Kind((*x.dims, Side(5)), "float", x.rank))
    return True


@makes("linear", "embedding", naming=True)
def tied(b: Body) -> bool:
    """Weights of one module given to another."""
    x = b.it
    if x.small and x.rank == 2 and x.elements * 9 < MOST:
        e = b.new("e")
        b.write(f"module {e} = embedding(9, 4)")
        b.line(e, Kind((*x.dims, Side(4)), "float", 2))
        b.step(f"linear(9, weight={e}.weight, bias=false)", Kind((*x.dims, Side(9)), "float", 2))
        return True
    if not x.is_tokens:
        return False
    h, d = b.new("h"), x.dims[-1].size
    after = replace(x, channel=x.rank - 1)
    b.write(f"module {h} = linear({d}, bias={b.pick('true', 'false')})")
    b.line(h, after)
    b.step(b.pick("relu", "tanh"), after)
    how = b.number(0, 2)
    if how == 0:
        b.step(h, after)
    else:
        b.step(f"linear({d}, weight={h}.weight{b.pick(', bias=false', '')})", after)
    return True


@makes("conv", "linear", naming=True)
def shared(b: Body) -> bool:
    """One module used twice."""
    x, h = b.it, b.new("h")
    if x.is_map:
        module, after = (
            b.pick(f"conv({x.dims[1].size}, 3)", f"conv({x.dims[1].size}, 1) -> bn -> relu", "prelu"),
            replace(x, channel=1),
        )
    elif x.is_tokens:
        d = x.dims[-1].size
        module, after = b.pick(f"linear({d})", f"linear({d}) -> ln -> gelu"), replace(x, channel=x.rank - 1)
    else:
        return False
    b.write(f"module {h} = {module}")
    b.line(h, after)
    b.step(b.pick("relu", "silu", "id"), after)
    b.step(h, after)
    return True
