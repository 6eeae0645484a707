"""`param`, `buffer`, `const`; arithmetic of tensors; sizes that are pinned or guarded."""

from __future__ import annotations

from dslc.api import compile_model
from tests.elaborate.programs import body, errors, failing, model, shapes

TOKENS = "on x[N, T=4, 8]"


def test_a_param_is_learned_and_a_const_is_no_state() -> None:
    lines = [
        "param a: [1, T, 8] = trunc_normal(0.02)",
        "buffer b: [8] = ones",
        "const c: [8] = 0.5",
        "(it + a) * b * c",
    ]
    found = body(*lines, on=TOKENS)
    assert {k: p.spec.kind for k, p in found.params.items()} == {"a": "param", "b": "buffer", "c": "const"}
    assert found.params["a"].spec.init.kind == "trunc_normal"
    assert found.root.inputs[0].type.dims[1] == 4  # pinned by the table


def test_tensors_by_index_are_computed_at_compile_time() -> None:
    found = body("const m: [a: T, b: T] = 0 if a >= b else -100", 'it @ rearrange(it, "n t d -> n d t") + m', on=TOKENS)
    assert found.params["m"].values == [[0, -100, -100, -100], [0, 0, -100, -100], [0, 0, 0, -100], [0, 0, 0, 0]]


def test_functions_of_indices() -> None:
    """Their defaults, local lines and calls of others; a mistake is one of the line that calls them."""
    text = """
        fn twice(v: int) = 2 * v
        fn score(i: int, j: int, far: int = 10):
            let d = i - j
            let near = twice(d) + size0
            far if abs(d) > 1 else near
        let size0 = 100
        fn endless(i: int) = endless(i + 1)
        net f on x[N, 3]:
            const m: [i: 3, j: 3] = score(i, j)
            x @ m
        """
    found = model(text)
    assert found.params["m"].values == [[100, 98, 10], [102, 100, 98], [10, 102, 100]]
    for call, said, words in (
        ("score(i)", "E0302", "`score` is applied without `j`"),
        ("score(i, j, 1, 2)", "E0303", "`score` takes 3 positional arguments here"),
        ("score(i, j, k=2)", "E0301", "`score` has no argument `k`"),
        ("endless(i + j)", "E0463", "`endless(i + 1)` calls itself"),
    ):
        ((code, _, message),) = errors(text.replace("= score(i, j)", f"= {call}"))
        assert code == said
        assert words in message


def test_values_that_do_not_fit() -> None:
    assert failing("const c: [8] = [1, 2]", "it * c", on=TOKENS)[0][:2] == ("E0457", 2)
    assert failing("const c: [0] = 1", "it * c", on=TOKENS)[0][:2] == ("E0456", 2)
    assert failing("param p: [a: 8] = a", "it * p", on=TOKENS)[0][:2] == ("E0461", 2)
    assert failing('const c: [8] = "a"', "it * c", on=TOKENS)[0][:2] == ("E0458", 2)
    assert failing("const c: [a: 8] = 1 / a", "it * c", on=TOKENS)[0][:2] == ("E0464", 2)
    assert failing("const c: [a: 8] = 9 ** 9 ** 9 ** a", "it * c", on=TOKENS)[0][0] in ("E0464", "E0113")


def test_a_weight_pins_the_size_it_depends_on() -> None:
    found = body("conv(4, 3, s=2) -> flatten -> linear(2)")
    assert shapes(found) == ["[N, 2]"]
    assert set(found.sizes.pins) == {"H", "W"}
    assert [str(d) for d in found.root.inputs[0].type.dims] == ["N", "3", "32", "32"]


def test_a_join_of_rounded_sizes_becomes_a_guard() -> None:
    found = body("y = conv(8, 3, s=2)", "y -> upsample(2)", "concat(it, x) -> gap -> flatten")
    assert "H % 2 == 0" in found.sizes.allowed("H")


def test_a_size_that_falls_to_zero_names_the_layer() -> None:
    found = failing("conv(8, 3, p=0)", "conv(8, 7, p=0) as big", "gap -> flatten", on="on x[N, 3, 8, 8]")
    assert found == [("E0307", 3, "`conv` with kernel 7 does not fit a map of size 6")]


def test_a_condition_on_sizes_needs_one_answer() -> None:
    assert failing("if H > 100: relu", "gap -> flatten")[0][1] == 2
    found = body("require H <= 64", "if H < 100: conv(4, 3)", "gap -> flatten")
    assert shapes(found) == ["[N, 4]"]


def test_require_narrows_and_refuses() -> None:
    assert "H % 4 == 0" in body("require H % 4 == 0", "gap -> flatten").sizes.allowed("H")
    found = failing('require 3 % 2 == 0, "three is {3 % 2} too many"', "gap -> flatten")
    assert found == [("E0501", 2, "three is 1 too many")]


def test_an_add_of_other_channels_shows_both_producers() -> None:
    text = "net f on x[N, 3, H=32, W=32]:\n    a = conv(8, 3)\n    b = conv(9, 3)\n    a + b\n    gap -> flatten\n"
    code, line, message = errors(text)[0]
    assert line == 4 and "8" in message and "9" in message and code.startswith("E03")


def test_arithmetic_on_conditions_is_refused() -> None:
    assert failing("it + (it > 0)", "gap -> flatten")[0][1] == 2


def test_a_tied_weight_counts_once() -> None:
    text = """
    net lm on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> wte
        linear(100, weight=wte.weight, bias=false)
    """
    assert sum(p.spec.count for p in model(text).params.values()) == 3200


def test_text_or_path() -> None:
    assert compile_model("net f on x[N, 3]:\n    relu\n").name == "f"


def test_an_initialiser_needs_the_axes_it_looks_at() -> None:
    assert failing("param p: [8] = xavier_uniform", "it * p", on=TOKENS)[0][:2] == ("E0484", 2)
    assert failing("param p: [1, 8, 8] = eye_", "it @ p", on=TOKENS)[0][:2] == ("E0484", 2)
    assert failing("linear(8, init=dirac)", on=TOKENS)[0][:2] == ("E0484", 2)
    assert body("linear(8, init=orthogonal)", on=TOKENS).params["linear.weight"].spec.init.kind == "orthogonal"


def test_a_mistake_inside_the_library_is_shown_at_its_use() -> None:
    code, line, _ = failing("y = conv(3, 3, s=2)", "concat(it, y)", "gap -> flatten")[0]
    assert line == 3 and code.startswith("E0")
