"""The text of `dslc stats`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.api import compile_model
from dslc.reports.stats import Stats
from dslc.reports.terminal import default_report
from tests.analysis.nets import compiled
from tests.conftest import Golden

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

NETS = [
    ("lenet", "lenet", {}),
    ("resnet", "resnet18", {}),
    ("unet", "unet", {"depth": 2, "width": 8}),
    ("googlenet", "googlenet", {}),
    ("vit", "vit_b_16", {}),
]


@pytest.mark.parametrize(("file", "net", "args"), NETS, ids=[net for _, net, _ in NETS])
def test_reports_of_networks(
    file: str, net: str, args: dict[str, object], golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    found = Stats(compile_model(Path("examples") / f"{file}.dl", net, args=args))
    golden(HERE / "golden" / f"{net}.txt", default_report(found))


def test_symbolic_rows(golden: Golden) -> None:
    model = compiled("""
        net f on image[N, 3, H=33, W=32] -> [N, 10]:
            conv(16, 3, s=2) as a -> bn -> relu
            (a_block) as b
            gap -> flatten -> linear(10)

        block a_block on x[N, C, H, W]:
            conv(C, 3, g=C) -> avgpool(2)
    """)
    golden(HERE / "golden" / "symbolic.txt", default_report(Stats(model), symbolic=True))


def test_a_pyramid_says_which_sizes_are_allowed_and_where(golden: Golden) -> None:
    model = compiled("""
        net pyramid on image[N, 3, H=64, W=64]:
            c1 = conv(8, 3, s=2)
            c2 = c1 -> conv(8, 3, s=2)
            p1 = c1 + (c2 -> upsample(2))
            p1 -> conv(4, 1)
    """)
    golden(HERE / "golden" / "pyramid.txt", default_report(Stats(model)))


def test_rows_of_parts_are_the_sums_of_what_is_in_them() -> None:
    found = Stats(compile_model(ROOT / "examples" / "resnet.dl", "resnet50"))
    tops = [row for row in found.rows if row.depth == 0]
    assert sum(row.macs for row in tops) == found.cost.macs
    assert sum(row.count.params for row in tops) == found.cost.count.params
    assert sum(row.count.buffers for row in tops) == found.cost.count.buffers
    for k, row in enumerate(found.rows):
        if row.is_part:
            inside = []
            for below in found.rows[k + 1 :]:
                if below.depth <= row.depth:
                    break
                if below.depth == row.depth + 1:
                    inside.append(below)
            assert (row.macs, row.count.params) == (sum(r.macs for r in inside), sum(r.count.params for r in inside))


def test_the_tree_of_a_long_chain_takes_time_in_proportion(tmp_path: Path) -> None:
    text = "net f on x[N, 4, 8, 8]:\n" + "    conv(4, 1)\n" * 3000
    assert len(Stats(compile_model(text)).rows) == 3000
