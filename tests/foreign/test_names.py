"""All public names of torch.nn, torch.nn.functional and keras.layers and their keywords: a right suggestion or none.

What is right stands in data/*.txt, written by the meaning of each name, not from the compiler's own table.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch.nn.functional
from torch import nn

from dslc.diagnostics.model import Sink
from dslc.foreign.mistakes import ForeignWords
from dslc.foreign.tell import argument_help, foreign, near_name
from dslc.ops.base import REGISTRY
from dslc.source import Source
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.vocabulary import table
from tests.foreign.cases import CORE, kind_of

DATA = Path(__file__).resolve().parent / "data"
KNOWN = [*REGISTRY, *CORE, "half", "valid", "auto", "xavier_normal", "kaiming_normal", "ones", "zeros", "range", "max"]
SIGNS = re.compile(r"[A-Za-z_]\w*|[-+*/@]")
FILES = {"torch_nn.txt": "nn.", "torch_functional.txt": "F.", "keras_layers.txt": "layers."}
STD = {
    "attention": ("heads", "causal", "bias", "drop", "last", "x", "mask"),
    "encoder_postnorm": ("heads", "ratio", "act", "norm", "causal", "drop", "x", "mask"),
    "grouped_query": ("heads", "groups", "bias", "drop", "x"),
    "dw": ("k", "s", "p", "d", "m", "bias", "x"),
}


@cache
def answers(name: str) -> dict[str, tuple[str, ...]]:
    """What each name is here: words of which any is right, or `words`, or `none`."""
    found = {}
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            right, _, names = line.partition(": ")
            found.update(dict.fromkeys(names.split(), tuple(right.split())))
    return found


def program(line: str) -> tuple[tree.File, tree.Expr]:
    sink = Sink()
    file = parse(Source("test", f"net f on x[N, 3, 32, 32]:\n    {line}\n"), sink)
    assert not sink.diagnostics
    block = file.items[0]
    assert isinstance(block, tree.Block)
    step = block.suite.body[0]
    assert isinstance(step, tree.Step)
    return file, step.value


def suggested(name: str) -> tuple[tuple[str, ...], bool]:
    """The words and signs of what a name is said to be here, and whether anything is said at all."""
    file, expr = program(name)
    found = foreign(expr, kind_of, file, whole=True)
    if found:
        mistake = found[0].mistake
        assert isinstance(mistake, ForeignWords)
        code = [mistake.here] if mistake.here else re.findall(r"`([^`]+)`", mistake.why)
        return tuple(SIGNS.findall(" ".join(code))), True
    if isinstance(expr, tree.Name):
        helps = near_name(expr, expr, kind_of, KNOWN, file)
        texts = [edit.text for help in helps for edit in help.edits] or [help.text for help in helps]
        return tuple(SIGNS.findall(" ".join(texts))), bool(helps)
    return (), False


def wrong(file: str, bare: bool) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The names of a file of which something else is said than is right."""
    prefix = "" if bare else FILES[file]
    for name, right in answers(file).items():
        if bare and kind_of(name) is not None:
            continue
        here, said = suggested(prefix + name)
        if right in (("none",), ("words",)):
            good = not here or (said and right == ("words",))
        else:
            good = not here or bool(set(here) & set(right))
        if not good:
            yield name, here, right


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "prefixed"])
@pytest.mark.parametrize("file", FILES)
def test_no_name_is_taken_for_a_wrong_one(file: str, bare: bool) -> None:
    assert list(wrong(file, bare)) == []


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "prefixed"])
@pytest.mark.parametrize("file", FILES)
def test_nine_of_ten_names_with_a_counterpart_get_the_right_one(file: str, bare: bool) -> None:
    prefix = "" if bare else FILES[file]
    asked = [
        name
        for name, right in answers(file).items()
        if right not in (("none",), ("words",)) and (not bare or kind_of(name) is None)
    ]
    got = [name for name in asked if suggested(prefix + name)[0]]
    assert len(got) >= 0.9 * len(asked), sorted(set(asked) - set(got))


