"""Why weights do not fit a network: one table, grouped by likely cause, instead of a line for each tensor."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.diagnostics.model import Mistake
from dslc.ir.model import Instance
from dslc.types.tensor import DType
from dslc.weights.containers import common
from dslc.weights.errors import ExtraWeight, MissingWeight, Unfit, WrongWeightShape, WrongWeightType
from dslc.weights.folding import folded, pattern, shown
from dslc.weights.init import is_float
from dslc.weights.maps.adapt import remedy
from dslc.weights.maps.match import match
from dslc.weights.tensors import TensorSpec

if TYPE_CHECKING:
    from dslc.ir.model import Param

Shape = tuple[int, ...]

SKIPPED = 3
"""Modules that one `--skip` is proposed for."""

ROWS = 16
"""Lines of all groups together, beside their titles."""


@dataclass(slots=True)
class Misfits:
    """What does not fit: names with what each side has of them; in the order of the network, or of the file."""

    fitting: list[str] = field(default_factory=list)
    lacking: dict[str, Shape] = field(default_factory=dict)  # what the network has and the file may lack
    missing: dict[str, Shape] = field(default_factory=dict)
    surplus: dict[str, Shape] = field(default_factory=dict)
    shapes: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)  # the network's and the file's
    types: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.missing) + len(self.surplus) + len(self.shapes) + len(self.types)


def compared(found: Mapping[str, TensorSpec], params: Mapping[str, Param]) -> Misfits:
    """The tensors of a file beside those of a network.

    A batch norm's counter may be missing, as in PyTorch, or a float, which `tensor.half()` of all tensors makes it.
    """
    result = Misfits()
    for name, param in params.items():
        spec, tensor = param.spec, found.get(name)
        if tensor is None:
            (result.lacking if optional(name) else result.missing)[name] = spec.shape
        elif tensor.shape != spec.shape:
            result.shapes[name] = (spec.shape, tensor.shape)
        elif not converts(tensor.dtype, spec.dtype) and not (optional(name) and is_float(tensor.dtype)):
            result.types[name] = (spec.dtype.value, str(tensor.dtype))
        else:
            result.fitting.append(name)
    result.surplus = {name: tensor.shape for name, tensor in found.items() if name not in params}
    return result


def optional(name: str) -> bool:
    """Whether a file may lack a tensor: the count of batches that a norm has seen, which old checkpoints have not."""
    return name.rpartition(".")[2] == "num_batches_tracked"


def converts(found: np.dtype[Any], wanted: DType) -> bool:
    """Whether elements convert: floats to floats, truth values to truth values, these and integers to integers."""
    if is_float(found) or wanted.is_float:
        return is_float(found) and wanted.is_float
    return found.kind == "b" or (found.kind in "iu" and wanted is not DType.BOOL)


def mistake(found: Misfits, params: Mapping[str, Param], notes: Sequence[str] = ()) -> Mistake:
    """One misfit by itself, several as one table; `notes` say what was done to the file before."""
    if found.count == 1:
        return _single(found, params)
    groups = [group for group in _groups(found, params) if group.count]
    rows = ROWS // len(groups)
    lines = [f"  note: {note}" for note in notes]
    for group in groups:
        lines += [f"  {group.title}, {group.count:,}{': ' + group.why if group.why else ''}", *_cut(group.rows, rows)]
    whole = len(found.fitting) + len(found.missing) + len(found.shapes) + len(found.types)
    counts = Counter[str]()
    for group in groups:
        counts[group.word] += group.count
    kinds = ", ".join(f"{count:,} {word}" for word, count in counts.items())
    summary = f"{kinds}; {len(found.fitting):,} of its {whole:,} tensors fit"
    if not found.fitting and not found.types and groups[0].title != RENAMED:
        summary += ", so these are another network's"
    helps = dict.fromkeys(words for group in groups for words in group.helps)
    return Unfit(summary, tuple(lines), tuple(helps)[:4])


def _single(found: Misfits, params: Mapping[str, Param]) -> Mistake:
    for name, shape in found.missing.items():
        return MissingWeight(name, shape)
    for name, shape in found.surplus.items():
        return ExtraWeight(name, shape)
    for name, (wanted, has) in found.shapes.items():
        advice = _shape_helps(_cause(params[name], wanted, has, few=True), found.shapes, params)
        return WrongWeightShape(name, wanted, has, tuple(advice))
    ((name, (kind, other)),) = found.types.items()
    return WrongWeightType(name, kind, other)


@dataclass(slots=True)
class Group:
    """Misfits of one cause, as lines."""

    title: str
    word: str  # after a count
    count: int
    rows: list[str]
    why: str = ""
    helps: list[str] = field(default_factory=list)


def _cut(rows: Sequence[str], most: int) -> Iterator[str]:
    """Rows of a group, and how many there are beyond the most."""
    kept = rows if len(rows) <= most else rows[: max(1, most - 1)]
    rest = f".. and {len(rows) - len(kept):,} more like these" if len(kept) < len(rows) else ""
    if most < 2:
        yield f"    {kept[0]} {rest}".rstrip()
        return
    yield from (f"    {row}" for row in (*kept, rest) if row)


def _groups(found: Misfits, params: Mapping[str, Param]) -> Iterator[Group]:
    """All misfits, each in one group."""
    missing, surplus = dict(found.missing), dict(found.surplus)
    pairs = renamed({name: params[name].spec.shape for name in params if name in missing | found.lacking}, surplus)
    for new, old in pairs.items():
        missing.pop(new, None)
        del surplus[old]
    rows = [*_pair_rows(pairs)]
    helps = [
        "`--map timm`, `hf` or `torchvision` take the names of these libraries for those of the networks in examples/",
        MATCH,
    ]
    yield Group(RENAMED, RENAMED, len(pairs), rows, "the file has as many of the same shapes", helps)
    yield from _shape_groups(found.shapes, params)
    same = (*found.fitting, *found.shapes)
    known, parts = {_row(name) for name in same}, {part for name in same for part in _parts(name)}
    for rest, title, word, whose in (
        (missing, "missing", "missing", "the network's"),
        (surplus, "surplus", "surplus", "the file's"),
    ):
        deep = {n: shape for n, shape in rest.items() if _row(n) != n and _row(n) in known and _block(n, parts)}
        flat = {name: shape for name, shape in rest.items() if name not in deep}
        helps = [_depth_help(deep, found, params)] if deep else []
        other = "the file has fewer" if whose == "the network's" else "the network has fewer"
        yield Group("another depth", f"{word} for another depth", len(deep), [*_blocks(deep, parts)], other, helps)
        words = dict.fromkeys(name.partition(".")[0] for name in flat)
        few = len(words) <= SKIPPED and len(flat) < len(found.fitting)
        part = common(flat).rstrip(".") or (",".join(words) if few else "")
        leaves = f"leaves {'it' if ',' not in part else 'them'} out"
        keeps = "keeps the network's own, to be trained" if word == "missing" else leaves
        yield Group(title, word, len(flat), _rows(flat), f"{whose} alone", [f"`--skip {part}` {keeps}"] if part else [])
    wrong = [f"`{text}`  {wanted} in the network, {has} in the file" for text, _, (wanted, has) in folded(found.types)]
    yield Group("another type", "of another type", len(found.types), wrong)


def _depth_help(deep: Mapping[str, Shape], found: Misfits, params: Mapping[str, Param]) -> str:
    """What to do about another depth: give the argument that counts the blocks, where there is just one."""
    same = (*found.fitting, *found.shapes)
    parts = {part for name in same for part in _parts(name)}
    rows = {re.sub(r"\d+$", "#", _block(name, parts) or name) for name in deep}
    if len(rows) == 1 and same:
        (row,) = rows
        own, theirs = (
            len({part for name in names for part in _parts(name) if re.sub(r"\d+$", "#", part) == row})
            for names in (params, (*same, *found.surplus))
        )
        argument = _argument(params[same[0]], own)
        if argument is not None and own != theirs:
            return _proposed(argument, theirs)
    return "the depths differ: other arguments (`--set`), or another net of the file (`--net`)"


def _proposed(argument: str, value: int) -> str:
    return f"`--set {argument}={value}` may make the network that the weights are of"


def _block(name: str, parts: Collection[str]) -> str | None:
    """The block that a tensor is in and that only its side has: the first part of its name that is not known.

    None for a tensor of a block that both have, such as a bias.
    """
    block = next((part for part in _parts(name) if part not in parts), name)
    return block if block != name or name.rpartition(".")[2].isdecimal() else None


def _blocks(names: Iterable[str], parts: Collection[str]) -> Iterator[str]:
    """The blocks that only one side has, with how many tensors each has."""
    blocks = Counter(_block(name, parts) or name for name in names)
    for text, members, count in folded(blocks):
        each = "each" if len(members) > 1 else ""
        yield f"`{text}`  {count} tensor{'' if count == 1 else 's'} {each}{_times(members)}".rstrip()


def _row(name: str) -> str:
    """A name without the numbers of blocks in a row: those that are words of it, or end a word before layers."""
    return re.sub(r"(?<![^.])\d+(?![^.])|(?<=\D)\d+(?=\.[^.]+\.)", "#", name)


def _parts(name: str) -> Iterator[str]:
    """`a`, `a.b` and `a.b.c` of `a.b.c`."""
    yield from (name[:end] for end, letter in enumerate(f"{name}.") if letter == ".")


def _rows(names: Mapping[str, Shape]) -> list[str]:
    return [f"`{text}`  {list(shape)}{_times(members)}" for text, members, shape in folded(names)]


def _times(members: Sequence[str]) -> str:
    return f"  x{len(members)}" if len(members) > 1 else ""


# ---- other names


def renamed(missing: Mapping[str, Shape], surplus: Mapping[str, Shape]) -> dict[str, str]:
    """The file's name for each of the network's that it may stand for.

    What structure decides (`maps.match`); else as many tensors of one shape and last word, or of one shape, are taken
    to be each other's in their order. This is a guess for a message; nothing is loaded by it.
    """
    found = match(surplus, missing).pairs
    pairs = {p.target: p.sources[0] for p in found if p.sure and not p.form and len(p.sources) == 1}
    for leaf in (True, False):
        theirs, own = _buckets(surplus, leaf, set(pairs.values())), _buckets(missing, leaf, pairs.keys())
        for key, names in own.items():
            if len(theirs.get(key, ())) == len(names):
                pairs |= dict(zip(names, theirs[key], strict=True))
    if 2 * len(pairs) < max(len(missing), len(surplus)):  # of two networks that have little in common, a few agree
        pairs = {new: old for new, old in pairs.items() if SequenceMatcher(None, new, old).ratio() > ALIKE}
    return {name: pairs[name] for name in missing if name in pairs}


ALIKE = 0.75
"""Above this share of letters (difflib) two names may be one."""


def _buckets(names: Mapping[str, Shape], leaf: bool, without: Iterable[str]) -> dict[tuple[Shape, str], list[str]]:
    done, found = set(without), dict[tuple[Shape, str], list[str]]()
    for name, shape in names.items():
        if name not in done:
            found.setdefault((shape, name.rpartition(".")[2] if leaf else ""), []).append(name)
    return found


def _pair_rows(pairs: Mapping[str, str]) -> list[str]:
    """The network's name and the file's, folded where pairs differ in numbers alone."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for new, old in pairs.items():
        groups.setdefault((pattern(new), pattern(old)), {})[new] = old
    rows = []
    for group in groups.values():
        rows.append(f"`{shown(group)}` may be the file's `{shown(group.values())}`{_times(list(group))}")
    return rows


