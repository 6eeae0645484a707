"""Lines of code: of our programs, and of torchvision's files for the same networks."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from functools import cache
from pathlib import Path
from types import ModuleType

from dslc.analysis.cost import costs
from dslc.api import compile_model
from dslc.ir.walk import flatten
from tests.zoo.zoo import EXAMPLES, THERE

STDLIB = EXAMPLES.parent / "stdlib"


def of_program(path: Path) -> int:
    """Lines of a program without comments and blank lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


def of_python(text: str) -> int:
    """Lines of a module without docstrings, comments, blank lines, and classes of weights with what they share."""
    dropped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            dropped |= lines_of(node.body[0])
        if isinstance(node, ast.ClassDef) and any(
            isinstance(b, ast.Name) and b.id == "WeightsEnum" for b in node.bases
        ):
            dropped |= lines_of(node)
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id.startswith("_COMMON") for t in node.targets
        ):
            dropped |= lines_of(node)
    skip = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skip:
            found |= set(range(token.start[0], token.end[0] + 1))
    return len(found - dropped)


def lines_of(node: ast.stmt) -> set[int]:
    """The lines of a statement."""
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


@cache
def torchvision_lines(module: ModuleType) -> int:
    """Lines of one of torchvision's modules."""
    return of_python(inspect.getsource(module))


def module_of(model: str) -> ModuleType:
    """The module in which torchvision's builder is."""
    from torchvision import models

    builder = getattr(models, model, None) or getattr(models.segmentation, model)
    found = inspect.getmodule(inspect.unwrap(builder))
    assert found is not None
    return found


def row(path: Path, net: str, error: float) -> tuple[str, int, str, int, float, float]:
    """A row of the table for a network that torchvision has not: name, lines, none, parameters, 1e9 MACs, error."""
    model = compile_model(path, net=net)
    cost = costs(model, flatten(model))
    return net, of_program(path), "", cost.count.params, cost.macs / 1e9, error


def totals() -> tuple[int, int, int]:
    """Lines of our programs for torchvision's networks, of our library, of torchvision's modules.

    Torchvision's own library (torchvision/ops/misc.py and its kin) is counted as little as ours.
    """
    programs = {row.file for row in THERE}
    modules = {module_of(row.model) for row in THERE}
    library = sum(map(of_program, STDLIB.glob("*.dl")))
    return sum(map(of_program, programs)), library, sum(map(torchvision_lines, modules))
