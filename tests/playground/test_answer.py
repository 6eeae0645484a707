"""The playground's answer: what the command line says of the same program, for any text, with plain Python alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest

import dslc
from dslc.playground import answer, examples

ROOT = Path(__file__).resolve().parents[2]
LENET = (ROOT / "examples" / "lenet.dl").read_text("utf-8")
WRONG = "net small on image[N, 3, 8, 8]:\n    conv(4, 3) -> rleu -> gap -> flatten -> linear(2)\n"

ALONE = """
import sys
for name in ("numpy", "click", "torch", "onnx", "ml_dtypes", "rich", "lark"):
    sys.modules[name] = None
import json
from dslc.playground import answer
found = json.loads(answer(open(sys.argv[1], encoding="utf-8").read()))
print(found["net"], len(found["svg"]) > 1000, "class " in found["torch"], len(found["table"]["rows"]) > 4)
print("Conv" in found["onnx"])
print(len(json.loads(answer("net f on x[N, 4]: linaer(2)"))["diagnostics"]))
"""


def said(text: str, *more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer(text, *more))
    return found


def test_all_of_a_net() -> None:
    found = said(LENET)
    assert found["diagnostics"] == found["problems"] == []
    assert found["net"] == found["nets"][0]
    network = dslc.compile(LENET, net=found["net"])
    assert str(network.stats()).replace("<text>", "net.dl", 1) == found["report"]
    assert network.torch_source.replace("<text>", "net.dl", 1) == found["torch"]
    assert ElementTree.fromstring(found["svg"]).tag.endswith("svg")
    assert {len(row["texts"]) for row in found["table"]["rows"]} == {len(found["table"]["headings"])}


def test_a_mistake_has_its_place_and_a_fix_that_helps() -> None:
    found = said(WRONG)
    assert found["net"] is found["svg"] is found["torch"] is None and found["nets"] == ["small"]
    (mistake,) = found["diagnostics"]
    start, end = (mistake["span"][side]["offset"] for side in ("start", "end"))
    assert WRONG[start:end] == "rleu"
    (edit,) = mistake["help"][0]["edits"]
    at, to = (edit["span"][side]["offset"] for side in ("start", "end"))
    mended = said(WRONG[:at] + edit["text"] + WRONG[to:])
    assert mended["net"] == "small" and mended["svg"]


def test_the_net_and_the_sizes_that_are_asked_for() -> None:
    text = "net a on x[N, C=4]: linear(2)\nnet b on x[N, 8, H=8, W=8]: conv(4, 3)\n"
    assert said(text)["net"] == said(text, "gone")["net"] == "a"
    found = said(text, "b", {"H": 32})
    assert found["sizes"]["H"] == 32 and found["sizes"]["W"] == 8 and "32" in found["svg"]
    assert said(text, "b", {"Q": 3}) == said(text, "b"), "a size of another text"
    assert said(text, "b", {"Q": 3, "H": 32}) == found
    for size in (0, -1, 10**30):
        wrong = said(text, "b", {"H": size})
        assert wrong["net"] is None and (wrong["diagnostics"] or wrong["problems"])


def test_no_file_of_the_reader_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.dl"
    secret.write_text("block secret(): linear(3)\n", encoding="utf-8")
    for path in (secret, "../../etc/passwd", "/etc/passwd"):
        found = said(f'use "{path}" as s\nnet f on x[N, 4]: linear(2)\n')
        assert found["diagnostics"] and "root:" not in str(found) and "linear(3)" not in str(found)


def test_a_name_is_no_markup() -> None:
    for name in ("<script>alert(1)</script>", "a&b", '"><img src=x>'):
        found = said(f"net f on x[N, 4]: linear(2) as `{name}`\n")
        if found["svg"]:
            assert not [e for e in ElementTree.fromstring(found["svg"]).iter() if e.tag.endswith(("script", "img"))]


@pytest.mark.parametrize(
    "text",
    ["", "\n", " ", "\0", "\ud800", "net", "net f", "net f on", "#", '"', "`", "net f on x[N, 4]:", "\r\r\n",
     "(" * 3000, "net f(n: int) on x[N, 4]: linear(n)", "let a = 10 ** 10 ** 10", "block b: b()\nnet f on x[N, 4]: b\n",
     "x" * 5_000_000, "net f on x[N, 4]: " + " -> ".join(["relu"] * 30_000)],
    ids=lambda text: repr(text[:20]),
)  # fmt: skip
def test_it_raises_for_no_text(text: str) -> None:
    found = said(text)
    assert found["net"] is None or found["svg"]


def test_it_raises_for_no_spoilt_program() -> None:
    random = Random(12)
    for _ in range(25):
        start = random.randrange(len(LENET))
        end = min(len(LENET), start + random.randrange(12))
        said(LENET[:start] + random.choice(["", "(", "->", "\n", "é", "]", "  "]) + LENET[end:])
        said(LENET[:start])


def test_examples_are_the_zoo() -> None:
    found = json.loads(examples())
    assert found["lenet"] == LENET and len(found) == len(list((ROOT / "examples").glob("*.dl")))


def test_plain_python_is_enough() -> None:
    command = [sys.executable, "-c", ALONE, str(ROOT / "examples" / "resnet.dl")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["resnet18", "True", "True", "True", "True", "1"]