# ---- other shapes


def _shape_groups(shapes: Mapping[str, tuple[Shape, Shape]], params: Mapping[str, Param]) -> Iterator[Group]:
    causes: dict[str, dict[str, tuple[Shape, Shape]]] = {}
    few = len(shapes) <= 4
    for name, (wanted, found) in shapes.items():
        causes.setdefault(_cause(params[name], wanted, found, few), {})[name] = (wanted, found)
    for cause, names in causes.items():
        rows = [
            f"`{text}`  {list(wanted)} in the network, {list(found)} in the file{_times(members)}"
            for text, members, (wanted, found) in folded(names)
        ]
        helps = [*_shape_helps(cause, names, params)]
        yield Group("another shape", "of another shape", len(names), rows, cause, helps)


MATCH = "`dslc weights match FILE NET.dl -o FILE.map` proposes a map of names, for `--map FILE.map`"
RENAMED = "renamed"
CLASSES = "another number of classes"
CHANNELS = "other channels of the first layer"
PLACES = "a table of positions of another size"
TURNED = "transposed"
FLAT = "the same numbers in another shape"
WIDTH = "other widths"


def _cause(param: Param, wanted: Shape, found: Shape, few: bool) -> str:
    """The likely reason for a tensor's shape; `few`: hardly any other tensor differs."""
    name = param.path
    if np.prod(wanted) == np.prod(found):
        return TURNED if wanted == found[::-1] else FLAT
    differ = [axis for axis, sides in enumerate(zip(wanted, found, strict=False)) if sides[0] != sides[1]]
    if "pos" in name.rpartition(".")[2].lower() or ("pos" in name.lower() and len(wanted) <= 2):
        return PLACES
    if len(wanted) == len(found) and few:
        if differ == [0] and len(wanted) <= 2:
            return CLASSES
        if differ == [1] and len(wanted) > 2:
            return PLACES if isinstance(param.owner, Instance) and wanted[0] == 1 else CHANNELS
    return WIDTH


