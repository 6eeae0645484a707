"""Inputs of the net that parts take beside their own, to read sizes from: `up(to=(H, W))` of a block that lacks H.

A part's `forward` reads a size from a tensor it is given. Where a size of the net reaches a part through a parameter,
and none of its inputs has it, the net's input that has it is handed down to it, through every part around.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dslc.backends.torch.merged import Unsaid
from dslc.backends.torch.reading import symbol_name
from dslc.ir.model import Instance, Value
from dslc.types.dim import Dim

Lent = dict[int, dict[int, Value]]
"""By the id of a part: inputs of the net, by their ids."""


def lend(root: Instance, unsaid: Unsaid, members: Iterable[Instance], lent: Lent) -> bool:
    """Note what a part needs for a size that it could not say; with it its fellows `members` that lack the same.

    False where nothing is left to give.
    """
    more = False
    for member in members:
        has = {name for value in (*member.inputs, *lent.get(id(member), {}).values()) for name in bare(value)}
        for name in sorted(unsaid.symbols - has):
            source = next((value for value in root.inputs if name in bare(value)), None)
            if source is not None and id(source) not in lent.get(id(member), {}):
                lent.setdefault(id(member), {})[id(source)] = source
                more = more or member in unsaid.members
    return more


def bare(value: Value) -> set[str]:
    """The symbols that are sizes of a tensor as they are."""
    return {name for name in map(symbol_name, value.type.dims) if name is not None}


def alike(other: Value, value: Value) -> bool:
    """Whether a tensor has the open sizes of another at the same axes."""
    pairs = zip(other.type.dims, value.type.dims, strict=False)
    return other.type.rank == value.type.rank and all(a is b for a, b in pairs if isinstance(b, Dim))


def handed(
    instances: Sequence[Instance], writer: Mapping[int, Instance], wanted: Mapping[int, dict[int, Value]], free: Lent
) -> tuple[Lent, dict[int, list[Value]]]:
    """What each block takes beside its inputs, and what its use gives for it; what a `seq` reads is put into `free`.

    `instances`: each after the one that holds it.
    """
    root = instances[0]
    order = {id(value): at for at, value in enumerate(root.inputs)}
    lent = {key: dict(values) for key, values in wanted.items()}
    given: dict[int, list[Value]] = {}
    for instance in reversed(instances):
        if instance.parent is None or id(instance) not in lent:
            continue
        around = writer[id(instance.parent)]
        values = lent[id(instance)] = dict(sorted(lent[id(instance)].items(), key=lambda item: order[item[0]]))
        for key, value in values.items():
            like = value if around is root else next((v for v in around.inputs if alike(v, value)), value)
            if instance.kind != "seq":
                given.setdefault(id(instance), []).append(like)
            here = instance if instance.kind == "seq" else instance.parent
            while here is not around and here.parent is not None:
                free[id(here)].setdefault(id(like), like)
                here = here.parent
            if like is value and around is not root:
                lent.setdefault(id(around), {})[key] = value
    return {id(i): lent[id(i)] for i in instances if i.kind != "seq" and id(i) in lent}, given
