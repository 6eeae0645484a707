"""Each kind of rule against what torch measures on a small network: mean squares of values, gradients and weights.

The first line of each program says over how many draws torch averages, and the largest errors of log10 of the RMS.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.signal.torch_draws import errors

NETS = sorted((Path(__file__).parent / "nets").glob("*.dl"))


@pytest.mark.parametrize("path", NETS, ids=lambda path: path.stem)
def test_a_rule_comes_near_to_what_torch_measures(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    said = re.match(r"# draws (\d+), forward ([\d.]+), backward ([\d.]+), weights ([\d.]+)\n", text)
    assert said is not None
    bars = dict(zip(("forward", "backward", "weights"), map(float, said.groups()[1:]), strict=True))
    found = errors(text, int(said[1]))
    for table, bar in bars.items():
        name, worst = max(found[table].items(), key=lambda item: item[1])
        assert worst < bar, f"{table} of {name}"
