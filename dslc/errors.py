"""Mistakes of building and running that have no place in a program."""

from __future__ import annotations

from dslc.diagnostics.model import Help, Mistake


class NotInstalled(Mistake, code="E0650"):
    """An optional package is needed for what was asked, and is not installed.

    The compiler itself needs neither torch nor onnxruntime; comparing, loading and running do. Each comes with an
    extra: `dslc doctor` lists what is installed, and what is missing for what.

    ```sh
    pip install 'dslc[torch,cpu]'
    ```

    Related: E0620, E0656.
    """

    package: str
    extra: str
    purpose: str

    @property
    def message(self) -> str:
        return f"{self.purpose} needs {self.package}, which is not installed"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"pip install 'dslc[{self.extra}]'"),)


class NoFont(Mistake, code="E0666"):
    """A .png has letters only where a font is installed, and none is; many containers have none.

    An .svg or an .html needs no font here: who looks at it has one. For a .png, install one of the fonts that are
    looked for: Arial, Liberation Sans, DejaVu Sans, Noto Sans, Roboto, Open Sans, FreeSans.

    ```sh
    apt-get install fonts-dejavu-core
    dslc picture net.dl -o net.png
    ```

    Related: E0650.
    """

    @property
    def message(self) -> str:
        return "a .png would have no letters: no font for them is installed"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("install one, such as Debian's fonts-dejavu-core, or write an .svg"),)


class NotBuilt(Mistake, code="E0665"):
    """The playground's page is not there: it holds Python for the browser and an editor, which npm brings.

    Neither is in the repository or in the wheel, which would be many times as large. One command in a checkout builds
    the page; it needs Node.

    ```sh
    cd playground
    npm ci && npm run build
    ```

    Related: E0650.
    """

    folder: str

    @property
    def message(self) -> str:
        return f"the playground is not built: `{self.folder}` has no page"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("in playground/ of a checkout: `npm ci && npm run build`"),)


class OutputsDiffer(Mistake, code="E0651"):
    """The generated PyTorch module and the ONNX graph disagree: a bug of the compiler.

    `--check parity` runs both with the same weights on the same inputs and compares every result: ordinary, large,
    tiny, negative and nearly equal values, masks that hide a whole row, indices over their full range, and several
    sizes of everything that is open. Where results hardly depend on the input, as those of many fresh networks, it
    does so for other weights. Nothing was written. Please report the program and these numbers:

    ```sh
    dslc build net.dl --check parity
    ```

    Related: E0652, E0663.
    """

    output: str
    case: str
    difference: float
    limit: float

    @property
    def message(self) -> str:
        how = f"{self.difference:.1e} of its largest value, more than {self.limit:.0e}, for {self.case}"
        return f"`{self.output}` of the PyTorch module and of the ONNX graph differ by {how}"


class RunRaises(Mistake, code="E0659"):
    """A network that `dslc check` accepts does not run: a bug of the compiler, or of what it runs on.

    `--check parity` runs the generated module in PyTorch and the graph in onnxruntime, for many inputs at many sizes.
    One of both raised. Nothing was written. Please report the program and the reason:

    ```sh
    dslc build net.dl --check parity
    ```

    Related: E0651, E0654.
    """

    who: str
    case: str
    reason: str

    @property
    def message(self) -> str:
        return f"{self.who} fails for {self.case}: {self.reason}"


class InvalidGraph(Mistake, code="E0652"):
    """onnx's own checker refuses the graph: a bug of the compiler.

    `--check onnx` runs onnx's checker and its strict shape inference. Nothing was written. Please report the
    program and the reason:

    ```sh
    dslc build net.dl --check onnx
    ```

    Related: E0629, E0651.
    """

    reason: str

    @property
    def message(self) -> str:
        return f"the ONNX graph is invalid: {self.reason}"


