"""The records of grammar/vocabulary.toml and the search for a name in them.

The file says how its lines are read. The first question opens it, so a program without mistakes never waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from dslc.diagnostics.codes import nearest
from dslc.record import frozen

# what stands before the last point of a name, and the lists in which that name is looked for; others have none of them
_PREFIXES: dict[str, tuple[str, ...]] = {
    "": ("nn", "keras", "plain", "F", "torch", "Tensor", "tf"),
    "nn": ("nn", "keras"),
    "torch.nn": ("nn",),
    "F": ("F",),
    "functional": ("F",),
    "nn.functional": ("F",),
    "torch.nn.functional": ("F",),
    "torch": ("torch", "F", "nn"),
    "torch.special": ("torch",),
    "nn.utils": ("nn",),
    "torch.nn.utils": ("nn",),
    "nn.utils.parametrizations": ("nn",),
    "torch.nn.utils.parametrizations": ("nn",),
    "layers": ("keras",),
    "L": ("keras",),
    "keras": ("keras",),
    "keras.layers": ("keras",),
    "tf.keras": ("keras",),
    "tf.keras.layers": ("keras",),
    "tensorflow.keras.layers": ("keras",),
    "keras.ops": ("tf",),
    "ops": ("tf",),
    "tf": ("tf",),
    "tf.nn": ("tf",),
    "tf.math": ("tf",),
    "tf.image": ("tf",),
    "jax.nn": ("tf",),
    "jnp": ("tf",),
    "np": ("torch",),
}
LIBRARIES = {
    "nn": "PyTorch",
    "F": "PyTorch",
    "torch": "PyTorch",
    "Tensor": "PyTorch",
    "keras": "Keras",
    "tf": "TensorFlow",
}

Row: TypeAlias = str | Mapping[str, str]


@frozen
class Taken:
    """An argument of another library.

    `role`: `>` ours, `-` not written, `!` cannot be said, `&` a tensor, `*` the rest, or nothing: it fills a place of
    the text. `way`: how its value is read. `only`: the one value it may have. `left_out`: what it means there if it is
    left out.
    """

    name: str
    role: str
    ours: str = ""
    way: str = ""
    only: str | None = None
    left_out: str | None = None


@frozen
class Entry:
    """A name of another library.

    `here`: what it is; `text`: with its arguments in braces; `form`: the way it is written; `extra`: arguments that it
    always has; `one`: the layer for an output of one place.
    """

    source: str
    name: str
    here: str = ""
    takes: tuple[Taken, ...] = ()
    text: str = ""
    form: str = ""
    note: str = ""
    extra: str = ""
    one: str = ""

    @property
    def is_rename(self) -> bool:
        """Whether it is a word for a layer of the language, which takes that layer's own arguments."""
        return self.source == "plain" and not self.takes and not self.form and not self.text and bool(self.here)

    @property
    def library(self) -> str:
        """Whose name it is; empty for a word of many."""
        return LIBRARIES.get(self.source, "")


@frozen
class Ours:
    """An argument of a layer of the language: `default` is its text, none where it must be given."""

    name: str
    kind: str = ""
    default: str | None = None


@frozen
class Layer:
    """A layer of the language: its arguments in order, and how many of them are given by place."""

    name: str
    arguments: tuple[Ours, ...]
    by_place: int

    def argument(self, name: str) -> Ours | None:
        return next((a for a in self.arguments if a.name == name), None)


