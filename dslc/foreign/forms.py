"""Foreign calls that are written in a form of their own here: lists joined, axes reordered, layers in a row."""

from __future__ import annotations

from typing import Final

from dslc.foreign import values
from dslc.foreign.calls import called, layer_call, own, tensors_in_order, written
from dslc.foreign.piece import Piece, closed
from dslc.foreign.rewrite import Doors, Form, Given, KindOf, Rewriter, matched, refuse
from dslc.foreign.values import Unsaid
from dslc.syntax import tree
from dslc.vocabulary import table
from dslc.vocabulary.table import Entry

_AXES = {1: "n", 2: "n d", 3: "n t d", 4: "n c h w", 5: "n c d h w"}


def _tensor(r: Rewriter, entry: Entry, given: Given) -> str | None:
    """The text of the tensor that a function is of; none if it is a step of a chain."""
    name = next(iter(tensors_in_order(entry)), None)
    value = given.get(name) if name is not None else None
    return None if value is None else r.spell(value)


def _call(name: str, tensor: str | None, *arguments: str) -> str:
    parts = [part for part in (tensor, *arguments) if part]
    return f"{name}({', '.join(parts)})" if parts else name


def _flat(rest: list[tree.Expr]) -> list[tree.Expr]:
    """The items of one tuple or list, or what was given one by one."""
    items = values.listed(rest[0]) if len(rest) == 1 else None
    return list(items) if items is not None else rest


