"""Networks compared: alignment, what counts as a change, totals, and whether weights load."""

from __future__ import annotations

import random
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from time import process_time

import pytest

from dslc.analysis.align import common, longest_increasing, myers
from dslc.analysis.changes import Change, Status
from dslc.analysis.compare import Comparison, compare
from dslc.api import compile_model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def nets(a: str, b: str) -> Comparison:
    return compare(compile_model(dedent(a)), compile_model(dedent(b)))


def body(text: str) -> str:
    """A net with these lines."""
    lines = "\n".join(f"    {line}" for line in dedent(text).strip().splitlines())
    return f"net f on x[N, 3, H=32, W=32]:\n{lines}\n"


def bodies(a: str, b: str) -> Comparison:
    return nets(body(a), body(b))


def example(name: str, a: str, b: str) -> Comparison:
    path = EXAMPLES / f"{name}.dl"
    return compare(compile_model(path, a), compile_model(path, b))


def summary(comparison: Comparison) -> list[str]:
    """`added layer1.2`, `renamed conv -> stem`, for all that differs and is spelled out."""
    return list(words(comparison.root))


def words(change: Change) -> Iterator[str]:
    for child in change.children:
        old, new = (layer.path if layer is not None else "" for layer in (child.a, child.b))
        if child.status in (Status.ADDED, Status.REMOVED):
            yield f"{child.status.value} {old or new}"
        elif child.moved:
            yield f"moved {old} -> {new}"
        elif child.renamed:
            yield f"renamed {old} -> {new}"
        elif child.edits:
            yield f"{new}: " + ", ".join(f"{e.name} {e.old} -> {e.new}" for e in child.edits)
        yield from words(child)


# ---- sequences


def length(a: str, b: str) -> int:
    """Length of a longest common subsequence, by the textbook's table."""
    row = [0] * (len(b) + 1)
    for x in a:
        before = row
        row = [0]
        for j, y in enumerate(b):
            row.append(before[j] + 1 if x == y else max(before[j + 1], row[j]))
    return row[-1]


@pytest.mark.parametrize("seed", range(60))
def test_common_is_a_longest_common_subsequence(seed: int) -> None:
    chance = random.Random(seed)
    a, b = ("".join(chance.choice("abcd") for _ in range(chance.randrange(14))) for _ in range(2))
    found = myers(a, b)
    assert all(a[i] == b[j] for i, j in found)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(found))
    assert len(found) == length(a, b)
    assert len(common(a, b)) <= length(a, b)


def test_common_finds_at_least_what_difflib_finds_of_long_sequences() -> None:
    chance = random.Random(1)
    a = [chance.randrange(50) for _ in range(2000)]
    b = [x for x in a if chance.random() > 0.05]
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    assert len(common(a, b)) == len(b) >= sum(block.size for block in blocks)


def test_beyond_the_limit_a_common_subsequence_is_still_one() -> None:
    chance = random.Random(2)
    a, b = ([chance.randrange(40) for _ in range(4000)] for _ in range(2))
    found = common(a, b)
    assert len(found) > 50
    assert all(a[i] == b[j] for i, j in found)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(found))


def test_longest_increasing() -> None:
    assert longest_increasing([]) == []
    assert [[5, 1, 4, 2, 3][k] for k in longest_increasing([5, 1, 4, 2, 3])] == [1, 2, 3]


# ---- what is a change


def test_a_network_is_its_own_equal() -> None:
    found = example("resnet", "resnet18", "resnet18")
    assert not found.differ and found.root.status is Status.SAME and found.weights.load
    assert summary(found) == []


def test_rewriting_a_block_is_no_change() -> None:
    a = """
    block unit(out: int) on x[N, C, H, W]:
        conv(out, 3) as conv1 -> bn as bn1 -> relu

    net f on x[N, 3, H=32, W=32]:
        unit(8) as first
        gap -> flatten -> linear(10)
    """
    b = """
    block step(k: int, channels: int = 2 * 4) on y[N, C, H, W]:
        y -> conv(channels, k) as conv1
        bn as bn1
        relu

    net f on picture[N, 3, H=32, W=32]:
        step(k=3) as first -> gap
        flatten
        linear(5 * 2)
    """
    found = nets(a, b)
    assert found.root.status is Status.SAME and summary(found) == []
    assert [fact.name for fact in found.facts if fact.a != fact.b] == ["inputs"]


def test_attributes_one_by_one() -> None:
    found = bodies("conv(16, 3) as c -> gap -> flatten", "conv(32, 3, s=2) as c -> gap -> flatten")
    assert summary(found) == ["c: out 16 -> 32, s 1 -> 2"]
    (change,) = (c for c in found.root if c.edits and c.children == [] and c is not found.root)
    assert change.a is not None and change.b is not None
    assert (change.a.numbers["params"], change.b.numbers["params"]) == (16 * 27 + 16, 32 * 27 + 32)
    assert (change.a.outs, change.b.outs) == (("[N, 16, 32, 32]",), ("[N, 32, 16, 16]",))


