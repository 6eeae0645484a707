"""Headers: parameters, ports, results, aliases, inline blocks, training."""

from __future__ import annotations

import textwrap

import pytest

from dslc.api import compile_model, nets
from dslc.ir.model import Either, If
from tests.elaborate.programs import body, errors, keys, model, shapes

ON = "on x[N, C, H, W]"


def in_net(block: str, use: str, on: str = "on x[N, 8, H=16, W=16]") -> str:
    return f"{block}\n\nnet f {on}:\n    {use}\n    gap -> flatten\n"


def test_defaults_may_use_earlier_parameters_and_sizes() -> None:
    block = f"block b(r: int = 2, mid: int = C // r) {ON}:\n    conv(mid, 1) -> conv(C, 1)"
    assert [p.spec.shape[0] for p in model(in_net(block, "b")).params.values() if p.name == "weight"] == [4, 8]


def test_ports_bind_left_to_right_and_compare_what_is_bound() -> None:
    block = "block j on a[N, C, H, W], b[N, C, H, W]:\n    a + b"
    assert shapes(model(in_net(block, "y = conv(8, 3)\n    (x, y) -> j"))) == ["[N, 8]"]
    found = errors(in_net(block, "y = conv(4, 3)\n    (x, y) -> j"))
    assert found == [("E0368", 6, "port `b` of `j` takes [N, C, H, W], and gets [N, 4, H, W]")]


def test_a_port_of_any_rank_many_and_optional() -> None:
    rest = "block b on x[..., D]:\n    x"
    assert shapes(model(in_net(rest, "b"))) == ["[N, 8]"]
    many = "block b on *xs[N, _, _, _]:\n    cat(*xs, axis=1)"
    assert shapes(model(in_net(many, "y = conv(4, 3)\n    b(x, y, it)"))) == ["[N, 20]"]
    optional = f"block b {ON}, m?[N, C, H, W]:\n    if m != none: x * m\n    relu"
    assert shapes(model(in_net(optional, "b -> (it, it) -> b"))) == ["[N, 8]"]


def test_without_on_a_block_takes_one_tensor_called_it() -> None:
    assert keys(model(in_net("block b(out: int):\n    conv(out, 3)\n    relu", "b(4) as c"))) == [
        "c.conv.weight",
        "c.conv.bias",
    ]


def test_results_are_checked_or_named() -> None:
    text = """
    block pyramid on x[N, C, H, W] -> low, high[N, C, H, W]:
        low = maxpool(2)
        high = conv(C, 3)

    net f on x[N, 8, H=16, W=16] -> [N, 8], extra:
        low, high = pyramid
        extra = high -> gap -> flatten
        low -> gap -> flatten
    """
    found = model(text)
    assert shapes(found) == ["[N, 8]", "[N, 8]"]
    assert found.root.output_names == (None, "extra")


@pytest.mark.parametrize(
    ("header", "code"),
    [("-> [N, 9]", "E0368"), ("-> [N, 8, 1]", "E0368"), ("-> nothing", "E0381"), ("-> [N, q]", "E0201")],
)
def test_a_result_that_is_not_there(header: str, code: str) -> None:
    assert errors(f"net f on x[N, 8, H=16, W=16] {header}:\n    gap -> flatten")[0][0] == code


def test_results_of_training_are_kept_apart() -> None:
    text = """
    net f on x[N, 3, H=16, W=16] -> [N, 4], aux when training:
        conv(4, 3)
        aux = gap -> flatten -> linear(4) as head
        gap -> flatten
    """
    assert model(text).root.train_only == (False, True)


def test_both_sides_of_training_are_kept_and_must_agree() -> None:
    found = body("(dropout(0.5) if training else id)", "gap -> flatten")
    assert any(isinstance(i, Either) for i in found.root.body)


