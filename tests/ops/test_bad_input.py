"""Bad input of every op: each program is refused at the right place with a mistake that names the op and the rule.

Ranks, element types and ranges are taken from the registry, so that a new op is tested by being registered; shapes
that do not meet are in a table that must name every op that relates shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dslc.api import compile_model
from dslc.diagnostics.model import CompileError, Diagnostic
from dslc.ops.base import REGISTRY, Attr, Op
from dslc.record import replace
from dslc.types.const import Const
from dslc.types.tensor import DType, TensorType
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES

BARE = ("half", "valid", "same_tf", "auto")


# ---- a sample as a program


def spell(value: object) -> str:
    """A value as the language writes it."""
    match value:
        case Const():
            return spell(value.value)
        case bool() | None:
            return str(value).lower()
        case str():
            return value if value in BARE else f'"{value}"'
        case DType():
            return value.value
        case tuple():
            return f"({', '.join(map(spell, value))}{',' * (len(value) == 1)})"
        case Op():
            given = {name: getattr(value, name) for name, rules in type(value).attributes.items()}
            changed = {n: v for n, v in given.items() if v != type(value).attributes[n].default and v is not True}
            return call(type(value), [], changed)
    return str(value)


def call(op: type[Op], tensors: list[str], given: dict[str, Any]) -> str:
    """A use of an op."""
    args = list(tensors)
    for name, value in given.items():
        if name == op.gather:
            args += [spell(item) for item in value] if isinstance(value, tuple) else [spell(value)]
    for name, value in given.items():
        if name == op.extra:
            args += [f"{key}={spell(const)}" for key, const in value]
        elif name != op.gather:
            args.append(f"{name}={spell(value)}")
    return f"{op.name}({', '.join(args)})"


def port(name: str, type_: TensorType) -> str:
    dims = f"[{', '.join(map(str, type_.dims))}]"
    return f"{name}{dims}" if type_.dtype is DType.FLOAT else f"{name}: {type_.dtype.value}{dims}"


def program(name: str, types: tuple[TensorType, ...], given: dict[str, Any]) -> str:
    """A net that applies the op once."""
    names = [f"x{i}" for i in range(len(types))]
    ports = [port(n, t) for n, t in zip(names, types, strict=True)] or ["unused[1]"]
    tail = "" if types else " -> (it + unused)" if name == "arange" else ""
    return f"net f on {', '.join(ports)}:\n    {call(REGISTRY[name], names, given)}{tail}\n"


def found(text: str) -> list[Diagnostic]:
    """The mistakes of a program."""
    try:
        compile_model(text)
    except CompileError as error:
        return list(error.diagnostics)
    return []


def accepted(name: str) -> Sample | None:
    """A sample of the op that is right as a program of its own."""
    for sample in SAMPLES[name]:
        numbered = any(n in REGISTRY[name].numbers.values() for n in sample.attributes)
        if not sample.given and not numbered and not found(program(name, sample.inputs, sample.attributes)):
            return sample
    return None


LAYERS = [name for name, cls in REGISTRY.items() if cls.is_layer]
SOURCES = [name for name in LAYERS if not REGISTRY[name].inputs]
BASES = {name: sample for name in LAYERS if name not in SOURCES and (sample := accepted(name)) is not None}


def test_every_layer_has_a_program_that_is_right() -> None:
    """Else the mistakes below could be of another kind than they are meant to be."""
    assert not set(LAYERS) - set(BASES) - set(SOURCES)


def refused(text: str, *codes: str) -> Diagnostic:
    """The one mistake of a program, of one of the kinds named."""
    mistakes = found(text)
    assert [d.code for d in mistakes if d.code in codes], f"{text}{[str(d) for d in mistakes]}"
    assert len(mistakes) == 1, [str(d) for d in mistakes]
    return mistakes[0]


# ---- ranks and element types, from the ports


def shaped(type_: TensorType, rank: int) -> TensorType:
    """A type of another rank."""
    return TensorType((*type_.dims, *(2,) * rank)[:rank], type_.dtype)


def rank_cases() -> Iterator[Any]:
    for name, sample in BASES.items():
        for at, p in enumerate(sample.op(name).inputs[: len(sample.inputs)]):
            least, most = p.rank
            for rank in (*([least - 1] if least > 1 else []), *([most + 1] if most is not None else [])):
                types = list(sample.inputs)
                types[at] = shaped(types[at], rank)
                yield pytest.param(name, tuple(types), sample.attributes, id=f"{name} {p.name} rank {rank}")


@pytest.mark.parametrize(("name", "types", "given"), list(rank_cases()))
def test_wrong_rank(name: str, types: tuple[TensorType, ...], given: dict[str, Any]) -> None:
    mistake = refused(program(name, types, given), "E0308")
    core = given["layer"].name if "layer" in given else name
    assert f"`{core}` takes a tensor of rank" in mistake.message


def dtype_cases() -> Iterator[Any]:
    for name, sample in BASES.items():
        for at, p in enumerate(sample.op(name).inputs[: len(sample.inputs)]):
            for wrong in {"float": ("int64", "bool"), "int": ("float32", "bool"), "bool": ("float32",)}.get(
                p.dtype, ()
            ):
                types = list(sample.inputs)
                types[at] = replace(types[at], dtype=DType(wrong))
                yield pytest.param(name, tuple(types), sample.attributes, id=f"{name} {p.name} {wrong}")


@pytest.mark.parametrize(("name", "types", "given"), list(dtype_cases()))
def test_wrong_element_type(name: str, types: tuple[TensorType, ...], given: dict[str, Any]) -> None:
    mistake = refused(program(name, types, given), "E0310")
    assert "takes" in mistake.message


# ---- attributes, from their declarations


def outside(rules: Attr) -> Iterator[object]:
    """Numbers just outside what an attribute allows."""
    whole = not rules.kind.holds(1.5) and not rules.kind.holds((1.5, 1.5))
    for bound, step in ((rules.least, -1), (rules.most, 1)):
        if bound is not None:
            number = bound + step * (1 if whole else 1e-3 * max(abs(bound), 1e-3))
            number = int(number) if whole else number
            yield number if rules.kind.holds(number) else (number, 1)


def wrong_types(rules: Attr) -> Iterator[object]:
    """Something that is not of an attribute's kind."""
    return (value for value in ("text", 3, 3.5) if not rules.kind.holds(value))


