"""What a program may import: classes of its own (`extern block`), of packages that the user named.

A program is text that a stranger may have written, and an `extern block` in it names Python code to be run. So the
names stand in the hands of the user alone: on the command line, in the call of `dslc.load`, or in the pyproject.toml of
the folder the user works in. That of the program's own folder says nothing unless it is the same: it came with the
program. Even then what is named must be a class of `torch.nn.Module` before it is called.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path

from dslc.diagnostics.model import Failure, Mistake, Sink
from dslc.errors import NotAModule, NotInstalled, UntrustedExtern, WrongSetting
from dslc.ir.model import Call, Model
from dslc.ir.walk import steps
from dslc.settings import settings
from dslc.syntax import tree


def externs(model: Model) -> tuple[tree.Extern, ...]:
    """The `extern` blocks that a network uses, in evaluation or in training, each once."""
    calls = (step.node.instance.definition for step in steps(model) if isinstance(step.node, Call))
    return tuple(dict.fromkeys(found for found in calls if isinstance(found, tree.Extern)))


def permitted(model: Model, named: str | Collection[str] | None, folder: Path | None = None) -> tuple[str, ...]:
    """The classes `package.module:Class` that the generated code of a network imports.

    `named`: packages, or modules with all below them; none: those of the project that `folder`, else the working
    directory, belongs to. Raises `CompileError` with every use of another package.
    """
    used = externs(model)
    if not used:
        return ()
    given = [name.strip() for name in named.split(",")] if isinstance(named, str) else named
    allowed = of_project(folder or Path.cwd()) if given is None else given
    sink = Sink()
    for extern in used:
        module = extern.path.partition(":")[0]
        if not any(module == name or module.startswith(f"{name}.") for name in allowed):
            sink.add(UntrustedExtern(extern.path, module.partition(".")[0]).at(extern.target.span))
    return sink.finish(tuple(extern.path for extern in used))


def of_project(folder: Path) -> tuple[str, ...]:
    """`extern` of `[tool.dslc]` in the nearest pyproject.toml at or above a folder. Raises `Failure` if it is wrong."""
    shown, found = settings(folder)
    names = found.get("extern", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and is_module(name) for name in names):
        raise Failure(WrongSetting(shown, "`extern` of `[tool.dslc]` is a list of packages such as `mypackage`"))
    return tuple(names)


def is_module(name: str) -> bool:
    """Whether a text is the name of a package or module."""
    return all(part.isidentifier() for part in name.split("."))


def require_classes(paths: Sequence[str]) -> None:
    """Import what was permitted. Raises `Failure` for each that is no class of `torch.nn.Module`; none is called."""
    try:
        from torch import nn
    except ImportError as error:
        raise Failure(NotInstalled("torch", "torch", "an `extern` block")) from error
    wrong: list[Mistake] = []
    for path in paths:
        module, _, name = path.partition(":")
        try:
            found = getattr(import_module(module), name)
        except Exception as error:  # the user's own code runs here, and may raise what it likes
            wrong.append(NotAModule(path, f"cannot be imported: {type(error).__name__}: {error}"))
            continue
        if not (isinstance(found, type) and issubclass(found, nn.Module)):
            wrong.append(NotAModule(path, f"is no class of `torch.nn.Module` but of type `{type(found).__name__}`"))
    if wrong:
        raise Failure(*wrong)
