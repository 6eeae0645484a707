"""Receptive fields of networks: hand-made chains by formula, published ResNets, ops that move axes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.analysis.field import Status
from dslc.api import compile_model
from tests.analysis.nets import compiled, field_of, tracks_of

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

RESNETS = {
    "resnet18": (435, 32, 217),
    "resnet34": (899, 32, 449),
    "resnet50": (427, 32, 213),
    "resnet101": (971, 32, 485),
    "resnet152": (1451, 32, 725),
}
"""Size, stride, padding by the formula of the TF-Slim receptive-field study (Araujo et al. 2019), strides where
torchvision puts them."""


@pytest.mark.parametrize("name", sorted(RESNETS))
def test_torchvision_resnets(name: str) -> None:
    model = compile_model(EXAMPLES / "resnet.dl", name)
    for axis in (2, 3):
        field = field_of(model, axis=axis)
        assert (field.size, field.stride, field.padding) == RESNETS[name]
        assert field.status is Status.GLOBAL and not field.spread
    before = field_of(model, "layer4.0.add")
    assert before.status is Status.EXACT


def test_the_smallest_path_of_a_bottleneck_network_is_the_stem() -> None:
    """Through every shortcut: a 7x7 convolution and a 3x3 pool at stride 2."""
    assert field_of(compile_model(EXAMPLES / "resnet.dl", "resnet50")).smallest == 7 + 2 * 2


def test_a_chain_by_the_closed_form() -> None:
    model = compiled("""
        net f on x[N, 3, H=64, W=64]:
            conv(8, 7x3, s=2x1) as a -> maxpool(2) as b -> conv(8, 3, d=2) as c
            avgpool(3, s=1) as d
    """)
    tall = [field_of(model, p, axis=2) for p in "abcd"]
    wide = [field_of(model, p, axis=3) for p in "abcd"]
    assert [f.size for f in tall] == [7, 9, 9 + 4 * 4, 9 + 4 * 4 + 2 * 4]
    assert [f.stride for f in tall] == [2, 4, 4, 4]
    assert [f.padding for f in tall] == [3, 3, 3 + 2 * 4, 3 + 2 * 4]
    assert [f.size for f in wide] == [3, 4, 4 + 4 * 2, 4 + 4 * 2 + 2 * 2]
    assert all(f.status is Status.EXACT for f in tall + wide)


def test_a_pool_before_a_linear_map_is_global_and_keeps_the_local_numbers() -> None:
    model = compiled("net f on x[N, 3, 32, 32]:\n    conv(8, 3) -> gap -> flatten -> linear(2)\n")
    field = field_of(model)
    assert (field.size, field.status, field.local) == (3, Status.GLOBAL, False)
    assert "map" in field.cause


def test_flattened_places_are_seen_by_the_linear_map_not_by_the_flatten() -> None:
    model = compiled("net f on x[N, 3, 8, 8]:\n    conv(4, 3) -> flatten as flat -> relu as act -> linear(2)\n")
    assert field_of(model, "flat").status is Status.EXACT
    assert field_of(model, "act").status is Status.EXACT
    assert (field_of(model).status, field_of(model).cause) == (Status.GLOBAL, "linear")


def test_squeeze_and_excitation_is_global_with_local_numbers() -> None:
    model = compiled("""
        net f on x[N, 8, 32, 32]:
            conv(8, 3, s=2) -> conv(8, 3) as body
            it * (it -> gap -> conv(8, 1) -> sigmoid)
            conv(8, 3) as after
    """)
    body, after = field_of(model, "body"), field_of(model, "after")
    assert (after.size, after.stride) == (body.size + 2 * body.stride, body.stride)
    assert (after.status, after.local) == (Status.GLOBAL, True)


def test_branches_of_a_pyramid_join_their_hulls() -> None:
    model = compiled("""
        net f on x[N, 4, 32, 32]:
            concat:
                | conv(4, 1)
                | conv(4, 3, d=6)
                | conv(4, 5)
    """)
    field = field_of(model)
    assert [field.size, field.smallest, field.spread] == [13, 1, 0]


def test_an_unpadded_branch_is_unaligned() -> None:
    model = compiled("""
        net f on x[N, 4, 32, 32]:
            a = conv(4, 3)
            b = conv(4, 3, p=valid) -> pad(((0, 2), (0, 2)))
            a + b
    """)
    field = field_of(model)
    assert field.spread == 1
    assert (field.low, field.high) == (-1, 2)


def test_upsampling_in_a_decoder_is_phase_dependent() -> None:
    model = compiled("""
        net f on x[N, 4, H=32, W=32]:
            conv(4, 3, s=2) -> upsample(2) -> conv(4, 3)
    """)
    field = field_of(model)
    assert field.stride == 1
    assert (field.status, field.cause) == (Status.PHASE_DEPENDENT, "upsampling")


def test_tokens_keep_their_patch_until_attention() -> None:
    model = compiled("""
        use std.attention: attention

        net f on x[N, 3, 32, 32]:
            conv(16, 8, s=8, p=0) -> rearrange("n c h w -> n (h w) c") as tokens
            ln as norm -> linear(16) as local
            attention(2) as att
    """)
    for path in ("tokens", "norm", "local"):
        field = field_of(model, path)
        assert (field.size, field.stride, field.status) == (8, 8, Status.EXACT)
    assert field_of(model).status is Status.GLOBAL


def test_a_window_over_mixed_axes_is_unknown_not_wrong() -> None:
    model = compiled("""
        net f on x[N, 4, 8, 8]:
            conv(4, 3) -> rearrange("n c h w -> n c (h w)") -> conv(4, 3)
    """)
    assert field_of(model).status is Status.UNKNOWN


def test_one_dimension() -> None:
    model = compiled("""
        net f on x[N, 1, T=16000]:
            for k in range(10): conv(8, 2, d=2**k, p=valid)
    """)
    (track,) = tracks_of(model)
    assert (track.axis, track.field.size, track.field.padding) == (2, 1024, 0)


def test_two_inputs_are_followed_apart() -> None:
    model = compiled("""
        net f on a[N, 4, 32, 32], b[N, 4, 32, 32]:
            (a -> conv(4, 3)) + (b -> conv(4, 5))
    """)
    assert {(t.input, t.axis): t.field.size for t in tracks_of(model)} == {(0, 2): 3, (0, 3): 3, (1, 2): 5, (1, 3): 5}


def test_features_have_no_places() -> None:
    assert tracks_of(compiled("net f on x[N, 64]:\n    linear(10)\n")) == ()


def test_a_parameter_has_no_field_and_adds_none() -> None:
    model = compiled("""
        net f on x[N, T=16, 8]:
            param pos: [1, T, 8] = zeros
            (it + pos) -> linear(4)
    """)
    (track,) = tracks_of(model)
    assert (track.axis, track.field.size) == (1, 1)


def test_a_recurrent_layer_sees_the_whole_sequence() -> None:
    model = compiled("net f on x[N, T=16, 8]:\n    lstm(8) -> linear(2)\n")
    assert field_of(model, axis=1).status is Status.GLOBAL


def test_a_module_of_the_users_own_sees_what_it_states() -> None:
    text = """
        extern block swirl on x[N, C, H, W] -> [N, C, H, W] = "my.parts:Swirl"
            {}

        net f on x[N, 3, 32, 32]:
            conv(8, 3, s=2) -> swirl -> conv(8, 3)
    """
    stated = field_of(compiled(text.format("reach = 5")))
    assert (stated.size, stated.status) == (3 + 4 * 2 + 2 * 2, Status.EXACT)
    silent = field_of(compiled(text.format("macs = 0")))
    assert (silent.status, silent.cause) == (Status.UNKNOWN, "`swirl`")
