"""The rules of a chain: what moves `it`, what names a value, what may not be dropped."""

from __future__ import annotations

import pytest

from tests.elaborate.programs import body, errors, failing, model, modules, shapes


def test_a_line_moves_the_chain_and_a_name_does_not() -> None:
    found = body("q = conv(4, 1)", "k = conv(4, 3)", "q + k", "gap -> flatten")
    assert shapes(found) == ["[N, 4]"]
    convs = [n for n in found.root.body if getattr(n, "name", "").startswith("conv")]
    assert [c.inputs[0].name for c in convs] == ["x", "x"]  # type: ignore[union-attr]


def test_a_tap_names_the_current_value() -> None:
    assert shapes(body("conv(8, 3, s=2)", "c = it", "conv(8, 3)", "it + c", "gap -> flatten")) == ["[N, 8]"]


def test_a_chain_may_start_anywhere_and_mention_it() -> None:
    assert shapes(body("x -> conv(8, 3) -> (it * 2 + 1) -> relu", "gap -> flatten")) == ["[N, 8]"]


def test_tensors_flow_together_from_brackets() -> None:
    text = """
    block join on a[N, C, H, W], b[N, C, H, W]:
        a * b

    net f on x[N, 3, H=32, W=32]:
        y = conv(3, 3)
        (x, y) -> join
        gap -> flatten
    """
    assert shapes(model(text)) == ["[N, 3]"]


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        (["conv(8, 3)", "x -> conv(16, 3)", "gap -> flatten"], "E0365", 2),  # replaced, never read
        (["y = conv(8, 3)", "gap -> flatten"], "E0365", 2),  # named, never read
        (["module head = conv(8, 3)", "gap -> flatten"], "E0365", 2),  # made, never applied
        (["3", "gap -> flatten"], "E0366", 2),  # a number
        (["w = 3", "gap -> flatten"], "E0366", 2),  # a number with a name
        (["y = conv(8, 3)", "conv(8, 3) -> y", "gap -> flatten"], "E0363", 3),  # a tensor as a step
        (["it + conv(3, 3)", "gap -> flatten"], "E0364", 2),  # a layer as a tensor
        (["conv(8, 3) as it_ -> x", "gap -> flatten"], "E0363", 2),
        (["a = conv(8, 3)", "a = conv(8, 3)", "a -> gap -> flatten"], "E0202", 3),  # bound twice
        (["N = conv(8, 3)", "gap -> flatten"], "E0202", 2),  # hides a size
        (["relu = conv(8, 3)", "gap -> flatten"], "E0202", 2),  # hides a layer
        (["let relu = 3", "gap -> flatten"], "E0202", 2),
        (["convv(8, 3)", "gap -> flatten"], "E0201", 2),
        (["conv(8, 3)", "relu(1)", "gap -> flatten"], "E0303", 3),
        (["conv(8, 3, stride=2)", "gap -> flatten"], "E0301", 2),
        (["conv(8)", "gap -> flatten"], "E0302", 2),
        (["conv(8.5, 3)", "gap -> flatten"], "E0360", 2),
        (["conv(8, 3, s=0)", "gap -> flatten"], "E0361", 2),
        (['conv(8, 3, p="same")', "gap -> flatten"], "E0362", 2),
        (["if 3: relu", "gap -> flatten"], "E0370", 2),
        (["for i in 3: relu", "gap -> flatten"], "E0372", 2),
        (["for i in range(H): relu", "gap -> flatten"], "E0372", 2),
        (["relu: conv(3, 3)", "gap -> flatten"], "E0374", 2),
        (["if training: relu", "gap -> flatten"], "E0377", 2),
        (["a, b, c = chunk(3, axis=1)", "(a + b) -> gap -> flatten"], "E0365", 2),
        (["a, b = chunk(3, axis=1)", "(a + b) -> gap -> flatten"], "E0371", 2),
        (["conv(8, 3) as forward", "gap -> flatten"], "E0204", 2),
        (["conv(8, 3) as a", "conv(8, 3) as a", "gap -> flatten"], "E0203", 3),
        (["param s: [3, 1, 1]", "it * s", "gap -> flatten"], "E0380", 2),
        (["linear(8)", "gap -> flatten"], "E0309", 2),  # features of a map
    ],
)
def test_mistakes_of_a_chain(lines: list[str], code: str, line: int) -> None:
    found = failing(*lines)
    assert (code, line) == found[0][:2], found
    assert len(found) == 1, found


