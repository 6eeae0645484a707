"""Which tensors of a file are a network's: the state dict among several, and the prefix that its names bear.

Training wraps what it saves: in dictionaries (`model`, `state_dict`, `model_ema`), and in modules that put a word
before every name (`module.` of DistributedDataParallel, `_orig_mod.` of torch.compile, `model.` of Lightning). Each
dictionary with each prefix is a candidate; one is taken where it alone has every name that the network asks for.
Averages of weights stand behind the weights themselves; any other choice is the user's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dslc.weights.errors import AmbiguousPart, UnknownPart, WeightsError
from dslc.weights.folding import short
from dslc.weights.tensors import Renamed, Tensors

WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"}
"""Modules that torch puts around others, wherever they stand in a name: torch.compile, FSDP, checkpoints, Fabric."""

MOST_WORDS = 32
"""Words at the front of a name that may be a prefix."""

MOST_PREFIXES = 50
"""Those under which most names fit are looked at: a network of one layer fits under every layer's name."""

PARALLEL = "module."
"""What DataParallel and its kin put before every name."""

AVERAGED = re.compile(r"(?:^|[._])(?:ema|swa|averaged?|shadow)(?:[._]|$)")
"""Words for the average of a network's weights over its training."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A set of tensors that may be the network's: `names` gives the file's name of each."""

    part: str
    prefix: str  # with its last dot
    names: dict[str, str]
    outside: tuple[str, ...]  # names of the file that do not bear the prefix
    same: int  # tensors of the network with the shape that the network has
    lead: str = ""  # what the network's names bear and the file's do not

    @property
    def label(self) -> str:
        """How `--part` names it."""
        return ".".join(filter(None, (self.part, self.prefix.rstrip("."))))

    @property
    def averaged(self) -> bool:
        return AVERAGED.search(self.label.lower()) is not None


def pick(parts: Mapping[str, Tensors], wanted: Shapes | None, part: str | None = None) -> Tensors:
    """The tensors that a network takes from a file, under its names where they are the file's but for a prefix.

    `wanted` are shapes by name, those that may be missing left out; without it (a file alone, or one that a map
    is to be applied to) no prefix is taken off but those that torch adds. `part` is the user's choice. The notes say
    what was chosen. Raises `WeightsError` where several fit and the choice is the user's.
    """
    chosen = named(parts, part) if part is not None else dict(parts)
    plain = {name: unwrapped(tensors) for name, tensors in chosen.items()}
    if wanted is None:
        name = main(plain)
        prefix = PARALLEL if all(path.startswith(PARALLEL) for path in plain[name].specs) else ""
        taken = _candidate(name, plain[name], {}, prefix)
        return _noted(_renamed(plain[name], taken, []), taken, plain, ())
    found = [candidate for name, tensors in plain.items() for candidate in candidates(name, tensors, wanted)]
    whole = [c for c in found if wanted.keys() <= c.names.keys()]
    fitting = [c for c in whole if c.same == len(wanted)] or whole
    taken = _first(fitting, parts) if fitting else _nearest(found, plain, wanted)
    if not fitting and (more := _possible(taken, plain[taken.part], wanted)):
        taken = replace(taken, names=taken.names | more, outside=())
    return _noted(_renamed(plain[taken.part], taken, fitting), taken, plain, fitting)


def _first(fitting: list[Candidate], parts: Collection[str]) -> Candidate:
    """The one that fits, or the only one that is no average. Raises `WeightsError` where this leaves a choice."""
    own = [c for c in fitting if not c.averaged] or fitting
    if len(own) > 1:
        raise WeightsError(AmbiguousPart(tuple(c.label or "(the rest)" for c in own)))
    return own[0]


def _nearest(found: list[Candidate], parts: Mapping[str, Tensors], wanted: Shapes) -> Candidate:
    """What comes nearest to a network that none fits: that with most names, the plain names where they are as many.

    A prefix of a few tensors that gives a few of the network's names is another network's: `4.0.` of a ResNet's layers.
    """

    def common_names(c: Candidate) -> int:
        return len(wanted.keys() & c.names.keys())

    usual = [
        c
        for c in found
        if not c.prefix or 2 * len(c.names) >= len(parts[c.part].specs) or 2 * common_names(c) >= len(wanted)
    ]
    return max(usual, key=lambda c: (common_names(c), c.same, not c.averaged, -len(c.prefix)))


def _possible(taken: Candidate, tensors: Tensors, wanted: Shapes) -> dict[str, str]:
    """The tensors outside of a prefix, if one of them has the shape of one that is lacking within: it may be that."""
    lacking = {shape for name, shape in wanted.items() if name not in taken.names}
    outside = {path: path for path in taken.outside if path not in taken.names}
    return outside if any(tensors.specs[path].shape in lacking for path in outside) else {}


def main(parts: Mapping[str, Tensors]) -> str:
    """The state dict of a file that stands for itself. Raises `WeightsError` where there are several."""
    large = [name for name, tensors in parts.items() if any(spec.count > 1 for spec in tensors.specs.values())]
    own = [name for name in large or parts if not AVERAGED.search(name.lower())] or large or list(parts)
    if len(own) > 1:
        raise WeightsError(AmbiguousPart(tuple(name or "(the rest)" for name in own)))
    return own[0]