def attribute_cases() -> Iterator[Any]:
    for name, sample in BASES.items():
        cls = REGISTRY[name]
        for rules in cls.attributes.values():
            if rules.name in (cls.gather, cls.extra) or rules.name in cls.numbers.values():
                continue
            values = [(v, "E0361") for v in outside(rules)]
            if rules.choices:
                word = any(isinstance(c, str) for c in rules.choices)
                values.append(("nonsense" if word else 7, "E0362"))
            values += [(v, "E0362" if rules.choices else "E0360") for v in wrong_types(rules)]
            for value, code in values:
                codes = {code, "E0360"} if rules.choices else {code}
                given = {**sample.attributes, rules.name: value}
                yield pytest.param(name, sample.inputs, given, rules.name, codes, id=f"{name} {rules.name}={value}")


@pytest.mark.parametrize(("name", "types", "given", "attribute", "codes"), list(attribute_cases()))
def test_attribute_out_of_range(
    name: str, types: tuple[TensorType, ...], given: dict[str, Any], attribute: str, codes: set[str]
) -> None:
    """Numbers below and above, words that are no choice, values of another kind; the caret is on the value."""
    mistake = refused(program(name, types, given), *codes)
    assert f"`{name}`" in mistake.message
    assert spell(given[attribute]).strip("()").split(",")[0] in mistake.span.text


# ---- shapes that do not meet

MAP, TOKENS = "x[N, 6, 8, 8]", "x[N, T=16, 6]"
PAIR = "a[2, 3, 4], b[2, 5, 4]"