def test_an_inserted_layer_is_inserted_though_names_below_shift() -> None:
    found = bodies(
        "conv(16, 3) -> relu\nconv(24, 3) -> relu\ngap -> flatten",
        "conv(16, 3) -> relu\nconv(20, 5) -> relu\nconv(24, 3) -> relu\ngap -> flatten",
    )
    assert sorted(summary(found)) == ["added conv_2", "added relu_2", "renamed conv_2 -> conv_3"]


def test_a_renamed_layer() -> None:
    found = bodies("conv(16, 3) as stem -> gap -> flatten", "conv(16, 3) as first -> gap -> flatten")
    assert summary(found) == ["renamed stem -> first"]
    assert found.weights.renamed == (("stem.weight", "first.weight"), ("stem.bias", "first.bias"))


def test_a_layer_named_for_the_first_time_is_renamed_too() -> None:
    found = bodies("conv(16, 3) -> gap -> flatten", "conv(16, 3) as stem -> gap -> flatten")
    assert summary(found) == ["renamed conv -> stem"]


def test_layers_wrapped_in_a_seq_moved() -> None:
    found = bodies(
        "conv(16, 3) as conv1 -> bn as bn1 -> relu\ngap -> flatten",
        "seq as stem: conv(16, 3) as conv1 -> bn as bn1 -> relu\ngap -> flatten",
    )
    moves = ["moved conv1 -> stem.conv1", "moved bn1 -> stem.bn1", "moved relu -> stem.2"]
    assert summary(found) == ["added stem", *moves]
    assert ("conv1.weight", "stem.conv1.weight") in found.weights.renamed


def test_layers_that_changed_places() -> None:
    found = bodies(
        "conv(3, 3) as a -> conv(3, 5) as b\ngap -> flatten", "conv(3, 5) as b -> conv(3, 3) as a\ngap -> flatten"
    )
    assert len(summary(found)) == 1 and summary(found)[0] in ("moved a -> a", "moved b -> b")
    assert found.differ and found.weights.load


def test_another_activation_is_a_change_of_op() -> None:
    found = bodies("conv(4, 3) -> relu -> gap -> flatten", "conv(4, 3) -> gelu -> gap -> flatten")
    assert summary(found) == ["gelu: op relu -> gelu"]


def test_another_wiring_is_a_change() -> None:
    a = "a = conv(3, 3)\nb = a -> conv(3, 3)\n(b + x) -> gap -> flatten"
    b = "a = conv(3, 3)\nb = a -> conv(3, 3)\n(b + a) -> gap -> flatten"
    found = bodies(a, b)
    assert summary(found) == ["add: reads conv_2, x -> conv_2, conv"]
    assert found.weights.load


def test_a_reader_of_a_renamed_layer_did_not_change() -> None:
    a = "a = conv(3, 3) as left\nb = a -> conv(3, 3)\n(b + a) -> gap -> flatten"
    b = "a = conv(3, 3) as right\nb = a -> conv(3, 3)\n(b + a) -> gap -> flatten"
    assert summary(bodies(a, b)) == ["renamed left -> right"]


def test_other_initial_weights_are_a_change() -> None:
    found = bodies("conv(4, 3, init=zeros) -> gap -> flatten", "conv(4, 3) -> gap -> flatten")
    assert len(summary(found)) == 1 and summary(found)[0].startswith("conv: init ")


# ---- whole networks


def test_resnet18_and_34_differ_in_depth_alone() -> None:
    found = example("resnet", "resnet18", "resnet34")
    added = ["1.2", "2.2", "2.3", "3.2", "3.3", "3.4", "3.5", "4.2"]
    assert summary(found) == [f"added layer{unit}" for unit in added]
    numbers = {total.name: (total.a, total.b) for total in found.totals}
    # torchvision 0.28, ResNet18_Weights and ResNet34_Weights: num_params
    assert numbers["params"] == (11_689_512, 21_797_672)
    assert numbers["receptive_field"] == (435, 899)


def test_the_deltas_of_the_layers_add_up_to_that_of_the_net() -> None:
    for name, a, b in (("resnet", "resnet34", "resnet50"), ("vit", "vit_b_16", "vit_l_16")):
        found = example(name, a, b)
        for count in ("params", "macs", "flops", "acts", "buffers"):
            total = 0
            for change in found.root:
                if not change.layer.children:
                    new, old = (x.numbers[count] if x is not None else 0 for x in (change.b, change.a))
                    assert new is not None and old is not None
                    total += new - old
            assert found.root.a is not None and found.root.b is not None
            old_total, new_total = found.root.a.numbers[count], found.root.b.numbers[count]
            assert old_total is not None and new_total is not None and total == new_total - old_total


def test_a_narrower_network_is_compared_place_by_place() -> None:
    path = EXAMPLES / "mobilenet_v2.dl"
    found = compare(compile_model(path), compile_model(path, args={"width": 0.5}))
    assert not any(line.startswith(("added", "removed", "moved", "renamed")) for line in summary(found))
    assert "features.0.0: out 32 -> 16" in summary(found)


