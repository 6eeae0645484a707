"""A module of a user's package, for programs that declare it as an `extern block`."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScaleShift(nn.Module):
    """`scale * x + shift`, the shift one number for each channel of a map."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.shift = nn.Parameter(torch.full((channels,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.shift[:, None, None]
