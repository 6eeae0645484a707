"""docs/python.md is what the docstrings say, describes all that is public, and its examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest

import dslc
from dslc.reference.python import MADE, PAGE, PROGRAM, SECTIONS, described, methods, page, parameters, write

EXAMPLES: list[str] = re.findall(r"^```python\n(.*?)^```$", page(), re.MULTILINE | re.DOTALL)


def test_the_page_is_fresh(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--regen"):
        write()
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m dslc.reference`"


def test_the_page_is_the_same_where_python_strips_docstrings() -> None:
    code = "from dslc.reference.python import page; print(page(), end='')"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, cwd=PAGE.parents[1], check=True)
    assert done.stdout.decode() == page()


def test_all_that_is_public_is_on_it() -> None:
    assert sorted(name for names in SECTIONS.values() for name in names) == dslc.__all__
    assert [name for name in dir(dslc) if not name.startswith("_")] == dslc.__all__
    assert set(MADE) <= set(dslc.__all__)


@pytest.mark.parametrize("name", dslc.__all__)
def test_every_option_and_field_is_described(name: str) -> None:
    value: Any = getattr(dslc, name)
    functions: list[tuple[str, Any]] = [(name, value)] if isfunction(value) else []
    if isinstance(value, type):
        functions += [(f"{name}.{method}", function) for method, function in methods(value)]
    for title, function in functions:
        assert {parameter.name for parameter in parameters(function)} == described(function), title
        assert len((function.__doc__ or "").split()) > 5, title
    words = re.findall(r"`(\w+)`", value.__doc__ or "")
    if is_dataclass(value):
        assert {field.name for field in fields(value)} <= set(words)
    if isinstance(value, type) and name in MADE:
        shown = {key for key, attribute in vars(value).items() if isinstance(attribute, property)}
        assert {key for key in shown if not key.startswith("_")} - {"diagnostics", "without_notes"} <= set(words)


def test_what_makes_a_class_has_its_attributes_described(tmp_path: Path) -> None:
    network = dslc.compile(PROGRAM)
    for value in (network, network.stats(), network.diff(network)):
        words = set(re.findall(r"`(\w+)`", type(value).__doc__ or ""))
        assert {name for name in vars(value) if not name.startswith("_")} - {"net"} <= words, type(value)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.strip().splitlines()[0][:50])
def test_examples_run(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.dl").write_text(PROGRAM, encoding="utf-8")
    exec(compile(example, "docs/python.md", "exec", dont_inherit=True), {"dslc": dslc, "__name__": "example"})


def test_there_is_an_example_for_whatever_is_called() -> None:
    text = "\n".join(EXAMPLES)
    assert len(EXAMPLES) > 12
    called = ["compile", "load", "export_onnx"] + [name for name, _ in methods(dslc.Network) if name != "load"]
    assert all(re.search(rf"\.{name}\(", text) for name in called)


def test_links_lead_somewhere() -> None:
    text = page()
    anchors = {
        re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= anchors
    assert all((PAGE.parent / name).exists() for name in re.findall(r"\]\((\w+\.md)\)", text))
