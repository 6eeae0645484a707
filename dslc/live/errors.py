"""Why a live module is not exported."""

from __future__ import annotations

from dslc.diagnostics.model import Failure, Help, Mistake

SAID = 20
"""Lines of differences, and places in one line, that a message lists; more of them are counted."""

ALIKE = 3
"""As many places with the same difference have a line each."""

CHANGE = "write it into the program and load that, or export this module with `torch.onnx.export`"


class ExportError(Failure):
    """A `Failure`: a module cannot be exported as it is."""


class NotANetwork(Mistake, code="E0660"):
    """What is to be exported is no network that dslc made, or one that something wraps or has turned into another.

    ONNX is written from the program of a network, with the weights of its module: `dslc.load` and `dslc build` make
    such modules. What only holds one is looked through: DistributedDataParallel, DataParallel, `torch.compile`,
    averaged copies (EMA). A module that computes with one as a part, as a Sequential does, is another network, and of
    that there is no program; its part can be exported by itself.

    ```sh
    python -c '
    import dslc
    Net = dslc.load("net.dl")
    dslc.export_onnx(Net(), "net.onnx")'
    ```

    Related: E0661, E0662.
    """

    what: str
    advice: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"{self.what} is no network that dslc made"

    @property
    def help(self) -> tuple[Help, ...]:
        return tuple(map(Help, self.advice))


class ModifiedModule(Mistake, code="E0661"):
    """A module is not what its program makes: something was replaced, set, added, taken away or hooked in since.

    ONNX is written from the program, with the module's weights, so that it would be another network than the module.
    Before it is written, the module is compared with a fresh one: types of layers and their attributes, names and
    shapes of tensors, `forward`, hooks, parametrizations, and the numbers of constant tensors. Weights, running
    statistics, `requires_grad`, `training`, and what works in training alone (the rate of a dropout, the momentum of a
    batch norm) may differ.

    Write the change into the program, so that the file, the numbers and the graph follow:

    ```dl
    net small on image[N, 3, H=32, W=32]:
        conv(8, 3) -> bn -> gelu -> gap -> flatten -> linear(10)
    ```

    ```python
    net = dslc.load("net.dl")()
    net.to_onnx("net.onnx")
    ```

    Related: E0646, E0660.
    """

    differences: tuple[str, ...]
    advice: tuple[str, ...]

    @property
    def message(self) -> str:
        lines = grouped(self.differences)
        return f"this module was modified:{f' {lines[0]}' if len(lines) == 1 else ''}"

    @property
    def table(self) -> tuple[str, ...]:
        lines = grouped(self.differences)
        if len(lines) == 1:
            return ()
        more = len(lines) - SAID
        return tuple(f"  {line}" for line in (*lines[:SAID], *([f"and {more} more"] if more > 0 else [])))

    @property
    def help(self) -> tuple[Help, ...]:
        return tuple(map(Help, self.advice or (CHANGE,)))


def grouped(differences: tuple[str, ...]) -> list[str]:
    """Differences of many places that are the same in each, as of all norms, on one line."""
    places: dict[str, list[str]] = {}
    for words in differences:
        _, place, rest = words.split("`", 2) if words.startswith("`") else ("", "", words)
        places.setdefault(rest, []).append(place)
    lines = []
    for rest, names in places.items():
        shown = [f"`{name}`" if name else "" for name in names]
        if len(names) <= ALIKE:
            lines += [f"{name}{rest}" for name in shown]
            continue
        more = f" and {len(names) - SAID} more" if len(names) > SAID else ""
        lines.append(f"{shown[0]}{rest}; so with {', '.join(shown[1:SAID])}{more}")
    return lines


class WrongElements(Mistake, code="E0662"):
    """The tensors of a module have element types, or a device, from which no graph of it can be written.

    A graph computes in float32, float16 or bfloat16 throughout, but for tensors that the program gives a type of their
    own. A module moved to one of these by `.half()`, `.bfloat16()` or `.float()` is exported in it. One in float64 is
    rounded only where that is asked for, by `dtype="float32"`. The device `meta` holds no numbers.

    ```sh
    python -c '
    import dslc
    net = dslc.load("net.dl")().half()
    net.to_onnx("net.onnx")'
    ```

    Related: E0647, E0660.
    """

    reason: str
    advice: str

    @property
    def message(self) -> str:
        return self.reason

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(self.advice),)


class NoProgram(Mistake, code="E0664"):
    """The program that a built file was made from is not found, or is another by now.

    ONNX is written from the program. The first lines of a file that `dslc build` wrote name it, with a digest of it; it
    is looked for from the file's own folder, the working directory, and the folders above both. Where it was edited
    since, the file is of another network: build again. A file that is to be exported where its program is not carries
    the program's text:

    ```sh
    dslc build net.dl --embed
    ```

    Related: E0216, E0660.
    """

    file: str
    program: str
    reason: str
    advice: str

    @property
    def message(self) -> str:
        return f"`{self.file}` was built from `{self.program}`, which {self.reason}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(self.advice),)


class ModuleDiffers(Mistake, code="E0663"):
    """`check=True` ran a module and its graph on the same input, and their results differ. Nothing was written.

    The module was compared with its program before and looked the same, so that either something that cannot be seen
    there changes it (a function of torch that was patched, a tensor that computes otherwise), or the compiler is wrong.
    Try a fresh module with the same weights: where that passes, this one was changed.

    ```sh
    python -c '
    import dslc
    net = dslc.load("net.dl")()
    net.to_onnx("net.onnx", check=True)'
    ```

    Related: E0651, E0660.
    """

    output: str
    difference: float
    limit: float

    @property
    def message(self) -> str:
        how = f"{self.difference:.1e} of its largest value, more than {self.limit:.0e}"
        return f"`{self.output}` of this module and of its graph differ by {how}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("load its state dict into a fresh instance of its class and export that"),)
