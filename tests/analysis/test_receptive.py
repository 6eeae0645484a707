"""Receptive fields of networks: hand-made chains by formula, published ResNets, ops that move axes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from time import perf_counter

import pytest

from dslc.analysis.density import densities
from dslc.analysis.field import Status
from dslc.analysis.paths import pairs
from dslc.analysis.receptive import receptive_fields
from dslc.api import compile_model
from dslc.ir.model import Node
from dslc.ir.walk import flatten
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
    assert field.spread == 1 and field.verdict == "unaligned by 1 px"
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


def test_three_3x3_are_one_7x7() -> None:
    """Simonyan and Zisserman, arXiv:1409.1556, section 2.3."""
    three = compiled("net f on x[N, 3, H=64, W=64]:\n    conv(8, 3) -> relu -> conv(8, 3) -> relu -> conv(8, 3)\n")
    one = compiled("net f on x[N, 3, H=64, W=64]:\n    conv(8, 7)\n")
    assert field_of(three) == field_of(one)
    assert field_of(three).size == 7


# ---- TensorFlow's SAME


def test_same_padding_at_the_size_asked_for() -> None:
    """Of an even size a 3x3 window at stride 2 pads 0 before and 1 after; of an odd one 1 and 1."""
    text = "net f on x[N, 3, H=64, W=65]:\n    conv(8, 3, s=2, p=same_tf)\n"
    tall, wide = (field_of(compiled(text), axis=axis) for axis in (2, 3))
    assert [(f.size, f.padding, f.sized, f.status) for f in (tall, wide)] == [
        (3, 0, True, Status.EXACT),
        (3, 1, True, Status.EXACT),
    ]
    assert field_of(compiled(text, H=65)).padding == 1


def test_same_padding_that_no_allowed_size_changes() -> None:
    held = compiled("""
        net f on x[N, 3, H=64, W=64]:
            require H % 4 == 0
            conv(8, 3, s=2, p=same_tf) as a -> conv(8, 3, s=2, p=same_tf) as b -> conv(8, 3, s=2, p=same_tf)
    """)
    assert [field_of(held, path).sized for path in ("a", "b", "")] == [False, False, True]
    assert not field_of(compiled("net f on x[N, 3, 64, 64]:\n    conv(8, 3, s=2, p=same_tf)\n")).sized
    even = compiled("net f on x[N, 3, H=64, W=64]:\n    conv(8, 2, s=2, p=same_tf)\n    conv(8, 5, p=same_tf)\n")
    assert not field_of(even).sized, "at stride 1, and where the odd place goes after, the size does not matter"


def test_same_padding_of_a_size_of_two_symbols() -> None:
    model = compiled("""
        net f on a[N, 4, T=16], b[N, 4, S=15]:
            concat(a, b, axis=2) -> conv(8, 3, s=2, p=same_tf) as c
    """)
    assert tracks_of(model, "c")[0].field.sized


# ---- pairs of inputs and results


def test_every_pair_of_input_and_result() -> None:
    model = compiled("""
        net f on image[N, 3, H=64, W=48], text: int64[N, T=16] -> near, far, words:
            near = conv(8, 3)
            gate = near -> gap -> conv(8, 1) -> sigmoid
            far = (near * gate) -> conv(8, 3, s=2)
            words = text -> embedding(100, 8) -> gru(8)
    """)
    flat = flatten(model)
    found = {(p.input_name, p.name, p.axis): p for p in pairs(model, flat, receptive_fields(model, flat))}
    assert len(found) == 2 * 3 + 3
    near, far = found["image", "near", 2], found["image", "far", 3]
    assert (near.rf, near.rf_local, near.status) == (3, 3, "exact") and near.centre == 0
    assert (far.rf_local, far.status) == (5, "global")
    assert far.rf == far.extent and str(far.extent) == "W"
    assert far.field is not None and "map" in far.field.cause
    apart = found["text", "far", 1]
    assert (apart.field, apart.rf, apart.status) == (None, 0, "independent")
    heard = found["text", "words", 1]
    assert (heard.status, heard.rf_local) == ("global", None)


def test_a_pair_through_an_unknown_op_says_so() -> None:
    model = compiled("""
        net f on x[N, 4, 8, 8]:
            conv(4, 3) -> rearrange("n c h w -> n c (h w)") -> conv(4, 3)
    """)
    flat = flatten(model)
    for pair in pairs(model, flat, receptive_fields(model, flat)):
        assert (pair.rf, pair.rf_local, pair.status) == (None, 3, "unknown(`conv` over mixed axes)")


# ---- density


def test_density_of_dilated_branches() -> None:
    """DeepLab's pyramid: 1, 3x3 at 2, 3x3 at 6 read 7 of 13 places; a dense branch beside them fills 5 around it."""
    model = compiled("""
        net f on x[N, 4, 32, 32]:
            concat:
                | conv(4, 1)
                | conv(4, 3, d=2)
                | conv(4, 3, d=6)
    """)
    flat = flatten(model)
    (_, value) = flat.outputs[0]
    assert [d.value for d in densities(model, flat, [value])[value]] == [Fraction(5, 13)] * 2


def test_density_of_wavenet_is_1() -> None:
    model = compiled("""
        net f on x[N, 1, T=16000]:
            for k in range(10): conv(8, 2, d=2**k, p=valid)
    """)
    flat = flatten(model)
    (_, value) = flat.outputs[0]
    (found,) = densities(model, flat, [value])[value]
    assert (found.input, found.axis) == (0, 2) and found.value == 1


