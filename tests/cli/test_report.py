"""`dslc report`: one page that loads nothing, with all that is known, whatever the program's texts are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dslc.api import compile_model
from dslc.backends.torch.emit import emit
from dslc.reports.report.network import network_record
from dslc.reports.report.page import PAGES, part
from dslc.reports.stats import Stats
from dslc.reports.torch_lines import TorchLines
from dslc.source import Source
from tests.cli.running import run

ELEMENTS = set(
    "html head meta title style body main section div header h1 h2 p dl ul label input span select button svg defs "
    "marker path figure footer code script".split()
)


class Page(HTMLParser):
    """The elements of a page, and the texts of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self.inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in self.texts:
            self.texts[self.inside][-1] += data

    @property
    def document(self) -> Any:
        return json.loads(self.texts["script"][0])

    @property
    def policy(self) -> str:
        return next(a["content"] or "" for _, a in self.elements if a.get("http-equiv") == "Content-Security-Policy")


def page_of(tmp_path: Path, text: str, *options: str, status: int = 0) -> Page:
    program = tmp_path / "net.dl"
    program.write_text(text, "utf-8")
    result = run("report", program, "-o", tmp_path / "page.html", *options)
    assert result.exit_code == status, result.output
    return Page((tmp_path / "page.html").read_text("utf-8"))


SMALL = "net small on x[N, 3, H=32, W=32]:\n    conv(8, 3) as first -> relu -> gap -> flatten -> linear(10)\n"


def test_a_page_loads_nothing_and_runs_its_own_script_alone(tmp_path: Path) -> None:
    page = page_of(tmp_path, SMALL)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert not [attrs for _, attrs in page.elements for name in ("src", "href", "action") if name in attrs]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    document, script = page.texts["script"]
    (style,) = page.texts["style"]
    for text, kind in ((script, "script-src"), (style, "style-src")):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none';") and "unsafe" not in page.policy
    assert "url(" not in style and "http" not in style
    assert not re.search(
        r"\b(eval|fetch|XMLHttpRequest|innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b", script
    )
    assert json.loads(document)["nets"][0]["name"] == "small"


def test_every_module_is_in_a_page_after_those_that_it_needs() -> None:
    folder = Path(__file__).parents[2] / "dslc" / "reports" / "report" / "page"
    assert {path.stem for path in folder.glob("*.mjs")} == {module for modules in PAGES.values() for module in modules}
    for modules in PAGES.values():
        for place, name in enumerate(modules):
            wanted = re.findall(r'from "\./(\w+)\.mjs"', part(f"{name}.mjs"))
            assert set(wanted) <= set(modules[:place]), name


HOSTILE = "</script><script>alert(1)</script><!--<svg/onload=alert(2)>&lt;'\"\u2028"


def test_texts_of_a_program_are_texts(tmp_path: Path) -> None:
    text = (
        f"## {HOSTILE}\n"
        f"net small on x[N, 3, H=32, W=32]:  # {HOSTILE}\n"
        "    `a<b>\"'&` = conv(8, 3)\n"
        '    rearrange("n c h w -> n c h w")  # </ScRiPt >\n'
    )
    page = page_of(tmp_path, text, status=1 if "`a<b>" in run("check", "-", stdin=text).output else 0)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert len(page.texts["script"]) == 2
    assert page.document["sources"][0]["text"] == text


def test_the_name_of_a_file_is_a_text(tmp_path: Path) -> None:
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    (folder / "net.dl").write_text(SMALL, "utf-8")
    assert run("report", folder / "net.dl", "-o", tmp_path / "page.html").exit_code == 0
    page = Page((tmp_path / "page.html").read_text("utf-8"))
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert "<img" in page.document["sources"][0]["path"]


def test_the_rows_are_those_of_stats() -> None:
    model = compile_model("zoo:resnet", "resnet18", budgets=None)
    record: Any = network_record(model, emit(model), [], [])
    stats = Stats(model)
    assert [row["path"] for row in record["rows"]] == [row.path for row in stats.rows]
    shared = record["shared"]
    params = [shared[row["n"]][0] if "n" in row else None for row in record["rows"]]
    assert params == [None if row.is_part else row.count.params for row in stats.rows]


@pytest.mark.parametrize(
    ("net", "path", "line", "torch"),
    [
        ("resnet18", "layer1.0.conv1", "conv(out, 3, s=s) as conv1", "self.conv1 = nn.Conv2d(in_channels, out, 3"),
        ("resnet18", "fc", "linear(classes) as fc", "self.fc = nn.Linear(512, classes)"),
        ("resnet50", "layer3.4", "unit(", "*(Bottleneck(1024, 256) for _ in range(5)),"),
        ("vit_b_16", "encoder.pos_embedding", "param pos_embedding: [1,", "self.pos_embedding = nn.Parameter("),
    ],
)
def test_a_layer_has_its_lines_of_the_program_and_of_pytorch(net: str, path: str, line: str, torch: str) -> None:
    model = compile_model("zoo:vit" if net == "vit_b_16" else "zoo:resnet", net, budgets=None)
    sources: list[Source] = []
    text = emit(model)
    record: Any = network_record(model, text, sources, [])
    (row,) = (row for row in record["rows"] if row["path"] == path)
    source, number = record["shared"][row["at"]][0]
    assert line in sources[source].line_text(number)
    assert torch in text.splitlines()[record["shared"][row["torch"]][0] - 1]


