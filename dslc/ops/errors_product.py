"""Mistakes of products, attention, recurrence and choices: sizes that do not fit, patterns that cannot be read.

Shapes stand here as text (`[N, 8, 16, 64]`).
"""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class InnerMismatch(Mistake, code="E0345"):
    """The sizes that a matrix product sums over differ.

    `a @ b` sums over the last axis of a and the last but one of b. The last axis of the left meets the last but one
    of the right: `[.., T, D] @ [.., D, S]`. For attention the keys are turned first: `q @ transpose(k, -1, -2)`, or
    all of it is `sdpa(q, k, v)`.

    ```dl fails
    net f on x[N, 16, 64]:
        it @ it
    ```

    ```dl
    net f on x[N, 16, 64]:
        it @ (it -> transpose(1, 2))
    ```

    Related: E0331, E0346, E0348.
    """

    left: str
    right: str
    sizes: tuple[str, str]

    @property
    def message(self) -> str:
        return f"`@` joins {self.left} and {self.right}"

    @property
    def label(self) -> str:
        return f"sums over {self.sizes[0]} of the first and {self.sizes[1]} of the second"


class HeadsMismatch(Mistake, code="E0346"):
    """Queries have another number of heads than keys and values.

    With `gqa=true` several heads of queries share one of keys and values, whose number must divide theirs (Ainslie
    et al., GQA, arXiv:2305.13245). Heads of the query share those of keys and values in equal groups (grouped-query
    attention), so the one number must be a multiple of the other. The heads are axis 1 of `[N, heads, T, D]`; a
    pattern that left them elsewhere is the usual cause.

    ```dl fails
    net f on q[N, 8, 16, 64], k[N, 2, 16, 64], v[N, 2, 16, 64]:
        sdpa(q, k, v)
    ```

    ```dl
    net f on q[N, 8, 16, 64], k[N, 2, 16, 64], v[N, 2, 16, 64]:
        sdpa(q, k, v, gqa=true)
    ```

    Related: E0304, E0345, E0358.
    """

    queries: str
    keys: str
    gqa: bool

    @property
    def message(self) -> str:
        return f"`sdpa` is given {self.queries} heads of queries and {self.keys} of keys and values"

    @property
    def label(self) -> str:
        return f"{self.keys} does not divide {self.queries}" if self.gqa else "these must be equal"

    @property
    def help(self) -> tuple[Help, ...]:
        return () if self.gqa else (Help("`gqa=true` lets groups of queries share keys and values"),)


class CausalMask(Mistake, code="E0347"):
    """Attention is asked to be causal and given a mask of its own.

    PyTorch takes one or the other. Combine them in the mask.

    ```dl fails
    net f on q[N, 8, 16, 64], k[N, 8, 16, 64], v[N, 8, 16, 64], mask: bool[N, 1, 16, 16]:
        sdpa(q, k, v, mask, causal=true)
    ```

    ```dl
    net f on q[N, 8, 16, 64], k[N, 8, 16, 64], v[N, 8, 16, 64], mask: bool[N, 1, 16, 16]:
        sdpa(q, k, v, mask)
    ```

    Related: E0331, E0346.
    """

    shape: str

    @property
    def message(self) -> str:
        return f"`sdpa` is given `causal=true` and a mask {self.shape}"

    @property
    def label(self) -> str:
        return "either one"


class EinsumPattern(Mistake, code="E0348"):
    """An einsum pattern that cannot be read, or that does not fit its tensors.

    Letters name axes, commas part the tensors, `->` comes before the axes of the result:
    `"n h q d, n h k d -> n h q k"`. Spaces are free. Letters of the result occur once in it, and on the left.

    ```dl fails
    net f on q[N, 8, 16, 64], k[N, 8, 16, 64]:
        einsum("nhqd,nhkd->nhqx", q, k)
    ```

    ```dl
    net f on q[N, 8, 16, 64], k[N, 8, 16, 64]:
        einsum("nhqd,nhkd->nhqk", q, k)
    ```

    Related: E0345, E0349, E0354.
    """

    pattern: str
    why: str

    @property
    def message(self) -> str:
        return f'einsum pattern "{self.pattern}": {self.why}'


class EinsumSize(Mistake, code="E0349"):
    """One letter of an einsum pattern stands for two sizes.

    A letter that stands twice says that the two axes are one and the same size. Where both are right, one of them
    needs a letter of its own.

    ```dl fails
    net f on q[N, 8, 16, 64], k[N, 8, 16, 32]:
        einsum("nhqd,nhkd->nhqk", q, k)
    ```

    ```dl
    net f on q[N, 8, 16, 64], k[N, 8, 16, 64]:
        einsum("nhqd,nhkd->nhqk", q, k)
    ```

    Related: E0348, E0358.
    """

    pattern: str
    letter: str
    sizes: tuple[str, str]

    @property
    def message(self) -> str:
        return f'einsum pattern "{self.pattern}": `{self.letter}` is {self.sizes[0]} and {self.sizes[1]}'


