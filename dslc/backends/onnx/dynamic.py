"""Which sizes stay open in a graph: by name, or by the axes of inputs, as torch's exporters take them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import index
from typing import Any, SupportsIndex, TypeAlias

from dslc.backends.onnx.emit import check_dynamic, input_names
from dslc.backends.onnx.errors import FixedAxis, NoAxis, OtherName, UnknownInput
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Failure, Mistake
from dslc.ir.model import Model, Value
from dslc.types.dim import Size
from dslc.types.dtypes import shown

Axes: TypeAlias = Mapping[int, object] | Collection[object] | None
Dynamic: TypeAlias = str | Collection[str] | Mapping[str, Axes] | Sequence[Mapping[int, object] | None]
"""`"N,H"`, `("N", "H")`, `{"image": {0: "N", 2: "H"}}`, `{"image": [0]}`, `({0: "N"}, None)` in the inputs' order."""

FORMS = 'names of sizes such as ("N", "H"), or axes by input such as {"image": {0: "N"}}'


def open_sizes(model: Model, dynamic: Dynamic | None) -> tuple[str, ...]:
    """The names of the sizes that are to stay open, each once.

    Raises `TypeError` for what is none of the forms, and `Failure` for names that are no sizes of the inputs, sizes
    that weights fix, and axes that are not there, that the program fixes, or that it calls otherwise.
    """
    if isinstance(dynamic, tuple | list) and any(isinstance(axes, Mapping) for axes in dynamic):
        dynamic = _by_input(model, dynamic)
    if isinstance(dynamic, Mapping):
        names = _named(model, dynamic)
    else:
        names = [name.strip() for name in dynamic.split(",")] if isinstance(dynamic, str) else _collected(dynamic)
    found = tuple(dict.fromkeys(name for name in names if name))
    check_dynamic(model.sizes, found)
    return found


def _by_input(model: Model, axes: Sequence[object]) -> dict[str, Any]:
    """Axes of the inputs in their order, as torch.export takes them too."""
    names = input_names(model)
    if len(axes) > len(names):
        raise TypeError(f"`dynamic` has axes of {len(axes)} inputs, and the network has {len(names)}")
    return dict(zip(names, axes, strict=False))


def _collected(dynamic: object) -> list[str]:
    """Names in their order."""
    if dynamic is None:
        return []
    found = list(dynamic) if isinstance(dynamic, Collection) and not isinstance(dynamic, bytes) else [dynamic]
    names = [name for name in found if isinstance(name, str)]
    if len(names) < len(found):
        raise TypeError(f"`dynamic` is {FORMS}, not {shown(dynamic)}")
    return names


def _named(model: Model, dynamic: Mapping[str, Axes]) -> list[str]:
    """The symbols of the axes that a mapping of inputs asks for, and of outputs, which follow them."""
    root = model.root
    inputs = dict(zip(input_names(model), root.inputs, strict=True)) | {v.name: v for v in root.inputs if v.name}
    outputs = {name or "output": value for name, value in zip(root.output_names, root.outputs, strict=True)}
    mistakes: list[Mistake] = []
    found: list[str] = []
    for name, axes in dynamic.items():
        value = inputs.get(name) or outputs.get(name)
        if value is None:
            mistakes.append(UnknownInput(str(name), tuple(inputs), nearest(str(name), [*inputs, *outputs])))
            continue
        for axis, wanted in _axes(name, axes):
            try:
                found += _symbols(model, name, value, axis, wanted)
            except Failure as failure:
                mistakes += failure.mistakes
    if mistakes:
        raise Failure(*mistakes)
    return found


def _symbols(model: Model, name: str, value: Value, axis: int, wanted: str | None) -> list[str]:
    """The symbols of one axis. Raises `Failure` where it has none, or is not called as it is wanted."""
    dims = value.type.dims
    texts = tuple(model.sizes.text(size) for size in dims)
    if not -len(dims) <= axis < len(dims):
        raise Failure(NoAxis(name, axis, texts))
    axis %= len(dims)
    size: Size = dims[axis]
    if isinstance(size, int):
        if wanted in model.sizes.pins:
            return [str(wanted)]  # `check_dynamic` says by which weight it is fixed
        opened = {k: text for k, text in enumerate(texts) if not isinstance(dims[k], int)}
        raise Failure(FixedAxis(name, axis, size, tuple(opened.items())))
    symbols = sorted(symbol.name for symbol in size.symbols)
    if wanted is not None and wanted not in (texts[axis], *symbols):
        raise Failure(OtherName(name, axis, wanted, texts[axis]))
    return symbols


def _axes(name: str, axes: Axes) -> Iterator[tuple[int, str | None]]:
    """Each axis that is to be open, with the name that it was given.

    A list of whole numbers holds axes, as in torch.onnx's `dynamic_axes`; any other says for each axis in turn what it
    is, as in torch.export's `dynamic_shapes`.
    """
    if isinstance(axes, Mapping):
        items: list[tuple[object, object]] = list(axes.items())
    elif isinstance(axes, Collection) and not isinstance(axes, str | bytes):
        whole = all(isinstance(axis, SupportsIndex) for axis in axes)
        items = [(axis, AUTO) for axis in axes] if whole else list(enumerate(axes))
    elif axes is None:
        items = []
    else:
        raise TypeError(f"`dynamic` is {FORMS}; for `{name}` it has {shown(axes)}")
    for axis, said in items:
        if isinstance(axis, bool) or not isinstance(axis, SupportsIndex):
            raise TypeError(f"an axis of `{name}` is a whole number, not {shown(axis)}")
        if said is None or str(said) == "DimHint(STATIC)":
            continue
        # A `torch.export.Dim` has its name in `__name__`; the hints AUTO and DYNAMIC have none.
        called = said if isinstance(said, str) else getattr(said, "__name__", None)
        if called is None and said is not AUTO and type(said).__name__ != "_DimHint":
            raise TypeError(f'axis {axis} of `{name}` is given a name, such as "N", not {shown(said)}')
        yield index(axis), called


AUTO = object()
"""An axis that is open under whatever name the program has for it."""
