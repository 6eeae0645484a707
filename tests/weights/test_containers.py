"""Which tensors of a file are a network's: dictionaries around them, prefixes of their names, and choices."""

from __future__ import annotations

from collections.abc import Mapping
from time import process_time

import numpy as np
import pytest

from dslc.weights.containers import WRAPPERS, common, pick, unwrapped
from dslc.weights.errors import WeightsError
from dslc.weights.tensors import Arrays, Tensors

SHAPES = {"conv.weight": (4, 3, 3, 3), "bn.weight": (4,), "fc.weight": (2, 4)}


def state(prefix: str = "", value: float = 0, **more: tuple[int, ...]) -> Tensors:
    """A state dict with those shapes, every number the same, and other tensors."""
    arrays = {prefix + name: np.full(shape, value, np.float32) for name, shape in SHAPES.items()}
    return Arrays(arrays | {name.replace("__", "."): np.zeros(shape) for name, shape in more.items()})


def together(*of: Tensors) -> Tensors:
    return Arrays({name: tensors.read(name) for tensors in of for name in tensors.specs})


def value(tensors: Tensors) -> float:
    """The number that fills the tensors of a network, which are just its own."""
    assert {name: spec.shape for name, spec in tensors.specs.items()} == SHAPES
    (found,) = {float(number) for name in SHAPES for number in tensors.read(name).flat}
    return found


def test_a_plain_state_dict_stays_as_it_is() -> None:
    plain = state()
    assert pick({"": plain}, SHAPES) is plain
    assert pick({"": plain}, None) is plain


PREFIXES = [
    "module.",
    "model.",
    "net.",
    "backbone.",
    "encoder.",
    "_orig_mod.",
    "module._orig_mod.",
    "_orig_mod.module.",
    "model.net.module.",
    "a.b.c.d.",
]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("key", ["", "model", "state_dict", "net", "ema", "outer.inner"])
def test_a_prefix_and_a_dictionary_are_taken_off_and_said(prefix: str, key: str) -> None:
    found = pick({key: state(prefix, 7)}, SHAPES)
    assert value(found) == 7
    said = ", ".join(found.notes)
    words = [word for word in prefix.split(".")[:-1] if word not in WRAPPERS]
    assert not words or f"took off the prefix `{'.'.join(words)}.`" in said
    assert ("without `_orig_mod.` in the names" in said) == ("_orig_mod" in prefix)
    assert (f"took `{key}`" in said) == bool(key)
    assert found.origin("fc.weight").startswith(f"`{prefix}fc.weight` of")


def test_names_of_wrappers_are_taken_off_wherever_they_stand() -> None:
    inner = Arrays({"conv._orig_mod.weight": np.zeros(1), "fc._fsdp_wrapped_module.a.weight": np.zeros(1)})
    found = unwrapped(inner)
    assert [*found.specs] == ["conv.weight", "fc.a.weight"]
    assert found.notes == ("without `_fsdp_wrapped_module.`, `_orig_mod.` in the names",)
    twice = Arrays({"a._orig_mod.w": np.zeros(1), "a.w": np.zeros(1)})
    assert unwrapped(twice) is twice, "two tensors would have one name"


def test_a_prefix_that_the_network_alone_has() -> None:
    wanted = {f"backbone.{name}": shape for name, shape in SHAPES.items()}
    found = pick({"": state()}, wanted)
    assert found.specs.keys() == wanted.keys()
    assert found.notes == ("put `backbone.` before the names",)


def test_what_stands_outside_the_prefix_is_left_out_and_named() -> None:
    found = pick({"": state("model.", 3, loss__weight=(2,), n_averaged=())}, SHAPES)
    assert value(found) == 3
    assert found.notes == ("took off the prefix `model.`, left out those without it: `loss.weight`, `n_averaged`",)


def test_surplus_under_the_prefix_stays_surplus() -> None:
    found = pick({"": state("module.", module__extra=(2,))}, SHAPES)
    assert [*found.specs] == [*SHAPES, "extra"]


AVERAGES: list[Mapping[str, Tensors]] = [
    {"model": state(value=1), "model_ema": state("module.", 2, n_averaged=())},
    {"state_dict_ema": state(value=2), "state_dict": state("module.", 1)},
    {"": together(state(value=1), state("ema.", 2))},
    {"": together(state("ema_model.", 2), state("model.", 1))},
    {"params": state(value=1), "params_ema": state(value=2)},
    {"net": state(value=1), "ema.shadow": state(value=2)},
]


@pytest.mark.parametrize("parts", AVERAGES)
def test_averages_stand_behind_the_weights_and_are_named(parts: Mapping[str, Tensors]) -> None:
    found = pick(parts, SHAPES)
    assert value(found) == 1
    assert "ema" in ", ".join(found.notes)
    assert "--part" in ", ".join(found.notes)
    assert value(pick(parts, SHAPES, "ema")) == 2, "a word of the name is enough"