class TooManyWanted(Mistake, code="E0350"):
    """`topk` asks for more elements than the axis has.

    The largest `k` of fewer than `k` do not exist. The axis is the last one unless `axis` says another.

    ```dl fails
    net f on x[N, 10]:
        values, _places = topk(20)
        values
    ```

    ```dl
    net f on x[N, 10]:
        values, _places = topk(5)
        values
    ```

    Related: E0333, E0335.
    """

    k: int
    size: str

    @property
    def message(self) -> str:
        return f"`topk` takes {self.k} of an axis that has {self.size}"


class OddFeatures(Mistake, code="E0351"):
    """Rotary positions turn pairs of features, so their number must be even.

    Each pair is a point in the plane that is turned by the position (Su et al., RoFormer, arXiv:2104.09864). The
    features are the last axis, of one head: a width of 90 in 6 heads has 15.

    ```dl fails
    net f on x[N, 8, 16, 63]:
        rotary
    ```

    ```dl
    net f on x[N, 8, 16, 64]:
        rotary
    ```

    Related: E0338, E0346.
    """

    features: int

    @property
    def message(self) -> str:
        return f"`rotary` cannot pair {self.features} features"


class ClampBounds(Mistake, code="E0352"):
    """A clamp needs a lower or an upper bound, and the lower one below the upper, as any layer with two bounds does.

    With no bound it would be `id`, with the two exchanged every value would become one. `clamp(0, 6)` is `relu6`;
    `clamp(min=0)` has one bound.

    ```dl fails
    net f on x[N, 8]:
        clamp(6, 0)
    ```

    ```dl
    net f on x[N, 8]:
        clamp(0, 6)
    ```

    Related: E0302, E0361.
    """

    least: float | None
    most: float | None
    op: str = "clamp"

    @property
    def message(self) -> str:
        if self.least is None:
            return f"`{self.op}` is given no bound"
        return f"`{self.op}` from {self.least} to {self.most} leaves nothing"


class StateShape(Mistake, code="E0353"):
    """The initial state of a recurrent layer has another shape than the layer needs.

    A state is `[layers * directions, N, hidden]`, as in PyTorch. `lstm` takes two (hidden and cell) or none.

    ```dl fails
    net f on x[N, T=20, 32], h[1, N, 48]:
        (x, h) -> gru(64)
    ```

    ```dl
    net f on x[N, T=20, 32], h[1, N, 64]:
        (x, h) -> gru(64)
    ```

    Related: E0321, E0331.
    """

    op: str
    given: str
    needed: str
    layers: int = 1
    ways: int = 1  # directions

    @property
    def message(self) -> str:
        return f"`{self.op}` is given the state {self.given}"

    @property
    def label(self) -> str:
        many = [f"{self.layers} layers"] * (self.layers > 1) + [f"{self.ways} directions"] * (self.ways > 1)
        return f"needs {self.needed}{', for ' * bool(many)}{' and '.join(many)}"


class LargeProjection(Mistake, code="E0321"):
    """An LSTM projects its state to as many features as it has, or more.

    A projection makes what each step gives on smaller than the state; PyTorch refuses any other. A projection is
    there to make the state smaller: `hidden` features become `proj`. PyTorch refuses anything else, as `proj_size
    has to be smaller than hidden_size`.

    ```dl fails
    net f on x[N, T=20, 32]:
        lstm(64, proj=64) -> linear(10)
    ```

    ```dl
    net f on x[N, T=20, 32]:
        lstm(64, proj=32) -> linear(10)
    ```

    Related: E0353, E0361.
    """

    projection: int
    hidden: int

    @property
    def message(self) -> str:
        return f"`lstm` cannot project {self.hidden} features to {self.projection}"

    @property
    def label(self) -> str:
        return f"at most {self.hidden - 1}"


class NegativePower(Mistake, code="E0325"):
    """Whole numbers are raised to a negative power.

    The result would be a fraction, which whole numbers cannot hold: PyTorch refuses it. Make floats of them first.

    ```dl fails
    net f on ids: int64[N, T=16], x[N, T]:
        x * (ids + 1) ** -1
    ```

    ```dl
    net f on ids: int64[N, T=16], x[N, T]:
        x * ((ids + 1) -> cast(like=x)) ** -1
    ```

    Related: E0310, E0369.
    """

    shape: str
    power: int

    @property
    def message(self) -> str:
        return f"`**` raises whole numbers, {self.shape}, to the power {self.power}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("make floats of them first: `cast(float)`"),)
