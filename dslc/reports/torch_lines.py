"""Which lines of a generated PyTorch module make and use the module of a path, read from the text alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dslc.record import entity

BEFORE = ("__init__", "reset_parameters")
"""Methods that use modules before any input is there."""


@entity
class Known:
    """A class of the text: where modules are assigned in `__init__`, and where the other methods use them."""

    made: dict[str, ast.expr | None]
    lines: dict[str, int]
    used: dict[str, int]
    forward: int


class TorchLines:
    """The lines of modules by path: those that make it, the outermost last, as far as the text says it.

    A module in a list that a loop makes has the line in the loop.
    """

    def __init__(self, text: str) -> None:
        tree = ast.parse(text)
        self.classes = {each.name: known(each) for each in tree.body if isinstance(each, ast.ClassDef)}
        self.net = next(reversed(self.classes), "")
        self._found: dict[str, tuple[int, ...]] = {}

    def of(self, path: str) -> tuple[int, ...]:
        """The line that makes the module at a path, then the first that uses it; of what has none, the `forward` of
        the class around it.
        """
        if path not in self._found:
            self._found[path] = tuple(dict.fromkeys(self._lines(path)))
        return self._found[path]

    def _lines(self, path: str) -> Iterator[int]:
        around, expr = self.net, None
        line = used = 0
        for name in path.split("."):
            here = self.classes.get(around)
            if here is not None and expr is None:
                if name not in here.lines:
                    yield here.forward
                    return
                line, used, expr = here.lines[name], here.used.get(name, 0), here.made[name]
            else:
                expr = element(expr, name)
                line = expr.lineno if expr is not None else line
            inside = next(self._class_names(expr), "") if expr is not None else ""
            if inside and isinstance(expr, ast.Call) and called(expr) == inside:
                around, expr = inside, None
        yield line
        if used:
            yield used

    def _class_names(self, expr: ast.expr) -> Iterator[str]:
        """The classes of this text that an expression calls, itself first."""
        for node in ast.walk(expr):
            if isinstance(node, ast.Call) and called(node) in self.classes:
                yield called(node)


def element(expr: ast.expr | None, name: str) -> ast.expr | None:
    """What makes one module of a sequence or list: the argument of that number, or what a loop there repeats."""
    if not isinstance(expr, ast.Call):
        return None
    arguments = list(expr.args)
    if len(arguments) == 1 and isinstance(arguments[0], ast.List | ast.Tuple):
        arguments = list(arguments[0].elts)
    for number, argument in enumerate(arguments):
        repeated = argument.value if isinstance(argument, ast.Starred) else argument
        if isinstance(repeated, ast.ListComp | ast.GeneratorExp):
            return repeated.elt
        if isinstance(argument, ast.Starred):
            return None
        if name == str(number):
            return argument
    return None


def called(call: ast.Call) -> str:
    """The name that is called, without what it is of."""
    function = call.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def known(each: ast.ClassDef) -> Known:
    """What one class says of its modules."""
    found = Known({}, {}, {}, each.lineno)
    for method in each.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        if method.name == "forward":
            found.forward = method.lineno
        for node in ast.walk(method):
            if method.name == "__init__" and isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if (name := own(target)) is not None and found.made.get(name) is None:
                        found.lines[name], found.made[name] = node.lineno, said(node.value)
            elif isinstance(node, ast.Attribute) and method.name not in BEFORE and (name := own(node)) is not None:
                found.used.setdefault(name, node.lineno)
    return found


def said(value: ast.expr | None) -> ast.expr | None:
    """What is assigned; none for a `None` that another line replaces."""
    return None if isinstance(value, ast.Constant) and value.value is None else value


def own(node: ast.AST) -> str | None:
    """The name in `self.name`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return None
