"""Steps that work element by element: activations, functions, operators, comparisons, choices."""

from __future__ import annotations

from dataclasses import replace

from tests.random.mixed.body import MOST, Body, makes
from tests.random.mixed.kinds import Kind, Side

PLAIN = "relu relu6 selu silu mish hswish hsigmoid sigmoid tanh softsign gelu id".split()
FLOATS = ("0.1", "0.5", "1.5")


@makes(*PLAIN, "leaky_relu", "rrelu", "elu", "celu", "swish", "softplus", "hardtanh", "threshold", keeps=True, weight=6)
def activation(b: Body) -> bool:
    if not b.it.is_float:
        return False
    slope = b.lifted(b.pick(*FLOATS), "float", FLOATS)
    layer = b.pick(*PLAIN, f"leaky_relu({slope})", f"elu({slope})", f"celu({slope})", 'gelu("tanh")', "rrelu",
                   "rrelu(0.2, 0.4)", f"swish({slope})", f"swish({slope}, learned=true)", f"softplus({slope})",
                   "softplus(2.0, 1.0)", f"hardtanh(-0.5, {slope})", f"threshold({slope}, 0.0)", "threshold(-0.5, 2.0)",
                   "leaky_relu(0)", "leaky_relu(2)")  # fmt: skip
    simple = layer in PLAIN
    b.step(b.lifted(layer, "layer", ["relu", "gelu", "id", "leaky_relu(0.1)"]) if simple else layer, b.it)
    return True


@makes("exp", "log", "sqrt", "sin", "cos", "abs", "clamp", keeps=True, weight=3)
def function(b: Body) -> bool:
    if not b.it.is_float:
        return False
    before, layer = b.pick(("tanh", "exp"), ("it ** 2 + 0.5", "log"), ("relu", "sqrt"), ("", "sin"),
                           ("", "cos"), ("", "abs"),
                           ("", f"clamp(-0.5, {b.lifted('0.5', 'float', ['1.5'])})"), ("", "clamp(min=0.25)"),
                           ("", "clamp(max=0.75)"))  # fmt: skip
    if before.startswith("it"):
        b.line(before, b.it)
    elif before:
        b.step(before, b.it)
    b.step(layer, b.it)
    return True


@makes("prelu", keeps=True)
def prelu(b: Body) -> bool:
    x = b.it
    if not x.is_float or x.rank < 2:
        return False
    if x.dims[1].fixed and x.channel == 1 and b.chance(0.6):
        b.step(f"prelu(per_channel=true){b.named()}", replace(x, channel=1))
    else:
        b.step(f"prelu(slope={b.lifted('0.1', 'float', ['0.3'])}){b.named()}", x)
    return True


@makes("dropout", "alpha_dropout", "droppath", keeps=True)
def dropout(b: Body) -> bool:
    if not b.it.is_float:
        return False
    p = b.lifted("0.25", "float", ["0.1", "0.5"])
    b.step(
        b.pick(f"dropout({p})", f"alpha_dropout({p})", f"droppath({p})", f'droppath({p}, mode="batch")') + b.named(),
        b.it,
    )
    return True


@makes("add", "sub", "mul", "div", "pow", "neg", keeps=True, weight=4)
def with_number(b: Body) -> bool:
    """An operator and a number, on either side."""
    x = b.it
    if x.is_float:
        c = b.lifted(b.pick("0.5", "2", "-1.5"), "float", ["0.25", "3.0"])
        text = b.pick(f"it + {c}", f"{c} - it", f"it * {c}", f"it / {b.pick('2', '255', '0.5')}",
                      f"{c} / (abs(it) + 1)",
                      "it ** 2", "abs(it) ** 0.5", "2 ** (it -> tanh)", "-it", "it - (it -> relu)", "it * it",
                      "(it -> sigmoid) ** 3", "(abs(it) + 0.5) ** -1")  # fmt: skip
        b.line(text, x)
    elif x.is_int:
        b.line(b.pick("it + 2", "3 - it", "it * 2", "it ** 2", "-it", "it - it * 3"), x.of(x.dtype))
    else:
        return False
    return True


@makes("div")
def divided(b: Body) -> bool:
    """Whole numbers divided are floats."""
    if not b.it.is_int:
        return False
    b.line(b.pick("it / 4", "it / 2.5", "it * 0.5", "it + 1.5", "2 ** (it * -0.5)"), b.it.of("float"))
    return True