class NoCudaKernel(Mistake, code="E0653"):
    """A line becomes nodes that have no CUDA kernel: on a GPU they would run on the CPU, with a copy before and after.

    `--check placement` finds such nodes without a GPU, from a table of kernels. Nothing was written. Arithmetic on
    sizes, which onnxruntime keeps on the CPU on purpose, is none of them: it copies nothing.

    ```sh
    dslc build net.dl --check placement
    ```

    Related: E0620, E0621.
    """

    node: str
    kind: str
    reason: str
    others: int = 0  # further nodes of the same line

    @property
    def message(self) -> str:
        more = f"; so would {self.others} more of this line" if self.others else ""
        return f"`{self.node}` ({self.kind}) would leave the GPU: {self.reason}{more}"


class NoParity(Mistake, code="E0655"):
    """onnxruntime has no kernels for this element type on a CPU, so its results cannot be compared with PyTorch's.

    Check the same network in float32 or float16: the graph has the same nodes. The file itself is right, and other
    runtimes run it.

    ```sh
    dslc build net.dl --dtype bfloat16 --check onnx
    ```

    Related: E0629, E0651.
    """

    dtype: str
    reason: str

    @property
    def message(self) -> str:
        return f"`--check parity` cannot run {self.dtype} here: {self.reason}"

    @property
    def help(self) -> tuple[Help, ...]:
        other = "float32" if self.dtype == "float16" else "float16"
        return (Help(f"`--dtype {other} --check parity` runs the same nodes"),)


class NoGeneratedCode(Mistake, code="E0654"):
    """The compiler found that the PyTorch file it made would not be this network, so it wrote none.

    This is a bug of dslc, never of the program: please report the program. The ONNX graph needs no such file.

    ```sh
    dslc build net.dl --target onnx
    ```

    Related: E0651, E0659.
    """

    reason: str

    @property
    def message(self) -> str:
        return f"no PyTorch file was written, because it would not be this network: {self.reason}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("this is a bug of dslc: please report the program; `--target onnx` still works"),)


class UntrustedExtern(Mistake, code="E0656"):
    """A program imports Python code of a package that you did not name.

    An `extern block` stands for a class of somebody's own, and importing it runs code. A program may come from
    anywhere, so what it may import is said outside of it: by an option, by `dslc.load(.., allow_extern=["mypackage"])`,
    or by the pyproject.toml of the folder you work in. Each names packages, or modules with all that is below them.

    ```toml
    [tool.dslc]
    extern = ["mypackage"]
    ```

    `check`, `stats` and all commands that write no PyTorch import nothing, and ask for no such name.

    ```sh
    dslc build net.dl --allow-extern mypackage
    ```

    Related: E0215, E0657.
    """

    path: str
    package: str

    @property
    def message(self) -> str:
        return f"`{self.path}` is code of the package `{self.package}`, which you did not name"

    @property
    def label(self) -> str:
        return "the generated module would import this"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"if you trust it: `--allow-extern {self.package}`, or `extern` in pyproject.toml"),)


class NotAModule(Mistake, code="E0657"):
    """What an `extern block` names cannot be imported, or is no class of `torch.nn.Module`.

    Only such classes stand in for a layer. A function would be called with the arguments that the program gives, so
    nothing else is, and this is found before anything is called.

    ```sh
    dslc build net.dl --allow-extern mypackage --check parity
    ```

    Related: E0632, E0656.
    """

    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"`{self.path}` {self.reason}"


class WrongSetting(Mistake, code="E0658"):
    """A setting of dslc in pyproject.toml is not what it should be, or the file cannot be read.

    Settings stand under `[tool.dslc]` of the nearest pyproject.toml above the folder one works in; a name that is
    not known there is refused, since a setting that is passed over never takes effect. The nearest known name is
    offered, and for a value the kind that it should have.

    ```toml
    [tool.dslc]
    extern = ["mypackage"]
    ```

    ```sh
    dslc build net.dl
    ```

    Related: E0216, E0656.
    """

    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"`{self.path}`: {self.reason}"
