"""Which map is meant: a file, a family that comes with dslc, or one of its maps; and tensors seen through it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dslc.reading import content
from dslc.source import Source
from dslc.weights.errors import WeightsError
from dslc.weights.maps.config import held
from dslc.weights.maps.errors import NoMap, NoMapFits
from dslc.weights.maps.model import NameMap
from dslc.weights.maps.parse import parse
from dslc.weights.maps.plan import Plan, Shape, plan
from dslc.weights.maps.view import Mapped
from dslc.weights.tensors import Tensors

if TYPE_CHECKING:
    from dslc.ir.model import Param

DATA = Path(__file__).parent / "data"
SUFFIX = ".map"
LONGEST = 10_000_000
"""Bytes of a map: that of a network of 100,000 tensors, each with a line, has some 8 million."""


def families() -> dict[str, tuple[str, ...]]:
    """The maps that come with dslc, as `timm/vit`, by family."""
    found: dict[str, tuple[str, ...]] = {}
    for folder in sorted(path for path in DATA.iterdir() if path.is_dir()):
        found[folder.name] = tuple(f"{folder.name}/{path.stem}" for path in sorted(folder.glob(f"*{SUFFIX}")))
    return found


def shipped(name: str) -> NameMap:
    """A map that comes with dslc, by a name such as `timm/vit`."""
    path = DATA / f"{name}{SUFFIX}"
    return parse(Source(f"{name}{SUFFIX}", path.read_text(encoding="utf-8")), name)


def mapped(
    tensors: Tensors,
    wish: str,
    params: Mapping[str, Param],
    kept: Collection[str] = (),
    said: Mapping[str, Any] | None = None,
) -> Tensors:
    """Tensors under the names of a network, through the map that `wish` says: `timm`, `hf/bert`, or a file.

    Of a family the one map is taken that accounts for every tensor and gives names of the network alone; where the
    tensors have these names already, none. Names in `kept` are not to be loaded: any shape is given for them. `said`
    is what stands beside the weights of the network that they are of (`config.config_beside`). Raises `WeightsError`
    for no map, for one that loses tensors and for another network; `CompileError` for a map that cannot be read.
    """
    names = {name: param.spec.shape for name, param in params.items() if param.spec.kind != "const"}
    wanted = {name: shape for name, shape in names.items() if name not in kept}
    known = families()
    if wish in known and not Path(wish).is_file():
        found = _fitting(tensors, wish, known[wish], wanted, names.keys())
        if found is None and said:  # the names are the network's own: what it computes may still be another's
            fit = (map_ for map_ in map(shipped, known[wish]) if plan(map_, tensors.specs, wanted).wrong is None)
            for map_ in fit:
                held(map_, said, params)
    else:
        found = shipped(wish) if any(wish in maps for maps in known.values()) else _of_file(wish, known)
    if found is None:
        return tensors
    held(found, said or {}, params)
    return _through(tensors, found, wanted, params)


def _of_file(path: str, known: Mapping[str, tuple[str, ...]]) -> NameMap:
    try:
        text = content(path, LONGEST).decode()
    except FileNotFoundError:
        every = (*known, *(name for maps in known.values() for name in maps))
        raise WeightsError(NoMap(path, every)) from None
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is no text in UTF-8"
        raise WeightsError(NoMap(path, (), why)) from error
    return parse(Source(path, text.replace("\r\n", "\n")), path)


def _through(tensors: Tensors, names: NameMap, wanted: Mapping[str, Shape], params: Mapping[str, Param]) -> Tensors:
    found = plan(names, tensors.specs, wanted)
    if found.wrong is not None:
        raise WeightsError(found.wrong)
    drops = f", {len(found.dropped)} dropped" if found.dropped else ""
    notes = [f"the map `{names.name}` gives {len(found.made)} tensors{drops}", *other_eps(names, found, params)]
    return Mapped(tensors, found, *notes)


def other_eps(names: NameMap, found: Plan, params: Mapping[str, Param]) -> list[str]:
    """Says so where norms of the network add another number to the variance than those whose weights they get."""
    owners = {params[name].owner for name in found.made if name in params}
    known = {getattr(getattr(owner, "op", None), "eps", None) for owner in owners}
    others = sorted(eps for eps in known if isinstance(eps, float) and eps != names.eps)
    if names.eps is None or not others:
        return []
    own, theirs = " and ".join(f"eps={eps:g}" for eps in others), f"those of `{names.name}` eps={names.eps:g}"
    return [f"norms of the network have {own}, {theirs}: outputs differ a little until the program says the same"]


def _fitting(
    tensors: Tensors, family: str, maps: tuple[str, ...], wanted: Mapping[str, Shape], names: Collection[str]
) -> NameMap | None:
    """The map of a family that fits; none where the names are the network's own."""
    own = sum(name in names for name in tensors.specs)
    if own == len(tensors.specs) == len(names):
        return None
    read = {name: shipped(name) for name in maps}
    tried = {name: plan(map_, tensors.specs, wanted) for name, map_ in read.items()}
    hits = {name: sum(made in names for made in found.made) for name, found in tried.items()}
    fit = [name for name, found in tried.items() if not found.wrong and hits[name] == len(found.made) > 0]
    if len(fit) == 1:
        return read[fit[0]]
    rows = sorted(hits.items(), key=lambda row: -row[1])
    best = rows[0][0]
    if not fit and own and own in (len(tensors.specs), len(names)):
        return None  # what is missing or surplus is not the map's to say
    if not fit and 2 * hits[best] > len(names):
        return read[best]  # nearly: what it loses says more
    raise WeightsError(NoMapFits(family, tuple(rows), len(names), tuple(fit)))
