"""Mistakes in names, calls and uses that elaboration finds."""

from __future__ import annotations

from dataclasses import dataclass

from dslc.diagnostics.model import Help, Mistake


def _near(near: str | None) -> tuple[Help, ...]:
    return (Help(f"did you mean `{near}`?", replace=near),) if near else ()


@dataclass(frozen=True)
class UnknownName(Mistake, code="E0201"):
    """A name that nothing defines.

    Names are parameters, sizes of the input, values named by `name = line`, `let` values, definitions of the
    file, imported ones, and the layers of the language.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        convv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        gap -> flatten
    ```
    """

    name: str
    near: str | None

    @property
    def message(self) -> str:
        return f"unknown name `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return _near(self.near)


@dataclass(frozen=True)
class ModuleNameTaken(Mistake, code="E0203"):
    """Two modules of one block would have the same name.

    The name is part of every weight's name in the state dict, so it must be unique in its block. In a loop, a
    back-tick name can hold the loop's variable.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for i in range(2): conv(8, 3) as stage
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for i in range(2): conv(8, 3) as `stage{i}`
        gap -> flatten
    ```
    """

    name: str

    @property
    def message(self) -> str:
        return f"this block already has a module or tensor called `{self.name}`"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"use another name, or in a loop a back-tick name with its variable: `` `{self.name}{{i}}` ``"),)


@dataclass(frozen=True)
class ReservedName(Mistake, code="E0204"):
    """A module's name that Python or `nn.Module` needs for itself.

    The name becomes an attribute of the generated module. Keywords cannot be attributes, and names such as
    `train`, `forward` or `half` would hide a method of nn.Module.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3) as forward
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3) as forward_conv
        gap -> flatten
    ```
    """

    name: str
    why: str

    @property
    def message(self) -> str:
        return f"a module cannot be called `{self.name}`: {self.why}"


@dataclass(frozen=True)
class UnknownArgument(Mistake, code="E0301"):
    """An argument that the layer does not have.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, stride=2)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=2)
        gap -> flatten
    ```
    """

    layer: str
    name: str
    known: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        return f"`{self.layer}` has no argument `{self.name}`"

    @property
    def label(self) -> str:
        return f"it has {', '.join(self.known)}" if self.known else "it has none"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"did you mean `{self.near}`?", replace=self.near),) if self.near else ()


@dataclass(frozen=True)
class MissingArgument(Mistake, code="E0302"):
    """A layer is applied before all it needs is given.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        gap -> flatten
    ```
    """

    layer: str
    missing: tuple[str, ...]
    signature: str

    @property
    def message(self) -> str:
        names = " and ".join(f"`{n}`" for n in self.missing)
        return f"`{self.layer}` is applied without {names}"

    @property
    def label(self) -> str:
        return f"the layer is `{self.signature}`"


@dataclass(frozen=True)
class SurplusArgument(Mistake, code="E0303"):
    """More positional arguments than the layer takes.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3) -> relu(1)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3) -> relu
        gap -> flatten
    ```
    """

    layer: str
    most: int

    @property
    def message(self) -> str:
        what = f"{self.most} positional argument{'' if self.most == 1 else 's'}" if self.most else "no positional argument"
        return f"`{self.layer}` takes {what} here"

    @property
    def label(self) -> str:
        return "this is one too many"


