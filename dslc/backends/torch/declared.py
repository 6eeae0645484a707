"""The `param`, `buffer` and `const` lines of a class, aligned over its members."""

from __future__ import annotations

from collections.abc import Callable

from dslc.backends.torch.merged import Declared, Row, Slot
from dslc.backends.torch.rows import number, require_same
from dslc.ir.model import Instance
from dslc.types.const import Const


def declared(
    members: list[Instance], slot: Callable[[list[Const], list[Row], str], Slot], rows: list[Row]
) -> dict[str, Declared]:
    """The declared tensors by name, with a slot for each size and number. Split where the members' differ."""
    require_same("they declare other tensors", [tuple(m.params) for m in members])
    found = {}
    for name in members[0].params:
        params = [m.params[name] for m in members]
        specs = [p.spec for p in params]
        require_same(
            f"`{name}` is declared in other ways",
            [(s.kind, s.dtype, len(s.shape), s.init.kind, tuple(k for k, _ in s.init.args)) for s in specs],
        )
        shape = []
        for axis in range(len(specs[0].shape)):
            consts = []
            for p in params:
                word = p.dims[axis] if axis < len(p.dims) else None
                origin, scope = (word.origin, word.scope) if word is not None else (None, None)
                consts.append(Const(p.spec.shape[axis], origin, scope, p.span or members[0].site))
            shape.append(slot(consts, rows, f"{name}_size"))
        numbers = {}
        for at, (key, _) in enumerate(specs[0].init.args):
            consts = [number(p.spec.init, at, p.span or members[0].site) for p in params]
            numbers[key] = slot(consts, rows, key)
            numbers[key].free = True
        found[name] = Declared(params, shape, numbers)
    return found
