"""The kinds of network in examples/, found by reading the files: nets of one file that use the same definitions.

`resnet18` and `resnet34` are one kind, `resnet50` and `resnext50_32x4d` another. A kind stands for its nets in tests
that are too dear for all: its smallest, found by compiling. A new file, or a net of new parts, is there by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from dslc.api import compile_model, nets
from dslc.diagnostics.model import Sink
from dslc.ir.model import Model
from dslc.source import Source
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.types.sizes import Sizes
from tests.zoo.zoo import EXAMPLES


@dataclass(frozen=True, slots=True)
class Kind:
    """A file, and its nets that are written with the same definitions and need no argument."""

    file: Path
    nets: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"{self.file.stem}-{self.nets[0]}"

    @property
    def net(self) -> str:
        """The net with the fewest weights."""
        return smallest(self)

    def compiled(self, sizes: dict[str, int] | None = None) -> Model:
        """The smallest net at some sizes; none: at its defaults."""
        return compile_model(self.file, net=self.net, sizes=sizes)

    def small(self) -> dict[str, int]:
        """Sizes of an input that costs little, of unequal sides where the net allows it."""
        if self.file.stem in SMALL:
            return SMALL[self.file.stem]
        sizes = self.compiled().sizes
        found = {}
        for place, name in enumerate(free(sizes)):
            size = sizes.domain[name].nearest(64 + 32 * place)[-1]
            if size < sizes.default[name]:
                found[name] = size
        return found

    def near(self) -> dict[str, int]:
        """Sizes next to the defaults, above and below in turn; of sizes that weights pin, 32 more. Often none."""
        sizes = self.compiled().sizes
        found = {name: pin.value + 32 for name, pin in sizes.pins.items()}
        for place, name in enumerate(free(sizes)):
            default, allowed = sizes.default[name], sizes.domain[name]
            above = [size for size in allowed.nearest(default + 1) if size > default]
            below = [size for size in allowed.nearest(default - 1) if size < default]
            first, second = (below, above) if place % 2 else (above, below)
            if first or second:
                found[name] = (first or second)[0]
        return found


SMALL = {"segmentation": {"H": 128, "W": 160}, "video_resnet": {"T": 8, "H": 56, "W": 64}}
"""Small sizes where those of images are too small for what the nets do, or too large."""


SLOW = {"swin", "vit"}
"""Files whose networks take more than about ten seconds of a core to make, run and check."""

LONG = {"alexnet", "bert", "gpt2", "maxvit", "segmentation", "vgg"}
"""Files whose networks take still more, and whose layers other files have too."""


def free(sizes: Sizes) -> list[str]:
    """The sizes of the input that can be chosen, but for those of the batch."""
    return [n for n in sizes.default if n not in sizes.universal and n not in sizes.same and n not in sizes.pins]


@cache
def smallest(kind: Kind) -> str:
    """The name of a kind's net with the fewest weights."""
    return min(kind.nets, key=lambda net: elements(compile_model(kind.file, net=net)))


def elements(model: Model) -> int:
    """Numbers in the state dict."""
    return sum(param.spec.count for param in model.params.values())


def kinds() -> list[Kind]:
    """All kinds, by file and in the order of the files."""
    return [kind for path in sorted(EXAMPLES.rglob("*.dl")) for kind in of_file(path)]


def all_kinds() -> list[ParameterSet]:
    """The parameters of a test over all kinds."""
    marks = dict.fromkeys(SLOW, pytest.mark.slow) | dict.fromkeys(LONG, pytest.mark.long)
    found = ((kind, marks.get(kind.file.stem)) for kind in kinds())
    return [pytest.param(kind, id=kind.id, marks=[mark] if mark else []) for kind, mark in found]


def of_file(path: Path) -> list[Kind]:
    """The kinds of a file, in order."""
    sink = Sink()
    items = parse(Source(str(path), path.read_text(encoding="utf-8")), sink).items
    sink.finish(None)
    known: dict[str, tree.Item] = {}
    for item in items:
        if isinstance(item, tree.Use):
            known |= {here.name: item for _, here in item.names}
        elif isinstance(item, tree.LetItem):
            known[item.target.name] = item
        elif isinstance(item, tree.Fn | tree.Block | tree.NetAlias | tree.Extern):
            known[item.name] = item
    groups: dict[frozenset[str], list[str]] = {}
    for name in nets(path, complete=True):
        groups.setdefault(frozenset(reached(name, known)), []).append(name)
    return [Kind(path, tuple(names)) for names in groups.values()]


def reached(net: str, known: Mapping[str, tree.Item]) -> set[str]:
    """The file's definitions and imports that a net is written with; itself not, if it is an alias."""
    found: set[str] = set()
    waiting = [net]
    while waiting:
        item = known[waiting.pop()]
        if not isinstance(item, tree.Use):
            new = {name for name in names_in(item) if name in known} - found
            found |= new
            waiting += new
    return found if isinstance(known[net], tree.NetAlias) else found | {net}


def names_in(node: object) -> Iterator[str]:
    """The names that stand in a part of a tree."""
    if isinstance(node, tree.Name):
        yield node.name
    elif isinstance(node, tuple):
        for part in node:
            yield from names_in(part)
    elif type(node).__module__ == tree.__name__:
        for field in type(node).__match_args__:  # type: ignore[attr-defined]
            yield from names_in(getattr(node, field))
