"""The script of benchmarks/learning.py, on few images and steps: both sides train, results are kept, and added up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import learning

pytest.importorskip("torchvision.models")


def test_runs_go_on_where_they_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = torch.Generator().manual_seed(3)
    images = torch.randn(12, 3, learning.SIDE, learning.SIDE, generator=draw)
    monkeypatch.setattr(learning, "digits", lambda: (images, torch.arange(12) % learning.CLASSES))
    monkeypatch.setattr(learning, "BATCH", 4)
    monkeypatch.setattr(learning, "TESTED", 4)
    monkeypatch.setattr(learning, "SEEDS", (0, 1))
    monkeypatch.setitem(learning.NETS, "vit_small", replace(learning.NETS["vit_small"], steps=3))
    path = tmp_path / "runs.jsonl"
    learning.go_on(path, ["vit_small"], ["ours"])
    learning.go_on(path, ["vit_small"], ["ours", "theirs"])
    runs = learning.read(path)
    assert [(run.side, run.seed) for run in runs] == [("ours", 0), ("ours", 1), ("theirs", 0), ("theirs", 1)]
    assert all(0 <= run.accuracy <= 1 and run.loss > 0 for run in runs)
    learning.summary(runs)
    assert "| vit_small |     3 |" in capsys.readouterr().out


def test_means_are_apart_by_standard_errors() -> None:
    assert learning.apart([0.8, 0.9], [0.8, 0.9]) == 0
    assert learning.apart([0.8, 0.9], [0.7, 0.8]) == pytest.approx(0.1 / (0.005 / 2 + 0.005 / 2) ** 0.5)