def view(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """`x.view(N, -1)` is `flatten`; any other shape is a `reshape`."""
    sizes = _flat(rest)
    tensor = _tensor(r, entry, given)
    if not sizes:
        raise Unsaid("`reshape(N, 8, -1)` names all sizes")
    batch = sizes[0].span.text.replace(" ", "")
    if (
        len(sizes) == 2
        and values.number(sizes[1]) == -1
        and values.number(sizes[0]) is None
        and (batch in ("N", "B") or batch.endswith((".size(0)", ".shape[0]", "batch_size", "batch", "bs")))
    ):
        return _call("flatten", tensor)
    if any(values.number(size) is None and not isinstance(size, tree.Name) for size in sizes):
        raise Unsaid("`reshape(N, 8, -1)` names all sizes")
    if values.number(sizes[0]) == -1:
        raise Unsaid("`flatten` keeps the batch and joins the rest; `reshape(N, 8, -1)` names all sizes")
    return _call("reshape", tensor, *map(r.spell, sizes))


def permute(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """`x.permute(0, 2, 3, 1)` is `rearrange(x, "n c h w -> n h w c")`."""
    order = values.numbers(tree.Tuple(rest[0].span, tuple(_flat(rest)))) if rest else None
    if order is None or len(order) not in _AXES:
        raise Unsaid('`rearrange("n c h w -> n h w c")` names the axes and orders them')
    letters = _AXES[len(order)].split()
    places = [int(axis) % len(order) if -len(order) <= axis < len(order) else -1 for axis in order]
    if sorted(places) != list(range(len(order))):
        raise Unsaid('`rearrange("n c h w -> n h w c")` names the axes and orders them')
    tensor = _tensor(r, entry, given)
    return _call("rearrange", tensor, f'"{" ".join(letters)} -> {" ".join(letters[axis] for axis in places)}"')


def _axis(value: tree.Expr | None) -> int | None:
    found = values.number(value)
    return found if isinstance(found, int) and -1 <= found <= 4 else None


def unsqueeze(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """`x.unsqueeze(1)` is `x[:, none]`."""
    axis = _axis(given.get("dim", given.get("axis")))
    if axis is None:
        raise Unsaid("`x[:, none]` puts an axis of 1 in")
    inside = "..., none" if axis == -1 else ", ".join([":"] * axis + ["none"])
    return f"{closed(_tensor(r, entry, given) or 'it')}[{inside}]"


def squeeze(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """`x.squeeze(1)` is `x[:, 0]`."""
    axes = _flat(rest)
    axis = _axis(axes[0]) if len(axes) == 1 else None
    if axis is None:
        raise Unsaid("`x[:, 0]` takes the one place of an axis, `flatten` joins all axes but the batch")
    inside = "..., 0" if axis == -1 else ", ".join([":"] * axis + ["0"])
    return f"{closed(_tensor(r, entry, given) or 'it')}[{inside}]"


def _together(r: Rewriter, value: tree.Expr | None) -> list[str]:
    """The tensors of a list, one by one; of a name, with a star."""
    if value is None:
        raise Unsaid("tensors are given one by one: `concat(a, b)`")
    items = values.listed(value)
    return [r.spell(item) for item in items] if items is not None else [f"*{closed(r.spell(value))}"]


def join(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """`torch.cat([a, b], dim=1)` is `concat(a, b, axis=1)`: tensors one by one."""
    parts = _together(r, given.get(entry.takes[0].name))
    for taken in entry.takes[1:]:
        value = given.get(taken.name)
        if value is not None and taken.role == ">":
            parts.append(f"axis={r.spell(value)}")
            break
    else:
        left = next((taken.left_out for taken in entry.takes if taken.left_out is not None), None)
        parts += [f"axis={left}"] if left is not None else []
    return f"{entry.here}({', '.join(parts)})"


def joined(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """Keras' `add([a, b])` is `a + b`."""
    parts = _together(r, given.get(entry.takes[0].name))
    if any(part.startswith("*") for part in parts):
        raise Unsaid(f"tensors are joined by `a {entry.text} b`")
    return f" {entry.text} ".join(map(closed, parts))


def merged(r: Rewriter, entry: Entry, target: tree.Call, expr: tree.Call) -> Piece:
    """Keras' `Concatenate()([a, b])` is `concat(a, b)`, its `Add()([a, b])` is `a + b`."""
    given, _ = matched(entry, target.arguments, False)
    refuse(entry, given)
    items = values.listed(expr.arguments[0].value) if len(expr.arguments) == 1 else None
    if items is None or len(items) < 2:
        raise Unsaid(entry.note)
    parts = [r.spell(item) for item in items]
    if entry.here == "concat":
        return Piece(f"concat({', '.join(parts)})", entry.library, entry.here)
    if entry.here not in ("+", "-", "*") or entry.name == "Average":
        raise Unsaid(entry.note)
    return Piece(f" {entry.here} ".join(map(closed, parts)), entry.library, entry.here)


def unmerged(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    raise Unsaid(entry.note or "tensors are given one by one: `concat(a, b)`")


def sequential(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    raise Unsaid(entry.note)  # `rows` writes it, where the call itself is at hand


def adaptive(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """An adaptive pool to one place is `gap` or `gmp`."""
    value = given.get("output_size")
    found = values.numbers(value)
    if found is not None and set(found) == {1}:
        return _call(entry.one, _tensor(r, entry, given))
    layer = table.layer(entry.here)
    assert layer is not None
    return layer_call(r, entry, layer, given)


def everywhere(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """Keras' global pools drop the axes of the map: `gap -> flatten`."""
    keep = given.get("keepdims")
    return entry.here if values.is_name(keep, "True", "true") else f"{entry.here} -> flatten"


def activation(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """Keras' `Activation("relu")` is `relu`."""
    value = given.get("activation")
    name = values.words(value)
    if name is not None:
        found = table.activation(name.lower())
        if found is None:
            raise Unsaid(f'`"{name}"` is no activation that we know of')
        return found or "id"
    piece = r.rewrite(value) if value is not None else None
    if piece is None:
        raise Unsaid("an activation is a layer: `relu`")
    return piece.text


def recurrent(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """Keras' recurrent layers give their last place, unless asked for the sequence."""
    sequences = given.get("return_sequences")
    layer = table.layer(entry.here)
    assert layer is not None
    text = layer_call(r, entry, layer, {k: v for k, v in given.items() if k != "return_sequences"})
    if sequences is None or values.is_name(sequences, "False", "false"):
        return f"{text} -> it[:, -1]"
    if not values.is_name(sequences, "True", "true"):
        raise Unsaid("the result is the whole sequence; its last place is `it[:, -1]`")
    return text


def resizing(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """Keras' `Resizing(h, w)` is `upsample(size=(h, w), mode="bilinear")`."""
    height, width = given.get("height"), given.get("width")
    if height is None or width is None:
        raise Unsaid("")
    layer = table.layer("upsample")
    assert layer is not None
    return called(layer, [], {"size": f"({r.spell(height)}, {r.spell(width)})", "mode": '"bilinear"'})


def einsum(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """`torch.einsum("nctu,ncu->nct", a, b)` is `einsum(a, b, "n c t u, n c u -> n c t")`."""
    pattern = values.words(given.get("equation"))
    if pattern is None or "." in pattern or "->" not in pattern:
        raise Unsaid('`einsum(a, b, "n t d, d e -> n t e")` has its pattern last')
    sides = [", ".join(" ".join(part.replace(" ", "")) for part in side.split(",")) for side in pattern.split("->")]
    return f'einsum({", ".join(map(r.spell, _flat(rest)))}, "{" -> ".join(sides)}")'


def filled_tensor(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """`torch.zeros(2, 3)`."""
    return f"{entry.name}({', '.join(map(r.spell, _flat(rest)))})"


def expand(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """`x.expand(n, -1)` is `expand(x, n, -1)`."""
    return _call("expand", _tensor(r, entry, given), *map(r.spell, _flat(rest)))


def same(r: Rewriter, entry: Entry, given: Given, rest: list[tree.Expr]) -> str:
    """A function that has the same name here."""
    return _call(entry.name, _tensor(r, entry, given))


def rows(r: Rewriter, expr: tree.Call) -> list[str] | None:
    """The layers of `nn.Sequential(a, b)` and `Sequential([a, b])`, one by one; none of a call that is none."""
    name = "seq" if isinstance(expr.target, tree.Seq) else r.dotted(expr.target)
    if name is None:
        return None
    found = r.entries(name) if name != "seq" else ()
    if name != "seq" and not (found and found[0].form == "sequential"):
        return None
    items = [argument.value for argument in expr.arguments]
    if any(argument.name or argument.star for argument in expr.arguments):
        return None
    if len(items) == 1 and isinstance(items[0], tree.List):
        items = list(items[0].items)
    texts: list[str] = []
    for item in items:
        inner = rows(r, item) if isinstance(item, tree.Call) else None
        text = f"({' -> '.join(inner)})" if inner is not None else r.spell(item)
        texts.append(text)
    return texts or None


FORMS: Final[dict[str, Form]] = {
    "view": view,
    "permute": permute,
    "unsqueeze": unsqueeze,
    "squeeze": squeeze,
    "join": join,
    "joined": joined,
    "merge": unmerged,
    "sequential": sequential,
    "adaptive": adaptive,
    "global": everywhere,
    "activation": activation,
    "recurrent": recurrent,
    "resizing": resizing,
    "einsum": einsum,
    "filled": filled_tensor,
    "expand": expand,
    "same": same,
}


_DOORS: Final = Doors(written, rows, merged, own, FORMS)


def rewriter(kind_of: KindOf) -> Rewriter:
    """What rewrites expressions where the names that `kind_of` knows are the program's own."""
    return Rewriter(kind_of, _DOORS)
