"""docs/python.md: everything that `import dslc` gives, from its docstrings.

What is public is what `dslc.__all__` names, and of its classes what no underscore begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from inspect import Parameter, cleandoc, isfunction, signature
from pathlib import Path
from typing import Any

import dslc
from dslc.docs import docstring

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
WIDTH = 100
"""Letters of a signature on one line; a longer one has a line for each parameter."""

PROGRAM = """\
## A small network.
net small(classes: int = 10) on image[N, 3, H=64, W=64]:
    conv(16, 3, s=2) as stem -> bn as norm -> relu
    conv(32, 3, s=2) as body -> relu
    gap -> flatten -> linear(classes) as head
"""

HEAD = """\
# The Python package

`import dslc` costs nothing: what it gives is imported when it is first used, and only `load` and `export_onnx` need
torch. A `Network` is a program that was checked, for numbers, pictures and files; a `Module` is its generated class,
which is trained like any other. All of it is typed, and passes `mypy --strict`.

The examples of this page are of this program, `net.dl`; they are run by the tests.

```dl net.dl
{program}```

```python
import dslc

network = dslc.compile("net.dl")  # a Network: nothing is run, nothing is written
print(network.stats().totals["macs"])
Small = dslc.load("net.dl")  # a class of torch: Small() is an nn.Module
net = Small(classes=100)
net.to_onnx("net.onnx", dynamic=("N",))  # with its present weights
```

Programs can be imported like modules of Python too: [`import dslc.hook`](hook.md). `"zoo:resnet50"` stands for a
program of [the zoo](zoo.md).

What is wrong with a program is a `CompileError`, what is wrong with a file, with weights or with a module a `Failure`;
an option that is not known is a `ValueError`, and one of a wrong kind a `TypeError`, each with the nearest that is
meant. Nothing is half written then.

In signatures, `DTypeLike` is an element type by any of its names (`"fp16"`, `"half"`, `"bfloat16"`) or as torch or
numpy have it (`torch.float16`, `numpy.float16`); `Dynamic` is the sizes that stay open in a graph: `"N,H"`,
`("N", "H")`, `{{"image": {{0: "N", 2: "H"}}}}` or `{{"image": [0, 2]}}`; `Target` is a path, or a stream of bytes such
as `io.BytesIO()`.

This page is written by `python -m dslc.reference`.
"""

SECTIONS: dict[str, tuple[str, ...]] = {
    "Functions": ("compile", "load", "export_onnx"),
    "Networks": ("Network", "Module"),
    "What a network says of itself": ("NetworkStats", "NetworkDiff", "Findings", "Built"),
    "Records": ("Port", "Weight", "LayerNumbers", "FieldNumbers", "TrainingNumbers"),
    "Errors": ("CompileError", "Failure", "ExportError"),
}
MADE = ("Network", "Module", "NetworkStats", "NetworkDiff", "Findings", "Built")
"""Classes that the package makes instances of, and nobody else: their constructors are not public."""


def methods(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public methods of a class, in the order of its text."""
    yield from ((name, value) for name, value in vars(cls).items() if isfunction(value) and not name.startswith("_"))


def described(function: Callable[..., Any]) -> set[str]:
    """The parameters that a docstring describes: those before the colon of each item of its lists."""
    items = re.findall(r"^- ((?:`\w+`(?:, )?)+):", cleandoc(docstring(function)), re.MULTILINE)
    return {name for item in items for name in re.findall(r"\w+", item)}


def parameters(function: Callable[..., Any]) -> list[Parameter]:
    """What a function is called with."""
    return [parameter for parameter in signature(function).parameters.values() if parameter.name != "self"]


STARS: dict[object, str] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}


def heading(name: str, of: Any) -> str:
    """`compile(source: str | Path, net: str | None = None)`, over several lines where it is long."""
    found = parameters(of)
    words = [spelled(parameter) for parameter in found]
    keyword = next((k for k, parameter in enumerate(found) if parameter.kind is Parameter.KEYWORD_ONLY), None)
    if keyword is not None:
        words.insert(keyword, "*")
    result = signature(of).return_annotation
    arrow = "" if is_dataclass(of) or result in (Parameter.empty, None) else f" -> {result}"
    text = f"{name}({', '.join(words)}){arrow}"
    return text if len(text) <= WIDTH else f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){arrow}"


def spelled(parameter: Parameter) -> str:
    """`net: str | None = None`; annotations are texts."""
    default = "" if parameter.default is Parameter.empty else f" = {parameter.default!r}".replace("'", '"')
    return f"{STARS.get(parameter.kind, '')}{parameter.name}: {parameter.annotation}{default}"


def entry(name: str) -> str:
    """A function or class, with its methods."""
    value: Any = getattr(dslc, name)
    parts = [f"### {name}", ""]
    if isfunction(value) or is_dataclass(value):
        parts += ["```py", heading(f"dslc.{name}" if isfunction(value) else name, value), "```", ""]
    parts += [cleandoc(docstring(value)), ""]
    if isinstance(value, type):
        for method, function in methods(value):
            title = f"{name}.{method}"
            parts += [f"#### {title}", "", "```py", heading(title, function), "```", ""]
            parts += [cleandoc(docstring(function)), ""]
    return "\n".join(parts)


def page() -> str:
    """The whole page."""
    contents = [
        f"- {title}: {', '.join(f'[{name}](#{name.lower()})' for name in names)}" for title, names in SECTIONS.items()
    ]
    parts = [HEAD.format(program=PROGRAM), "\n".join(contents) + "\n"]
    for title, names in SECTIONS.items():
        parts += [f"## {title}\n", *map(entry, names)]
    return "\n".join(parts)


def write() -> None:
    """Write it."""
    PAGE.write_text(page(), encoding="utf-8")