def test_larger_patches_change_two_tensors() -> None:
    found = example("vit", "vit_b_16", "vit_b_32")
    assert [line for line in summary(found) if not line.startswith("encoder:")] == [
        "conv_proj: k 16 -> 32, s 16 -> 32",
        "encoder.pos_embedding: shape [1, 197, 768] -> [1, 50, 768]",
    ]
    assert [key for key, _, _ in found.weights.reshaped] == ["conv_proj.weight", "encoder.pos_embedding"]


def test_a_larger_picture_changes_numbers_only() -> None:
    path = EXAMPLES / "resnet.dl"
    found = compare(compile_model(path, "resnet18"), compile_model(path, "resnet18", sizes={"H": 448, "W": 448}))
    assert found.root.status is Status.AFFECTED and found.weights.load and found.differ
    macs = next(total for total in found.totals if total.name == "macs")
    assert macs.percent == pytest.approx(300, abs=0.2)


def test_budgets_and_allowed_sizes_are_compared() -> None:
    a = body("conv(4, 3) -> maxpool(2) -> gap -> flatten\nbudget params <= 1K")
    b = body("conv(4, 3) -> maxpool(2) -> gap -> flatten\nrequire H % 8 == 0\nbudget params <= 2K")
    found = {fact.name: (fact.a, fact.b) for fact in nets(a, b).facts if fact.a != fact.b}
    assert found == {
        "budgets": ("params <= 1,000", "params <= 2,000"),
        "allowed": ("H >= 2; W as H", "H % 8 == 0; W >= 2"),
    }


# ---- weights


@pytest.mark.parametrize(
    ("a", "b"), [("resnet18", "resnet34"), ("resnet34", "resnet18"), ("resnet50", "wide_resnet50_2")]
)
def test_weights_load_as_torch_says(a: str, b: str) -> None:
    """The keys that torch's own `load_state_dict` names for torchvision's networks of these names."""
    models = pytest.importorskip("torchvision.models")
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        old, new = getattr(models, a)().state_dict(), getattr(models, b)().state_dict()
    found = example("resnet", a, b).weights
    assert set(found.missing) == set(new) - set(old)
    assert set(found.unexpected) == set(old) - set(new)
    shapes = {k: (tuple(old[k].shape), tuple(new[k].shape)) for k in new if k in old and old[k].shape != new[k].shape}
    assert {key: (x, y) for key, x, y in found.reshaped} == shapes
    assert found.fitting == len(set(old) & set(new)) - len(shapes)


def test_weights_that_load_into_other_layers_are_told() -> None:
    found = bodies("conv(3, 3) -> relu -> gap -> flatten", "conv(3, 3) -> conv(3, 3) -> relu -> gap -> flatten").weights
    assert found.missing == ("conv_2.weight", "conv_2.bias") and not found.renamed
    a = "conv(3, 3) -> conv(3, 3, d=2) -> conv(3, 3, s=2)\ngap -> flatten"
    b = "conv(3, 3, d=2) -> conv(3, 3, s=2) -> conv(3, 3)\ngap -> flatten"
    found = bodies(a, b).weights
    assert found.load
    assert dict(found.renamed) == {
        "conv_2.weight": "conv.weight",
        "conv_2.bias": "conv.bias",
        "conv_3.weight": "conv_2.weight",
        "conv_3.bias": "conv_2.bias",
    }


# ---- size


DEEP = """
net f(depth: int = 3300, k: int = 3) on x[N, 3, H=8, W=8]:
    conv(3, k)
    for i in range(depth): conv(3, 3) -> bn -> relu
    gap -> flatten
"""


def test_ten_thousand_layers() -> None:
    found = compare(compile_model(DEEP), compile_model(DEEP, args={"k": 1, "depth": 3301}))
    assert sorted(line.partition(" ")[0] for line in summary(found)) == ["added"] * 3 + ["conv:"]


def test_time_grows_with_the_layers() -> None:
    """Twice the layers take twice the processor time; four times would be quadratic."""

    def seconds(depth: int) -> float:
        a, b = (compile_model(DEEP, args={"depth": depth, "k": k}) for k in (3, 5))
        times = []
        for _ in range(3):
            start = process_time()
            compare(a, b)
            times.append(process_time() - start)
        return min(times)

    assert seconds(600) < 3.2 * seconds(300)


def test_a_network_that_does_nothing_has_no_layer_to_pair() -> None:
    found = bodies("relu -> maxpool(2)", "id")
    assert [(change.status, change.layer.op) for change in found.root if change.layer.kind == "op"] == [
        (Status.REMOVED, "relu"),
        (Status.REMOVED, "maxpool"),
    ]
    back = bodies("id", "relu -> maxpool(2)")
    assert [change.status for change in back.root if change.layer.kind == "op"] == [Status.ADDED] * 2


def test_a_part_whose_layers_all_moved_is_left_empty() -> None:
    split = "seq as s:\n    conv(4, 3) as k\nseq as t: conv(4, 1) as l"
    one = "seq as s: id\nseq as t:\n    conv(4, 3) as k\n    conv(4, 1) as l"
    moved = {change.layer.name for change in bodies(split, one).root if change.moved}
    assert moved == {"k"}