@makes("add", "sub", "mul", "div", "pow", naming=True, weight=5)
def with_other(b: Body) -> bool:
    """An operator and another tensor, with sizes of 1 stretched."""
    x = b.it
    if x.dtype == "bool":
        return False

    def fits(y: Kind) -> bool:
        return y.dtype == x.dtype and y.rank == x.rank and all(
            p == q or q == Side(1) for p, q in zip(x.dims, y.dims, strict=True)
        )  # fmt: skip

    other = b.partner(
        fits, lambda: b.pick("it", "it * 0.5" if x.is_float else "it + 1", "it -> relu" if x.is_float else "it")
    )
    if other is None:
        return False
    y = b.values[other]
    channel = x.channel if y.channel in (None, x.channel) else None if x.channel is not None else y.channel
    text = b.pick(f"it + {other}", f"{other} - it", f"it * {other}", f"it - {other}")
    if x.is_float:
        text = b.pick(text, text, f"it / (abs({other}) + 1)", f"(it -> sigmoid) ** (abs({other}) + 0.5)",
                      f"it * ({other} -> sigmoid)")  # fmt: skip
    split = x.split or y.split if not x.split or not y.split or x.split == y.split else ()
    b.line(text, replace(x.of(x.dtype), channel=channel, split=split))
    return True


@makes("add", "mul", "sub", naming=True, weight=3)
def with_parameter(b: Body) -> bool:
    """A `param`, `buffer` or `const` joined to the last axes; its rank may be lower."""
    x = b.it
    if not x.is_float:
        return False
    count = b.number(1, x.rank)
    last = x.dims[-count:]
    shape = [side.size if side.fixed and b.chance(0.7) else 1 for side in last]
    name, how = b.new("t"), b.number(0, 3)
    if how == 0:
        init = b.pick("ones", "normal(0.5)", "zeros", "uniform(-1.0, 1.0)", "constant(0.3)", "trunc_normal(0.02)")
        b.write(f"param {name}: {shape} = {init}")
    else:
        letters = [f"i{k}: {size}" for k, size in enumerate(shape)]
        value = b.pick("{} / 8 + 0.5", "2.0 ** (-{})", "{} % 2 + 0.25", "1 if {} > 1 else -0.5").format(f"i{count - 1}")
        b.write(f"{b.pick('buffer', 'const')} {name}: [{', '.join(letters)}] = {value}")
    b.line(b.pick(f"it * {name}", f"it + {name}", f"{name} - it"), x)
    return True


@makes(
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "logical_and",
    "logical_or",
    "logical_not",
    "where",
    "cast",
    keeps=True,
    weight=4,
)
def chosen(b: Body) -> bool:
    """Elements chosen by a condition."""
    x = b.it
    if not x.is_float:
        return False
    c = b.lifted("0.25", "float", ["0.5", "-0.1"])
    condition = b.pick(f"it > {c}", f"it < {c}", f"it >= {c}", f"{c} <= it", "not (it > 0)", f"it > 0 and it < {c}",
                       "it < -0.5 or it > 0.5", "it == 0", "it != 0", f"(it -> relu) == it and it < {c}")  # fmt: skip
    text = b.pick(f"where({condition}, it, 0.1 * it)", f"where({condition}, 0, it)", f"where({condition}, it, {c})",
                  f"where({condition}, 1.0, 0.0)", f"where({condition}, it, it * it)")  # fmt: skip
    if b.chance(0.2):
        text = f"(({condition}) -> cast(float)) * it"
    b.line(text, x)
    return True


@makes("gt", "lt", "eq", "cast", "logical_not", naming=True, weight=2)
def other_type(b: Body) -> bool:
    """Truth values or whole numbers of what came, and back."""
    x = b.it
    if x.dtype in ("bool", "float32"):
        b.step("cast(float)", x.of("float"))
    elif x.is_int and b.chance(0.5):
        b.line(b.pick("it > 1", "it == 2", "it != 0", "it <= 1"), x.of("bool"))
    elif x.is_int:
        dtype = "int32" if x.dtype == "int64" else "int64"
        b.step(b.pick("cast(float)", f"cast({dtype})"), x)
        b.it = x.of("float") if b.lines[-1].endswith("cast(float)") else replace(x, dtype=dtype)
    elif b.chance(0.3):
        name = b.name(b.pick("it > 0.1", "it < 0.2", "not (it > 0)"), x.of("bool"), "c")
        if b.chance(0.6):
            b.line(f"where({b.read(name)}, it, 0.5)", x)
    elif b.chance(0.4):
        b.step("clamp(-3.5, 3.5)", x)
        b.step("cast(int64)", x.of("int64"))
    else:
        return False
    return True


@makes("logical_and", "logical_or", "logical_not", "where", naming=True, weight=2)
def masks(b: Body) -> bool:
    """Two conditions joined, or one that chooses between tensors."""
    x = b.it
    if x.dtype != "bool":
        mask = b.find(lambda k: k.dtype == "bool" and k.rank == x.rank and all(
            p == q or p == Side(1) for p, q in zip(k.dims, x.dims, strict=True)))  # fmt: skip
        if mask is None:
            return False
        number = b.pick("0", "1.5" if x.is_float else "2")
        b.line(b.pick(f"where({mask}, it, {number})", f"where(not {mask}, {number}, it)"), x.of(x.dtype))
        return True
    other = b.partner(lambda k: k == x, lambda: "not it")
    if other is None:
        return False
    b.line(b.pick(f"it and {other}", f"it or {other}", f"not it or {other}", f"it == {other}"), x)
    return True


