"""Faults of transformers, each put into those networks of examples/ that can have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.api import compile_model
from dslc.lints.catalogue import rules
from dslc.lints.run import lint

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(
    ("code", "file", "net", "good", "bad"),
    [
        ("W1601", "vit.dl", "vit_b_16", "(it + pos_embedding)", "(it + pos_embedding[:, :1])"),
        ("W1601", "deit.dl", "deit_tiny", "+ pos_embed)", "+ pos_embed[:, :1])"),
        ("W1601", "bert.dl", "bert", "+ places[:, :T])", "+ places[:, :1])"),
        ("W1605", "vit.dl", "vit_b_16", "it[:, 0] -> seq", "mean(1) -> seq"),
        ("W1605", "deit.dl", "deit_tiny", "it[:, 0]", "mean(1)"),
        ("N1609", "vit.dl", "vit_b_16", "it[:, 0] -> seq", "concat(it[:, 0], it[:, 1:] -> mean(1), axis=1) -> seq"),
        ("N1609", "deit.dl", "deit_tiny", "it[:, 0]", "concat(it[:, 0], it[:, 1:] -> mean(1), axis=1)"),
        ("W1607", "gpt2.dl", "gpt2", "causal=true", "causal=false"),
        ("W1608", "gpt2.dl", "gpt2", "embedding = normal(std=0.02)", "embedding = normal(std=1)"),
    ],
)
def test_a_fault_of_a_transformer_is_the_one_thing_said(
    code: str, file: str, net: str, good: str, bad: str, tmp_path: Path
) -> None:
    text = (EXAMPLES / file).read_text(encoding="utf-8")
    assert text.count(good) == 1
    path = tmp_path / file
    path.write_text(text.replace(good, bad), encoding="utf-8")
    chosen = [rule for rule in rules() if rule.code == code or (rule.code[0] == "W" and not rule.reads_signal)]
    assert {d.code for d in lint(compile_model(path, net), chosen=chosen).diagnostics} == {code}