def test_density_that_is_not_known_says_why() -> None:
    model = compiled("""
        net f on x[N, 4, 8, 8]:
            roll(1, axis=2) -> conv(4, 3)
    """)
    flat = flatten(model)
    (_, value) = flat.outputs[0]
    (tall, _) = densities(model, flat, [value])[value]
    assert tall.value is None and tall.cause.startswith("partitioned")


def test_circular_padding_is_a_hull() -> None:
    """Beyond the edge stands the other end, so the window is that of zeros where it stays inside, and says so."""
    model = compiled("""
        net f on x[N, 4, H=8, W=8]:
            conv(4, 3, padding_mode="circular") -> conv(4, 1, padding_mode="circular")
    """)
    flat = flatten(model)
    for pair in pairs(model, flat, receptive_fields(model, flat)):
        assert (pair.rf, pair.status) == (3, "partitioned")
    mirrored = compiled("""
        net f on x[N, 4, H=8, W=8]:
            conv(4, 3, padding_mode="reflect") -> conv(4, 1, padding_mode="circular")
    """)
    flat = flatten(mirrored)
    for pair in pairs(mirrored, flat, receptive_fields(mirrored, flat)):
        assert (pair.rf, pair.status) == (3, "exact")


def test_density_takes_time_linear_in_layers() -> None:
    def seconds(layers: int) -> float:
        model = compiled(f"net f on x[N, 4, H=64, W=64]:\n    for i in range({layers}): conv(4, 3)\n")
        flat = flatten(model)
        start = perf_counter()
        densities(model, flat, [flat.outputs[0][1]])
        return perf_counter() - start

    seconds(20)
    assert min(seconds(800) for _ in range(3)) < 40 * min(seconds(80) for _ in range(3))


# ---- other ranks


def test_video() -> None:
    model = compiled("""
        net f on clip[N, 3, T=16, H=112, W=112]:
            conv(8, 3x7x7, s=1x2x2) -> maxpool(1x3x3, s=1x2x2, p=half) -> conv(8, 3)
    """)
    fields = [field_of(model, axis=axis) for axis in (2, 3, 4)]
    assert [(f.size, f.stride, f.padding) for f in fields] == [(5, 1, 2), (19, 4, 9), (19, 4, 9)]


def test_text_through_convolutions() -> None:
    """Tokens are places along axis 1 until a convolution needs them along axis 2."""
    model = compiled("""
        net f on ids: int64[N, T=64]:
            embedding(1000, 32) -> rearrange("n t c -> n c t")
            conv(32, 5) -> conv(32, 3, d=2) as c
            rearrange("n c t -> n t c") -> linear(8)
    """)
    (track,) = tracks_of(model)
    assert (track.axis, track.at, track.field.size, track.field.status) == (1, 1, 9, Status.EXACT)


def test_adaptive_pools() -> None:
    model = compiled("""
        net f on x[N, 4, 14, 13]:
            conv(4, 3) -> adaptive_avgpool(7)
    """)
    even, uneven = field_of(model, axis=2), field_of(model, axis=3)
    assert (even.size, even.stride, even.status) == (4, 2, Status.EXACT)
    assert (uneven.stride, uneven.status) == (Fraction(13, 7), Status.PHASE_DEPENDENT)
    by_symbol = compiled("net f on x[N, 4, H=14, 14]:\n    adaptive_avgpool(7)\n")
    assert (field_of(by_symbol).size, field_of(by_symbol).stride) == (2, 2)


def test_a_token_picked_out_sees_what_it_saw() -> None:
    model = compiled("""
        use std.attention: attention

        net f on x[N, T=16, 32]:
            attention(2) -> (it[:, 0]) -> linear(4)
    """)
    (track,) = tracks_of(model)
    assert (track.at, track.field.status) == (None, Status.GLOBAL)


def test_a_class_token_before_the_patches() -> None:
    """A vision transformer: each patch sees itself, with the token beside them all, and after attention everything."""
    model = compile_model(EXAMPLES / "vit.dl", "vit_b_16")
    flat = flatten(model)
    fields = receptive_fields(model, flat)
    first = next(i for i, step in enumerate(flat.steps) if isinstance(step.node, Node) and step.node.op.name == "sdpa")
    for track in fields[flat.steps[first].inputs[0]]:
        assert (track.field.size, track.field.stride, track.field.status) == (16, 16, Status.EXACT)
    for track in (*fields[flat.steps[first].outs[0]], *fields[flat.outputs[0][1]]):
        assert (track.field.status, track.field.cause) == (Status.GLOBAL, "attention")


def test_places_lost_by_a_reshape_are_unknown_to_what_mixes_them() -> None:
    model = compiled("""
        net f on x[N, 4, 6, 6]:
            conv(4, 3) -> reshape(N, 9, 16) -> linear(4)
    """)
    assert (field_of(model).status, field_of(model).cause) == (Status.UNKNOWN, "`linear` over mixed axes")


def test_a_reshape_whose_digits_are_known_is_followed() -> None:
    """Rows of 6 in groups of 3: the groups lie beside the rows, the places of a group on the last axis."""
    model = compiled("""
        net f on x[N, 4, 6, 6]:
            conv(4, 3) -> reshape(N, 48, 3) -> linear(4)
    """)
    tall, wide = field_of(model, axis=2), field_of(model, axis=3)
    assert (tall.size, wide.size, wide.stride, wide.status) == (3, 5, 3, Status.EXACT)


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
