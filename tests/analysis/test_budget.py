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


def test_the_layers_that_count_most_are_shown_in_order() -> None:
    (found,) = mistakes("macs <= 1M")
    assert [label.text for label in found.related] == ["`large`: 1,179,648", "`small`: 110,592", "`linear`: 320"]
    assert found.related[0].span.text == "conv(32, 3) as large"


def test_every_budget_is_checked() -> None:
    assert [d.code for d in mistakes("macs <= 1, params <= 1, mac <= 1")] == ["E0701", "E0701", "E0702"]


def test_an_unknown_quantity_offers_the_nearest() -> None:
    (found,) = mistakes("param_count <= 1")
    assert found.code == "E0702" and found.span.text == "param_count"


def test_a_network_without_places_has_no_receptive_field_to_keep() -> None:
    with pytest.raises(CompileError) as error:
        compiled("net f on x[N, 8]:\n    linear(3)\n    budget receptive_field >= 1\n")
    assert [d.code for d in error.value.diagnostics] == ["E0703"]


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
