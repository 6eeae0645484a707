"""Rules of the language, and how a right program is made to break exactly one: a list of candidates a rule.

Each keeps the shape of what flows on, so that nothing else is wrong; `codes` are the mistakes that name the cause.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice

from dslc.ops.base import REGISTRY
from dslc.syntax import tree
from tests.mistakes.ground import Broken, Ground, Line

Rule = Callable[[Ground, random.Random], Iterator[Broken]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def misspelt(name: str, rng: random.Random) -> str:
    """A name with two letters exchanged, one left out or one doubled: none that is known."""
    at = rng.randrange(max(len(name) - 1, 1))
    forms = [
        name[:at] + name[at + 1 :],
        name[: at + 1] + name[at:],
        name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
    ]
    return next((f for f in rng.sample(forms, 3) if f != name and len(f) > 2 and f not in REGISTRY), name + "q")


def shuffled(found: list[object], rng: random.Random) -> list[object]:
    return rng.sample(found, len(found))


def calls(g: Ground, rng: random.Random) -> Iterator[tuple[tree.Call, str]]:
    """Calls of ops by their names, in any order; blocks of the file that hide none."""
    for node in shuffled(list(g.nodes), rng):
        if isinstance(node, tree.Call) and isinstance(node.target, tree.Name) and node.target.name in REGISTRY:
            yield node, node.target.name


def expanded(g: Ground, rng: random.Random, top: bool = False) -> Iterator[Line]:
    for line in shuffled(list(g.lines), rng):
        assert isinstance(line, Line)
        if line.top or not top:
            yield line


# ---- names


@rule
def layer_misspelt(g: Ground, rng: random.Random) -> Iterator[Broken]:
    settings = [n.target for n in g.nodes if isinstance(n, tree.Setting)]
    for node in shuffled(list(g.nodes), rng):
        if isinstance(node, tree.Name) and node.name in REGISTRY and len(node.name) > 3 and node not in settings:
            yield g.changed("layer_misspelt", node.span, misspelt(node.name, rng), "E0201")


@rule
def value_misspelt(g: Ground, rng: random.Random) -> Iterator[Broken]:
    bound = {t for n in g.nodes if isinstance(n, tree.Assign | tree.Let) for t in targets(n)}
    names = {t.name for t in bound if isinstance(t, tree.Name)}
    for node in shuffled(list(g.nodes), rng):
        if isinstance(node, tree.Name) and node.name in names and node not in bound:
            yield g.changed("value_misspelt", node.span, node.name + "q", "E0201")


def targets(stmt: object) -> tuple[object, ...]:
    return stmt.targets if isinstance(stmt, tree.Assign) else (stmt.target,) if isinstance(stmt, tree.Let) else ()


@rule
def argument_misspelt(g: Ground, rng: random.Random) -> Iterator[Broken]:
    for call, name in calls(g, rng):
        for argument in call.arguments:
            if argument.name_span is not None and REGISTRY[name].extra is None:
                yield g.changed("argument_misspelt", argument.name_span, argument.name_span.text + "q", "E0301")


@rule
def argument_twice(g: Ground, rng: random.Random) -> Iterator[Broken]:
    for call, name in calls(g, rng):
        named = [a for a in call.arguments if a.name_span is not None]
        if named and REGISTRY[name].extra is None:
            end = call.span.end - 1
            if g.text[end] == ")" and call.suite is None:
                line = (g.at(end),)
                text = f"{g.text[:end]}, {named[0].span.text}{g.text[end:]}"
                yield Broken("argument_twice", text, ("E0146",), (g.at(named[0].span.start), *line))


@rule
def argument_missing(g: Ground, rng: random.Random) -> Iterator[Broken]:
    """All that a layer is given left out, where it needs some."""
    lets = [n.value for n in g.nodes if isinstance(n, tree.Let | tree.LetItem)]
    for call, name in calls(g, rng):
        needs = [a for a in REGISTRY[name].attributes.values() if a.required]
        tensors = any(isinstance(a.value, tree.It | tree.Chain) or a.star for a in call.arguments)
        applied = (call.span.start, call.span.end) in g.made and call not in lets
        if needs and call.arguments and not tensors and applied:
            yield g.changed("argument_missing", call.span, name, "E0302", "E0369")


@rule
def parameter_of_no_type(g: Ground, rng: random.Random) -> Iterator[Broken]:
    for node in shuffled(list(g.nodes), rng):
        if isinstance(node, tree.TypeExpr) and node.kind in ("int", "float", "bool") and node.span.text == node.kind:
            word = {"int": "integer", "float": "double", "bool": "boolean"}[node.kind]
            yield g.changed("parameter_of_no_type", node.span, word, "E0220")


@rule
def module_named_twice(g: Ground, rng: random.Random) -> Iterator[Broken]:
    for line in expanded(g, rng, top=True):
        for other in g.lines:
            if other.owner is line.owner and other.top and other is not line:
                named = [n for n in steps(other) if isinstance(n, tree.As) and isinstance(n.name, tree.Name)]
                if named and not isinstance(line.stmt.value, tree.As):
                    taken = named[0].name.span
                    broken = g.appended("module_named_twice", line, f"relu as {taken.text}", "E0203")
                    yield Broken(broken.rule, broken.text, broken.codes, (*broken.lines, g.at(taken.start)))


def steps(line: Line) -> tuple[tree.Expr, ...]:
    value = line.stmt.value
    return value.steps if isinstance(value, tree.Chain) else (value,)


# ---- one more step, which breaks a rule of its own

Step = tuple[str, tuple[str, ...]]


def of_map(c: int, rank: int) -> dict[str, Step]:
    """Steps after a map of `c` channels that keep its shape, but for the rule they break."""
    odd = next(n for n in range(2, c + 3) if c % n)
    letters = "c h w d"[: 2 * (rank - 1) - 1]
    return {
        "groups": (f"conv({c}, 1, g={odd})", ("E0304",)),
        "norm_groups": (f"gn({odd})", ("E0304",)),
        "even_kernel": (f"conv({c}, 2)", ("E0306",)),
        "window": ("maxpool(999, s=1)", ("E0307", "E0411")),
        "linear_on_a_map": ("linear(8)", ("E0309",)),
        "sides": (f"conv({c}, {'x'.join(['3'] * (rank - 1))})", ("E0305",)),
        "pool_padding": ("maxpool(3, s=1, p=2)", ("E0311",)),
        "width_of_a_sum": (f"(it + (it -> conv({c + 1}, 1)))", ("E0331",)),
        "missing_kernel": (f"conv({c})", ("E0302",)),
        "unknown_word": (f'conv({c}, 3, padding_mode="mirrored")', ("E0362",)),
        "text_for_a_number": (f'conv({c}, "3")', ("E0360",)),
        "fraction_for_a_number": (f"conv({c}, 2.5)", ("E0360",)),
        "kernel_of_nothing": (f"conv({c}, 0)", ("E0361",)),
        "stride_below_one": (f"conv({c}, 3, s=-1)", ("E0361",)),
        "given_twice": (f"conv({c}, 3, out={c})", ("E0386",)),
        "positional_after_named": (f"conv({c}, k=3, 1)", ("E0145",)),
        "pattern_axes": (f'rearrange("n {letters} z -> n {letters} z")', ("E0356",)),
        "pattern_letter": (f'rearrange("n {letters} -> n {letters} z")', ("E0355",)),
        "slice_beyond": (f"it[:, :{c + 3}]", ("E0335",)),
    }


def of_any(rank: int) -> dict[str, Step]:
    """Steps after any floats."""
    return {
        "axis": (f"softmax(axis={rank + 2})", ("E0333",)),
        "axes_twice": ("mean((1, 1), keep=true)", ("E0334",)),
        "rate": ("dropout(1.5)", ("E0361",)),
        "surplus": ("relu(1)", ("E0303",)),
        "unknown_layer": ("normalise", ("E0201",)),
        "unknown_argument": ("dropout(rate=0.5)", ("E0301",)),
        "keyword_of_torch": ("softmax(dim=-1)", ("E0301",)),
        "attribute_of_torch": ("softmax(axis=None)", ("E0205",)),
        "reserved_module": ("relu as forward", ("E0204",)),
        "unclosed": ("softmax(axis=1", ("E0127",)),
        "quotes": ("pad(1, mode='reflect')", ("E0106",)),
        "no_layer": ("3", ("E0363",)),
        "semicolon": ("relu;", ("E0104",)),
    }


def of_features(d: int) -> dict[str, Step]:
    """Steps after floats of rank 2."""
    return {
        "rank": ("conv(8, 3)", ("E0308",)),
        "rank_of_a_pool": ("maxpool(2)", ("E0308",)),
        "expand": (f"expand(-1, {d + 1})", ("E0341", "E0412")),
    }


def of_tokens(d: int) -> dict[str, Step]:
    odd = next(n for n in range(2, d + 3) if d % n)
    return {"heads": (f'rearrange("n t (h d) -> n t (h d)", h={odd})', ("E0358", "E0338"))}


def step_of(name: str) -> Rule:
    def broken(g: Ground, rng: random.Random) -> Iterator[Broken]:
        for line in expanded(g, rng):
            t = line.type
            if t is None or not t.dtype.is_float:
                continue
            found = of_any(t.rank)
            size = t.dims[1] if t.rank > 1 and t.channel == 1 and t.rank > 2 else t.dims[-1]
            if isinstance(size, int) and size > 1:
                if t.rank >= 4 and t.channel == 1:
                    found |= of_map(size, t.rank)
                elif t.rank == 3 and t.channel == 2:
                    found |= of_tokens(size)
                elif t.rank == 2:
                    found |= of_features(size)
            if name in found:
                step, codes = found[name]
                yield g.appended(name, line, step, *codes)

    return broken


for each in (*of_map(4, 4), *of_any(4), *of_features(4), *of_tokens(4)):
    RULES[each] = step_of(each)


# ---- one more line, which breaks a rule of its own

LINES: dict[str, tuple[str, tuple[str, ...], int]] = {
    "unread": ("spare = it * 2", ("E0365",), 0),
    "number_alone": ("3", ("E0366",), 0),
    "condition": ("if 1: relu", ("E0370",), 0),
    "comparison": ("if 1 = 1: relu", ("E0147",), 0),
    "source_of_a_loop": ("for turn in 3: relu", ("E0372",), 0),
    "colon_of_a_loop": ("for turn in range(2)\n    relu", ("E0123",), 0),
    "nothing_indented": ("for turn in range(2):\nrelu", ("E0124",), 0),
    "word_of_python": ("return it", ("E0164",), 0),
    "keyword": ("net = it", ("E0163",), 0),
    "param_of_no_value": ("param gain: [1]\nit * gain", ("E0380",), 0),
    "unknown_initialiser": ("param gain: [1] = zeroes\nit * gain", ("E0201",), 0),
    "require": ('require 1 == 2, "never"', ("E0501", "E0415"), 0),
    "branch_alone": ("| relu", ("E0133",), 0),
    "tab": ("\trelu", ("E0120",), 0),
    "second_meaning": ("let relu = 3\nlet other = relu", ("E0202", "E0211"), 0),
    "names_and_values": ("one, two = it", ("E0371", "E0367"), 0),
    "string": ('let word = "open\nrelu', ("E0105",), 0),
}


def line_of(name: str) -> Rule:
    text, codes, at = LINES[name]

    def broken(g: Ground, rng: random.Random) -> Iterator[Broken]:
        for line in expanded(g, rng, top=True):
            if "it *" in text and not (line.type and line.type.dtype.is_float):
                continue  # whole numbers and truth values do not multiply with floats
            yield g.inserted(name, line, text, *codes, at=at)

    return broken


for each in LINES:
    RULES[each] = line_of(each)


@rule
def input_named_again(g: Ground, rng: random.Random) -> Iterator[Broken]:
    for line in expanded(g, rng, top=True):
        for port in line.owner.ports or ():
            yield g.inserted("input_named_again", line, f"{port.name} = it", "E0202")


@rule
def deeper(g: Ground, rng: random.Random) -> Iterator[Broken]:
    """A line indented further than the one before it: either may be told of."""
    for line in expanded(g, rng, top=True):
        broken = g.inserted("deeper", line, "    relu", "E0122", "E0121", "E0123")
        yield Broken(broken.rule, broken.text, broken.codes, (*broken.lines, broken.lines[0] - 1))


@rule
def table_length(g: Ground, rng: random.Random) -> Iterator[Broken]:
    for line in expanded(g, rng, top=True):
        t = line.type
        if t is not None and t.rank == 3 and t.dtype.is_float and all(isinstance(d, int) and d > 1 for d in t.dims[1:]):
            longer = f"param places: [1, {t.dims[1]} + 1, {t.dims[2]}] = zeros\nit + places"
            yield g.inserted("table_length", line, longer, "E0331", at=1)


# ---- headers, aliases, limits


@rule
def stated_result(g: Ground, rng: random.Random) -> Iterator[Broken]:
    """Another number in the shape that a net's header promises."""
    for item in g.file.items:
        if isinstance(item, tree.Block) and item.name == g.model.root.name and item.results and g.lines:
            last = item.suite.body[-1]
            for result in item.results:
                for dim in result.spec.dims or () if result.spec else ():
                    if isinstance(dim.value, tree.Number):
                        new = str(int(dim.value.value) + 1)
                        rows = range(g.at(last.span.start), g.at(last.span.end) + 1)
                        yield g.changed("stated_result", dim.span, new, "E0368", more=tuple(rows))


