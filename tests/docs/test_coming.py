"""docs/coming-from.md is what the vocabulary says."""

from __future__ import annotations

from dslc.reference.coming import PAGE, coming_text


def test_the_page_is_what_the_vocabulary_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == coming_text(), "run `python -m dslc.reference`"
