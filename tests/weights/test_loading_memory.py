"""What loading holds in memory: the file once, through a map and into a module too."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.weights import LIVE, LOADING, MAP, NET, WIDTH, made, measured


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")
@pytest.mark.parametrize(
    ("code", "name"), [(LOADING, "own.safetensors"), (LOADING, "other.safetensors"), (LIVE, "own.pth")]
)
def test_a_checkpoint_is_held_once(tmp_path: Path, code: str, name: str) -> None:
    """The rise over the imports is at most 1.2 times the file."""
    (tmp_path / "big.dl").write_text(NET.format(width=WIDTH, depth=1), encoding="utf-8")
    (tmp_path / "big.map").write_text(MAP, encoding="utf-8")
    file = made(tmp_path / name, 1)
    size = file.stat().st_size
    assert size > 60e6
    names = tmp_path / "big.map" if name.startswith("other") else ""
    _, rise = measured(code, file, tmp_path / "big.dl", names, best=1)
    assert rise <= 1.2 * size
