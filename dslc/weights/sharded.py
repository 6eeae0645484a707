"""Weights in several files: an index of Hugging Face (`model.safetensors.index.json`), or a folder that holds one.

The index is a table from names of tensors to names of files beside it. It says where to look and no more: a file of
another folder is refused, and the shards hold each tensor of the index once, and no other.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from dslc.reading import content
from dslc.weights.errors import UnreadableTensor, UnreadableWeights, WeightsError
from dslc.weights.memory import Array
from dslc.weights.tensors import Tensors

INDEX = ".index.json"

LONGEST_INDEX = 100_000_000
"""Bytes."""

MOST_SHARDS = 1000
"""Files that are open together."""

KINDS = (".safetensors" + INDEX, ".safetensors", ".bin" + INDEX, ".bin", ".pth", ".pt", ".ckpt")
"""What a folder is searched for, the first kind that is there."""

PUBLISHED = ("model", "pytorch_model", "diffusion_pytorch_model", "adapter_model")
"""Names of the weights in a folder of Hugging Face, where it holds several files of one kind."""

SHARD = re.compile(r"-\d+-of-(\d+)\.")
"""How a shard is named."""

Opener = Callable[[Path], AbstractContextManager[Mapping[str, Tensors]]]


class Shards(Tensors):
    """The tensors of several sets together, each in one of them."""

    def __init__(self, of: Sequence[Tensors]) -> None:
        self.at = {name: tensors for tensors in of for name in tensors.specs}
        self.specs = {name: tensors.specs[name] for name, tensors in self.at.items()}
        self.notes = tuple(dict.fromkeys(note for tensors in of for note in tensors.notes))

    def read(self, name: str) -> Array:
        return self.at[name].read(name)

    def read_into(self, name: str, place: Array) -> None:
        self.at[name].read_into(name, place)

    def origin(self, name: str) -> str:
        return self.at[name].origin(name)


def weights_of(folder: Path) -> Path:
    """The file of weights, or the index of shards, in a folder. Raises `WeightsError` for none or several."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    for kind in KINDS:
        found = [name for name in names if name.endswith(kind) and not SHARD.search(name)]
        usual = [stem + kind for stem in PUBLISHED if stem + kind in found]
        if len(found) == 1 or usual:
            return folder / (usual or found)[0]
        if found:
            shown = ", ".join(f"`{name}`" for name in found[:6]) + (", .." if len(found) > 6 else "")
            raise _refused(folder, f"the folder holds several files of weights, name one: {shown}")
    raise _refused(folder, f"the folder holds no file of weights ({', '.join(KINDS[1:2] + KINDS[3:])}) and no index")


@contextmanager
def opened(index: Path, opener: Opener) -> Iterator[Tensors]:
    """All shards of an index, each opened by `opener`. Raises `WeightsError`, and `OSError` for the index itself."""
    table = _table(index)
    files = list(dict.fromkeys(table.values()))
    if len(files) > MOST_SHARDS:
        raise _refused(index, f"it names {len(files):,} files, more than {MOST_SHARDS:,}")
    lacking = [name for name in files if not (index.parent / name).exists()]
    if lacking:
        shown = ", ".join(f"`{name}`" for name in lacking[:3]) + (", .." if len(lacking) > 3 else "")
        raise _refused(index, f"{len(lacking)} of its {len(files)} files are missing: {shown}")
    with ExitStack() as stack:
        shards: dict[str, Tensors] = {}
        for name in files:
            parts = stack.enter_context(opener(index.parent / name))
            if len(parts) != 1:
                raise _refused(index, f"`{name}` is no shard: it holds {', '.join(f'`{part}`' for part in parts)}")
            (shards[name],) = parts.values()
        _check(index, table, shards)
        yield Shards([*shards.values()])


def _table(index: Path) -> dict[str, str]:
    """The file of each tensor. Raises `WeightsError` for what is no index, and for files elsewhere."""
    try:
        said = json.loads(content(index, LONGEST_INDEX).decode())
    except (ValueError, RecursionError) as error:
        raise _refused(index, f"it is no index of shards ({str(error)[:80]})") from error
    table = said.get("weight_map") if isinstance(said, dict) else None
    if not isinstance(table, dict) or not table or not all(isinstance(file, str) for file in table.values()):
        raise _refused(index, "it is no index of shards: it has no table `weight_map` from tensors to files")
    for file in table.values():
        if file in ("", ".", "..") or re.search(r"[/\\:\0]", file) or file.endswith(INDEX):
            raise _refused(index, f"it names {ascii(file)[:80]}, and a shard is a file beside its index")
    return dict(table)


def _check(index: Path, table: Mapping[str, str], shards: Mapping[str, Tensors]) -> None:
    """Raises `WeightsError` where shards hold other tensors than the index says, or one tensor twice."""
    counts = Counter(name for tensors in shards.values() for name in tensors.specs)
    wrong = [UnreadableTensor(name, str(index), f"`{file}` does not hold it")
             for name, file in table.items() if name not in shards[file].specs]  # fmt: skip
    wrong += [UnreadableTensor(name, str(index), "two shards hold it") for name, count in counts.items() if count > 1]
    wrong += [UnreadableTensor(name, str(index), "a shard holds it and the index does not name it")
              for name in counts if name not in table]  # fmt: skip
    if wrong:
        raise WeightsError(*wrong[:5])


def _refused(path: Path, reason: str) -> WeightsError:
    return WeightsError(UnreadableWeights(str(path), reason))
