"""`init` statements: initialisers that a body, or a file, states for the layers in it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from dslc.bind.initial import initial_target
from dslc.bind.mistakes import GivenTwice, WrongType
from dslc.bind.mistakes_body import Misplaced
from dslc.elaborate.mistakes.lines import LateInitial
from dslc.elaborate.mistakes.weights import IdleInitialiser
from dslc.elaborate.run import Place, Run, Stated
from dslc.ir.model import Value
from dslc.ops.base import Init, Op
from dslc.record import replace
from dslc.syntax import tree
from dslc.types.const import Const, Scope
from dslc.values.faces import describe
from dslc.values.hole import is_hole
from dslc.values.kinds import INITIALISER

ATTRIBUTES: Final = ("init", "bias_init")
"""The attributes of ops that an `init` statement sets."""


def open_initial(run: Run, block: tree.Block, q: Place) -> None:
    """Begin the levels of a body that has `init` statements, and of a net whose file has some.

    What a level says holds before what is stated around it: a body before its file, and that before the body that
    applies the net.
    """
    home = q.scope.parent
    if block.kind == "net" and home is not None and home.initial:
        q.initial = Stated(q.initial, q.owner, q.scope, run.ops, _initial_of_file(run, home, q))
        q.owner.stated.append(q.initial.given)
    if _states(block.suite):
        q.initial = Stated(q.initial, q.owner, q.scope, run.ops)
        if not q.scope.inline:
            q.owner.stated.insert(0, q.initial.given)


def _initial_of_file(run: Run, home: Scope, q: Place) -> dict[str, Const]:
    """What the `init` statements of a file say, in the names of the file."""
    found = run.of_files.get(home)
    if found is None:
        found = run.of_files[home] = {}
        p = replace(q, scope=home, frame=None, it=None)
        for setting in home.initial:
            _set_initial(run, setting, found, p)
    return found


def state_initial(run: Run, line: tree.Initial, p: Place) -> None:
    """An `init` line of a body."""
    level = p.initial
    if level is None or p.scope is not level.scope or p.owner is not level.owner:
        run.report(Misplaced("an `init` statement", "body"), line.span, p)
    elif run.ops > level.ops:
        run.report(LateInitial(), line.span, p)
    else:
        for setting in line.settings:
            _set_initial(run, setting, level.given, p)


def _set_initial(run: Run, setting: tree.Setting, given: dict[str, Const], p: Place) -> None:
    key = _initial_target(run, setting, p)
    const = run.evaluate(setting.value, p)
    value = INITIALISER.meant(const.value)
    if key is None or is_hole(value):
        return
    if key in given:
        run.report(GivenTwice("init", key), setting.target.span, p)
    elif value is not None and not isinstance(value, Init):
        run.report(WrongType("init", key, "an initialiser or none", describe(const.value)), const.span, p)
    else:
        const = Const(value, const.origin, const.scope, const.span)
        given[key] = const
        run.stated.add(const)


def _initial_target(run: Run, setting: tree.Setting, p: Place) -> str | None:
    """What a setting sets; none after a mistake."""
    found = p.scope.find(setting.target.name)
    target = initial_target(setting, found is not None and found.kind == "definition")
    if isinstance(target, str):
        return target
    run.report(target[0], target[1], p)
    return None


def with_stated(cls: type[Op], consts: dict[str, Const], p: Place) -> None:
    """Give an op the initialisers that are stated where it is applied, unless they were written with it."""
    if p.initial is None:
        return
    for name in ATTRIBUTES:
        if name in consts and consts[name].value is None:
            found = _stated_for(cls.name, name, p.initial)
            if found is not None:
                consts[name] = found


def _stated_for(op: str, attribute: str, level: Stated | None) -> Const | None:
    while level is not None:
        for key in (op,) if attribute == "init" else (f"{op}.bias", "bias"):
            found = level.given.get(key)
            if found is not None:
                return found
        level = level.outer
    return None


def idle(run: Run, op: Op, given: dict[str, Const], inputs: tuple[Value, ...], tied: Collection[str], p: Place) -> bool:
    """Whether an initialiser was written with an op that has no such tensor of its own, which is reported."""
    written = [name for name in ATTRIBUTES if name in given and given[name].value is not None]
    if not written:
        return False
    own = {s.by for s in op.params(*(v.type for v in inputs)) if s.kind == "param" and s.name not in tied}
    for name in written:
        if name not in own:
            run.report(IdleInitialiser(op.core.name, name), given[name].span, p)
            return True
    return False


def _states(suite: tree.Suite) -> bool:
    """Whether a body has an `init` statement, of its own or in an `if`."""
    return any(
        isinstance(line, tree.Initial)
        or (isinstance(line, tree.If) and any(_states(inner) for _, inner in line.branches))
        for line in suite.body
    )
