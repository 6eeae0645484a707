"""A class token that is taken into the mean of all tokens."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.attention.class_tokens import class_tokens
from dslc.lints.base import Lint
from dslc.lints.network import Network


class AveragedClassToken(Lint, code="W1605", name="averaged-class-token"):
    """A class token stands before the others, and the mean over all of them takes it in as one among many.

    A class token is there to be read alone: it gathers what the classifier needs (Devlin et al. 2019, section 3;
    Dosovitskiy et al. 2021, section 3.1). A network that takes the mean over tokens needs none (the same, appendix D.3:
    both work alike, at learning rates of their own). In a mean of 197 the token has 1/197 of the say, and its row of
    attention is computed for little. Leave the token out, or read it alone (`it[:, 0]`).

    ```dl fails
    use std.attention: patch_embedding, class_token, positions, encoder
    net f on image[N, 3, 32, 32] -> [N, 10]:
        patch_embedding(64, 8) -> class_token -> positions -> encoder(4) -> mean(1) -> linear(10)
    ```

    ```dl
    use std.attention: patch_embedding, class_token, positions, encoder
    net f on image[N, 3, 32, 32] -> [N, 10]:
        patch_embedding(64, 8) -> class_token -> positions -> encoder(4)
        it[:, 0] -> linear(10)
    ```

    Related: N1609.
    """

    tokens: int
    alone: bool

    @property
    def message(self) -> str:
        if self.alone:
            return f"the class token is read alone, and is one of the {self.tokens} tokens of this mean as well"
        return f"the class token is one of the {self.tokens} tokens of this mean, and nothing reads it alone"

    @property
    def label(self) -> str:
        return f"it has 1/{self.tokens} of the say"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for token in class_tokens(net):
            for mean in token.means:
                yield net.at(
                    cls(token.tokens, bool(token.alone)), mean, related=[net.label(token.made, "the class token")]
                )
