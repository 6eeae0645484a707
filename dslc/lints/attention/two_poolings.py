"""A class token and a mean of the other tokens, both read."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.attention.class_tokens import class_tokens
from dslc.lints.base import Lint
from dslc.lints.network import Network


class TwoPoolings(Lint, code="N1609", name="two-poolings"):
    """A class token is read, and so is the mean of the other tokens.

    Each is a summary of all tokens; one suffices, and they do alike at learning rates of their own (Dosovitskiy et al.
    2021, An Image is Worth 16x16 Words, appendix D.3; Zhai et al. 2022, Scaling Vision Transformers). What
    is made of both has twice the features. Probes of frozen networks do this on purpose (Caron et al. 2021, DINO).

    ```dl fails
    use std.attention: patch_embedding, class_token, positions, encoder
    net f on image[N, 3, 32, 32] -> [N, 10]:
        patch_embedding(64, 8) -> class_token -> positions -> encoder(4)
        token = it[:, 0]
        rest = it[:, 1:] -> mean(1)
        concat(token, rest, axis=1) -> linear(10)
    ```

    ```dl
    use std.attention: patch_embedding, positions, encoder
    net f on image[N, 3, 32, 32] -> [N, 10]:
        patch_embedding(64, 8) -> positions -> encoder(4) -> mean(1) -> linear(10)
    ```

    Related: W1605.
    """

    tokens: int

    @property
    def message(self) -> str:
        return f"the mean of {self.tokens} tokens is read, and a class token as well"

    @property
    def label(self) -> str:
        return "one of the two summaries suffices"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for token in class_tokens(net):
            if token.alone and not token.means:
                for mean in token.others:
                    yield net.at(cls(token.tokens - 1), mean, related=[net.label(token.alone[0], "the class token")])
