"""A foreign call as one of this language, argument by argument."""

from __future__ import annotations

import re

from dslc.foreign import values
from dslc.foreign.piece import Piece, closed
from dslc.foreign.rewrite import Given, Rewriter, matched, refuse
from dslc.foreign.values import Unsaid
from dslc.syntax import tree
from dslc.vocabulary import table
from dslc.vocabulary.table import Entry, Layer, Taken

_PLACE = re.compile(r"\{(\w+)\}")


def written(r: Rewriter, entry: Entry, expr: tree.Call, receiver: tree.Expr | None) -> Piece:
    """The call `expr` of a foreign name; `receiver`: what stands before the point of a method. Raises `Unsaid`."""
    if entry.is_rename:
        return _renamed(r, entry, expr)
    arguments = expr.arguments
    tensors = [taken for taken in entry.takes if taken.role == "&"]
    given: dict[str, tree.Expr] = {}
    with_tensors = bool(tensors) and (receiver is not None or _begins_with_tensor(r, entry, expr))
    if receiver is not None and not tensors:
        raise Unsaid(entry.note)
    if receiver is not None:
        rest_of = Entry(entry.source, entry.name, entry.here, tuple(t for t in entry.takes if t is not tensors[0]))
        given, rest = matched(rest_of, arguments, len(tensors) > 1)
        given[tensors[0].name] = receiver
    else:
        given, rest = matched(entry, arguments, with_tensors)
    refuse(entry, given)
    if entry.form:
        text = r.doors.forms[entry.form](r, entry, given, rest)
    elif entry.text:
        text = filled(r, entry, given)
    else:
        layer = table.layer(entry.here)
        if layer is None:
            raise Unsaid(entry.note)
        text = layer_call(r, entry, layer, given)
    return Piece(text, entry.library, entry.here, entry.note)


def _begins_with_tensor(r: Rewriter, entry: Entry, expr: tree.Call) -> bool:
    """Whether the first argument is the tensor that a function takes, and not left to the chain."""
    prefixed = isinstance(expr.target, tree.Attribute)
    first = next((a for a in expr.arguments if a.name is None), None)
    names = {taken.name for taken in entry.takes if taken.role == "&"}
    if any(argument.name in names for argument in expr.arguments):
        return True
    if first is None:
        return False
    return r.is_tensor(first.value) or (prefixed and values.numbers(first.value) is None)


def own(r: Rewriter, expr: tree.Call) -> Piece:
    """A call of a layer of this program, with its arguments by the names that they have here."""
    name = expr.target.span.text
    return _renamed(r, Entry("", name, name), expr)


def _renamed(r: Rewriter, entry: Entry, expr: tree.Call) -> Piece:
    """A word for a layer of the language: its name and the names of its arguments change, where they fit."""
    layer = table.layer(entry.here)
    places = sum(1 for a in expr.arguments if a.name is None)
    tensors = sum(1 for a in expr.arguments if a.name is None and r.is_tensor(a.value))
    if layer is not None and places - tensors > layer.by_place:
        like = next((e for e in _classes(entry.here) if places <= len(e.takes)), None)
        if like is None or tensors:
            raise Unsaid(f"`{signature(layer)}` is given its arguments by name")
        theirs = written(r, like, expr, None)
        ours = _window_second(r, entry.here, expr)
        return Piece(ours, "", entry.here, entry.note, other=theirs.text) if ours else theirs
    parts = []
    for argument in expr.arguments:
        if argument.name is None or argument.star:
            parts.append(r.argument(argument))
            continue
        part = keyword(r, entry.here, argument, layer, expr)
        if part:
            parts.append(part)
    text = f"{entry.here}({', '.join(parts)})" if parts else entry.here
    return Piece(text, "", entry.here, entry.note)


_LARGEST = 11
"""The largest kernel that is usual: AlexNet's."""


