"""`dslc stats --sweep`: how axes are written, what each form prints, what is refused, and the picture."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from dslc.cli.sweeping import MAX_POINTS, axis_of, pair, quantities
from dslc.diagnostics.model import Failure
from dslc.reports import plot
from tests.cli import running

ROOT = Path(__file__).resolve().parent.parent.parent
MOBILENET = ROOT / "examples" / "mobilenet_v1.dl"

NET = """
net small(c: int = 8, k: int = 3, depths: [int] = [1, 1]) on image[N, 3, H=32, W=32] -> [N, 4]:
    for n in depths:
        for i in range(n): conv(c, k) -> relu
    gap -> flatten -> linear(4)
"""


def run(*args: str | Path) -> Result:
    return running.run("stats", *args)


def printed(*args: str | Path) -> str:
    return running.printed("stats", *args)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.dl"
    path.write_text(NET, encoding="utf-8")
    return path


# ---- axes


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("width=0.5,1.0", "width", [0.5, 1.0]),
        ("H=W=160,192", "H W", [160, 192]),
        (" H = W = 160 , 192 ", "H W", [160, 192]),
        ("depth=1..4", "depth", [1, 2, 3, 4]),
        ("H=160..224/32", "H", [160, 192, 224]),
        ("width=0.1..0.5/0.1", "width", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("width=0.5..1.9", "width", [0.5, 1.5]),
        ("depth=1,4..5,3,4", "depth", [1, 4, 5, 3]),
        ("depths=[3,4,6,3],[2, 2]", "depths", [[3, 4, 6, 3], [2, 2]]),
        ("k=3x3,(5,5)", "k", [(3, 3), (5, 5)]),
        ("c=1K,true,none,swish,'a,b'", "c", [1000, True, None, "swish", "a,b"]),
    ],
)
def test_axes(text: str, names: str, values: list[object]) -> None:
    assert axis_of(text) == (tuple(names.split()), tuple(values))
    assert [type(v) for v in axis_of(text)[1]] == [type(v) for v in values]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("width", "is not `name=value,..`"),
        ("=3", "is not `name=value,..`"),
        ("H=", "is not `name=value,..`"),
        ("H=1,,2", "a value missing"),
        ("H=5..1", "has no values"),
        ("H=1..5/0", "has no values"),
        ("H=1..1000000000", "1,000,000,000 values; at most 1,000"),
        ("H=open('x')", "cannot read the value"),
        ("H=W==3", "cannot read the value"),
    ],
)
def test_what_is_no_axis(text: str, words: str, net: Path) -> None:
    with pytest.raises(click.BadParameter, match=re.escape(words)):
        axis_of(text)
    result = run(net, "--sweep", text)
    assert result.exit_code == 2 and "--sweep" in result.stderr and not result.stdout


def test_too_many_combinations_and_a_name_given_twice(net: Path) -> None:
    result = run(net, "--sweep", "H=1..101", "--sweep", "c=1..10")
    assert MAX_POINTS == 1000 and result.exit_code == 2
    assert "101 x 10 combinations are 1,010; at most 1,000 are compiled" in result.stderr
    result = run(net, "--sweep", "H=W=16,32", "--sweep", "W=8")
    assert result.exit_code == 2 and "`W` is swept twice" in result.stderr


def test_quantities_have_their_nearest() -> None:
    assert quantities(["macs", "weights", "macs"]) == ("macs", "weights_memory")
    with pytest.raises(click.BadParameter, match="did you mean `peak_memory`"):
        quantities(["peak_memori"])
    context = click.Context(click.Command("stats"))
    option = click.Option(["--front"])
    assert pair(context, option, "macs, acts") == ("macs", "acts")
    with pytest.raises(click.BadParameter, match="not two quantities"):
        pair(context, option, "macs")


# ---- what is printed


def test_the_table(net: Path) -> None:
    text = printed(net, "--sweep", "c=4,8,16", "--sweep", "H=W=16,32")
    lines = text.splitlines()
    assert lines[0] == f"small: 6 networks; x1.00 is c=8 H=W=32  {net}"
    assert re.fullmatch(r" c  H=W +params +MACs +FLOPs +acts +weights +peak +field", lines[2])
    rows = [line.split() for line in lines[3:9]]
    assert [row[:2] for row in rows] == [[c, s] for c in ("4", "8", "16") for s in ("16", "32")]
    # 8 channels: 3*9*8 + 8 and 8*9*8 + 8 in the convolutions, 8*4 + 4 behind them.
    assert rows[3][2:7] == ["844", "x1.00", "811.0", "k", "x1.00"] and rows[3][-1] == "base"
    assert rows[0][2:7] == ["280", "x0.33", "64.53", "k", "x0.080"] and rows[0][-1] == "front"
    assert rows[5][2:5] == ["2.836", "k", "x3.36"] and rows[5][-1] == "5"
    assert all(re.search(r"  5(  base|  front)?$", line) for line in lines[3:9]), "what does not change has no ratio"
    exponents = {line.split()[0]: line.split()[1:] for line in lines[12:14]}
    assert exponents["H=W"][:2] == ["0.00", "2.00"]
    assert lines[-1].startswith("front (less MACs, more params): no network is better")


def test_lists_as_values_and_no_exponents(net: Path) -> None:
    text = printed(net, "--sweep", "depths=[1,1],[2,2]")
    assert re.findall(r"^ *(\[.*?\])", text, re.MULTILINE) == ["[1,1]", "[2,2]"]
    assert "exponents" not in text


def test_columns_are_quantities(net: Path) -> None:
    lines = printed(net, "--sweep", "c=4,8", "--columns", "macs,field").splitlines()
    assert lines[2].split() == ["c", "MACs", "field"]


def test_refused_values_are_rows_that_say_why(net: Path) -> None:
    result = run(net, "--sweep", "k=3,4,big")
    assert result.exit_code == 0 and "3 networks, 2 refused" in result.stdout
    assert re.search(r"^ +4  refused: E\d{4}: .*4", result.stdout, re.MULTILINE)
    assert re.search(r"^big  refused: E0360: `k` of `small` must be", result.stdout, re.MULTILINE)


def test_what_breaks_a_budget_is_refused_too(net: Path) -> None:
    net.write_text(NET + "    budget macs <= 1M\n", encoding="utf-8")
    text = printed(net, "--sweep", "c=8,16")
    assert "2 networks, 1 refused" in text and re.search(r"^16  refused: E0701: `macs` is 2,801,", text, re.MULTILINE)


def test_only_refused_values_are_a_mistake(net: Path) -> None:
    result = run(net, "--sweep", "k=big,small")
    assert result.exit_code == 1 and not result.stdout
    assert "error[E0360]: `k` of `small` must be" in result.stderr and "net.dl:2" in result.stderr


def test_a_name_that_is_not_there(net: Path) -> None:
    result = run(net, "--sweep", "dephts=[1,2]")
    assert result.exit_code == 2 and "did you mean `depths`?" in result.stderr
    assert "the net `small` has no parameter or size `dephts`" in result.stderr


def test_csv_is_exact(net: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(printed(net, "--sweep", "c=8,16,x", "--sweep", "H=W=32", "--format", "csv")))
    )
    assert [(row["c"], row["H"], row["W"]) for row in rows] == [(c, "32", "32") for c in ("8", "16", "x")]
    assert rows[1]["params"] == str(3 * 9 * 16 + 16 + 16 * 9 * 16 + 16 + 16 * 4 + 4)
    assert rows[1]["macs"] == str((3 * 9 * 16 + 16 * 9 * 16) * 32 * 32 + 16 * 4)
    assert float(rows[1]["params_ratio"]) == pytest.approx(2836 / 844, rel=1e-5)
    assert [row["base"] for row in rows] == ["1", "0", "0"]
    assert rows[2]["macs"] == "" and rows[2]["refused"].startswith("E0360")


def test_json_has_every_number(net: Path) -> None:
    found = json.loads(printed(net, "--sweep", "c=4,8,16,x", "--sweep", "H=W=16,32", "--format", "json"))
    assert found["version"] == 1 and found["net"] == "small" and found["source"] == str(net)
    assert found["axes"] == [
        {"names": ["c"], "values": [4, 8, 16, "x"]},
        {"names": ["H", "W"], "values": [16, 32]},
    ]
    assert found["base"]["at"] == {"c": 8, "H": 32, "W": 32} and found["base"]["refused"] is None
    assert len(found["points"]) == 8 and [p["base"] for p in found["points"]].count(True) == 1
    first = found["points"][0]
    assert first["at"] == {"c": 4, "H": 16, "W": 16}
    assert first["numbers"]["params"] == {"value": 280, "ratio": 280 / 844, "gap": None}
    assert found["points"][-1]["refused"].startswith("E0360") and found["points"][-1]["numbers"] == {}
    assert set(first["numbers"]) == set(found["quantities"]) and "activation_memory" in found["quantities"]
    assert found["quantities"]["peak_memory"] == {"title": "peak", "unit": "B", "better": "less"}
    (macs,) = [e for e in found["exponents"] if e["axis"] == "H=W" and e["quantity"] == "acts"]
    assert [b["from"] for b in macs["between"]] == [16] and 1.9 < macs["at_base"] <= 2


def test_markdown(net: Path) -> None:
    lines = printed(net, "--sweep", "c=4,8", "--format", "markdown").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert table[0].startswith("| c | params |  | MACs |  |") and table[1].startswith("| ---: | ---: |")
    assert len({line.count("|") for line in table[:4]}) == 1


# ---- the picture


def test_svg_is_the_same_each_time_and_says_what_it_shows(tmp_path: Path) -> None:
    paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in paths:
        printed(
            MOBILENET, "--net", "mobilenet_v1", "--sweep", "width=0.5,1.0", "--sweep", "H=W=160,224", "--plot", path
        )
    text = paths[0].read_text(encoding="utf-8")
    assert text == paths[1].read_text(encoding="utf-8") and "<dc:date>" not in text
    ElementTree.fromstring(text)
    shown = re.findall(r"<!-- (.*?) -->", text)
    for words in ("multiply-adds (MACs)", "parameters", "width = 0.5", "width = 1.0", "200 M"):
        assert words in shown, words
    assert "base: width = 1.0, H=W = 224" in shown and "front: less MACs, more params" in shown
    assert all(f'id="{name}"' in text for name in ("front", "base", "line-0.5", "line-1.0"))


def test_points_stand_where_their_numbers_are() -> None:
    from dslc.analysis.sensitivity import Axis
    from dslc.sweep import sweep

    found = sweep(NET, None, [Axis(("c",), (4, 8, 16)), Axis(("H", "W"), (16, 32))])
    (axes,) = plot.draw(found, "macs", "params").axes
    drawn: dict[object, Any] = {line.get_gid(): line.get_xydata() for line in axes.lines}
    for k, name in enumerate(("4", "8", "16")):
        wanted = [(p.numbers["macs"], p.numbers["params"]) for p in found.points[2 * k : 2 * k + 2]]
        assert [tuple(point) for point in drawn[f"line-{name}"].tolist()] == wanted
    best = [(p.numbers["macs"], p.numbers["params"]) for p in found.points if p.at[1] == 16]
    assert [tuple(point) for point in drawn["front"].tolist()] == best
    assert axes.get_xscale() == "log" and axes.get_yscale() == "log"
    assert [text.get_text() for text in axes.texts] == ["16", "32"] * 3
    assert axes.get_xlabel() == "multiply-adds (MACs)"


def test_a_long_legend_lists_some_values() -> None:
    from dslc.analysis.sensitivity import Axis
    from dslc.sweep import sweep

    found = sweep(NET, None, [Axis(("c",), tuple(range(1, 41))), Axis(("H",), (32,))])
    (legend,) = plot.draw(found, "macs", "params").legends
    listed = [text.get_text() for text in legend.get_texts()]
    assert listed[:2] == ["c = 1", "c = 4"] and len(listed) == 14 + 2


def test_png_of_other_quantities(net: Path, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    printed(net, "--sweep", "c=4,8,16", "--plot", path, "--front", "macs,peak_memory")
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert list(tmp_path.glob("*.tmp")) == []


def test_another_suffix_is_refused_before_anything_is_compiled(net: Path, tmp_path: Path) -> None:
    net.write_text("no program")
    result = run(net, "--sweep", "c=4,8", "--plot", tmp_path / "a.pdf")
    assert result.exit_code == 2 and "ends in neither .png nor .svg" in result.stderr


def test_a_folder_that_is_not_there(net: Path, tmp_path: Path) -> None:
    result = run(net, "--sweep", "c=4,8", "--plot", tmp_path / "none" / "a.svg")
    assert result.exit_code == 1 and "error[E0601]" in result.stderr


def test_without_matplotlib_it_says_what_to_install(net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "find_spec", lambda name: None if name == "matplotlib" else find_spec(name))
    with pytest.raises(Failure):
        plot.check_plot()
    result = run(net, "--sweep", "c=4,8", "--plot", tmp_path / "a.svg")
    assert result.exit_code == 1 and not result.stdout
    assert "a picture needs matplotlib, which is not installed" in result.stderr
    assert "pip install 'dslc[plot]'" in result.stderr


def test_a_table_imports_nothing_heavy(net: Path) -> None:
    code = (
        "import sys\nfrom dslc.cli.main import main\n"
        f"main(['stats', {str(net)!r}, '--sweep', 'c=4,8'], standalone_mode=False)\n"
        "print([m for m in ('matplotlib', 'numpy', 'torch', 'onnx', 'pandas', 'rich') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
