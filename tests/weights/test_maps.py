"""Maps of names: their text, and what they make of tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from dslc import output
from dslc.diagnostics.model import CompileError
from dslc.source import Source
from dslc.weights import store
from dslc.weights.errors import WeightsError
from dslc.weights.file import opened
from dslc.weights.maps.errors import BadMap, LosingMap
from dslc.weights.maps.model import Fact
from dslc.weights.maps.parse import parse
from dslc.weights.maps.plan import plan
from dslc.weights.maps.shipped import mapped
from dslc.weights.maps.view import Mapped
from dslc.weights.memory import Array
from dslc.weights.tensors import Arrays


def numbers(*shape: int) -> Array:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def through(text: str, state: Mapping[str, Array], wanted: Mapping[str, tuple[int, ...]] | None = None) -> Mapped:
    """Tensors through a map that loses none."""
    tensors = Arrays(state)
    found = plan(parse(Source("x.map", text), "x.map"), tensors.specs, wanted or {})
    assert found.wrong is None, found.wrong.table
    return Mapped(tensors, found)


def names(text: str, *old: str) -> list[str]:
    return [*through(text, {name: numbers(2) for name in old}).specs]


def wrong(text: str, state: Mapping[str, Array], wanted: Mapping[str, tuple[int, ...]] | None = None) -> LosingMap:
    found = plan(parse(Source("x.map", text), "x.map"), Arrays(state).specs, wanted or {})
    assert found.wrong is not None
    return found.wrong


def test_parts_in_braces() -> None:
    assert names("a.{i}.{p} -> b_{i}.x.{p}", "a.0.weight", "a.11.bias") == ["b_0.x.weight", "b_11.x.bias"]
    assert names("a.{p:weight|bias} -> b.{p}\na.scale -> c", "a.weight", "a.scale") == ["b.weight", "c"]
    assert names("{a}.x -> {a}\n{a}.{b}.x -> {b}.{a}", "u.x", "v.w.x") == ["u", "w.v"]


def test_parts_are_reckoned_with() -> None:
    old = ("s.0.b.0", "s.0.b.1", "s.2.b.0", "s.10.b.0")
    assert names("s.{s}.b.{b} -> f.{2 * s + 1}.{b}", *old) == ["f.1.0", "f.1.1", "f.5.0", "f.21.0"]
    assert names("s.{s}.b.{b} -> f.{count(s, b) + 1}", *old) == ["f.1", "f.2", "f.3", "f.4"]
    assert names("s.{s}.b.{b} -> f.{count(s)}.{b}", *old) == ["f.0.0", "f.0.1", "f.1.0", "f.2.0"]
    assert names("s.{s}_b -> f.{count(s)}", "s.4_b", "s.11_b") == ["f.0", "f.1"]
    assert names("h -> f.{len(s) + 1}\ndrop s.*", "h", *old) == ["f.4"]


def test_sections_and_conditions() -> None:
    text = "[b.{i} -> f.{i} if se and not skip]\nse -> 1\nw -> 2\n[b.{i} -> f.{i} if not se]\nw -> 1\nskip ?-> 3"
    assert names(text, "b.0.se", "b.0.w", "b.1.w", "b.1.skip") == ["f.0.1", "f.0.2", "f.1.1", "f.1.3"]
    lost = wrong(text, {name: numbers(2) for name in ("b.0.se", "b.0.w", "b.0.skip")})
    assert lost.lost == ("b.0.se [2]", "b.0.w [2]", "b.0.skip [2]")
    assert names("[ -> g.{len(h)} if not tail]\nw -> x\n[h -> ]\n{i} -> {i}", "w", "h.0", "h.1") == ["g.2.x", "0", "1"]


def test_prefixes_and_drops() -> None:
    text = "prefix bert.\n# a comment\n\nw -> v # another\ndrop cls.*, ids"
    assert names(text, "bert.w", "cls.a.b", "ids") == ["v"]
    assert names(text, "w", "bert.cls.c") == ["v"]
    assert wrong(text, {"w": numbers(2), "bert.w": numbers(2)}).twice == ("w: w, bert.w",)
    assert wrong(text, {"w": numbers(2), "cls": numbers(2)}).lost == ("cls [2]",)


def test_tensors_are_joined_cut_turned_and_reshaped() -> None:
    q, k = numbers(2, 3), numbers(4, 3) + 10
    found = through("q, k -> qk\nq -> turned : transpose\nq -> flat : reshape", {"q": q, "k": k}, {"flat": (1, 6)})
    assert np.array_equal(found.read("qk"), np.concatenate([q, k]))
    assert np.array_equal(found.read("turned"), q.T)
    assert np.array_equal(found.read("flat"), q.reshape(1, 6))
    assert {name: spec.shape for name, spec in found.specs.items()} == {"qk": (6, 3), "turned": (3, 2), "flat": (1, 6)}
    wide = through("a, b -> c : axis 1", {"a": q, "b": q})
    assert np.array_equal(wide.read("c"), np.concatenate([q, q], 1))
    moved = through("a -> b : permute 2 0 1", {"a": numbers(2, 3, 4)})
    assert moved.specs["b"].shape == (4, 2, 3) == moved.read("b").shape
    assert np.array_equal(moved.read("b"), numbers(2, 3, 4).transpose(2, 0, 1))
    cut = through("x -> q, k, v", {"x": numbers(7, 3)}, {"q": (4, 3), "k": (2, 3), "v": (1, 3)})
    assert np.array_equal(np.concatenate([cut.read(name) for name in "qkv"]), numbers(7, 3))


def test_another_size_is_for_the_network_to_refuse() -> None:
    found = through("a -> b : reshape", {"a": numbers(5, 3)}, {"b": (1, 9, 3)})
    assert found.specs["b"].shape == (1, 5, 3) == found.read("b").shape
    assert through("a -> b : reshape", {"a": numbers(4, 3, 1, 1)}, {"b": (7, 3)}).specs["b"].shape == (4, 3)


def test_floats_of_16_bits_are_joined_from_a_file(tmp_path: Path) -> None:
    state = {"q": numbers(2, 3).astype(ml_dtypes.bfloat16), "k": numbers(4, 3).astype(ml_dtypes.bfloat16)}
    output.write_all([store.output(tmp_path / "x.safetensors", state)])
    with opened(tmp_path / "x.safetensors") as tensors:
        found = Mapped(tensors, plan(parse(Source("x", "q, k -> qk\nk, k -> w : axis 1"), "x"), tensors.specs, {}))
        assert found.read("qk").dtype == ml_dtypes.bfloat16 == found.specs["qk"].dtype
        assert np.array_equal(found.read("qk"), np.concatenate([state["q"], state["k"]]))
        assert np.array_equal(found.read("w"), np.concatenate([state["k"], state["k"]], 1))


def test_nothing_is_copied_but_what_is_joined() -> None:
    q = numbers(4, 4)
    found = through(
        "q -> a\nq -> b : transpose\nq -> c : reshape\nq -> d, e", {"q": q}, {"c": (16,), "d": (1, 4), "e": (3, 4)}
    )
    assert all(np.shares_memory(found.read(name), q) for name in "abcde")


def test_all_that_is_lost_is_in_one_table() -> None:
    state = {name: numbers(2, 3) for name in ("a", "b", "c", "d")} | {"e": numbers(3, 3), "f": numbers(2)}
    state["h"] = numbers(2, 3).astype(np.float16)
    text = "a -> x\nb -> x\ng -> y\nc, e -> z : axis 1\nf -> w : transpose\na, h -> v\na -> u : reshape\ne -> s, t"
    found = wrong(text, state, {"u": (7,), "s": (1, 3), "t": (1, 3)})
    assert found.lost == ("d [2, 3]",)
    assert found.twice == ("x: a, b",)
    assert found.idle == ("line 3: g -> y",)
    assert found.unfit == (
        "c [2, 3], e [3, 3]: shapes that do not join along axis 1",
        "f [2]: `transpose` is of a matrix",
        "a, h: tensors of float32 and float16 are not joined",
        "a [2, 3]: u [7] has another number of elements",
        "e [3, 3]: its parts have 1 + 1 = 2 on axis 0",
    )
    assert found.message == "the map `x.map` does not account for the weights"
    assert found.table[:2] == ("  neither mapped nor dropped, 1:", "    d [2, 3]")
    assert wrong("a.{i}, b.{i} -> c.{i}", {"a.0": numbers(2), "a.1": numbers(2), "b.0": numbers(2)}).unfit == (
        "line 1: a.{i}, b.{i} -> c.{i}: there is no b.1",
    )


def test_a_long_table_is_folded_and_shortened() -> None:
    found = wrong("a -> b", {"a": numbers(1)} | {f"w.{i}": numbers(1) for i in range(300)})
    assert found.table == ("  neither mapped nor dropped, 300:", "    w.{0..299} [1]  x300")
    found = wrong("a -> b", {"a": numbers(1)} | {f"w.{i}": numbers(i + 1) for i in range(300)})
    assert len(found.table) == 10 and found.table[-1] == "    ... and 292 more"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a = b", "1:1", "a line is `name in the file -> name in the network`"),
        ("a -> b c", "1:7", "` ` cannot stand in a name"),
        ("a.{i} -> b.{j}", "1:10", "`{j}` is not on the left of the arrow"),
        ("\n  a.{i+1} -> b", "2:5", "braces on the left of an arrow hold a name"),
        ("a.{i} -> b.{i // 2}", "1:12", "braces hold a name, or a sum of numbers and names such as `{2 * i + 1}`, not"),
        ("a.{i} -> b.{__import__('os')}", "1:12", "braces hold a name"),
        ("a -> b : twist", "1:9", "after the colon stands `transpose`"),
        ("a -> b : permute 0 2", "1:9", "`permute` names each of 2 axes once, from 0"),
        ("a -> b : axis 0 1", "1:9", "tensors are laid after one another along one axis"),
        ("a, -> b", "1:3", "a name is missing"),
        ("a, b -> c, d", "1:1", "several tensors go to one, or one to several"),
        ("a.{i}, b.{j} -> c.{i}", "1:1", "the first of the tensors that are joined has no `{j}`"),
        ("[a.{i}]", "1:1", "a section is `[blocks.{i} -> layers.{i}]`"),
        ("tied a b", "1:1", "`tied` names two tensors"),
        ("tied a.{i} = b", "1:1", "`tied` names two tensors, without braces"),
        ("{a}{b}.x -> {a}", "1:4", "two parts in braces have nothing between them"),
        ("a.{i.b -> b.{i}.b", "1:3", "a brace has no other"),
        ("a.i}.b -> b.i", "1:4", "a brace has no other"),
        ("a.{i}.b -> b.{i.b", "1:14", "a brace has no other"),
        ("drop a.{i, b", "1:8", "a brace has no other"),
        ("a.{i:x|2} -> b.{i + 1}", "1:1", "`{i}` is reckoned with, and stands for words"),
        ("a.{i:x|2} -> b.{count(i)}", "1:1", "`{i}` is reckoned with, and stands for words"),
        ("[a.{i} -> b.{i} if c.{j}]", "1:20", "`{j}` is not on the left of the arrow"),
        ("a -> b, c : reshape", "1:1", "what is cut is not reshaped"),
        ("config act", "1:8", "`config` is followed by a name and what stands there"),
        ("config act = a b", "1:8", "`config` is followed by a name and what stands there"),
        ("eps small", "1:5", "`eps` is a number such as `1e-5`"),
        ("drop", "1:5", "a name is missing"),
        ("a -> b\n? c -> d\n? e -> d", "2:1", "this map has 2 pairs that are not decided"),
    ],
)
def test_lines_that_cannot_be_read(text: str, place: str, message: str) -> None:
    with pytest.raises(CompileError) as error:
        parse(Source("x.map", text), "x.map")
    (found,) = error.value.diagnostics
    assert str(found.span) == f"x.map:{place}" and found.message.startswith(message)


def test_every_line_is_told_at_once() -> None:
    with pytest.raises(CompileError) as error:
        parse(Source("x.map", "a\nb -> \nc -> d\n[x]"), "x.map")
    assert [d.span.line for d in error.value.diagnostics] == [1, 2, 4]


def params(**shapes: tuple[int, ...]) -> dict[str, Any]:
    return {
        name: SimpleNamespace(spec=SimpleNamespace(shape=s, kind="param"), owner=None) for name, s in shapes.items()
    }


def test_a_map_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.map"
    path.write_bytes(b"a -> b\r\n")
    tensors = mapped(Arrays({"a": numbers(2)}), str(path), params(b=(2,)))
    assert [*tensors.specs] == ["b"] and tensors.notes == (f"the map `{path}` gives 1 tensors",)
    assert tensors.origin("b") == "`a` of the state dict"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("tim", "`tim` is no file, and no map that comes with dslc: these are hf, timm, torchvision, hf/bert,"),
        ("timm/vitt", "`timm/vitt` is no file, and no map"),
        (".", "cannot read the map `.`: is a directory"),
    ],
)
def test_maps_that_are_not_there(wish: str, message: str) -> None:
    with pytest.raises(WeightsError) as error:
        mapped(Arrays({}), wish, {})
    (mistake,) = error.value.mistakes
    assert mistake.message.startswith(message)
    assert [help.text for help in mistake.help] == {
        "tim": ["did you mean `timm`?"],
        "timm/vitt": ["did you mean `timm/vit`?"],
    }.get(wish, [])


def test_a_map_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "own.map"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(WeightsError, match="it is no text in UTF-8"):
        mapped(Arrays({}), str(path), {})


def test_names_that_are_the_networks_own_need_no_map() -> None:
    tensors = Arrays({"a": numbers(2)})
    assert mapped(tensors, "timm", params(a=(2,))) is tensors
    assert mapped(tensors, "timm", params(a=(2,), head=(3,))) is tensors


ROOT = Path(__file__).resolve().parents[2]
PAGES = {"docs/weights.md": (ROOT / "docs" / "weights.md").read_text(encoding="utf-8"), "E0670": BadMap.__doc__ or ""}


@pytest.mark.parametrize("page", PAGES)
def test_maps_of_pages_can_be_read(page: str) -> None:
    (text,) = re.findall(r"<<'END'\n(.*?)\n *END\n", PAGES[page], re.S)
    assert len(parse(Source(page, text), page).rules) > 4


KINDS = ("drop", "tied", "prefix", "eps", "config")


def test_the_table_of_lines_holds() -> None:
    """Every kind of line that docs/weights.md lists."""
    rows = [
        row.partition("`")[2].partition("` |")[0] for row in PAGES["docs/weights.md"].splitlines() if row[:3] == "| `"
    ]
    lines = [row.replace("\\|", "|") for row in rows if "->" in row or row.split()[0] in KINDS]
    assert len(lines) == 13
    found = parse(Source("page", "\n".join(lines)), "page")
    assert (len(found.rules), len(found.drops), len(found.ties), found.prefixes, found.eps) == (
        5,
        2,
        1,
        ("bert.",),
        1e-6,
    )
    assert found.facts == (
        Fact("hidden_act", ("gelu", "gelu_new")),
        Fact("num_attention_heads", (), "heads"),
    )
