"""What a library wrote of its network beside the weights, in `config.json`: names and shapes do not show all of it.

A map says what must stand there (`config hidden_act silu`) and which argument of the net a number is
(`config num_attention_heads = heads`). What a file does not say is not asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dslc.diagnostics.model import Mistake
from dslc.reading import content
from dslc.weights.errors import WeightsError
from dslc.weights.maps.errors import OtherNetwork
from dslc.weights.maps.model import Fact, NameMap

if TYPE_CHECKING:
    from dslc.ir.model import Param

FILE = "config.json"
LONGEST = 1_000_000
"""Bytes."""


def config_beside(path: str | Path) -> Mapping[str, Any]:
    """What the `config.json` of a folder, or beside a file, says; nothing where there is none that can be read."""
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    try:
        said = json.loads(content(folder / FILE, LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def held(names: NameMap, said: Mapping[str, Any], params: Mapping[str, Param]) -> None:
    """Raises `WeightsError` where the network that the weights are of computes otherwise than the map, or the net."""
    if not said or not names.facts:
        return
    args = _arguments(params)
    wrong: list[Mistake] = []
    for fact in names.facts:
        value = _value(said, fact.key)
        if fact.argument:
            own = args.get(fact.argument)
            if value is not None and own is not None and own != value:
                wrong.append(OtherNetwork(fact.key, _word(value), argument=fact.argument, own=_word(own)))
        elif _said(said, fact) and _word(value) not in fact.words:
            wrong.append(OtherNetwork(fact.key, _word(value), map=names.name, words=fact.words))
    if wrong:
        raise WeightsError(*wrong)


def _arguments(params: Mapping[str, Param]) -> dict[str, object]:
    """The arguments of the net, numbers and truth values alone."""
    nets = [param.net for param in params.values()][:1]
    args = [item for net in nets for item in net.args.items()]
    return {name: const.value for name, const in args if isinstance(const.value, int | float)}


def _value(said: Mapping[str, Any], key: str) -> Any:
    """What stands under a name, or under `outer.inner`; none where nothing does."""
    found: Any = said
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _said(said: Mapping[str, Any], fact: Fact) -> bool:
    """Whether the file has a name, be it with none."""
    outer, _, inner = fact.key.rpartition(".")
    within = _value(said, outer) if outer else said
    return isinstance(within, Mapping) and inner in within


def _word(value: object) -> str:
    """A value as a map writes it: `silu`, `1e-05`, `true`, `null`."""
    return value if isinstance(value, str) else json.dumps(value)[:80]
