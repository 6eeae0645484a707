"""Numbers as text, up to those that no float holds."""

from __future__ import annotations

import pytest

from dslc.analysis.receptive import receptive_fields
from dslc.ir.walk import flatten
from dslc.reports.memory import amount, exact_amount
from dslc.reports.numbers import bytes_text, field_text, power_text, short
from tests.analysis.nets import compiled


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (999, "999"),
        (4_089_184_256, "4.089 G"),
        (7 * 10**15, "7.000 P"),
        (3 * 10**20, "300.000 E"),
        (361_440 * 10**36, "3.614e+41"),
        (10**400, "1.000e+400"),
    ],
)
def test_short(number: int, text: str) -> None:
    assert short(number) == text


def test_four_digits_are_rounded_from_the_exact_number() -> None:
    assert power_text(12345 * 10**30) == "1.235e+34"
    assert power_text(99995 * 10**30) == "1.000e+35"
    assert power_text(99994 * 10**30) == "9.999e+34"


def test_bytes() -> None:
    assert bytes_text(24_000_000_000) == "24.0 GB"
    assert bytes_text(12 * 10**15) == "12.0 PB"
    assert bytes_text(12 * 10**30) == "1.200e+31 B" == amount(12 * 10**30)
    assert amount(512) == "512 B" and amount(2 * 10**18) == "2.000 EB"
    assert exact_amount(25_769_803_776) == "24 GiB"


def test_a_field_that_is_a_hull_and_rounded_has_one_mark() -> None:
    model = compiled("net f on x[N, 4, H=9, W=11]:\n    deconv(6, 4, s=2, p=1) -> deconv(3, 3, s=3, p=0)\n")
    fields = receptive_fields(model, flatten(model))
    assert field_text(fields[model.root.outputs[0]]) == "~2.83"  # 17/6: -4/3 .. 1/2 of the input