UNFIT: dict[str, tuple[str, str, str]] = {
    **{
        name: (PAIR, f"a {symbol} b", "E0331")
        for name, symbol in {
            "add": "+",
            "sub": "-",
            "mul": "*",
            "div": "/",
            "pow": "**",
            "lt": "<",
            "le": "<=",
            "gt": ">",
            "ge": ">=",
            "eq": "==",
            "ne": "!=",
        }.items()
    },
    "logical_and": (PAIR, "(a > 0) and (b > 0)", "E0331"),
    "logical_or": (PAIR, "(a > 0) or (b > 0)", "E0331"),
    "matmul": (PAIR, "a @ b", "E0345"),
    "einsum": (PAIR, 'einsum(a, b, "n i d, n i d -> n")', "E0349"),
    "sdpa": ("q[2, 4, 8, 6], k[2, 4, 8, 5]", "sdpa(q, k, k)", "E0331"),
    "rotary": ("x[2, 4, 8, 5]", "rotary", "E0351"),
    "pad": ("x[N, 6, 4, 4]", 'pad(4, mode="reflect")', "E0343"),
    "crop": ("x[N, 6, 4, 4]", "crop(2)", "E0343"),
    "roll": (MAP, "roll(1, axis=4)", "E0333"),
    "conv": (MAP, "conv(8, 3, g=4)", "E0304"),
    "deconv": (MAP, "deconv(8, 3, g=4)", "E0304"),
    "where": (PAIR, "where(a > 0, a, b)", "E0331"),
    "gather": ("x[2, 3, 4], i: int64[2, 3]", "gather(x, i, axis=1)", "E0332"),
    "topk": (MAP, "topk(9, axis=3)", "E0350"),
    "rearrange": (MAP, 'rearrange("n (a b) h w -> n a b h w", a=4)', "E0338"),
    "reduce": (MAP, 'reduce("n c h -> n c", how="mean")', "E0356"),
    "repeat": (MAP, 'repeat("n c h w -> n c h", k=2)', "E0355"),
    "prelu": (TOKENS, "ln -> prelu(per_channel=true)", "E0309"),
    **{name: ("x[N, 7, 8, 8]", name, "E0338") for name in ("glu", "geglu", "swiglu", "reglu")},
    "maxout": (MAP, "maxout(4)", "E0338"),
    "softmax": (MAP, "softmax(4)", "E0333"),
    "logsoftmax": (MAP, "logsoftmax(4)", "E0333"),
    "index": (MAP, "x[:, 6]", "E0335"),
    "cat": (PAIR, "cat(a, b, axis=0)", "E0331"),
    "stack": (PAIR, "stack(a, b)", "E0331"),
    "linear": (MAP, "linear(8)", "E0309"),
    "bn": (TOKENS, "ln -> bn", "E0309"),
    "inorm": (TOKENS, "ln -> inorm", "E0309"),
    "ln": (MAP, "ln", "E0309"),
    "gn": (MAP, "gn(4)", "E0304"),
    "rmsnorm": (MAP, "rmsnorm", "E0309"),
    "lrn": (TOKENS, "ln -> lrn(5)", "E0309"),
    "l2norm": (MAP, "l2norm(-5)", "E0333"),
    "maxpool": (MAP, "maxpool(9)", "E0307"),
    "avgpool": (MAP, "avgpool(9)", "E0307"),
    "lppool": (MAP, "lppool(2.0, 9)", "E0307"),
    "adaptive_avgpool": (MAP, "adaptive_avgpool((2, 2, 2))", "E0305"),
    "adaptive_maxpool": (MAP, "adaptive_maxpool((2, 2, 2))", "E0305"),
    "gap": (TOKENS, "ln -> gap", "E0309"),
    "gmp": (TOKENS, "ln -> gmp", "E0309"),
    "lstm": ("x[2, 5, 6], h[1, 2, 4], c[1, 2, 4]", "lstm(x, h, c, 8)", "E0353"),
    "gru": ("x[2, 5, 6], h[1, 2, 4]", "gru(x, h, 8)", "E0353"),
    "rnn": ("x[2, 5, 6], h[1, 2, 4]", "rnn(x, h, 8)", "E0353"),
    **{name: (MAP, f"{name}(it, 4)", "E0333") for name in ("mean", "sum", "amax", "amin")},
    "dropout2d": (TOKENS, "ln -> dropout2d", "E0309"),
    "wn": (MAP, "wn(conv(8, 3, g=4))", "E0304"),
    "sn": (MAP, "sn(linear(8))", "E0309"),
    "upsample": (MAP, 'upsample(2, mode="trilinear")', "E0316"),
    "pixel_shuffle": (MAP, "pixel_shuffle(2)", "E0338"),
    "shuffle": (MAP, "shuffle(4)", "E0304"),
    "normalize": (MAP, "normalize((0.5,), (0.5,))", "E0314"),
    "flatten": (MAP, "flatten(3, 2)", "E0359"),
    "reshape": (MAP, "reshape(N, 7, -1)", "E0340"),
    "unbind": (MAP, "unbind(4)", "E0333"),
    "split": (MAP, "split((2, 3), axis=1)", "E0339"),
    "chunk": (MAP, "chunk(4, axis=1)", "E0338"),
    "transpose": (MAP, "transpose(1, 4)", "E0333"),
    "channel_axis": (MAP, "channel_axis(4)", "E0333"),
    "expand": (MAP, "expand(-1, 12, 8, 8)", "E0341"),
    "arange": ("x[4]", "x + arange(5, dtype=float)", "E0331"),
    "eye": ("x[4, 4]", "x + eye(5)", "E0331"),
    "zeros": ("x[4]", "x + zeros(5)", "E0331"),
    "ones": ("x[4]", "x + ones(5)", "E0331"),
    "hardtanh": (MAP, "hardtanh(1, -1)", "E0352"),
    "rrelu": (MAP, "rrelu(0.5, 0.25)", "E0352"),
    "clamp": (MAP, "clamp(1, -1)", "E0352"),
}
"""Of each op that relates shapes, or numbers, to each other: ports, a use of it, and the code of the mistake."""

ANY_SHAPE = {
    *("relu relu6 leaky_relu elu selu celu gelu silu swish mish hswish hsigmoid sigmoid tanh softplus".split()),
    *("softsign threshold neg logical_not one_hot cast exp log sqrt sin cos abs id embedding".split()),
    *("dropout alpha_dropout droppath".split()),
}
"""Ops that take a tensor of any shape, and need nothing of it but its elements' type."""


def test_every_op_is_in_one_of_the_tables() -> None:
    assert UNFIT.keys() | ANY_SHAPE == REGISTRY.keys()
    assert not UNFIT.keys() & ANY_SHAPE


@pytest.mark.parametrize("name", UNFIT)
def test_shapes_that_do_not_meet(name: str) -> None:
    ports, use, code = UNFIT[name]
    mistake = refused(f"net f on {ports}:\n    {use}\n", code)
    assert mistake.message
    assert mistake.span.line == 2