def named(parts: Mapping[str, Tensors], part: str) -> dict[str, Tensors]:
    """The tensors that the user's word stands for: a dictionary's key, a part of it, or a prefix of names."""
    part = part.rstrip(".")
    for fits in (
        lambda name: name == part,
        lambda name: name.rpartition(".")[2] == part,
        lambda name: part in re.split(r"[._]", name),
    ):
        keys = [name for name in parts if fits(name)]
        if len(keys) == 1:
            return {keys[0]: parts[keys[0]]}
    for around in ("{}", r"(?:\w*_)?{}(?:_\w*)?"):
        under: dict[str, Tensors] = {}
        for name, tensors in parts.items():
            cut = re.compile(rf"(?:.*\.)?{around.format(re.escape(part.removeprefix(f'{name}.')))}\.")
            prefixes = Counter(found[0] for path in tensors.specs if (found := cut.match(path)))
            for prefix, _ in prefixes.most_common(1):
                names = {path.removeprefix(prefix): path for path in tensors.specs if path.startswith(prefix)}
                under[name] = Renamed(tensors, names, f"took the tensors whose names begin with `{prefix}`")
        if under:
            return under
    raise WeightsError(UnknownPart(part, tuple(parts), tuple(_leading(parts))))


def _leading(parts: Mapping[str, Tensors]) -> Iterator[str]:
    """The first words of all names."""
    yield from dict.fromkeys(path.partition(".")[0] for tensors in parts.values() for path in tensors.specs)


def unwrapped(tensors: Tensors) -> Tensors:
    """The same tensors without the names of modules that torch put around others."""
    names = {".".join(word for word in path.split(".") if word not in WRAPPERS): path for path in tensors.specs}
    if len(names) < len(tensors.specs) or all(new == old for new, old in names.items()):
        return tensors
    words = sorted({word for path in tensors.specs for word in path.split(".") if word in WRAPPERS})
    return Renamed(tensors, names, f"without {', '.join(f'`{word}.`' for word in words)} in the names")


def candidates(part: str, tensors: Tensors, wanted: Shapes) -> Iterator[Candidate]:
    """The tensors of one state dict with each prefix under which some of the network's names stand."""
    prefixes = Counter({"": 0})
    for path in tensors.specs:
        rest = path
        for word in path.split(".", MOST_WORDS):
            if rest in wanted:
                prefixes[path[: len(path) - len(rest)]] += 1
            rest = rest[len(word) + 1 :]
    for prefix in dict.fromkeys(("", *(prefix for prefix, _ in prefixes.most_common(MOST_PREFIXES)))):
        yield _candidate(part, tensors, wanted, prefix)
    lead = common(wanted) or _usual(wanted)
    while lead:
        if sum(name.removeprefix(lead) in tensors.specs for name in wanted) > prefixes[""]:
            yield _candidate(part, tensors, wanted, "", lead)
        lead = lead[: lead.rstrip(".").rfind(".") + 1]


def _usual(names: Collection[str]) -> str:
    """The first word of most names, with its dot; none where no word is of most: a head may stand beside `model.`."""
    words = Counter(name.partition(".")[0] for name in names if "." in name)
    return next((f"{word}." for word, count in words.most_common(1) if 2 * count > len(names)), "")


def _candidate(part: str, tensors: Tensors, wanted: Shapes, prefix: str, lead: str = "") -> Candidate:
    names = {lead + path[len(prefix) :]: path for path in tensors.specs if path.startswith(prefix)}
    outside = tuple(path for path in tensors.specs if not path.startswith(prefix))
    same = sum(name in names and tensors.specs[names[name]].shape == shape for name, shape in wanted.items())
    return Candidate(part, prefix, names, outside, same, lead)


def common(names: Iterable[str]) -> str:
    """What all names begin with, up to a dot."""
    first, last = min(names, default=""), max(names, default="")
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind(".", 0, length) + 1]


def _renamed(tensors: Tensors, taken: Candidate, fitting: list[Candidate]) -> Tensors:
    """The tensors of a candidate under the network's names, without those of others that fit."""
    rivals = [c for c in fitting if c.part == taken.part and c is not taken]
    theirs = {path for rival in rivals for path in rival.names.values()} if not taken.prefix else set()
    names = {name: path for name, path in taken.names.items() if path not in theirs}
    if all(new == old for new, old in names.items()) and len(names) == len(tensors.specs):
        return tensors
    return Renamed(tensors, names)


def _noted(tensors: Tensors, taken: Candidate, parts: Collection[str], fitting: Collection[Candidate]) -> Tensors:
    """The tensors with a note of what was chosen among what there was."""
    words = [f"took `{taken.part}`"] if taken.part else []
    if taken.prefix:
        words.append(f"took off the prefix `{taken.prefix}`")
    if taken.lead:
        words.append(f"put `{taken.lead}` before the names")
    others = [c.label for c in fitting if c is not taken and c.label] or [p for p in parts if p != taken.part and p]
    if others and (taken.part or fitting):
        words.append(f"the file also has {listed(others)} (`--part`)")
    if taken.prefix and taken.outside and not any(c is not taken for c in fitting):
        words.append(f"left out those without it: {listed(taken.outside)}")
    if not words:
        return tensors
    return Renamed(tensors, {name: name for name in tensors.specs}, ", ".join(words))


def listed(names: Collection[str], most: int = 4) -> str:
    """`a`, `b` and 3 more."""
    shown = ", ".join(f"`{short(name)}`" for name in list(names)[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")
