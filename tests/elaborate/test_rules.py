"""The rules of docs/language.md, sentence by sentence: what each refuses, and what it must let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.api import compile_model
from dslc.diagnostics.model import CompileError
from tests.elaborate.programs import body, errors, failing, model, modules, shapes

BASE = "net base(w: int) on x[N, 3, H=32, W=32]:\n    conv(w, 3)\n"
END = "gap -> flatten"


def spans(text: str) -> list[tuple[str, str]]:
    """(code, text under the caret) of each diagnostic of the net `f` of a program that must fail."""
    with pytest.raises(CompileError) as found:
        compile_model(text + "\n", "f")
    return [(d.code, d.span.text) for d in found.value.diagnostics]


# ---- names


def test_only_the_body_that_made_a_list_and_its_loops_grow_it() -> None:
    lines = ["let xs = []", "residual:", "    conv(3, 3)", "    xs += [it]", "xs[0] + it", END]
    assert [(c, n) for c, n, _ in failing(*lines)] == [("E0479", 5)]
    inside = ["residual:", "    let xs = []", "    for i in range(2):", "        conv(3, 3)", "        xs += [it]"]
    assert shapes(body(*inside, "    xs[0] + xs[1]", END)) == ["[N, 3]"]


def test_a_tick_name_belongs_to_the_body_around_the_loop_whose_variable_it_has() -> None:
    lines = ["for i in range(2):", "    for j in range(3):", "        conv(3, 3)", "        if j == 2: `d{i}` = it"]
    assert shapes(body(*lines, "for i in range(2): it + `d{i}`", END)) == ["[N, 3]"]
    found = failing(*lines[:3], "        `d{i}` = it", "        it + `d{i}`", END)
    assert {(c, n) for c, n, _ in found} == {("E0202", 5)}


def test_a_tick_name_holds_letters_digits_underscores_and_hyphens() -> None:
    assert failing('let s = "a.b"', "conv(3, 3) as `c{s}`", END)[0][:2] == ("E0436", 3)
    assert modules(body('let s = "a-1"', "conv(3, 3) as `c_{s}`", END)) == ["c_a-1"]
    assert [(c, n) for c, n, _ in failing("conv(3, 3) as `c{foo}`", "it + `d{foo}`", END)] == [
        ("E0201", 2),
        ("E0201", 3),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ["let i = 3", "let xs = [i for i in range(2)]", "conv(len(xs) + i, 3)"],
        ["let xs = [i for i in range(2) for i in range(2)]", "conv(len(xs), 3)"],
        ["for i, i in enumerate([3, 4]): conv(i, 3)"],
        ["let k = 3", "concat:", "    for k in [1, 3]: | conv(3, k)"],
        ["let i = 3", "const m: [i: 3] = i", "it * m[none, :, none, none]"],
    ],
)
def test_no_variable_hides_another_name(lines: list[str]) -> None:
    assert [c for c, _, _ in failing(*lines, END)] == ["E0202"]


@pytest.mark.parametrize("name", ["f", "relu", "H"])
def test_a_refused_name_is_one_mistake(name: str) -> None:
    assert [(c, n) for c, n, _ in failing(f"{name} = conv(3, 3)", f"{name} -> sigmoid", END)] == [("E0202", 2)]


def test_a_header_gives_a_name_once() -> None:
    assert spans("block b on C[N, C, H, W]:\n    C -> relu\nnet f on x[N, 3, 8, 8]: b") == [("E0202", "C")]
    assert spans("net f(size: int = 8) on x[N, 3, size, size]: relu") == [("E0202", "size")]
    two = "net f on x[N, 3, H=8, W=8], y[N, 3, H={h}, W]:\n    x + y\n"
    assert spans(two.format(h=9)) == [("E0472", "H=9")]
    assert shapes(model(two.format(h=8))) == ["[N, 3, H, W]"]


# ---- functions, lists, comprehensions


def test_a_function_is_of_compile_time_values() -> None:
    assert spans("fn g(a) = a + 1\nnet f on x[N, 3, 8, 8]: g(x)") == [("E0441", "x")]


def test_the_arguments_and_lets_of_a_function() -> None:
    fn = "fn g(a: int, b: int = 2):\n    let {name} = a * b\n    {name}\n"
    use = "net f on x[N, 3, 8, 8]: conv(g({args}), 3)\n"
    good = fn.format(name="q")
    assert shapes(model(good + use.format(args="1, b=4"))) == ["[N, 4, 8, 8]"]
    assert spans(good + use.format(args="1, a=2")) == [("E0386", "a")]
    assert spans(good + use.format(args="1, 2, 3")) == [("E0303", "3")]
    assert spans(fn.format(name="a") + use.format(args="1")) == [("E0202", "a")]


def test_a_failed_list_is_one_mistake() -> None:
    lines = ["let ys = [x[:, :, t] for t in range(H)]", "ys[0] + ys[1]", "mean(2)"]
    assert [(c, n) for c, n, _ in failing(*lines)] == [("E0372", 2)]
    assert [(c, n) for c, n, _ in failing("conv(*3)", END)] == [("E0372", 2)]


def test_zip_says_the_lengths() -> None:
    message = failing("let zs = [a for a, b in zip([1], [2, 3])]", "conv(len(zs), 1)", END)[0][2]
    assert message == "`zip` takes lists of one length, not of 1 and 2 items"


# ---- layers and their arguments


def test_a_suite_does_not_fill_what_was_given() -> None:
    for first in ("body=relu", "relu"):
        assert [(c, n) for c, n, _ in failing(f"residual({first}): conv(3, 3)", END)] == [("E0386", 2)]


def test_the_caret_of_a_surplus_argument_after_a_tensor() -> None:
    assert spans("block b on x[N, C, H, W]: relu\nnet f on x[N, 3, 8, 8]: b(x, relu)") == [("E0303", "relu")]


def test_brackets_of_tensors_hold_no_layers() -> None:
    found = spans("net f on x[N, 3, 8, 8]: (x, conv(4, 3)) -> concat")
    assert found == [("E0364", "conv(4, 3)")]


@pytest.mark.parametrize("default", ["nope", "2.5"])
def test_a_mistake_in_a_default_is_one_mistake(default: str) -> None:
    text = f"block b(a: int = {default}) on x[N, C, H, W]: conv(a, 3)\nnet f on x[N, 4, 8, 8]: b"
    assert len(spans(text)) == 1


def test_a_module_of_a_list_must_be_read_too() -> None:
    lines = ["module heads = [conv(3, 3), conv(3, 1) -> bn]", "heads[0]", END]
    assert [(c, n) for c, n, _ in failing(*lines)] == [("E0365", 2)]
    assert len(modules(body(lines[0], "for h in heads: h", "heads[0]", END))) == 3


# ---- nets and aliases


def test_an_alias_with_parameters_is_a_layer() -> None:
    text = BASE + "net small(w: int = 3) = base(w)\nnet f on x[N, 3, H=16, W=16]:\n"
    uses = "    y = small(x)\n    z = small(5, x)\n    small -> small(w=4)\n    concat(it, y, z)\n"
    found = compile_model(text + uses, "f")
    assert modules(found) == ["base.conv", "base_2.conv", "base_3.conv", "base_4.conv"]
    assert shapes(found) == ["[N, 12, H, W]"]
    assert spans(text + "    small(3, k=3)\n") == [("E0301", "k")]


def test_an_alias_without_its_argument() -> None:
    text = BASE + "net small(w: int) = base(w)\nnet f on x[N, 3, H=16, W=16]: small"
    assert spans(text) == [("E0302", "small")]


def test_an_alias_of_itself_is_refused() -> None:
    assert [c for c, _ in spans("net f = f\n")] == ["E0232"]


def test_aliases_of_each_other_are_refused() -> None:
    assert [c for c, _ in spans("net a = b\nnet b = a\nnet f = a\n")] == ["E0382"]


def test_every_import_that_is_missing_is_reported(tmp_path: Path) -> None:
    (tmp_path / "parts.dl").write_text("block head(n: int) on x[N, C, H, W]:\n    conv(n, 1)\n")
    main = tmp_path / "main.dl"
    use = 'use "./parts.dl": {names}\nnet f on x[N, 3, 8, 8]:\n    top(2)\n'
    main.write_text(use.format(names="head as top"))
    assert modules(compile_model(main)) == ["head.conv"]
    main.write_text('use "./nowhere.dl": a\n' + use.format(names="hed as top"))
    with pytest.raises(CompileError) as found:
        compile_model(main)
    assert [d.code for d in found.value.diagnostics] == ["E0212", "E0213"]


# ---- sizes and tensors


def test_a_require_of_several_conditions() -> None:
    found = body("require H % 4 == 0 and W % 2 == 0", END)
    assert "H % 4 == 0" in found.sizes.allowed("H") and "W % 2 == 0" in found.sizes.allowed("W")
    assert failing('require H % 2 == 0 and 3 == 4, "bad"', END) == [("E0501", 2, "bad")]


def test_a_message_with_a_mistake_in_it_shows_no_inner_word() -> None:
    found = failing('require 3 == 4, "has {foo}"', END)
    assert [(c, m) for c, _, m in found] == [("E0501", "has ?"), ("E0201", "unknown name `foo`")]


@pytest.mark.parametrize("value", ["[0.5, 1, 2]", "0.5"])
def test_integers_are_not_made_of_floats(value: str) -> None:
    use = "it + m[none, :, none, none]"
    assert failing(f"const m: int64[3] = {value}", use, END)[0][:2] == ("E0460", 2)
    assert failing("const m: int64[i: 3] = i / 2", use, END)[0][:2] == ("E0460", 2)
    assert body("const m: int64[i: 3] = i // 2", use, END).params["m"].values == [0, 0, 1]


def test_a_param_is_of_floats() -> None:
    assert failing("param m: int64[3] = zeros", "it + m[none, :, none, none]", END)[0][:2] == ("E0459", 2)


def test_a_port_compares_a_parameter() -> None:
    text = "block b(c: int) on x[N, c, H, W]: relu\nnet f on x[N, 3, 8, 8]: b({c})"
    assert shapes(model(text.format(c=3))) == ["[N, 3, 8, 8]"]
    assert errors(text.format(c=4))[0][0] == "E0368"


def test_sizes_in_a_recipe_are_those_of_where_it_is_written() -> None:
    text = """
    block inner(l: layer) on x[N, C, H, W]:
        conv(7, 1) -> l
    block outer on x[N, C, H, W]:
        inner(conv(2 * C, 1) as t)
    net f on x[N, 3, 8, 8]: outer
    """
    assert shapes(model(text)) == ["[N, 6, 8, 8]"]


def test_a_module_that_only_an_untaken_branch_applies_is_read() -> None:
    lines = ["module m = conv(3, 3)", "module ms = [relu, conv(3, 1)]", "if 1 == 2: m -> ms[0] -> ms[1]", END]
    assert modules(body(*lines)) == []


def test_a_failed_module_is_one_mistake() -> None:
    assert [(c, n) for c, n, _ in failing("module m = nope", "m -> m", END)] == [("E0201", 2)]
    assert [(c, n) for c, n, _ in failing("seq as s:", "    module m = conv(3, 3)", "    m", END)] == [("E0475", 3)]


def test_a_module_takes_tensors_by_port_name() -> None:
    text = """
    block cross on q[N, T, D], kv[N, S, D]:
        q + (kv -> linear(D) -> mean(1, keep=true))
    net f on x[N, T=4, 8], y[N, S=3, 8]:
        module c = cross
        a = c(x, y)
        b = c(kv=y, q=x)
        a + b
    """
    assert modules(model(text)) == ["c.linear"]


def test_the_result_of_an_extern_block_is_stated() -> None:
    text = 'extern block e on x[N, C, H, W] -> [N, {d}] = "a.b:C"\nnet f on x[N, 4, 8, 8]: e'
    assert spans(text.format(d="...")) == [("E0451", "...")]
    assert shapes(model(text.format(d="2 * C"))) == ["[N, 8]"]
    assert spans(text.format(d="C").replace("a.b:C", "a.b.C")) == [("E0450", '"a.b.C"')]


def test_a_fn_and_a_file_level_let_have_no_current_value() -> None:
    text = "fn g(a: int) = a + it.shape[1]\nnet f on x[N, 3, 8, 8]:\n    conv(g(1), 3) -> gap -> flatten\n"
    assert errors(text)[0][:2] == ("E0437", 1)


def test_none_is_compared_from_either_side() -> None:
    text = """
    block b on x[N, C, H, W], m?[N, C, H, W]:
        if none != m: x * m
        relu

    net f on x[N, 3, 8, 8]:
        b -> (it, it) -> b -> gap -> flatten
    """
    assert shapes(model(text)) == ["[N, 3]"]


def test_the_underscore_may_be_given_many_times() -> None:
    assert shapes(body("_, _, b = chunk(3, axis=1)", "b -> concat(it, x) -> gap -> flatten")) == ["[N, 4]"]


def test_an_id_through_a_parameter_takes_no_name() -> None:
    text = """
    inline block twice(body: layer, skip: layer = id): body(it) + skip(it)

    net f on x[N, 3, 8, 8]:
        twice: conv(3, 3)
        twice(skip=conv(3, 1)): conv(3, 3)
        gap -> flatten
    """
    assert modules(model(text)) == ["conv", "conv_2", "skip"]


def test_a_table_may_have_several_sizes_without_an_index() -> None:
    found = body("const s: [1, h: 3, 1, 1] = 2 ** -h", "it * s")
    assert found.params["s"].values == [[[[1.0]], [[0.5]], [[0.25]]]]


def test_arguments_reach_a_net_that_an_imported_alias_stands_for(tmp_path: Path) -> None:
    (tmp_path / "nets.dl").write_text(
        "net base(width: int, classes: int = 10) on x[N, 3, 8, 8]:\n"
        "    conv(width, 3) -> gap -> flatten -> linear(classes)\n\n"
        "net small = base(8)\n"
    )
    main = tmp_path / "main.dl"
    main.write_text('use "./nets.dl": small\n\nnet mine = small\n')
    assert [str(v.type) for v in compile_model(main, "mine", args={"classes": 5}).root.outputs] == ["[N, 5]"]


def test_a_module_is_not_applied_inside_a_seq() -> None:
    found = failing("module head = conv(3, 3)", "seq as s:", "    head -> relu", "gap -> flatten")
    assert found[0][:2] == ("E0475", 4)
    assert failing("module head = conv(3, 3)", "(head -> relu) as s", "gap -> flatten")[0][0] == "E0475"