def test_every_public_name_has_an_answer() -> None:
    classes = {n for n in dir(nn) if not n.startswith("_") and inspect.isclass(getattr(nn, n))}
    assert not classes - set(answers("torch_nn.txt"))
    module = torch.nn.functional
    functions = {n for n in dir(module) if not n.startswith("_") and inspect.isroutine(getattr(module, n))}
    assert not functions - set(answers("torch_functional.txt"))
    assert set(keras_keywords()) == set(answers("keras_layers.txt"))


# ---- keywords


@cache
def keras_keywords() -> dict[str, tuple[str, ...]]:
    lines = (DATA / "keras_keywords.txt").read_text(encoding="utf-8").splitlines()
    parts = (line.partition(":") for line in lines if not line.startswith("#"))
    return {name: tuple(words.split()) for name, _, words in parts}


def keywords_of(function: object) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)  # type: ignore[arg-type]
    except ValueError:
        return ()


@cache
def asked() -> frozenset[tuple[str, str]]:
    """Layers of the language, each with a keyword that one of its counterparts has and it has not."""
    found = set()
    recurrent = keywords_of(nn.RNNBase)
    for name, (owner, *_) in answers("torch_nn.txt").items():
        words = recurrent if name in ("LSTM", "GRU", "RNN") else keywords_of(getattr(nn, name))
        found |= {(owner, word) for word in words}
    for name, (owner, *_) in answers("torch_functional.txt").items():
        found |= {(owner, word) for word in keywords_of(getattr(torch.nn.functional, name))}
    for name, (owner, *_) in answers("keras_layers.txt").items():
        found |= {(owner, word) for word in keras_keywords()[name]}
    found -= {pair for pair in found if pair[1] == "training"}  # a keyword: no name of an argument
    return frozenset(pair for pair in found if pair[1] not in known_of(pair[0]) and known_of(pair[0]))


def known_of(owner: str) -> tuple[str, ...]:
    if owner in STD:
        return STD[owner]
    op = REGISTRY.get(owner)
    return () if op is None else (*op.attributes, *(port.name for port in op.inputs))


@cache
def keyword_answers() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for line in (DATA / "keywords.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            owner, _, pairs = line.partition(": ")
            found |= {(owner, key): ours for key, _, ours in (pair.partition("=") for pair in pairs.split())}
    return found


def said_of(owner: str, name: str) -> str | None:
    """What is said of a keyword: the argument that it is, `leave`, `say`, or nothing."""
    _, expr = program(f"{owner}({name}=1)")
    assert isinstance(expr, tree.Call)
    helps = argument_help(owner, expr.arguments[0], expr, known_of(owner))
    if not helps:
        return None
    texts = [edit.text for edit in helps[0].edits]
    if not texts:
        return "say"
    return (
        "leave"
        if texts == [""] and "leave it out" in helps[0].text and " is `" not in helps[0].text
        else (texts[0].partition("=")[0] or helps[0].text.split("`")[3])
    )


def test_no_keyword_is_taken_for_a_wrong_one() -> None:
    right = keyword_answers()
    bad = {}
    for owner, name in sorted(asked()):
        said = said_of(owner, name)
        if said is not None and said != right.get((owner, name), right.get(("*", name))):
            bad[owner, name] = said
    assert not bad


def test_nine_of_ten_keywords_with_a_counterpart_get_the_right_one() -> None:
    right = keyword_answers()
    wanted = [pair for pair in asked() if right.get(pair, "say") not in ("say", "leave")]
    got = [pair for pair in wanted if said_of(*pair) == right[pair]]
    assert len(wanted) > 60
    assert len(got) >= 0.9 * len(wanted), sorted(set(wanted) - set(got))


def test_the_table_s_layers_have_the_arguments_that_the_language_gives_them() -> None:
    for name in table.layers():
        layer = table.layer(name)
        assert layer is not None
        if name in REGISTRY:
            own = REGISTRY[name].attributes
            ports = {port.name for port in REGISTRY[name].inputs}
            assert {a.name for a in layer.arguments} <= {*own, *ports}, name
            for argument in layer.arguments:
                rules = own.get(argument.name)
                if argument.default is not None and rules is not None:
                    assert spelled(rules.default) == argument.default.strip('"'), (name, argument.name)


def spelled(default: object) -> str:
    """A default as the language writes it."""
    if default is None or isinstance(default, bool):
        return str(default).lower()
    return str(default)