def _window_second(r: Rewriter, here: str, expr: tree.Call) -> str:
    """`Conv(16, 3, 2)` read as channels, kernel and stride, as the configurations of YOLO have it; empty if it is not.

    PyTorch's order is the channels that come in, those that go out and the kernel, which is rarely even and makes few
    results rarely: so a second number of a usual kernel, and a third of a usual stride, are more likely just that.
    """
    if here != "conv" or any(a.name is not None or a.star for a in expr.arguments) or len(expr.arguments) > 4:
        return ""
    found = [values.number(a.value) for a in expr.arguments]
    if len(found) < 3 or any(value is None or value != int(value) for value in found):
        return ""
    out, kernel, stride, *pad = [int(value) for value in found if value is not None]
    if not (kernel <= _LARGEST and stride in (1, 2, 4) and kernel >= stride and out > kernel):
        return ""
    if not kernel % 2 and not pad:
        pad = [(kernel - stride) // 2]
    said = [f"{out}", f"{kernel}", *([f"s={stride}"] if stride > 1 else [])]
    return f"conv({', '.join([*said, *(f'p={side}' for side in pad)])})"


def _classes(here: str) -> list[Entry]:
    """PyTorch's classes of a layer, in whose order positional arguments are read."""
    return [entry for entry in table.entries()["nn"].values() if entry.here == here and not entry.text]


def keyword(r: Rewriter, owner: str, argument: tree.Argument, layer: Layer | None, call: tree.Call) -> str:
    """An argument by a foreign name, as it is written for `owner`; empty where it is left out."""
    assert argument.name is not None
    known = [a.name for a in layer.arguments] if layer is not None else []
    if argument.name in known or layer is None:
        return r.argument(argument)
    how, ours = table.argument(owner, argument.name, known)
    if how == "leave":
        return ""
    declared = layer.argument(ours)
    if how != "is" or declared is None:
        raise Unsaid(ours if how == "say" else f"`{argument.name}` has no counterpart here")
    text = value_text(r, Taken(argument.name, ">", ours), argument.value, declared, windows(owner, call, layer), owner)
    return "" if text is None else f"{ours}={text}"


def windows(owner: str, call: tree.Call, layer: Layer) -> Given:
    """Kernel, stride and dilation of a call by the names of PyTorch, however they were given."""
    theirs = {"k": "kernel_size", "s": "stride", "d": "dilation"}
    found: dict[str, tree.Expr] = {}
    places = [a.name for a in layer.arguments]
    for index, argument in enumerate(call.arguments):
        name = argument.name or (places[index] if index < len(places) else "")
        if argument.name is not None and name not in theirs:
            how, ours = table.argument(owner, name, places)
            name = ours if how == "is" else name
        if name in theirs:
            found[theirs[name]] = argument.value
    return found


# ---- a text with places


def filled(r: Rewriter, entry: Entry, given: Given) -> str:
    """A text with its arguments filled in; a tensor that is not given is the current value."""
    tensors = {taken.name for taken in entry.takes if taken.role == "&"}
    alone = entry.text == _PLACE.sub(lambda match: match[0], entry.text) and _PLACE.fullmatch(entry.text)

    def place(match: re.Match[str]) -> str:
        name = match[1]
        value = given.get(name)
        if value is None:
            if name in tensors and name == next(iter(tensors_in_order(entry)), None):
                return "it"
            raise Unsaid(entry.note or f"`{name}` is missing")
        text = r.spell(value)
        inside = entry.text[match.start() - 1 : match.start()] in ("(", "[") or entry.text[
            match.end() : match.end() + 1
        ] in (
            ",",
            ")",
        )
        return text if alone or inside else closed(text)

    text = _PLACE.sub(place, entry.text)
    if not text.startswith("(") and any(name not in given for name in tensors) and " " in text and "(" not in text[:1]:
        return f"({text})" if not text.endswith(")") or " + " in text or " - " in text or " * " in text else text
    return text


def tensors_in_order(entry: Entry) -> list[str]:
    """The names of the tensors that a foreign function takes."""
    return [taken.name for taken in entry.takes if taken.role == "&"]


# ---- a call of a layer


def layer_call(r: Rewriter, entry: Entry, layer: Layer, given: Given) -> str:
    """A layer of the language with the arguments of a foreign call: tensors, then those by place, then by name."""
    said: dict[str, str] = {}
    after = name = ""
    for taken in entry.takes:
        value = given.get(taken.name)
        if taken.way == "one":
            values.one_axis(value)
        if taken.role != ">":
            continue
        if taken.ours == "+":
            after = _activation(r, value)
        elif taken.ours == "as":
            name = _name(value)
        elif value is None and taken.left_out is None and not taken.way.startswith("keras_"):
            continue
        else:
            ours = layer.argument(taken.ours)
            assert ours is not None, f"{entry.name}: {taken.ours}"
            text = value_text(r, taken, value, ours, given, entry.here)
            if text is not None and (ours.default is None or not values.same_number(text, ours.default)):
                said[taken.ours] = text
    if entry.extra:
        for part in entry.extra.split(", "):
            key, _, text = part.partition("=")
            said.setdefault(key, text)
    tensors = [r.spell(given[name]) for name in tensors_in_order(entry) if name in given]
    text = called(layer, tensors, said)
    return f"{text}{name}{after}"


def called(layer: Layer, tensors: list[str], said: dict[str, str]) -> str:
    """The call of a layer. Raises `Unsaid` where an argument that it needs is missing."""
    parts = list(tensors)
    by_place = True
    for index, ours in enumerate(layer.arguments):
        if ours.name not in said:
            if ours.default is None and index < layer.by_place and not _may_lack(layer, ours.name, said):
                raise Unsaid(f"`{signature(layer)}` needs `{ours.name}`")
            by_place = False
            continue
        by_place = by_place and index < layer.by_place
        parts.append(said[ours.name] if by_place else f"{ours.name}={said[ours.name]}")
    return f"{layer.name}({', '.join(parts)})" if parts else layer.name


def _may_lack(layer: Layer, name: str, said: dict[str, str]) -> bool:
    """`upsample` takes a factor or a size."""
    return layer.name == "upsample" and name == "scale" and "size" in said


def signature(layer: Layer) -> str:
    """A layer's head: `conv(out, k, s=1, ..)`."""
    parts = [
        a.name if a.default is None else f"{a.name}={a.default}"
        for i, a in enumerate(layer.arguments)
        if i < layer.by_place or a.default is not None
    ]
    return f"{layer.name}({', '.join(parts)})"


def value_text(
    r: Rewriter, taken: Taken, value: tree.Expr | None, ours: table.Ours, given: Given, owner: str
) -> str | None:
    """The value of an argument as it is written here; none where it is left out."""
    spelt = r.spell(value) if value is not None else taken.left_out or ""
    literal = values.words(value)
    if taken.way in ("keras_pool", "keras_transposed"):
        return _keras_padding(taken.way, literal)
    if taken.way == "keras_momentum":
        return _momentum(value, spelt)
    if taken.way == "many":
        return None if value is None or spelt == "1" else "true"
    if taken.way == "pads":
        assert value is not None
        return values.pads(value, spelt)
    if taken.way == "sides":
        return values.factors(value, spelt) if value is not None else spelt
    if ours.kind == "padding" and owner in ("conv", "dw"):
        of = _of_windows(given)
        return values.window_padding(value, spelt, *of, keras="strides" in given or "filters" in given or owner == "dw")
    if ours.kind == "padding":
        return _plain_padding(value, spelt, literal, owner)
    if ours.kind == "sides" and value is not None:
        return values.sides(value, spelt)
    if literal is not None:
        return f'"{literal}"'
    return f"({spelt[1:-1]})" if isinstance(value, tree.List) and len(value.items) > 1 else spelt


def _of_windows(given: Given) -> tuple[tree.Expr | None, tree.Expr | None, tree.Expr | None]:
    """Kernel, stride and dilation of a foreign convolution."""
    stride = given.get("stride") or given.get("strides")
    return given.get("kernel_size"), stride, given.get("dilation") or given.get("dilation_rate")


def _plain_padding(value: tree.Expr | None, spelt: str, literal: str | None, owner: str) -> str:
    if literal == "valid":
        return "0" if owner != "pad" else "valid"
    if literal is not None:
        raise Unsaid(f'`"{literal}"` is no padding of `{owner}`: write the number')
    found = values.numbers(value)
    return values.sides_of(found) if found is not None else spelt


def _keras_padding(way: str, literal: str | None) -> str | None:
    if literal is None or literal.lower() == "valid":
        return None
    if literal.lower() == "same" and way == "keras_pool":
        return "same_tf"
    raise Unsaid("`deconv(out, k, s=s)` makes `(H - 1) * s + k` places of H; `p` and `op` change that")


def _momentum(value: tree.Expr | None, spelt: str) -> str:
    """Keras' momentum is what is kept, PyTorch's and ours what is new."""
    if value is None:
        return spelt
    given = values.number(value)
    if given is None:
        raise Unsaid("`momentum` is what a batch adds: 1 - Keras' `momentum`")
    return f"{round(1 - given, 10):g}"


def _activation(r: Rewriter, value: tree.Expr | None) -> str:
    """The layer that an activation is, as a further step."""
    if value is None or values.is_name(value, "None", "none"):
        return ""
    name = values.words(value)
    if name is not None:
        found = table.activation(name.lower())
        if found is None:
            raise Unsaid(f'`"{name}"` is no activation that we know of')
    else:
        piece = r.rewrite(value)
        found = piece.text if piece is not None else r.spell(value)
    return f" -> {found}" if found else ""


def _name(value: tree.Expr | None) -> str:
    name = values.words(value)
    if value is None:
        return ""
    if name is None or not name.isidentifier():
        raise Unsaid("a module's name is a plain word, by `as`")
    return f" as {name}"
