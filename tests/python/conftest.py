"""A fresh network of `tests.python.live`."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.python.live import Live


@pytest.fixture
def net() -> Any:
    torch.manual_seed(0)
    return Live().eval()
