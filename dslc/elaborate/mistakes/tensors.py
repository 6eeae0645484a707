"""Mistakes in tensors that a block declares."""

from __future__ import annotations

from dslc.diagnostics.model import Mistake


class NoTensorValue(Mistake, code="E0380"):
    """A `param`, `buffer` or `const` has no value.

    A `param` begins by an initialiser (`zeros`, `normal(std=0.02)`), a `buffer` and a `const` by an expression too.
    Nothing is chosen for you, since training depends on it.

    ```dl fails
    net f on x[N, T=16, 32]:
        param scale: [1, 1, 32]
        it * scale
    ```

    ```dl
    net f on x[N, T=16, 32]:
        param scale: [1, 1, 32] = ones
        it * scale
    ```

    Related: E0383, E0384, E0457.
    """

    name: str

    @property
    def message(self) -> str:
        return f"`{self.name}` needs a value: an initialiser such as `zeros`, or an expression"


class OpenSize(Mistake, code="E0455"):
    """A tensor that is declared leaves a size open.

    A `param`, `buffer` or `const` is made before any input is seen, so each of its sizes is a number, or is
    computed from the header. `_` and `...` are for the shapes of inputs.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: [1, _] = 1
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: [1, 32] = 1
        it * c
    ```

    Related: E0380, E0456.
    """

    @property
    def message(self) -> str:
        return "a tensor's sizes are numbers: `_` and `...` have none"


class TensorSize(Mistake, code="E0456"):
    """A size of a tensor that is declared is no whole number, or below 1.

    Each axis has at least one element. Division by `/` makes a float even where there is no rest: `//` stays whole.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: [64 / 2] = 1
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: [64 // 2] = 1
        it * c
    ```

    Related: E0453, E0455.
    """

    found: str

    @property
    def message(self) -> str:
        return f"a size is a whole number of at least 1, not {self.found}"


class ValueShape(Mistake, code="E0457"):
    """A table's numbers have another shape than its declaration.

    Nested lists are written axis by axis, and all lists of one axis have one length. One number, or an initialiser,
    fills any shape.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: [32] = [1.0, 2.0]
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: [32] = [1.0, 2.0] * 16
        it * c
    ```

    Related: E0380, E0458.
    """

    name: str
    declared: tuple[int, ...]
    found: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"`{self.name}` is {list(self.declared)}, and its value {'x'.join(map(str, self.found))}"


class NoTable(Mistake, code="E0458"):
    """The value of a tensor is neither an initialiser nor numbers.

    It is a number, nested lists of numbers, or an initialiser such as `normal(std=0.02)`. A declaration that names its
    indices takes an expression of them: `const ramp: [i: 8] = i / 7`.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: [32] = "ones"
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: [32] = ones
        it * c
    ```

    Related: E0380, E0457.
    """

    found: str

    @property
    def message(self) -> str:
        return f"the value of a tensor is an initialiser or numbers, not {self.found}"


class LearnedIntegers(Mistake, code="E0459"):
    """A `param` has elements that no gradient can change.

    A `param` is learned, and PyTorch computes gradients of floats alone. A table of integers is a `buffer`, which
    is saved with the weights, or a `const`.

    ```dl fails
    net f on x[N, T=16, 32]:
        param c: int64[32] = zeros
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        buffer c: int64[32] = zeros
        it * c
    ```

    Related: E0380, E0460.
    """

    dtype: str

    @property
    def message(self) -> str:
        return f"a `param` is learned, so its elements are floats, not {self.dtype}: write `buffer` or `const`"


class BrokenInteger(Mistake, code="E0460"):
    """A tensor of integers gets a value that is not whole.

    A float never becomes an integer by itself, since it can be rounded in several ways. `//` divides whole numbers,
    `int()` cuts and `round()` rounds.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: int64[i: 32] = i / 2
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: int64[i: 32] = i // 2
        it * c
    ```

    Related: E0422, E0459.
    """

    name: str
    dtype: str

    @property
    def message(self) -> str:
        return f"`{self.name}` is {self.dtype}, and its value is not whole: use `//`, `int()` or `round()`"


class LearnedByIndex(Mistake, code="E0461"):
    """A `param` is given by index.

    What is learned begins by an initialiser, which PyTorch draws anew in each module. A table that is computed
    place by place is a `buffer` or a `const`; a `param` can begin as a copy of one no more than as zeros.

    ```dl fails
    net f on x[N, T=16, 32]:
        param c: [i: 32] = i / 31
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: [i: 32] = i / 31
        it * c
    ```

    Related: E0380, E0459.
    """

    @property
    def message(self) -> str:
        return "a `param` is given by an initialiser; by index, write `buffer` or `const`"


class LargeTable(Mistake, code="E0462"):
    """A table that is given by index has too many elements.

    Each place is computed by itself at compile time and written into the weights. So large a table is mostly a
    product of smaller ones: add or multiply them in the network.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: [i: 4096, j: 4096] = i - j
        it * c[0, :32]
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: [i: 32] = i
        it * c
    ```

    Related: E0389, E0428.
    """

    count: int

    @property
    def message(self) -> str:
        return f"a tensor of {self.count:,} elements is too large to be given by index"


class NotOfIndices(Mistake, code="E0463"):
    """The value of a table by index is no arithmetic of its indices.

    It is computed for each place from the indices: numbers, operators, comparisons, `a if c else b`, `fn`s of the
    file, and the functions `max min int round ceil floor abs sqrt log exp sin cos`. Tensors and layers have no
    value at compile time.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: [i: 32] = [0, 1][i % 2]
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: [i: 32] = i % 2
        it * c
    ```

    Related: E0380, E0441.
    """

    text: str
    why: str

    @property
    def message(self) -> str:
        return f"`{self.text}` {self.why}"


class NoNumberAtPlace(Mistake, code="E0464"):
    """The value of a table by index has no number at some place.

    The expression is computed for each place, the first one included: `1 / i` divides by zero at `i = 0`. An `if`
    keeps such a place out.

    ```dl fails
    net f on x[N, T=16, 32]:
        const c: [i: 32] = 1 / i
        it * c
    ```

    ```dl
    net f on x[N, T=16, 32]:
        const c: [i: 32] = 1 / (i + 1)
        it * c
    ```

    Related: E0420, E0421, E0463.
    """

    why: str

    @property
    def message(self) -> str:
        return f"the value has no number at some place: {self.why}"