@pytest.mark.parametrize(
    ("parameter", "argument", "ok"),
    [
        ("n: int", "3", True),
        ("n: int", "3.0", False),
        ("n: float", "3", True),
        ("n: bool", "true", True),
        ("n: bool", "1", False),
        ("n: str", '"a"', True),
        ("n: size", "3x3", True),
        ("n: size", "3", True),
        ("n: [int]", "[1, 2]", True),
        ("n: [int]", "[1, 2.5]", False),
        ("n: (int, float)", "(1, 2)", True),
        ("n: (int, int)", "(1, 2, 3)", False),
        ("n: int?", "none", True),
        ("n: int", "none", False),
        ("n: layer", "relu", True),
        ("n: layer", "3", False),
        ("n: [layer]", "[relu, conv(3, 3)]", True),
        ("n: init", "zeros", True),
        ("n: init", "trunc_normal(0.02)", True),
        ("n: init", "relu", False),
    ],
)
def test_types_of_parameters(parameter: str, argument: str, ok: bool) -> None:
    text = in_net(f"block b({parameter}) {ON}:\n    relu", f"b({argument})")
    if ok:
        model(text)
    else:
        assert errors(text)[0][0] == "E0360"


def test_the_caret_is_where_the_wrong_value_was_written() -> None:
    block = f"block b(g: int) {ON}:\n    conv(C, 3, g=g)"
    assert errors(in_net(block, "relu\n    b(3)"))[0][:2] == ("E0304", 6)


def test_a_name_has_one_meaning_in_a_header() -> None:
    assert errors("block b(x: int) on x[N, C]:\n    x\n\nnet f on y[N, 3]: b(1)")[0][:2] == ("E0202", 1)
    assert errors("block b(relu: int) on x[N, C]:\n    x\n\nnet f on y[N, 3]: b(1)")[0][:2] == ("E0202", 1)


def test_definitions_are_unique_and_hide_no_layer() -> None:
    assert errors("block b: relu\nblock b: relu\nnet f on x[N, 3]: b")[0][:2] == ("E0210", 2)
    assert errors("block conv: relu\nnet f on x[N, 3]: conv")[0][:2] == ("E0211", 1)


def test_a_file_may_use_a_core_name_for_its_own() -> None:
    text = in_net(f"block se(r: int) {ON}:\n    conv(C * r, 1)", "se(2)")
    assert shapes(model(text)) == ["[N, 16]"]


def test_an_alias_is_the_same_module_and_may_have_parameters() -> None:
    text = """
    net base(width: int, classes: int = 10) on x[N, 3, H=32, W=32]:
        conv(width, 3) -> gap -> flatten -> linear(classes) as fc

    net small = base(8)
    net wide(classes: int = 5) = base(64, classes)
        budget params <= 10K
    """
    assert nets(textwrap.dedent(text)) == ["base", "small", "wide"]
    assert nets(textwrap.dedent(text), complete=True) == ["small", "wide"]
    assert keys(model(text, "small")) == ["conv.weight", "conv.bias", "fc.weight", "fc.bias"]
    assert shapes(model(text, "wide")) == ["[N, 5]"]
    assert shapes(model(text, "wide", classes=7)) == ["[N, 7]"]
    assert [b.limit for b in model(text, "wide").budgets] == [10_000]
    assert errors(text, "base")[0][0] == "E0219"
    assert errors(text, "smal")[0][0] == "E0218"
    assert errors(text, "small", depth=3)[0][0] == "E0224"


def test_functions_are_pure_and_may_call_themselves() -> None:
    text = """
    fn divisible(v: float, d: int = 8):
        let n = max(d, int(v + d / 2) // d * d)
        n + d if n < 0.9 * v else n
    fn fact(n: int) = 1 if n <= 1 else n * fact(n - 1)

    net f on x[N, 3, H=32, W=32]:
        conv(divisible(0.75 * 33), 3) -> conv(fact(4), 1)
        gap -> flatten
    """
    assert [p.spec.shape[0] for p in model(text).params.values() if p.name == "weight"] == [24, 24]


