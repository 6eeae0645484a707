"""A bug of the compiler is a message and status 1, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dslc.backends.torch import emit
from dslc.backends.torch.merged import CompilerBug
from dslc.cli.main import main
from dslc.ir.model import Model


def test_code_that_would_not_be_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(model: Model, **_: object) -> str:
        raise CompilerBug("`k` would be 3, and is 5")

    monkeypatch.setattr(emit, "emit", broken)
    program = tmp_path / "net.dl"
    program.write_text("net f on x[N, 3, 8, 8]:\n    conv(8, 3) -> gap -> flatten\n")
    result = CliRunner().invoke(main, ["build", str(program), "-o", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "error[E0654]" in result.stderr and "`k` would be 3" in result.stderr
    assert not (tmp_path / "out").exists()
