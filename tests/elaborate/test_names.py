"""Module names: the state-dict keys that a program promises."""

from __future__ import annotations

from tests.elaborate.programs import body, errors, keys, model, modules


def test_as_names_the_module_and_nothing_else_changes_it() -> None:
    assert modules(body("y = conv(8, 3) as stem", "y -> bn as norm -> gap -> flatten")) == ["stem", "norm"]


def test_without_as_the_definition_names_it_never_an_alias() -> None:
    lines = ["let thin = conv(k=1)", "thin(4) -> bn -> thin(4) -> bn", "gap -> flatten"]
    assert modules(body(*lines)) == ["conv", "bn", "conv_2", "bn_2"]


def test_a_seq_numbers_every_layer_step_but_id_and_expressions() -> None:
    lines = [
        "seq as s:",
        "    conv(4, 3) -> relu",
        "    id",
        "    it * 2",
        "    dropout -> conv(4, 3) as last",
        "    conv(4, 1)",
        "gap -> flatten",
    ]
    assert modules(body(*lines)) == ["s.0", "s.last", "s.4"]


def test_a_chain_named_by_as_is_a_seq() -> None:
    assert modules(body("(conv(4, 1) -> bn) as down", "gap -> flatten")) == ["down.0", "down.1"]


def test_a_block_written_as_a_chain_is_numbered() -> None:
    text = """
    block unit(out: int) = conv(out, 3) -> bn -> relu

    net f on x[N, 3, H=8, W=8]:
        unit(4) as a -> unit(8)
        gap -> flatten
    """
    assert modules(model(text)) == ["a.0", "a.1", "unit.0", "unit.1"]


def test_a_layer_through_a_parameter_is_named_after_it() -> None:
    text = """
    block unit(norm: layer, act: layer = relu) on x[N, C, H, W]:
        conv(C, 3) -> norm -> act

    net f on x[N, 4, H=8, W=8]:
        unit(bn) -> unit(gn(2))
        gap -> flatten
    """
    assert modules(model(text)) == ["unit.conv", "unit.norm", "unit_2.conv", "unit_2.norm"]


def test_an_inline_block_makes_no_level_and_is_hygienic() -> None:
    text = """
    inline block pair(out: int) on x[N, C, H, W]:
        y = conv(out, 1)
        conv(out, 3)
        it + y

    net f on x[N, 3, H=8, W=8]:
        y = conv(3, 1)
        pair(4)
        concat(it, y) -> gap -> flatten
    """
    assert modules(model(text)) == ["conv", "conv_2", "conv_3"]


def test_a_suite_lands_in_its_writers_block() -> None:
    lines = ["residual:", "    conv(3, 3) as a -> relu", "    conv(3, 3) as b", "gap -> flatten"]
    assert modules(body(*lines)) == ["a", "b"]


def test_as_on_an_inline_block_names_its_one_module() -> None:
    text = """
    inline block dw2(k: int) on x[N, C, H, W]: conv(C, k, g=C)

    net f on x[N, 3, H=8, W=8]:
        dw2(3) as depthwise
        gap -> flatten
    """
    assert modules(model(text)) == ["depthwise"]


def test_nested_seqs_and_loops_in_them() -> None:
    lines = [
        "seq as features:",
        "    for c in [4, 8]:",
        "        seq:",
        "            conv(c, 3)",
        "            relu",
        "gap -> flatten",
    ]
    assert modules(body(*lines)) == ["features.0.0", "features.1.0"]


def test_parameters_share_the_namespace() -> None:
    text = """
    net f on x[N, T=4, 8]:
        param scale: [1, 1, 8] = ones
        it * scale
        linear(8) as scale
    """
    assert errors(text)[0][0] == "E0203"


def test_a_module_is_shared_and_its_tensors_can_be_tied() -> None:
    text = """
    net f on ids: int64[N, T=4]:
        module wte = embedding(10, 8)
        ids -> wte
        linear(10, weight=wte.weight, bias=false)
    """
    found = model(text)
    assert keys(found) == ["wte.weight"]


def test_a_module_used_twice_has_its_weights_once() -> None:
    lines = [
        "module head = seq:",
        "    conv(3, 3)",
        "    relu",
        "a = x -> head",
        "x -> maxpool(2) -> head -> gap -> concat(it, a -> gap) -> flatten",
    ]
    found = body(*lines)
    assert keys(found) == ["head.0.weight", "head.0.bias"]


def test_a_module_that_does_not_fit_a_second_time() -> None:
    lines = ["module c = conv(4, 3)", "x -> c -> c -> gap -> flatten"]
    text = "net f on x[N, 3, H=8, W=8]:\n" + "".join(f"    {line}\n" for line in lines)
    assert errors(text)[0][0] == "E0477"


def test_conditional_layers_keep_their_name() -> None:
    text = """
    block unit(out: int) on x[N, C, H, W]:
        residual(skip = (conv(out, 1) -> bn) as downsample if C != out else id):
            conv(out, 3)

    net f on x[N, 3, H=8, W=8]:
        unit(8) -> unit(8)
        gap -> flatten
    """
    assert modules(model(text)) == ["unit.conv", "unit.downsample.0", "unit.downsample.1", "unit_2.conv"]


def test_bias_auto_follows_the_next_step_of_the_same_chain() -> None:
    def biased(*lines: str) -> bool:
        return "conv.bias" in body(*lines, "gap -> flatten").params

    assert not biased("conv(4, 3) -> bn")
    assert not biased("conv(4, 3)", "bn")
    assert not biased("conv(4, 3) -> inorm")
    assert biased("conv(4, 3) -> relu -> bn")
    assert biased("c = conv(4, 3)", "c -> bn")
    assert biased("conv(4, 3) -> (bn -> relu) as tail")
    assert not biased("conv(4, 3, bias=false)")
    assert biased("conv(4, 3, bias=true) -> bn")


def test_a_module_of_an_inline_block_is_shared() -> None:
    lines = ["module d = dw(3)", "d -> relu -> d", "gap -> flatten"]
    assert keys(body(*lines)) == ["d.weight", "d.bias"]


def test_a_net_may_be_a_layer_of_another() -> None:
    text = """
    net backbone on image[N, 3, H=32, W=32]:
        conv(8, 3, s=2) -> bn -> relu

    net f on image[N, 3, H=64, W=64]:
        backbone as body -> gap -> flatten
    """
    assert modules(model(text, "f")) == ["body.conv", "body.bn"]