def test_independent_mistakes_are_all_reported() -> None:
    found = failing("conv(8, 3, stride=2)", "y = conv(4, 3, p=9, foo=1)", "relu(1)", "gap -> flatten")
    assert [c for c, _, _ in found] == ["E0301", "E0301", "E0303"]


def test_after_a_mistake_the_arguments_of_later_lines_are_still_checked() -> None:
    found = failing("rellu -> conv(8, 3, s=0)", "conv(8.5, 3)", "residual: conv(0, 3)", "gap -> linear(none)")
    assert [(c, n) for c, n, _ in found] == [("E0201", 2), ("E0361", 2), ("E0360", 3), ("E0361", 4), ("E0360", 5)]


def test_an_argument_is_given_once() -> None:
    assert failing("conv(8, 3, out=9)", "gap -> flatten")[0][:2] == ("E0386", 2)
    assert failing("conv(8, k=3, k=5)", "gap -> flatten")[0][:2] == ("E0146", 2)
    assert shapes(body("let c = conv(8, 3)", "c(out=9) -> gap -> flatten")) == ["[N, 9]"]


def test_a_tensor_in_the_place_of_a_layer() -> None:
    text = """
    block twice(part: layer) on x[N, C, H, W]:
        part -> part

    net f on x[N, 3, H=8, W=8]:
        y = conv(3, 3)
        twice(y) -> gap -> flatten
    """
    assert errors(text)[0][:2] == ("E0363", 6)


def test_a_name_with_an_underscore_may_be_dropped() -> None:
    assert shapes(body("_y = conv(8, 3)", "gap -> flatten")) == ["[N, 3]"]


def test_what_an_untaken_branch_reads_counts_as_read() -> None:
    text = """
    block f(join: bool) on x[N, C, H, W]:
        y = conv(C, 1)
        conv(C, 3)
        if join: it + y

    net g on x[N, 3, H=8, W=8]:
        f(true) -> f(false)
        gap -> flatten
    """
    assert modules(model(text)) == ["f.conv", "f.conv_2", "f_2.conv", "f_2.conv_2"]


def test_a_recipe_makes_new_weights_each_time() -> None:
    found = body("let c = conv(3, 3)", "c -> c", "gap -> flatten")
    assert modules(found) == ["conv", "conv_2"]


def test_later_calls_fill_what_is_missing_and_override() -> None:
    found = body("let c = conv(k=3)", "c(8) -> c(4, k=1)", "gap -> flatten")
    assert [p.spec.shape for p in found.params.values() if p.name == "weight"] == [(8, 3, 3, 3), (4, 8, 1, 1)]


def test_lists_grow_in_loops_and_are_read_back() -> None:
    lines = [
        "let skips = []",
        "for i in range(2):",
        "    conv(4, 3, s=2)",
        "    skips += [it]",
        "conv(4, 3)",
        "(skips[1] + it) -> gap -> concat(it, skips[0] -> gap) -> flatten",
    ]
    assert shapes(body(*lines)) == ["[N, 8]"]


def test_tick_names_of_a_loop_belong_to_the_body_around_it() -> None:
    lines = [
        "for i in range(2):",
        "    conv(4 * 2**i, 3)",
        "    `d{i}` = it",
        "for i in reversed(range(2)): concat(it, `d{i}`)",
        "gap -> flatten",
    ]
    assert shapes(body(*lines)) == ["[N, 20]"]


def test_names_of_a_turn_end_with_it() -> None:
    found = failing("for i in range(2):", "    y = conv(3, 3)", "    it + y", "y -> gap -> flatten")
    assert [(c, ln) for c, ln, _ in found] == [("E0228", 5)]


