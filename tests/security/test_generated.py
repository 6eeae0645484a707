"""Text of a program never becomes code of the generated module: comments, strings, messages, names of files."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dslc.api import compile_model
from dslc.backends.torch.emit import emit
from dslc.diagnostics.model import CompileError

NASTY = [
    *(
        '"',
        "'",
        '"""',
        "'''",
        "\\",
        "\\\\",
        '\\"',
        "\\n",
        "\\N{BULLET}",
        "\\x41",
        "\\u0041",
        "{",
        "}",
        "{x}",
        "{{",
        "%s",
        "#",
    ),
    *(
        "@",
        ";",
        "\t",
        " ",
        "\u00a0",
        "\u00e9",
        "\u4e2d",
        "\U0001f642",
        "\u0301",
        "\ufb01",
        "r'",
        'f"',
        "import os",
        "raise Exit",
    ),
    *("os.system('touch hacked')", "__import__('os')", "print(1)", "# type: ignore", "# noqa", "# mypy: ignore-errors"),
    *("-*- coding: utf-7 -*-", "</script>", "$(touch hacked)", "\u200b", "\ufeff"),
]
"""What ends a string, begins an escape or a placeholder, or is a statement where it stands alone."""

REFUSED = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1b", "\x00", "\u202e", "\u2066"]
"""Ends of lines in Python's or an editor's eyes, what a terminal obeys, and what turns the order of letters."""

TEXTS = st.lists(
    st.sampled_from(NASTY) | st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=3),
    max_size=8,
).map("".join)

PROGRAM = """
let label = "{literal}"

## {doc}
fn wider(x: int, mode: str = "{literal}") = 2 * x if mode == "{literal}" else x

## {doc}
##
##     {doc}
## {doc}
block part(mode: str = "{literal}", depth: int = 2) on x[N, C, H, W]:
    require C > 2, "{literal}"
    require H > 2, "{literal}"
    for i in range(depth): conv(C, 3) as `conv{{i}}`
    if mode == "other": relu
    upsample(2) -> conv(wider(C), 3, s=2)

## {doc}
net f(word: str = "{literal}") on x[N, 4, H=32, W=32] -> [N, 3]:
    part(mode=word) -> part("other", 3) -> rearrange("n c (h a) w -> n (c a) h w", a=2)
    conv(8, 3) -> gap -> flatten -> linear(3) as head  # {doc}
"""


def quoted(text: str) -> str:
    """A text as the inside of a string of the language."""
    for letter, written in (("\\", "\\\\"), ('"', '\\"'), ("{", "\\{"), ("}", "\\}"), ("\t", "\\t")):
        text = text.replace(letter, written)
    return text


def statements(text: str) -> ast.Module:
    """The module of a generated file; everything at its top level is of a kind that does nothing of the program's."""
    module = ast.parse(text)
    head, *rest = module.body
    assert isinstance(head, ast.Expr) and isinstance(head.value, ast.Constant) and isinstance(head.value.value, str)
    for node in rest:
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= {"torch", "math", "torch.fx"}
        elif isinstance(node, ast.ImportFrom):
            assert node.module in ("torch", "torch.nn", "collections", "collections.abc", "functools", "typing")
        else:
            assert isinstance(node, ast.ClassDef | ast.FunctionDef), ast.dump(node)
    return module


def names(module: ast.Module) -> set[str]:
    """All names that are read, called or reached through."""
    return {n.id for n in ast.walk(module) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(module) if isinstance(n, ast.Attribute)
    }


PLAIN = PROGRAM.format(doc="words", literal="words")


@settings(max_examples=60, deadline=None)
@given(doc=TEXTS, literal=TEXTS)
@example(doc='"""\nimport os\n"""', literal='"""')
@example(doc='\\"""', literal='\\"""')
@example(doc='ends with "', literal="ends with \\")
@example(doc='"', literal='"')
@example(doc='"""; __import__("os").system("touch hacked") #', literal='"); __import__("os").system("touch hacked") #')
@example(doc="{__import__('os')}", literal="{__import__('os')}")
def test_text_stays_text(doc: str, literal: str) -> None:
    doc = doc.replace("\n", " ")
    text = emit(compile_model(PROGRAM.format(doc=doc, literal=quoted(literal))))
    assert text.isascii() or all(letter.isprintable() or letter == "\n" for letter in text), "nothing is hidden"
    module = statements(text)
    plain = statements(emit(compile_model(PLAIN)))
    assert names(module) <= names(plain) | {"other"}, "no name came from a text"
    kinds, usual = ([type(n).__name__ for n in ast.walk(m)] for m in (module, plain))
    assert set(kinds) <= set(usual)
    words = " ".join(doc.expandtabs(4).split())
    docs = [
        " ".join((ast.get_docstring(n) or "").split())
        for n in ast.walk(module)
        if isinstance(n, ast.Module | ast.ClassDef)
    ]
    assert not words or any(words in found for found in docs), "a comment is there as it was written"
    if '"' in literal or len(literal) > 8:
        held = {n.value for n in ast.walk(module) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        assert literal in held, "a string has the value that it has in the program"


@settings(max_examples=30, deadline=None)
@given(name=TEXTS)
@example(name='"""; import os #')
@example(name="{__import__('os')}")
@example(name="\\")
@example(name="a\nimport os")
@example(name="\x1b[31m\u202e\u2028import os")
def test_the_name_of_a_file_stays_text(name: str) -> None:
    from dslc.build import build

    name = name.replace("/", "").replace("\0", "")[:40] + ".dl"
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(PLAIN, encoding="utf-8")
        build(compile_model(path), Path(folder) / "build", targets=["torch"])
        text = (Path(folder) / "build" / "f.py").read_text("utf-8")
    assert names(statements(text)) == names(statements(emit(compile_model(PLAIN))))
    assert not any(letter in text for letter in REFUSED)


@pytest.mark.parametrize("letter", REFUSED)
@pytest.mark.parametrize("place", ["doc", "literal"])
def test_letters_that_deceive_are_refused_everywhere(letter: str, place: str) -> None:
    texts = {"doc": "words", "literal": "words", place: f"a{letter}b"}
    with pytest.raises(CompileError, match=r"E010[0-9]"):
        compile_model(PROGRAM.format(**texts))


@pytest.mark.parametrize("name", [*filter(str.isidentifier, dir(builtins)), "self", "torch", "nn", "F"])
def test_names_of_a_program_hide_none_of_python(name: str) -> None:
    """Parameters, tensors, sizes, modules, blocks and functions called as Python's own functions are."""
    from dslc.names.reserved import reserved

    module = f"conv(4, 3) as {name}" if reserved(name) is None and name != "None" else "conv(4, 3)"
    text = f"""
fn {name}(x: int) = 2 * x

block part({name}: int = 2) on x[N, C, H, W]:
    {name}_ = conv(C, 3)
    conv({name} * C, 3)({name}_)

net f on x[N, 4, 8, 8]:
    {module} -> part -> conv({name}(2), 1) -> gap -> flatten
"""
    try:
        model = compile_model(text)
    except CompileError as error:
        assert {d.code[:3] for d in error.diagnostics} <= {"E02", "E01"}
        return
    module_names = names(statements(emit(model)))
    assert not module_names & {
        "eval",
        "exec",
        "__import__",
        "open",
        "compile",
        "input",
        "getattr",
        "setattr",
        "globals",
    }