def test_an_average_alone_is_taken() -> None:
    assert value(pick({"ema": state(value=2), "other": Arrays({"x": np.zeros(3)})}, SHAPES)) == 2


CHOICES: list[tuple[Mapping[str, Tensors], str]] = [
    ({"a": state(value=1), "b": state(value=2)}, "`a`, `b`"),
    ({"student": state(value=1), "teacher": state(value=2)}, "`student`, `teacher`"),
    ({"": together(state("module.a.", 1), state("module.b.", 2))}, "`module.a`, `module.b`"),
    ({"top": together(state("a.", 1), state("b.", 2), Arrays({"queue": np.zeros(2)}))}, "`top.a`, `top.b`"),
]


@pytest.mark.parametrize(("parts", "names"), CHOICES)
def test_two_that_fit_are_the_users_choice(parts: Mapping[str, Tensors], names: str) -> None:
    with pytest.raises(WeightsError, match=f"E0641.*2 sets of weights that would do: {names}"):
        pick(parts, SHAPES)
    first, second = (name.strip("` ") for name in names.split(","))
    for wish in (second, second.rpartition(".")[2], f"{second}."):
        assert value(pick(parts, SHAPES, wish)) == 2
    assert value(pick(parts, SHAPES, first)) == 1


def test_a_part_that_is_not_there() -> None:
    with pytest.raises(WeightsError, match=r"E0642.*no part `ema`; it has `model`, `extra`"):
        pick({"model": state(), "extra": state()}, SHAPES, "ema")
    with pytest.raises(WeightsError, match=r"E0642.*no part `ema`; it has `conv`, `bn`, `fc`"):
        pick({"": state()}, SHAPES, "ema")


def test_without_a_network_the_file_stands_for_itself() -> None:
    assert pick({"": Arrays({"step": np.zeros(())}), "model": state(value=1)}, None).notes == ("took `model`",)
    assert [*pick({"": state("module._orig_mod.")}, None).specs] == [*SHAPES]
    assert [*pick({"": state("model.")}, None).specs] == [f"model.{name}" for name in SHAPES]
    assert [*pick({"": state("model.")}, None, "model").specs] == [*SHAPES]
    with pytest.raises(WeightsError, match="E0641"):
        pick({"a": state(), "b": state()}, None)


def test_what_fits_none_comes_as_near_as_it_can() -> None:
    wanted = {**SHAPES, "head.weight": (2,)}
    found = pick({"": state("module.", module__more=(1,), other=(2,))}, wanted)
    assert [*found.specs] == [*SHAPES, "more", "other"], "it has the shape of the head"
    assert found.notes == ("took off the prefix `module.`",)
    found = pick({"": state("module.", module__more=(1,), other=(1,))}, wanted)
    assert [*found.specs] == [*SHAPES, "more"]
    assert found.notes == ("took off the prefix `module.`, left out those without it: `other`",)


def test_a_few_names_that_happen_to_stand_under_a_number_are_no_prefix() -> None:
    layers = {f"{i}.{name}": shape for i in range(9) for name, shape in SHAPES.items()}
    found = pick({"": Arrays({name: np.zeros(shape) for name, shape in layers.items()})}, {**SHAPES, **more(12)})
    assert found.specs.keys() == layers.keys() and not found.notes


def test_a_word_that_most_names_of_the_network_bear() -> None:
    wanted = {f"model.{name}": shape for name, shape in SHAPES.items()} | {"head.weight": (3,)}
    found = pick({"": state()}, wanted)
    assert found.specs.keys() == {f"model.{name}" for name in SHAPES}
    assert found.notes == ("put `model.` before the names",)


def more(count: int) -> dict[str, tuple[int, ...]]:
    """Names that no file has."""
    return {f"layers.{i}.weight": (4, 4) for i in range(count)}


def test_a_network_of_one_layer_and_a_file_of_thousands() -> None:
    """Every layer's name is a prefix that fits: which is meant is the user's to say, and it takes no time to see."""
    names = [f"layers.{i}.{kind}" for i in range(20_000) for kind in ("weight", "bias")]
    many = Arrays({name: np.zeros(2) for name in names})
    start = process_time()
    with pytest.raises(WeightsError, match=r"E0641.*many sets of weights that would do: `layers\.0`"):
        pick({"": many}, {"weight": (2,), "bias": (2,)})
    assert process_time() - start < 10
    assert pick({"": many}, {"weight": (2,), "bias": (2,)}, "layers.7").specs.keys() == {"weight", "bias"}


def test_a_network_without_weights_takes_nothing() -> None:
    assert [*pick({"": state()}, {}).specs] == [*SHAPES]


@pytest.mark.parametrize(
    ("names", "start"),
    [
        (["a.b.c", "a.b.d"], "a.b."),
        (["a.b", "a.c.d"], "a."),
        (["ab.c", "ac.c"], ""),
        (["a"], ""),
        (["a.b"], "a."),
        ([], ""),
    ],
)
def test_what_names_have_in_common(names: list[str], start: str) -> None:
    assert common(names) == start
