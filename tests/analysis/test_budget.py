"""Budgets that hold, that do not, and that cannot be checked."""

from __future__ import annotations

import pytest

from dslc.diagnostics.model import CompileError, Diagnostic
from tests.analysis.nets import compiled

NET = """
net f(most: int = 10K) on x[N, 3, H=32, W=32]:
    conv(16, 3, s=2) as small -> relu
    conv(32, 3) as large
    gap -> flatten -> linear(10)
    budget {}
"""


def mistakes(budget: str) -> tuple[Diagnostic, ...]:
    try:
        compiled(NET.format(budget))
    except CompileError as error:
        return error.diagnostics
    return ()


@pytest.mark.parametrize(
    "budget",
    [
        "macs <= 1_290_560",
        "macs == 1_290_560",
        "params <= 5.5K",
        "params < most",
        "receptive_field >= 7",
        "macs <= 2M, params > 3, receptive_field > 2",
    ],
)
def test_budgets_that_hold(budget: str) -> None:
    assert mistakes(budget) == ()


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ("macs < 1_290_560", "`macs` is 1,290,560, and the budget says `< 1,290,560`"),
        ("params <= most // 2", "`params` is 5,418, and the budget says `<= 5,000`"),
        ("receptive_field >= 8", "`receptive_field` is 7, and the budget says `>= 8`"),
    ],
)
def test_budgets_that_do_not(budget: str, words: str) -> None:
    (found,) = mistakes(budget)
    assert (found.code, found.message) == ("E0701", words)
    assert found.span.text == budget


def test_the_layers_that_count_most_are_shown_in_order_with_what_halving_them_saves() -> None:
    (found,) = mistakes("macs <= 1M")
    assert [label.text for label in found.related] == [
        "`large`: 1,179,648 (91.4%); halving it saves 589,824",
        "`small`: 110,592 (8.6%); halving it saves 55,296",
        "`linear`: 320 (0.0%); halving it saves 160",
    ]
    assert found.related[0].span.text == "conv(32, 3) as large"
    assert [h.text for h in found.help] == ["halving `large` would keep it: 700,736"]


def test_help_names_as_many_layers_as_it_takes() -> None:
    (found,) = mistakes("macs <= 650K")
    assert [h.text for h in found.help] == ["halving `large` and `small` would keep it: 645,440"]
    (found,) = mistakes("macs <= 100K")
    assert found.help == ()


@pytest.mark.parametrize(
    ("budget", "value"),
    [
        ("flops", 2 * 1_290_560 + 16 * 256 + 32 * 256 + 10 + 16 * 256 + 32 * 256),
        ("acts", 16 * 256 + 32 * 256 + 10),
        ("weights_memory", 5_418 * 4),
        ("activation_memory", (16 * 256 + 32 * 256 + 32 + 10) * 4),
        ("peak_memory", (16 * 256 + 32 * 256) * 4),
    ],
)
def test_every_quantity_can_be_a_budget(budget: str, value: int) -> None:
    """Counted by hand: three biases, a relu (in place), a pool's sum and division of 256 places."""
    assert mistakes(f"{budget} == {value}, {budget} <= {value}") == ()
    (found,) = mistakes(f"{budget} < {value}")
    unit = " B" if "memory" in budget else ""
    assert found.message == f"`{budget}` is {value:,}{unit}, and the budget says `< {value:,}{unit}`"


def test_a_peak_names_what_lives_then_and_halving_one_may_save_nothing() -> None:
    text = """
        net f on x[N, 4, 8, 8]:
            conv(8, 3) as a
            conv(16, 3) as b
            conv(8, 3) as c
            budget peak_memory <= 4kB
    """
    with pytest.raises(CompileError) as error:
        compiled(text)
    (found,) = error.value.diagnostics
    assert [label.text for label in found.related] == [
        "`b`: 4,096 B (66.7%); halving it saves 2,048 B",
        "`a`: 2,048 B (33.3%); halving it alone saves nothing",
    ]


def test_bytes_in_a_budget() -> None:
    assert mistakes("weights_memory <= 21.7kB, peak_memory <= 48KiB") == ()


def test_every_budget_is_checked() -> None:
    assert [d.code for d in mistakes("macs <= 1, params <= 1, mac <= 1")] == ["E0701", "E0701", "E0702"]


def test_an_unknown_quantity_offers_the_nearest() -> None:
    (found,) = mistakes("param_count <= 1")
    assert found.code == "E0702" and found.span.text == "param_count"


def test_a_network_without_places_has_no_receptive_field_to_keep() -> None:
    with pytest.raises(CompileError) as error:
        compiled("net f on x[N, 8]:\n    linear(3)\n    budget receptive_field >= 1\n")
    assert [d.code for d in error.value.diagnostics] == ["E0703"]


OPEN = """
extern block mine(width: int) on x[N, C, H, W] -> [N, width, H, W] = "tests.user:Mine"

net f on x[N, 3, 8, 8]:
    conv(4, 3) -> mine(4) -> conv(2, 3)
    budget {}
"""


def test_a_lower_bound_keeps_a_limit_from_below_and_breaks_one_from_above() -> None:
    compiled(OPEN.format("params >= 100, macs > 1K"))
    with pytest.raises(CompileError) as error:
        compiled(OPEN.format("macs <= 2K, macs <= 1M, params >= 1K, receptive_field >= 2"))
    over, *rest = error.value.diagnostics
    macs = 4 * 3 * 9 * 64 + 2 * 4 * 9 * 64
    assert over.message == f"`macs` is at least {macs:,}, and the budget says `<= 2,000`; `mine` does not say"
    assert over.help == ()
    assert over.related[0].text == "`conv`: 6,912; halving it saves 3,456"
    assert [d.code for d in rest] == ["E0703"] * 3


def test_a_budget_holds_at_the_default_size_asked_for() -> None:
    text = "net f on x[N, 3, H=32, W=32]:\n    conv(8, 3)\n    budget macs <= 300K\n"
    compiled(text)
    with pytest.raises(CompileError):
        compiled(text, H=64)


def test_the_budget_of_an_alias() -> None:
    text = """
        net base(c: int = 8) on x[N, 3, 32, 32]:
            conv(c, 3) -> gap -> flatten

        net wide = base(64)
            budget params <= 1K
    """
    compiled(text, "base")
    with pytest.raises(CompileError) as error:
        compiled(text, "wide")
    assert [d.code for d in error.value.diagnostics] == ["E0701"]