@dataclass(frozen=True)
class WrongType(Mistake, code="E0360"):
    """A value of another type than the parameter's.

    `int` goes to `float` by itself, never back without `int()`, `round()`, `ceil()` or `floor()`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8.5, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(int(8.5), 3)
        gap -> flatten
    ```
    """

    layer: str
    name: str
    wanted: str
    found: str

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` must be {self.wanted}, not {self.found}"

    @property
    def label(self) -> str:
        return f"this is {self.found}"


@dataclass(frozen=True)
class OutOfRange(Mistake, code="E0361"):
    """A number outside what the parameter allows.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=0)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, s=1)
        gap -> flatten
    ```
    """

    layer: str
    name: str
    value: object
    least: float | None
    most: float | None

    @property
    def message(self) -> str:
        if self.least is not None and self.most is not None:
            rule = f"between {self.least} and {self.most}"
        else:
            rule = f"at least {self.least}" if self.least is not None else f"at most {self.most}"
        return f"`{self.name}` of `{self.layer}` must be {rule}, not {self.value}"


@dataclass(frozen=True)
class NotAChoice(Mistake, code="E0362"):
    """A word the parameter does not know.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3, p="same")
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3, p=same_tf)
        gap -> flatten
    ```
    """

    layer: str
    name: str
    value: str
    choices: tuple[str, ...]
    near: str | None

    @property
    def message(self) -> str:
        return f"`{self.name}` of `{self.layer}` cannot be `{self.value}`"

    @property
    def label(self) -> str:
        return f"choices are {', '.join(self.choices)}"

    @property
    def help(self) -> tuple[Help, ...]:
        return _near(self.near)


@dataclass(frozen=True)
class NotALayer(Mistake, code="E0363"):
    """Something stands in a chain, or is handed to a layer parameter, that is no layer.

    After the first step of a chain each step is a layer, or an expression that mentions `it`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        a = conv(8, 3)
        conv(8, 5) -> a
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        a = conv(8, 3)
        conv(8, 5) -> it + a
        gap -> flatten
    ```
    """

    found: str

    @property
    def message(self) -> str:
        return f"a layer is wanted here, not {self.found}"

    @property
    def label(self) -> str:
        return f"this is {self.found}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.found.startswith("a tensor"):
            return (Help("join it with the current value, as in `it + ...` or `concat(it, ...)`"),)
        return ()


@dataclass(frozen=True)
class NotATensor(Mistake, code="E0364"):
    """A tensor is wanted, and something else is given.

    A layer becomes a tensor by being applied: `x -> layer`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        it + conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        it + (it -> conv(8, 3))
        gap -> flatten
    ```
    """

    found: str
    text: str

    @property
    def message(self) -> str:
        return f"a tensor is wanted here, not {self.found}"

    @property
    def label(self) -> str:
        return f"this is {self.found}"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.found.startswith("a layer") and len(self.text) <= 40:
            return (Help("apply it to the current value", replace=f"(it -> {self.text})"),)
        return ()


@dataclass(frozen=True)
class Dropped(Mistake, code="E0365"):
    """A value that nothing reads.

    Work whose result is thrown away is a mistake in the program: a line was meant to go on from here, or a
    value was meant to be joined. A name that begins with `_` says that it is on purpose.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        x -> conv(16, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8, 3)
        concat(it, x -> conv(16, 3))
        gap -> flatten
    ```
    """

    what: str

    @property
    def message(self) -> str:
        return f"nothing reads {self.what}"

    @property
    def label(self) -> str:
        return "made here"


@dataclass(frozen=True)
class StrayValue(Mistake, code="E0366"):
    """A line whose value is no tensor and no layer.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        width = 8
        conv(width, 3) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        let width = 8
        conv(width, 3) -> gap -> flatten
    ```
    """

    found: str

    @property
    def message(self) -> str:
        return f"this line is {self.found}, not a layer or a tensor"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("compile-time values are named with `let name = ...`"),)


@dataclass(frozen=True)
class WrongInputs(Mistake, code="E0367"):
    """A layer is applied to another number of tensors than it takes.

    ```dl fails
    block join on a[N, C, H, W], b[N, C, H, W]:
        a + b

    net f on x[N, 3, 32, 32]:
        join
        gap -> flatten
    ```

    ```dl
    block join on a[N, C, H, W], b[N, C, H, W]:
        a + b

    net f on x[N, 3, 32, 32]:
        y = conv(3, 3)
        (x, y) -> join
        gap -> flatten
    ```
    """

    layer: str
    wanted: str
    found: int

    @property
    def message(self) -> str:
        return f"`{self.layer}` takes {self.wanted}, and gets {self.found}"


@dataclass(frozen=True)
class WrongPort(Mistake, code="E0368"):
    """A tensor whose shape is not the one the header asks for.

    ```dl fails
    block half on x[N, C, H, W]:
        conv(C // 2, 1)

    net f on x[N, 16]:
        half
    ```

    ```dl
    block half on x[N, C]:
        linear(C // 2)

    net f on x[N, 16]:
        half
    ```
    """

    where: str  # "port `x` of `half`", "the result of `f`"
    wanted: str
    found: str
    why: str

    @property
    def message(self) -> str:
        return f"{self.where} is {self.wanted}, but gets {self.found}"

    @property
    def label(self) -> str:
        return self.why


@dataclass(frozen=True)
class BadOperation(Mistake, code="E0369"):
    """An operator or function applied to values it is not for.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(8 + "1", 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(8 + 1, 3)
        gap -> flatten
    ```
    """

    text: str

    @property
    def message(self) -> str:
        return self.text


@dataclass(frozen=True)
class NotBool(Mistake, code="E0370"):
    """A condition that is neither true nor false.

    ```dl fails
    block f(n: int) on x[N, C, H, W]:
        if n: conv(C, 3)
        relu

    net g on x[N, 3, 32, 32]: f(2)
    ```

    ```dl
    block f(n: int) on x[N, C, H, W]:
        if n != 0: conv(C, 3)
        relu

    net g on x[N, 3, 32, 32]: f(2)
    ```
    """

    found: str

    @property
    def message(self) -> str:
        return f"a condition must be true or false, not {self.found}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("compare it: `n != 0`, `x != none`"),)


@dataclass(frozen=True)
class WrongCount(Mistake, code="E0371"):
    """Names on the left of `=`, or of a `for`, and values on the right differ in number.

    ```dl fails
    net f on x[N, 4, 8, 8]:
        a, b, c = chunk(2)
        concat(a, b, c) -> gap -> flatten
    ```

    ```dl
    net f on x[N, 4, 8, 8]:
        a, b = chunk(2)
        concat(b, a) -> gap -> flatten
    ```
    """

    names: int
    values: int

    @property
    def message(self) -> str:
        return f"{self.names} name{'s' if self.names != 1 else ''} for {self.values} value{'s' if self.values != 1 else ''}"


@dataclass(frozen=True)
class NotIterable(Mistake, code="E0372"):
    """A `for` needs a list, a tuple or a range.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for i in 3: conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for i in range(3): conv(8, 3)
        gap -> flatten
    ```
    """

    found: str
    symbolic: bool

    @property
    def message(self) -> str:
        if self.symbolic:
            return "a `for` cannot run over a size that depends on the input's"
        return f"a `for` runs over a list, a tuple or a range, not {self.found}"


@dataclass(frozen=True)
class Misplaced(Mistake, code="E0373"):
    """A statement where it has no meaning.

    `|` belongs to the suite of a layer with `branches`, `budget` to a net, `param` to a block's body.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        | conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        concat:
            | conv(8, 3)
            | conv(8, 5)
        gap -> flatten
    ```
    """

    what: str

    @property
    def message(self) -> str:
        return self.what


@dataclass(frozen=True)
class NoSuite(Mistake, code="E0374"):
    """A suite under a layer that takes none.

    A trailing suite fills the parameter called `body`, or `branches` if its lines begin with `|`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        relu:
            conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        residual:
            conv(3, 3)
        gap -> flatten
    ```
    """

    layer: str
    parameter: str

    @property
    def message(self) -> str:
        return f"`{self.layer}` has no parameter `{self.parameter}` for this suite to fill"


@dataclass(frozen=True)
class SharedModule(Mistake, code="E0375"):
    """A `module` is used in a way that its one set of weights does not allow.

    It belongs to the block that makes it, is applied there, and its tensors exist once it has been applied.

    ```dl fails
    net f on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> embedding(100, 32)
        linear(100, weight=wte.weight)
    ```

    ```dl
    net f on ids: int64[N, T=16]:
        module wte = embedding(100, 32)
        ids -> wte
        linear(100, weight=wte.weight)
    ```
    """

    what: str

    @property
    def message(self) -> str:
        return self.what


@dataclass(frozen=True)
class TrainingSides(Mistake, code="E0376"):
    """The two sides of `(a if training else b)` differ in type.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        (conv(8, 3) if training else conv(4, 3))
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        (conv(8, 3) if training else conv(8, 5))
        gap -> flatten
    ```
    """

    training: str
    evaluation: str

    @property
    def message(self) -> str:
        return f"in training this is {self.training}, else {self.evaluation}"


@dataclass(frozen=True)
class TrainingCondition(Mistake, code="E0377"):
    """`training` is known only when the network runs, so it cannot decide what is built.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        if training: dropout
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        dropout if training else id
        gap -> flatten
    ```
    """

    @property
    def message(self) -> str:
        return "`training` can only choose between two layers or tensors of one type: `(a if training else b)`"


@dataclass(frozen=True)
class EndlessRecursion(Mistake, code="E0378"):
    """Blocks that call themselves without end.

    A block may call itself as long as some `if` ends it; 200 levels are enough for every known network.

    ```dl fails
    block deep(n: int) on x[N, C, H, W]:
        conv(C, 3)
        deep(n + 1)

    net f on x[N, 3, 32, 32]: deep(0)
    ```

    ```dl
    block deep(n: int) on x[N, C, H, W]:
        conv(C, 3)
        if n < 4: deep(n + 1)

    net f on x[N, 3, 32, 32]: deep(0)
    ```
    """

    name: str
    depth: int

    @property
    def message(self) -> str:
        return f"`{self.name}` is expanded more than {self.depth} levels deep"


@dataclass(frozen=True)
class TooManyOps(Mistake, code="E0379"):
    """The network would have more ops than the limit, which guards against runaway loops.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        for i in range(1000):
            for j in range(1000): conv(8, 3)
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        for i in range(10):
            for j in range(10): conv(8, 3)
        gap -> flatten
    ```
    """

    least: int
    limit: int

    @property
    def message(self) -> str:
        return f"this expands to at least {self.least:,} ops, more than the limit of {self.limit:,}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"raise the limit if this is meant: --max-ops {self.least}"),)


@dataclass(frozen=True)
class RequireFailed(Mistake, code="E0501"):
    """A `require` of the program does not hold.

    ```dl fails
    block attend(heads: int) on x[N, T, D]:
        require D % heads == 0, "width {D} does not divide into {heads} heads"
        linear(D)

    net f on x[N, 16, 90]: attend(8)
    ```

    ```dl
    block attend(heads: int) on x[N, T, D]:
        require D % heads == 0, "width {D} does not divide into {heads} heads"
        linear(D)

    net f on x[N, 16, 96]: attend(8)
    ```
    """

    text: str

    @property
    def message(self) -> str:
        return self.text


@dataclass(frozen=True)
class BadTensor(Mistake, code="E0380"):
    """A `param`, `buffer` or `const` whose value does not fit its declaration.

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
    """

    what: str

    @property
    def message(self) -> str:
        return self.what


@dataclass(frozen=True)
class NoResult(Mistake, code="E0381"):
    """A result that the header promises and the body does not make.

    ```dl fails
    net f on x[N, 3, 32, 32] -> p1, p2:
        p1 = conv(8, 3)
    ```

    ```dl
    net f on x[N, 3, 32, 32] -> p1, p2:
        p1 = conv(8, 3)
        p2 = conv(8, 5)
    ```
    """

    name: str

    @property
    def message(self) -> str:
        return f"the header promises `{self.name}`, which the body does not name"


@dataclass(frozen=True)
class DeepExpression(Mistake, code="E0382"):
    """An expression that nests too deeply to be evaluated; name its parts with `let`.

    Operators in a row are no nesting; brackets, conditionals and functions that call themselves are.

    ```dl fails
    fn count(n: int) = count(n + 1)

    net f on x[N, 3, 32, 32]:
        conv(count(0), 3)
        gap -> flatten
    ```

    ```dl
    fn count(n: int) = n if n > 7 else count(n + 1)

    net f on x[N, 3, 32, 32]:
        conv(count(0), 3)
        gap -> flatten
    ```
    """

    @property
    def message(self) -> str:
        return "this expression nests too deeply, or a function calls itself without end"
