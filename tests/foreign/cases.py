"""A line of a program with foreign words, rewritten: what dslc.foreign says, apart from who asks it."""

from __future__ import annotations

from dslc.api import compile_model
from dslc.diagnostics.model import Edit, Help, Sink
from dslc.foreign.tell import Told, foreign
from dslc.ops.base import REGISTRY
from dslc.source import Source
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.syntax.rewrite import apply_edits

CORE = ("residual", "scale", "concat", "add", "dense", "cba", "dw", "pw", "sepconv", "mlpconv", "se")
SIZES = ("N", "C", "H", "W", "T", "D", "out", "k", "s", "heads")


def kind_of(name: str) -> str | None:
    """Names at the place of a line of a test: tensors `x y a b q v mask`, sizes, layers of the language."""
    if name in ("x", "y", "a", "b", "q", "v", "mask"):
        return "tensor"
    if name in SIZES:
        return "value"
    return "layer" if name in REGISTRY or name in CORE or name == "conv1" else None


def edits_of(span_edit: Edit, help: Help) -> tuple[Edit, ...]:
    own = () if help.replace is None else (Edit(span_edit.span, help.replace),)
    return (*own, *help.edits)


def told(line: str, header: str = "net f on x[N, 3, H=32, W=32]:") -> tuple[str, tuple[Told, ...]]:
    """The program of one line, and what is said of it."""
    text = f"{header}\n    {line}\n"
    sink = Sink()
    file = parse(Source("test", text), sink)
    assert not sink.diagnostics, sink.diagnostics[0].message
    block = file.items[-1]
    assert isinstance(block, tree.Block)
    step = block.suite.body[0]
    assert isinstance(step, tree.Step | tree.Assign)
    return text, foreign(step.value, kind_of, file, whole=True)


def rewritten(line: str, header: str = "net f on x[N, 3, H=32, W=32]:") -> str:
    """The program after all that is proposed for a line."""
    text, found = told(line, header)
    edits = [edit for t in found for help in t.help[:1] for edit in edits_of(Edit(t.span, ""), help)]
    return apply_edits(text, edits)


def line_of(program: str) -> str:
    """The body of a program of one line."""
    return program.split("\n    ", 1)[1].strip()


def checks(program: str) -> None:
    """Compiles a program, or raises CompileError."""
    compile_model(program)