def vocabulary_path() -> Path:
    """The file: inside an installed package, else at the top level of the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_grammar" / "vocabulary.toml"
    return installed if installed.exists() else package.parent / "grammar" / "vocabulary.toml"


@cache
def _file() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(vocabulary_path().read_text("utf-8"))


# ---- words and values


def word(name: str) -> str | None:
    """What is written instead of a word of another language, where the text cannot go on after it."""
    found: str | None = _file()["words"].get(name)
    return found


def words() -> tuple[str, ...]:
    """All such words."""
    return tuple(_file()["words"])


def value(name: str) -> str | None:
    """The value of this language that a name of another one is: `True` is `true`."""
    found: str | None = _file()["values"].get(name)
    return found


def python(name: str) -> str | None:
    """What is said of a name of Python that is no layer."""
    found: str | None = _file()["python"].get(name)
    return found


def type_of(name: str) -> str | None:
    """The type of a parameter that goes by another name elsewhere: `integer` is `int`."""
    found: str | None = _file()["types"].get(name)
    return found


def quantity(name: str) -> str | None:
    """The quantity of a budget that goes by another name elsewhere."""
    found: str | None = _file()["quantities"].get(name.lower())
    return found


def activation(name: str) -> str | None:
    """The layer of an activation that is named in a text; empty for the one that does nothing."""
    found: str | None = _file()["activations"].get(name)
    return found


# ---- layers of the language


@cache
def layer(name: str) -> Layer | None:
    """A layer of the language, by its name."""
    text = _file()["here"].get(name)
    if text is None:
        return None
    before, bar, _ = text.partition("|")
    arguments = []
    for word_ in text.replace("|", " ").split():
        head, _, default = word_.partition("=")
        own, _, kind = head.partition(":")
        arguments.append(Ours(own, kind, default or None))
    return Layer(name, tuple(arguments), len(before.split()) if bar else len(arguments))


def layers() -> tuple[str, ...]:
    """The layers of the language that the file knows."""
    return tuple(_file()["here"])


# ---- names of other libraries


@cache
def entries() -> dict[str, dict[str, Entry]]:
    """All names by the list they stand in; that a list is named as `LIBRARIES` names it, or `plain`."""
    return {source: dict(_rows(source, _file()[source])) for source in (*LIBRARIES, "plain")}


def _rows(source: str, rows: Mapping[str, Row]) -> Iterable[tuple[str, Entry]]:
    for names, row in rows.items():
        for shape in names.split():
            for name in [shape.replace("#", n) for n in "123"] if "#" in shape else [shape]:
                yield name, _entry(source, name, row)


def _entry(source: str, name: str, row: Row) -> Entry:
    if isinstance(row, str):
        here, _, takes = row.partition(" ")
        return Entry(source, name, here, _taken(takes))
    here = row.get("is", name if row.get("form") else "")
    return Entry(
        source,
        name,
        here,
        _taken(row.get("takes", "")),
        row.get("text", ""),
        row.get("form", ""),
        row.get("note", ""),
        row.get("with", ""),
        row.get("one", ""),
    )


_TAKEN = re.compile(
    r"(?P<mark>[-!&*]?)(?P<name>[\w*]+)(?:>(?P<ours>[\w+]+))?(?::(?P<way>\w+))?(?:=(?P<only>'[^']*'|[^?]+))?(?:\?(?P<left>.+))?$"
)


@cache
def _taken(text: str) -> tuple[Taken, ...]:
    found = []
    for part in text.split():
        match = _TAKEN.match(part)
        if match is None:
            raise ValueError(f"vocabulary.toml: `{part}`")
        role = match["mark"] or (">" if match["ours"] else "")
        found.append(Taken(match["name"], role, match["ours"] or "", match["way"] or "", match["only"], match["left"]))
    return tuple(found)


def folded(name: str) -> str:
    """A name without case, `_` and a number of dimensions: `BatchNorm2d` and `batch_norm` are one."""
    return re.sub(r"(?<=\D)[123]d$", "", name.replace("_", "").lower())


@cache
def _by_fold() -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for source in ("plain", "nn", "keras", "F"):
        for name, entry in entries()[source].items():
            found.setdefault(folded(name), entry)
    return found


def lookup(dotted: str) -> tuple[Entry, ...]:
    """What `nn.Conv2d`, `F.relu`, `Dense` may be, the likeliest first; nothing for a name that nobody else has."""
    prefix, _, name = dotted.rpartition(".")
    sources = _PREFIXES.get(prefix)
    if sources is None:
        return ()
    found = [entries()[source][name] for source in sources if name in entries()[source]]
    if not found:
        like = _by_fold().get(folded(name))
        if like is not None and (not prefix or like.source in sources or like.source == "plain"):
            found.append(like)
    return tuple(found)


def method(name: str) -> Entry | None:
    """A method or attribute of PyTorch's tensors."""
    return entries()["Tensor"].get(name)


def library(dotted: str) -> str:
    """Whose name `nn.Fold` is, by what stands before its last point; empty of one that is nobody's."""
    prefix = dotted.rpartition(".")[0]
    while prefix and prefix not in _PREFIXES:
        prefix = prefix.rpartition(".")[0]
    return LIBRARIES[_PREFIXES[prefix][0]] if prefix else ""


def near(name: str) -> Entry | None:
    """The name of another library that a misspelt one is most like."""
    folds = _by_fold()
    found = nearest(folded(name), folds) if len(name) > 3 else None
    return folds[found] if found is not None else None


# ---- arguments


@cache
def _arguments(owner: str) -> dict[str, str]:
    rows: dict[str, str] = dict(_file()["keywords"].get(owner, {}))
    parent = rows.pop("", None)
    return {**_arguments(parent), **rows} if parent is not None else rows


def argument(owner: str, name: str, known: Iterable[str]) -> tuple[str, str]:
    """What the argument `name` is for a layer with the arguments `known`: how, and the words for it.

    `is`: it is called so here. `leave`: it is not written, and why. `after`: it is a step after the layer. `say`: only
    words. `none`: nothing is known of it.
    """
    names = frozenset(known)
    own = owner in _file()["keywords"]
    listed = _arguments(owner if own else "*").get(name, "")
    if listed.startswith("="):
        return "say", listed[1:]
    for ours in listed.split():
        if ours == "+":
            return "after", ""
        if ours.startswith("-"):
            return "leave", "it is computed here: leave it out"
        if ours in names:
            return "is", ours
    idle = _file()["idle"].get(name) or _file()["idle"].get(f"_{name.rpartition('_')[2]}")
    return ("leave", idle) if idle is not None else ("none", "")


def near_argument(owner: str, name: str, known: Iterable[str]) -> str | None:
    """The name that an argument of `owner` has elsewhere, which a misspelt one is most like."""
    own = owner in _file()["keywords"]
    names = frozenset(known)
    likely = [word for word in _arguments(owner if own else "*") if argument(owner, word, names)[0] != "none"]
    return nearest(name, likely)