def test_a_blocks_tensors_are_its_own() -> None:
    text = """
    block outer(inner: layer) on x[N, C, H, W]:
        inner

    net f on x[N, 3, H=8, W=8]:
        y = conv(3, 3)
        outer(relu -> (it + y))
        gap -> flatten
    """
    assert errors(text)[0][0] == "E0476"


def test_recursion_ends_or_is_reported() -> None:
    text = """
    block tree(depth: int) on x[N, C, H, W]:
        conv(C, 3)
        if depth > {end}: tree(depth - 1)

    net f on x[N, 3, H=8, W=8]:
        tree(3) -> gap -> flatten
    """
    assert modules(model(text.format(end=0)))[-1] == "tree.tree.tree.tree.conv"
    assert errors(text.format(end=-1000))[0][0] == "E0378"


def test_a_bomb_of_loops_is_counted_before_it_is_expanded() -> None:
    nest = ["for i in range(1000):", "    for j in range(1000):", "        for k in range(1000): relu"]
    found = failing(*nest, "gap -> flatten")
    assert [(c, ln) for c, ln, _ in found] == [("E0379", 2)]
    assert "1,000,000,000" in found[0][2]


def test_a_bomb_of_blocks_is_counted_before_it_is_expanded() -> None:
    blocks = "".join(
        f"\nblock b{i} on x[N, C, H, W]:\n    for i in range(100): b{i - 1}\n"
        if i
        else "block b0 on x[N, C, H, W]: relu\n"
        for i in range(6)
    )
    text = blocks + "\nnet f on x[N, 3, H=8, W=8]:\n    for i in range(2): b5\n    gap -> flatten\n"
    assert [c for c, _, _ in errors(text)] == ["E0379"]


def test_a_function_of_plain_values_may_share_its_name_with_a_layer() -> None:
    lines = ["let w = sum([2, 4])", "conv(w, 3) -> abs -> sum(axis=2) -> (it + sqrt(4.0)) -> sqrt"]
    assert shapes(body(*lines)) == ["[N, 6, W]"]


@pytest.mark.parametrize(
    ("lines", "shape"),
    [
        (["y = crop(2)", "x -> crop(like=y) -> gap -> flatten", "it + 0 * (y -> gap -> flatten)"], "[N, 3]"),
        (["where(it > 0, it, 0)", "where(it > 1, 0, it)", "where(it > 1, 1, 0)"], "int64[N, 3, H, W]"),
        (["it * arange(W)[none, none, none]"], "[N, 3, H, W]"),
    ],
)
def test_tensors_by_port_numbers_in_their_place_and_sources(lines: list[str], shape: str) -> None:
    assert shapes(body(*lines)) == [shape]


def test_a_where_keeps_the_side_of_its_number() -> None:
    found = body("where(it > 0, it, 5)", "where(it > 0, 7, it)")
    wheres = [n for n in found.root.body if getattr(n, "name", "").startswith("where")]
    assert [(n.op.a_number, n.op.b_number) for n in wheres] == [(None, 5), (7, None)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "program",
    [
        "net f on x[N, 3, 8, 8]:\n    for i in range(10**9): id\n    relu\n",
        "net f on x[N, 3, 8, 8]:\n    let a = [i for i in range(10**4) for j in range(10**4)]\n    conv(len(a), 3)\n",
        "fn f(n: int) = f(n - 1) + f(n - 1) if n > 0 else 1\nnet g on x[N, 3, 8, 8]:\n    conv(f(90), 3)\n",
        "fn f(n: int) = f(n + 1)\nnet g on x[N, 3, 8, 8]:\n    conv(f(0), 3)\n",
        "let a = 9 ** 1000\nlet b = a * a * a * a\nlet c = b * b * b\nnet g on x[N, 3, 8, 8]:\n    conv(c, 3)\n",
        "let a = a + 1\nnet g on x[N, 3, 8, 8]:\n    conv(a, 3)\n",
        "let a = [1] * 1000000 + [1] * 1000000\nnet g on x[N, 3, 8, 8]:\n    conv(len(a), 3)\n",
    ],
)
def test_programs_that_would_not_end_are_stopped(program: str) -> None:
    assert {c for c, _, _ in errors(program)} <= {"E0428", "E0385", "E0382", "E0379", "E0113"}
