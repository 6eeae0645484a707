"""A network of many kinds of layers to modify, and what an export says of it."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor, nn

import dslc
from dslc.live.export import to_model

TEXT = """
use std.attention: attention

block part(c: int, s: int = 1):
    const table: [i: c] = i / 10 + 1
    conv(c, 3, s=s) as conv -> bn as bn -> prelu as act
    it * table[none, :, none, none]

net live(classes: int = 4, c: int = 4) on image[N, 3, H=16, W=16] -> [N, classes]:
    part(c) as first -> part(2 * c, s=2) as second
    seq as tail:
        conv(8, 1) -> gn(2) -> leaky_relu(0.1) -> maxpool(2) -> dropout(0.3) -> upsample(2, mode="bilinear") -> gelu
    flatten(2) -> transpose(1, 2) -> ln as norm
    attention(2) as attn -> lstm(6) as rnn -> mean(1)
    linear(8) as fc -> relu -> linear(classes) as head
"""

Live: Any = dslc.load(TEXT)


def refusal(net: nn.Module, **options: Any) -> str:
    """What the error says for a module that is not exported; it is one error, of one mistake."""
    with pytest.raises(dslc.ExportError) as caught:
        to_model(net, **options)
    assert len(caught.value.mistakes) == 1
    return str(caught.value)


def exported(net: nn.Module) -> None:
    """A module that is exported: in onnxruntime it gives what it gives itself, in the mode that it stays in."""
    before = [part.training for part in net.modules()]
    assert to_model(net, check=True).data()
    assert [part.training for part in net.modules()] == before


def twice(self: Any, x: Tensor) -> Tensor:
    return 2 * x