@makes("where", "add", weight=1)
def numbers_by_condition(b: Body) -> bool:
    x = b.it
    if x.dtype != "bool":
        return False
    text, dtype = b.pick(
        ("where(it, 1.5, 0)", "float"), ("where(it, 2, 1)", "int64"), ("where(it, 1.0, -1.0)", "float")
    )
    b.line(text, replace(x.of(dtype), small=dtype == "int64"))
    return True


@makes("mul", "arange", "ones", "zeros", "eye", naming=True, weight=2)
def created(b: Body) -> bool:
    """A tensor made of sizes alone, joined to what came."""
    x = b.it
    if not x.is_float:
        return False
    last = x.dims[-1]
    size = str(last.size) if last.fixed else f"it.shape[{x.rank - 1}]"
    front = "none, " * (x.rank - 1)
    how = b.number(0, 3)
    if how == 0:
        b.line(f"it + arange({size}, dtype=float)[{front}:] * 0.1", x)
    elif how == 1 and x.rank > 1:
        word = b.pick("ones", "zeros")
        b.line(f"it * ({word}({', '.join(['1'] * (x.rank - 1))}, {size}) + 0.5)", x)
    elif how == 2 and x.rank >= 2 and last.fixed:
        rest = "none, " * (x.rank - 2)
        # Columns without channels of their own: the product keeps those of `it` that stay.
        b.line(f"it @ eye({size})[{rest}:]" if rest else f"it @ eye({size})", x)
    elif x.rank > 1:
        b.line(f"where((arange({size}) < 2)[{front}:], it, 0.5)", x)
    else:
        return False
    return True


@makes("glu", "geglu", "swiglu", "reglu", "maxout", "softmax", "logsoftmax", weight=3)
def gated(b: Body) -> bool:
    """Layers that look along an axis."""
    x = b.it
    if not x.is_float or x.rank < 2:
        return False
    axis = b.number(0, x.rank - 1)
    word = f"axis={b.pick(axis, axis - x.rank)}"
    if x.channel == axis and b.chance(0.5):
        word = ""
    if b.chance(0.5):
        b.step(f"{b.pick('softmax', 'logsoftmax')}({word})".replace("()", ""), x)
        return True
    side = x.dims[axis]
    if not side.fixed or axis == 0:
        return False
    if side.size % 2 == 0 and b.chance(0.7):
        b.step(
            f"{b.pick('glu', 'geglu', 'swiglu', 'reglu')}({word})".replace("()", ""),
            x.with_side(axis, Side(side.size // 2)),
        )
        return True
    pieces = b.pick(*(n for n in (2, 3, side.size) if side.size % n == 0))
    b.step(f"maxout({pieces}{', ' + word if word else ''})", x.with_side(axis, Side(side.size // pieces)))
    return True


@makes("topk", "gather", naming=True, weight=2)
def picked(b: Body) -> bool:
    """The largest elements along an axis, or elements at their places."""
    x = b.it
    if not x.is_float or x.rank < 2 or x.elements > MOST:
        return False
    axis = b.number(1, x.rank - 1)
    if not x.dims[axis].fixed:
        return False
    k = b.number(1, x.dims[axis].size)
    after = x.with_side(axis, Side(k))
    values, places = b.new("v"), b.new("_v")
    options = b.pick("", ", largest=false")
    how = b.number(0, 2)
    if how:
        # Equal elements have no settled order, in PyTorch as in ONNX.
        front = "".join("none, " for a in range(axis))
        back = "".join(", none" for a in range(axis + 1, x.rank))
        b.line(f"it + arange({x.dims[axis].size}, dtype=float)[{front}:{back}] * 0.0078125", x)
    if how == 0:
        b.write(f"{values}, {places} = topk({k}, axis={axis}{options})")
        b.line(values, after)
    elif how == 1:
        b.write(f"_{values}, {places} = topk({k}, axis={axis}{options})")
        b.line(f"gather(it, {places}, axis={axis})", after)
    else:
        b.write(f"{values}, {places} = topk({k}, axis={axis}{options})")
        b.line(f"{values} + ({places} -> cast(float))", after)
    return True


@makes("cast", "softmax", "ln", keeps=True, weight=2)
def island(b: Body) -> bool:
    """Layers that compute in float32 whatever the network's own type is."""
    x = b.it
    if not x.is_float:
        return False
    layers = ["tanh", "gelu", "sigmoid -> sqrt", "hswish", f"softmax(axis={x.rank - 1})", "exp -> clamp(max=9.0)"]
    if x.is_map:
        layers += [f"conv({x.dims[1].size}, 3)", "bn", "bn -> relu", "ln(axis=1)", "gn(1)"]
    elif x.is_tokens:
        layers += [f"linear({x.dims[-1].size})", "ln", "rmsnorm", "dropout(0.1) -> ln"]
    b.step(f"cast(float32) -> {b.pick(*layers)} -> cast(float)", x)
    return True
