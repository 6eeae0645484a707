"""How alike two names of layers are, by their words."""

from __future__ import annotations

import re
from functools import lru_cache

WORDS = re.compile(r"[a-z]+|\d+")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

SAME = {
    "norm": ("ln", "bn", "gn", "layernorm", "batchnorm", "normalization", "layer_norm"),
    "linear": ("fc", "dense", "lin", "projection", "proj"),
    "attn": ("attention",),
    "conv": ("convolution",),
    "head": ("classifier", "heads", "classification"),
    "embed": ("embedding", "embeddings", "emb"),
    "pos": ("position", "positions", "positional", "places"),
    "token": ("tok", "tokens"),
    "cls": ("class",),
    "block": ("blocks", "layer", "layers"),
    "down": ("downsample", "downsampling", "shortcut"),
    "word": ("words", "wte"),
    "reduce": ("squeeze",),
    "expand": ("excite",),
}
"""Words for one thing."""

ONE = {word: name for name, words in SAME.items() for word in words}


@lru_cache(100_000)
def words(name: str) -> frozenset[str]:
    """The words of a name, numbers too, in one spelling."""
    return frozenset(
        ONE.get(word, word) for word in WORDS.findall(CAMEL.sub(" ", name.replace("LayerNorm", "norm")).lower())
    )


def alike(name: str, other: str) -> float:
    """The share of words that two names have in common, 0 to 1; a shared last word counts once more."""
    a, b = words(name), words(other)
    if not a or not b:
        return 0.0
    last = words(name.rpartition(".")[2]) & words(other.rpartition(".")[2])
    return (len(a & b) + len(last)) / (len(a | b) + max(len(last), 1))