@rule
def alias_argument(g: Ground, rng: random.Random) -> Iterator[Broken]:
    for item in shuffled(list(g.file.items), rng):
        if isinstance(item, tree.NetAlias) and isinstance(item.value, tree.Call) and item.value.arguments:
            end = item.value.span.end - 1
            text = f"{g.text[:end]}, chanels=3{g.text[end:]}"
            yield Broken("alias_argument", text, ("E0301",), (g.at(end),))


@rule
def used_name(g: Ground, rng: random.Random) -> Iterator[Broken]:
    for item in shuffled(list(g.file.items), rng):
        if isinstance(item, tree.Use):
            there, here = item.names[0]
            new = f"{there.name}q as {here.name}" if there is here else there.name + "q"
            yield g.changed("used_name", there.span, new, "E0213")
            if not item.quoted:
                yield g.changed("used_file", item.path_span, item.path_span.text + "q", "E0212")


def limit(name: str, text: str, *codes: str) -> Rule:
    def broken(g: Ground, rng: random.Random) -> Iterator[Broken]:
        for item in g.file.items:
            if isinstance(item, tree.Block) and item.kind == "net" and item.name == g.net:
                last = item.suite.body[-1].span
                first = item.suite.body[0].span
                if g.at(first.start) > g.at(item.span.start) and g.text[last.end : last.end + 1] in ("\n", ""):
                    line = f"\n{g.indent(first)}{text}"
                    yield Broken(name, g.text[: last.end] + line + g.text[last.end :], codes, (g.at(last.end) + 1,))

    return broken


RULES["limit_not_kept"] = limit("limit_not_kept", "budget acts < 0", "E0701")
RULES["limit_of_nothing"] = limit("limit_of_nothing", "budget parms <= 1G", "E0702")
RULES["limit_given"] = limit("limit_given", "budget params = 1G", "E0147", "E0165")
RULES["limit_in_words"] = limit("limit_in_words", "budget params <= 1 million", "E0169")


def candidates(g: Ground, name: str, rng: random.Random) -> list[Broken]:
    """A few programs that break a rule."""
    return list(islice(RULES[name](g, rng), 3))