def test_comprehensions_splats_and_conditions() -> None:
    lines = [
        "let widths = [w * k for w in [1, 2] for k in [2, 3] if w * k != 4]",
        "concat(*[it -> conv(w, 3) for w in widths])",
        "gap -> flatten",
    ]
    assert shapes(body(*lines)) == ["[N, 11]"]


def test_a_conditional_layer_is_a_region_at_its_use() -> None:
    found = body("relu if 1 == 1 else sigmoid", "gap -> flatten")
    regions = [i for i in found.root.body if isinstance(i, If)]
    assert [(r.side, r.sides, len(r.items)) for r in regions] == [(0, 2, 1)]


def test_an_extern_block_has_a_checked_signature() -> None:
    text = """
    extern block mine(out: int) on x[N, C, H, W] -> y[N, out, H, W] = "package.module:Class"

    net f on x[N, 3, H=32, W=32]:
        mine(8) -> gap -> flatten
    """
    assert shapes(model(text)) == ["[N, 8]"]


def test_sizes_and_arguments_from_outside() -> None:
    text = "net f(width: int = 8) on x[N, 3, H=32, W=32]:\n    conv(width, 3, s=2)\n"
    found = compile_model(text, args={"width": 4}, sizes={"H": 64})
    assert [found.sizes.value(d) for d in found.root.outputs[0].type.dims] == [1, 4, 32, 16]
    for wrong in ({"T": 3}, {"H": 0}):
        with pytest.raises(Exception, match=r"E022[56]"):
            compile_model(text, sizes=wrong)


def test_a_layer_parameter_says_what_it_is_called_with() -> None:
    block = f"block b(unit: layer(out, s)) {ON}:\n    unit(8, s=2)"
    assert shapes(model(in_net(block, "b(conv(k=3))"))) == ["[N, 8]"]
    found = errors(in_net(block, "b(relu)"))
    assert found == [("E0360", 5, "`unit` of `b` must be a layer that takes (out, s), not a layer (`relu`)")]


def test_a_parameter_without_a_type_has_its_defaults() -> None:
    block = f"block b(n=3, p=half) {ON}:\n    conv(n, 3, p=p)"
    assert shapes(model(in_net(block, "b(4, p=2)"))) == ["[N, 4]"]
    assert errors(in_net(block, 'b("4")'))[0][0] == "E0360"


def test_types_must_be_known() -> None:
    assert errors(in_net(f"block b(n: integer) {ON}:\n    relu", "b(3)"))[0][:2] == ("E0220", 1)


def test_what_an_extern_block_states() -> None:
    text = """
    extern block mine(out: int) on x[N, C, H, W] -> y[N, out, H, W] = "package.module:Class"
        macs = out * C * H * W
        params = out * C

    net f on x[N, 3, 32, 32]:
        mine(8) -> gap -> flatten
    """
    call = model(text).root.body[0]
    assert call.instance.facts == {"macs": 8 * 3 * 32 * 32, "params": 24}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fact", "wrong"),
    [
        ("macs = 0 - 5", "`macs` is at least 0, not -5"),
        ("macs = C * H - 500", "`macs` is at least 0, not -404"),
        ("params = 1.5", "`params` is a whole number, not the number 1.5"),
        ("params = C * H", "`params` is a number, and `3*H` depends on the size of the input"),
        ("reach = 0", "`reach` is at least 1, not 0"),
        ("reach = (3, 1)", "`reach` is a whole number, not the size 3x1"),
        ("reach = true", "`reach` is a whole number, not the bool `true`"),
        ("macs = none", ""),
        ("macs = C * H", ""),
    ],
)
def test_what_an_extern_block_states_is_a_count(fact: str, wrong: str) -> None:
    text = f"""
    extern block mine on x[N, C, H, W] -> [N, C, H, W] = "package.module:Class"
        {fact}

    net f on x[N, 3, H=32, W=32]:
        mine -> gap -> flatten
    """
    if wrong:
        assert [(code, words) for code, _, words in errors(text)] == [("E0452", wrong)]
    else:
        assert shapes(model(text)) == ["[N, 3]"]
