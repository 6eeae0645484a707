"""Names of the program that an unknown one shares its words with: `n_points` for `points`, `numClasses` for `classes`.

`nearest` knows slips of letters; here a name is another way of saying the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from dslc.bind import language
from dslc.diagnostics.model import Help, did_you_mean
from dslc.syntax import tree
from dslc.vocabulary.std import core

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_FILLERS: Final = frozenset({"n", "nr", "no", "nb", "num", "number", "of", "the", "my", "count", "size", "dim", "dims"})
"""Words that say that something is a number."""

_ALIKE: Final = {
    "N": "b bs batch batchsize n nbatch",
    "C": "c ch chan channel inchannel inch nchannel cin inplane inplanes",
    "H": "h height imgheight imageheight",
    "W": "w imgwidth imagewidth",
    "T": "t l length seqlen seqlength sequencelength time timestep ntoken token steps maxlen",
    "L": "t l length seqlen seqlength sequencelength time timestep",
    "D": "d dim dmodel embeddim embdim embed nembd modeldim",
}
"""The letters of a header's sizes, and what else they are called: small letters, without `_` and a last `s`."""


_INPUTS: Final = frozenset(
    "x input inputs inp img image images data batch features feature feat feats tokens ids".split()
)
"""What an input is called where it is the only one."""


def likely_name(name: tree.Name, definition: tree.Definition, names: Sequence[str]) -> tuple[Help, ...]:
    """The user's own name that is likely meant by one that nothing defines; `names` are those known at its place."""
    own = [n for n in names if language.kind_of(n) is None and n not in core()]
    found = of_words(name.name, own)
    ports = (definition.ports or ()) if isinstance(definition, tree.Block | tree.Extern) else ()
    if found is None:
        sizes = [d.value.name for p in ports for d in p.spec.dims or () if isinstance(d.value, tree.Name)]
        found = of_size(name.name, [size for size in dict.fromkeys(sizes) if size in own])
    if found is None and name.name.lower() in _INPUTS and len(ports) == 1:
        return (Help(f"the input is called `{ports[0].name}`", ports[0].name),)
    return did_you_mean(found)


def of_words(written: str, names: Iterable[str]) -> str | None:
    """The one name with the same words as another, fillers apart; else the one all of whose words it has, or that has
    all of its. None where two are as near, or where only a short word is shared.
    """
    words = _words(written)
    told = words - _FILLERS or words
    alike: list[str] = []
    part: list[str] = []
    for name in dict.fromkeys(names):
        other = _words(name)
        meant = other - _FILLERS or other
        if meant == told:
            alike.append(name)
        elif (meant < told or told < meant) and max(map(len, meant & told), default=0) > 3:
            part.append(name)
    for found in (alike, part):
        if found:
            return found[0] if len(found) == 1 else None
    return None


def of_size(written: str, sizes: Sequence[str]) -> str | None:
    """The letter of a header's size that a word stands for, as `dim` for `D`."""
    folded = written.replace("_", "").lower()
    found = [size for size in sizes if {folded, folded.removesuffix("s")} & set(_ALIKE.get(size, "").split())]
    return found[0] if len(found) == 1 else None


def _words(name: str) -> frozenset[str]:
    """The words of a name in small letters, each in the singular."""
    return frozenset(_single(word.lower()) for word in _WORD.findall(name))


def _single(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