def _shape_helps(cause: str, names: Mapping[str, tuple[Shape, Shape]], params: Mapping[str, Param]) -> Iterator[str]:
    """What to do about tensors of other shapes."""
    name, (wanted, found) = next(iter(names.items()))
    if cause == CLASSES:
        argument = _argument(params[name], wanted[0])
        if argument is not None:
            yield f"`--set {argument}={found[0]}` makes the network that the weights are of"
        yield f"`--skip {name.rpartition('.')[0] or name}` keeps the network's own, to be trained"
    elif cause == PLACES and len(wanted) == len(found) == 3 and (argument := _argument(params[name], wanted[1])):
        yield f"`--set {argument}={found[1]}` makes the network that the weights are of"
    elif (wish := remedy(name, found, params)) is not None:
        yield f"`--adapt {wish}` brings it to the network's size"
    elif cause in (FLAT, TURNED):
        single = WrongWeightShape(name, wanted, found).help
        yield from (words.text for words in single)
        if cause == TURNED and len(wanted) == 2:
            yield MATCH
    elif cause == WIDTH:
        pairs = {
            (own, other)
            for sides in names.values()
            for own, other in zip(*sides, strict=False)
            if len(sides[0]) == len(sides[1]) and own != other
        }
        own, other = next(((w, f) for w, f in zip(wanted, found, strict=False) if w != f), (0, 0))
        argument = _argument(params[name], own)
        if argument is not None and [f for w, f in pairs if w == own] == [other]:
            yield _proposed(argument, other)
        else:
            yield "the weights are of a network with other arguments (`--set`), or of another net (`--net`)"


def _argument(param: Param, value: int) -> str | None:
    """The argument of the net that has a value, if just one has."""
    names = [name for name, const in param.net.args.items() if type(const.value) is int and const.value == value]
    return names[0] if len(names) == 1 else None
