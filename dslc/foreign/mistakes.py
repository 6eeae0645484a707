"""The mistake of writing as in another library or language."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake
from dslc.syntax.mistakes.words import quoted

_LONGEST = 40


class ForeignWords(Mistake, code="E0205"):
    """An expression of another library or language.

    Layers have names of their own here, and are not told what they can see: `conv(16, 3)` reads how many channels come
    in, and keeps the size of the map. What PyTorch, Keras and TensorFlow call things is listed in
    docs/coming-from.md, with what each is here. Where an expression can be said exactly, the help writes all of it.

    Related: E0201, E0301, E0164.

    ```dl fails
    net f on x[N, 3, H=32, W=32]:
        nn.Conv2d(3, 16, kernel_size=3, padding=1) -> nn.BatchNorm2d(16) -> nn.ReLU()
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=32, W=32]:
        conv(16, 3) -> bn -> relu
        gap -> flatten
    ```
    """

    written: str
    library: str
    here: str
    why: str
    more: tuple[tuple[str, str], ...] = ()

    @property
    def message(self) -> str:
        whose = f"{self.library}'{'' if self.library.endswith('s') else 's'} " if self.library else ""
        if self.here:
            short = _short(self.written)
            if short != self.written:
                return f"{whose}`{short}` is `{_short(self.here)}` here"
            form = "written" if not whose else ""
            return f"{whose}{quoted(self.written)} is {form + ' ' if form else ''}{quoted(self.here)} here"
        return (
            f"{whose}{quoted(self.written)} has no counterpart here"
            if whose
            else f"there is no {quoted(self.written)} here"
        )

    @property
    def table(self) -> tuple[str, ...]:
        return tuple(f"{quoted(written)} is {quoted(here)}" for written, here in self.more)

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(self.why),) if self.why else ()


class DotChain(Mistake, code="E0206"):
    """Layers are chained by dots, as methods of tensors are in PyTorch.

    A layer has no methods. The next layer follows an arrow, and takes what the one before it makes.

    ```dl fails
    net f on x[N, 3, H=32, W=32]:
        conv(16, 3).bn().relu()
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, H=32, W=32]:
        conv(16, 3) -> bn -> relu
        gap -> flatten
    ```

    Related: E0205, E0430.
    """

    @property
    def message(self) -> str:
        return "layers are joined by `->`, not by a dot"


def _short(text: str) -> str:
    """A text of one line; of a long call its head: `nn.Conv2d(..)`."""
    line = " ".join(text.split())
    head, bracket, _ = line.partition("(")
    return f"{head}(..)" if len(line) > _LONGEST and bracket and head else line