def test_lines_of_pytorch() -> None:
    text = (
        "class Block(nn.Module):\n"
        "    def __init__(self, n):\n"
        "        self.a = nn.Linear(n, n)\n"
        "        self.b: nn.Module | None = None\n"
        "        if n > 1:\n"
        "            self.b = nn.ReLU()\n"
        "    def forward(self, x):\n"
        "        return self.a(x)\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        self.parts = nn.Sequential(\n"
        "            Block(1),\n"
        "            nn.Sequential(Block(2), nn.ReLU()),\n"
        "            *[Block(n) for n in (3, 4)],\n"
        "        )\n"
        "    def forward(self, x):\n"
        "        x = self.parts(x)\n"
        "        return x + 1\n"
    )
    lines = TorchLines(text)
    assert lines.of("parts") == (11, 17)
    assert lines.of("parts.0.a") == (3, 8)
    assert lines.of("parts.0.b") == (6,)
    assert lines.of("parts.1.0") == (13, 17)
    assert lines.of("parts.1.0.a") == (3, 8)
    assert lines.of("parts.3.a") == (3, 8)
    assert lines.of("add") == (16,)
    assert lines.of("parts.0.add") == (7,)


def test_equal_parts_are_marked() -> None:
    record: Any = network_record(compile_model("zoo:vit", "vit_b_16", budgets=None), None, [], [])
    again = [row["path"] for row in record["rows"] if row.get("again")]
    assert again == [f"encoder.layers.encoder_layer_{i}" for i in range(1, 12)]


def test_parts_that_differ_are_not_marked(tmp_path: Path) -> None:
    program = (
        "block unit(k: int = 3):\n    conv(8, k) -> relu\n\n"
        "block joined(wide: bool):\n    a = it\n    b = conv(8, 3)\n    c = relu\n    c + (a if wide else b)\n\n"
        "net small on x[N, 8, 9, 9]:\n    conv(8, 1) -> unit -> unit -> unit(5) -> unit\n"
        "    joined(true) -> joined(true) -> joined(false)\n"
    )
    (tmp_path / "net.dl").write_text(program, "utf-8")
    record: Any = network_record(compile_model(tmp_path / "net.dl", budgets=None), None, [], [])
    assert [row["path"] for row in record["rows"] if row.get("again")] == ["unit_2", "joined_2"]


def test_a_program_with_mistakes_gives_what_is_known(tmp_path: Path) -> None:
    wrong = f"{SMALL}\nnet other on x[N, 3, H=32, W=32]:\n    conv(8, 3) as first\n    relu -> linear(4)\n"
    page = page_of(tmp_path, wrong, status=1)
    document = page.document
    assert [net["name"] for net in document["nets"]] == ["small"]
    assert [problem["code"] for problem in document["problems"]] == ["E0309"]
    (partly,) = document["partly"]
    assert partly["name"] == "other" and partly["lines"]["5"] == "[N, 8, H, W]"
    assert "E0309" in run("report", tmp_path / "net.dl", "-o", tmp_path / "page.html").output


def test_a_text_that_does_not_parse_gives_its_mistake(tmp_path: Path) -> None:
    page = page_of(tmp_path, "net small on x[N, 3]:\n    linear(8 -> relu\n", status=1)
    assert page.document["nets"] == [] and page.document["problems"][0]["code"] == "E0127"
    assert page.document["sources"][0]["text"].startswith("net small")


def test_a_budget_that_is_not_kept_is_told_of_and_the_network_is_shown(tmp_path: Path) -> None:
    page = page_of(tmp_path, SMALL.replace("]:", "]:\n    budget params <= 10", 1), status=1)
    (net,) = page.document["nets"]
    assert net["budgets"] == [["params", "<=", 10, "params <= 10"]]
    assert [problem["code"] for problem in page.document["problems"]] == ["E0701"]


def test_what_cannot_be_read_leaves_the_page_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("before", "utf-8")
    result = run("report", tmp_path / "none.dl", "-o", tmp_path / "page.html")
    assert result.exit_code == 2 and "E0216" in result.output
    assert (tmp_path / "page.html").read_text("utf-8") == "before"


def test_a_sweep_is_a_network_for_each_value(tmp_path: Path) -> None:
    text = SMALL.replace("net small on", "net small(width: int = 8) on").replace("conv(8", "conv(width")
    page = page_of(tmp_path, text, "--sweep", "width=4,8")
    assert [net["point"] for net in page.document["nets"]] == [{"width": "4"}, {"width": "8"}]
    assert [net["base"] for net in page.document["nets"]] == [False, True]
    assert len(page.document["sources"]) == 1
    result = run("report", tmp_path / "net.dl", "--sweep", "width=1..65", "-o", tmp_path / "page.html")
    assert result.exit_code == 2 and "65 networks are more than one page holds (64)" in result.output
    result = run("report", tmp_path / "net.dl", "zoo:unet", "--sweep", "width=1,2")
    assert result.exit_code == 2


def test_several_programs_stand_in_one_page(tmp_path: Path) -> None:
    page = page_of(tmp_path, SMALL, "zoo:lenet", "--device", "T4")
    assert [net["name"] for net in page.document["nets"]] == ["small", "lenet"]
    assert page.document["devices"][0]["name"] == "T4"


def test_the_page_of_a_large_network_is_small(tmp_path: Path) -> None:
    result = run("report", "zoo:resnet", "--net", "resnet152", "-o", tmp_path / "page.html")
    assert result.exit_code == 0
    assert (tmp_path / "page.html").stat().st_size < 400_000


def test_it_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "net.dl").write_text(SMALL, "utf-8")
    code = (
        "import sys\nfrom dslc.cli.main import main\n"
        "main(['report', 'net.dl', '-o', 'page.html'], standalone_mode=False)\n"
        "print(sorted(set(sys.modules) & {'torch', 'onnx', 'numpy', 'pandas', 'rich', 'matplotlib', 'lark'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
