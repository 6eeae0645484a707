"""Mistakes in names of modules, aliases, `extern` blocks and the sizes of headers."""

from __future__ import annotations

from dslc.diagnostics.model import Mistake


class NamesNoLayer(Mistake, code="E0447"):
    """`as` stands after something that is no layer.

    `as` names the module that a layer makes, and so its weights. A tensor gets its name by a line `name = ..`, a
    compile-time value by `let`.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        x * 2 as doubled
        gap -> flatten
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        doubled = x * 2
        doubled -> gap -> flatten
    ```

    Related: E0366, E0448.
    """

    found: str

    @property
    def message(self) -> str:
        return f"`as` names a layer's module, and this is {self.found}"


class NamesNoModule(Mistake, code="E0448"):
    """`as` stands after an inline block that makes no module, or several.

    An `inline block` has no module of its own: its steps are part of the block that uses it. So a name given to it
    goes to the one module in it, if there is one. A `block` without `inline` has a module.

    ```dl fails
    inline block unit(w: int) on x: conv(w, 3) -> bn -> relu

    net f on x[N, 3, 32, 32]:
        unit(8) as stem
        gap -> flatten
    ```

    ```dl
    block unit(w: int) on x: conv(w, 3) -> bn -> relu

    net f on x[N, 3, 32, 32]:
        unit(8) as stem
        gap -> flatten
    ```

    Related: E0203, E0447.
    """

    block: str

    @property
    def message(self) -> str:
        return f"`as` needs one module, and the expansion of `{self.block}` has none or several"


class AliasTarget(Mistake, code="E0449"):
    """An alias stands for something that is no net and no block.

    `net small = resnet([1, 1, 1, 1])` is a net with its arguments given. A chain or an op has no header of its own,
    so it cannot be built: write it as a net with its inputs.

    ```dl fails
    net small = conv(8, 3)
    ```

    ```dl
    net small on x[N, 3, 32, 32]: conv(8, 3)
    ```

    Related: E0217, E0218.
    """

    @property
    def message(self) -> str:
        return "an alias stands for a net or block with arguments"


class ExternTarget(Mistake, code="E0450"):
    """An `extern` block does not say which class it is.

    The class is your own module, imported by the generated code: the package and module with points, a colon, and
    the name of the class. The text is fixed, with no `{..}` in it.

    ```dl fails
    extern block deform(out: int) on x[N, C, H, W] -> [N, out, H, W] = "mypackage.layers.Deform"

    net f on x[N, 3, 32, 32]: deform(8)
    ```

    ```dl
    extern block deform(out: int) on x[N, C, H, W] -> [N, out, H, W] = "mypackage.layers:Deform"

    net f on x[N, 3, 32, 32]: deform(8)
    ```

    Related: E0451, E0452.
    """

    found: str

    @property
    def message(self) -> str:
        return f'an `extern` block names a class as `"package.module:Class"`, not as `{self.found}`'


class ExternSize(Mistake, code="E0451"):
    """The result of an `extern` block leaves a size open.

    Nobody looks into your class, so its header is all that is known of its result: each axis has a size there, a
    number or an expression of the header's names. `_` and `...` have none.

    ```dl fails
    extern block deform(out: int) on x[N, C, H, W] -> [N, out, _, _] = "mypackage.layers:Deform"

    net f on x[N, 3, 32, 32]: deform(8)
    ```

    ```dl
    extern block deform(out: int) on x[N, C, H, W] -> [N, out, H, W] = "mypackage.layers:Deform"

    net f on x[N, 3, 32, 32]: deform(8)
    ```

    Related: E0450, E0453.
    """

    @property
    def message(self) -> str:
        return "the result of an `extern` block has a size on each axis: `_` and `...` have none"


class ExternFact(Mistake, code="E0452"):
    """A number that an `extern` block states is no such number.

    `macs`, `params` and `reach` are what reports show for your class, as they cannot look into it. `macs` may
    depend on the sizes of the input; `params` is whole, and `reach` is a window of one place at least.

    ```dl fails
    extern block deform(out: int) on x[N, C, H, W] -> [N, out, H, W] = "mypackage.layers:Deform"
        params = -1

    net f on x[N, 3, 32, 32]: deform(8)
    ```

    ```dl
    extern block deform(out: int) on x[N, C, H, W] -> [N, out, H, W] = "mypackage.layers:Deform"
        params = 216

    net f on x[N, 3, 32, 32]: deform(8)
    ```

    Related: E0450, E0451.
    """

    name: str
    found: str
    wrong: str  # `unknown`, `symbolic`, `kind` or the least value

    @property
    def message(self) -> str:
        if self.wrong == "unknown":
            return f"an `extern` block states macs, params and reach, not `{self.name}`"
        if self.wrong == "symbolic":
            return f"`{self.name}` is a number, and `{self.found}` depends on the size of the input"
        if self.wrong == "kind":
            return f"`{self.name}` is a whole number, not {self.found}"
        return f"`{self.name}` is at least {self.wrong}, not {self.found}"


class NotASize(Mistake, code="E0453"):
    """A size in a header is no whole number.

    A size counts elements on an axis. It is a number, a name that the header gives, or an expression of them; `/`
    makes a float, `//` stays whole.

    ```dl fails
    block half on x[N, C, H, W] -> [N, C / 2, H, W]: conv(C // 2, 1)

    net f on x[N, 4, 32, 32]: half
    ```

    ```dl
    block half on x[N, C, H, W] -> [N, C // 2, H, W]: conv(C // 2, 1)

    net f on x[N, 4, 32, 32]: half
    ```

    Related: E0368, E0422.
    """

    found: str

    @property
    def message(self) -> str:
        return f"a size is a whole number, not {self.found}"
