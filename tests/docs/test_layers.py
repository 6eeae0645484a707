"""docs/layers.md is what the registry of ops says."""

from __future__ import annotations

import pytest

from dslc.reports.layers import PAGE, load_ops, page


def test_page_is_fresh(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--regen"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m dslc.reports.layers`"


def test_every_layer_is_on_it() -> None:
    text = page()
    for ops in load_ops().values():
        for cls in ops:
            assert f"### `{cls.name}" in text
