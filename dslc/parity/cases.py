"""On what a module and a graph are compared: at which sizes, and for which kinds of values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from random import Random

from dslc.record import frozen
from dslc.types.dim import Dim, evaluate
from dslc.types.domain import Domain
from dslc.types.sizes import Sizes

ORDINARY = "ordinary"
LARGE = "large"
TINY = "tiny"
NEGATIVE = "negative"
FLAT = "nearly equal"
MASKED = "masked"
WHOLE = "the widest whole"

BATCHES = (1, 3, 2)
"""The numbers of samples compared, and of every other size without a default."""

REACH = 1024
"""How far an odd allowed size is looked for."""


@frozen
class Case:
    """One comparison: values of a kind, at sizes of the symbols that differ from the defaults."""

    kind: str
    sizes: Mapping[str, int]

    @property
    def text(self) -> str:
        """`large values at N=3, H=33`: for a message."""
        at = ", ".join(f"{name}={size}" for name, size in self.sizes.items())
        return f"{self.kind} values at {at or 'the default sizes'}"


def sizes_to_try(sizes: Sizes) -> list[dict[str, int]]:
    """For every symbol of the input that is open its smallest, an odd and a larger allowed size, with batches of 1, 3
    and 2; two more rows where several are open, so that one is large while its neighbour is small.

    The default is the first row: it is written as no change.
    """
    own = [name for name in sizes.default if name not in sizes.same]
    open_names = [name for name in own if name not in sizes.universal]
    chosen = {name: three(sizes.domain[name], sizes.default[name]) for name in open_names}
    rows: list[dict[str, int]] = [{}]
    for turn, batch in enumerate(BATCHES):
        rows.append({name: chosen[name][turn] if name in chosen else batch for name in own})
    if len(open_names) > 1:
        for first in (0, 1):
            row = {name: BATCHES[0] for name in own if name in sizes.universal}
            row |= {name: chosen[name][2 * ((place + first) % 2)] for place, name in enumerate(open_names)}
            rows.append(row)
    return distinct(sizes, rows)


def random_sizes(sizes: Sizes, names: Collection[str], count: int) -> list[dict[str, int]]:
    """Up to `count` more rows, in which the symbols named are anything allowed up to twice their defaults."""
    rng = Random(0)
    own = [name for name in sizes.default if name in names and name not in sizes.same]
    rows = []
    for _ in range(count if own else 0):
        row = {}
        for name in own:
            least, default = sizes.domain[name].lo, sizes.default[name]
            row[name] = rng.choice(sizes.domain[name].nearest(rng.randint(least, max(least, 2 * default + 1))))
        rows.append(row)
    return distinct(sizes, rows)


def distinct(sizes: Sizes, rows: Iterable[Mapping[str, int]]) -> list[dict[str, int]]:
    """Rows as what they change of the defaults, each once; symbols in terms of others follow them."""
    found: list[dict[str, int]] = []
    for row in rows:
        full = followed(sizes, row)
        changed = {name: size for name, size in full.items() if size != sizes.default[name]}
        if changed not in found and all(size >= 1 for size in full.values()):
            found.append(changed)
    return found


def three(allowed: Domain, default: int) -> tuple[int, int, int]:
    """The smallest allowed size, an odd one that is not the default (where there is none, another), and one half as
    large again.
    """
    start = max(allowed.lo, default // 2)
    others = [size for size in range(start, start + REACH) if size in allowed and size != default]
    odd = next((size for size in others if size % 2), others[0] if others else default)
    above = allowed.nearest(default + max(1, default // 2))
    return allowed.lo, odd, above[-1] if above else default


def followed(sizes: Sizes, row: Mapping[str, int]) -> dict[str, int]:
    """All sizes of a row; those that are given in terms of others computed from these."""
    full = {name: row.get(name, size) for name, size in sizes.default.items()}
    for name, same in sizes.same.items():
        full[name] = evaluate(same, full) if isinstance(same, Dim) else same
    return full
