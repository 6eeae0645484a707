"""Mistakes in running a network: devices and inputs."""

from __future__ import annotations

from dslc.diagnostics.model import Failure, Help, Mistake


class RunError(Failure):
    """A network cannot run on the device asked for, or with the inputs given."""


class NoCuda(Mistake, code="E0620"):
    """The GPU was asked for, and onnxruntime cannot use one.

    onnxruntime itself would go on silently on the CPU. It needs the package `onnxruntime-gpu` without
    `onnxruntime` beside it (they overwrite each other), the CUDA libraries and a driver.

    ```sh
    dslc doctor
    ```

    Related: E0621, E0650.
    """

    reason: str

    @property
    def message(self) -> str:
        return f"onnxruntime cannot run on cuda: {self.reason}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("`dslc doctor` shows what is installed; `--device auto` takes the CPU where there is no GPU"),)


class LeavesGpu(Mistake, code="E0621"):
    """Some nodes of the graph have no kernel on the GPU.

    Each would copy its inputs to the host and its results back, which can cost more than the rest of the network,
    so a run on cuda fails instead. The nodes are named with the lines that made them; another way to say the layer,
    or another mode of it, often has a kernel. `--device cpu` runs all of it on the CPU.

    ```sh
    dslc build net.dl --check placement
    ```

    Related: E0620, E0653.
    """

    nodes: tuple[str, ...]

    @property
    def message(self) -> str:
        shown = ", ".join(f"`{node}`" for node in self.nodes[:5])
        more = f" and {len(self.nodes) - 5} more" if len(self.nodes) > 5 else ""
        return f"{len(self.nodes)} node{'s' * (len(self.nodes) > 1)} would run on the CPU: {shown}{more}"


class WrongInputs(Mistake, code="E0622"):
    """The inputs given are not those of the network.

    Each input of the net's header needs one array, in that order or by name. `dslc run net.onnx image=photo.png`
    gives one by name; the names are listed.

    ```sh
    dslc run net.dl --input image=photo.npy
    ```

    Related: E0623, E0625, E0626.
    """

    given: str
    wanted: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"the network takes {', '.join(f'`{name}`' for name in self.wanted)}; given: {self.given}"


class WrongInputShape(Mistake, code="E0623"):
    """An input has another shape than the network was built for.

    A graph is built for the default sizes of the net's header unless a size is kept symbolic or set. A size without a
    default, such as the batch, is what the input has, from 1 up.

    ```sh
    dslc run net.dl --size H=384,W=384 --input photo.npy
    ```

    Related: E0622, E0624.
    """

    name: str
    shape: tuple[int, ...]
    wanted: tuple[int | str, ...]
    why: str = ""
    sizes: tuple[tuple[str, int], ...] = ()  # by name, with which the network takes it

    @property
    def message(self) -> str:
        wanted = ", ".join(map(str, self.wanted))
        return f"`{self.name}` must be [{wanted}], got {list(self.shape)}{f': {self.why}' if self.why else ''}"

    @property
    def help(self) -> tuple[Help, ...]:
        if not self.sizes:
            return ()
        given = ",".join(f"{name}={size}" for name, size in self.sizes)
        return (Help(f"`--size {given}` makes the network for this input"),)


class RefusedSize(Mistake, code="E0624"):
    """The network is not defined for this size of its input.

    Joins of maps of different resolution, windows and tables allow some sizes only; `dslc stats` names the
    lines. onnxruntime would not notice: it broadcasts, or clamps.

    ```sh
    dslc stats net.dl
    ```

    Related: E0405, E0623.
    """

    symbol: str
    value: int
    text: str
    lines: tuple[str, ...]
    near: tuple[int, ...]

    @property
    def message(self) -> str:
        where = f" ({', '.join(self.lines)})" if self.lines else ""
        return f"{self.symbol}={self.value} is not allowed: this network needs {self.text}{where}"

    @property
    def help(self) -> tuple[Help, ...]:
        if not self.near:
            return ()
        return (Help(f"the nearest {'sizes are' if len(self.near) > 1 else 'size is'} {_and(self.near)}"),)


class WrongInputType(Mistake, code="E0625"):
    """An input's elements are of another kind than the network takes: text or complex numbers, or floats for
    indices.

    Floats of any width become float32, integers of any width int64. A fraction is no index, so floats are never
    rounded to whole numbers by themselves. Convert the array first: `ids.astype("int64")`.

    ```sh
    dslc run net.dl --input ids.npy
    ```

    Related: E0310, E0622, E0628.
    """

    name: str
    found: str
    wanted: str

    @property
    def message(self) -> str:
        return f"`{self.name}` takes {self.wanted}, got {self.found}"


class UnreadableInput(Mistake, code="E0626"):
    """An input file cannot be read, or is no image or .npy array.

    Images are read by Pillow, arrays by numpy, from the path as it was given; nothing in such a file is ever
    executed. The reason of the library that tried is in the message.

    ```sh
    dslc run net.dl --image photo.jpg
    ```

    Related: E0216, E0622, E0627.
    """

    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot read `{self.path}`: {self.reason}"


class NoImageInput(Mistake, code="E0627"):
    """The network does not take an image: a float input [N, C, H, W] of 1, 3 or 4 channels.

    A file of an image gives a map of 1, 3 or 4 channels and nothing else. Give the other inputs as `.npy` arrays,
    or write the conversion before `dslc run`.

    ```sh
    dslc run net.dl --input x.npy
    ```

    Related: E0622, E0626.
    """

    name: str
    shape: tuple[int | str, ...]

    @property
    def message(self) -> str:
        return f"`{self.name}` [{', '.join(map(str, self.shape))}] is no image"


class IndexOutside(Mistake, code="E0628"):
    """A layer that reads by index is given one that is not there.

    A table of 1000 rows has those from 0 to 999; `gather` and `one_hot` take no negative place either, as in PyTorch.
    onnxruntime alone would read a negative one from the end, and make a row of zeros of one that is too large for
    `one_hot`. Ids that are larger than the table are often those of another tokenizer.

    ```sh
    dslc run net.dl --input ids.npy
    ```

    Related: E0335, E0625.
    """

    layer: str
    least: int
    most: int
    value: int | None  # where onnxruntime names it
    name: str  # of the input that holds it; empty for one that the network computes
    line: str

    @property
    def message(self) -> str:
        holds = (
            f"`{self.name}` holds {self.value}"
            if self.name
            else f"{'another' if self.value is None else self.value} was computed"
        )
        return f"`{self.layer}` takes indices from {self.least} to {self.most}, and {holds} ({self.line})"


class RuntimeFails(Mistake, code="E0629"):
    """onnxruntime cannot load or run a graph.

    It may lack a kernel for an element type, or memory for the sizes asked for; its own words say which. A graph that
    onnxruntime cannot run for any input is a bug of the compiler: please report the program.

    ```sh
    dslc run net.dl --input x.npy
    ```

    Related: E0620, E0652.
    """

    reason: str
    layer: str = ""
    line: str = ""

    @property
    def message(self) -> str:
        what = f"`{self.layer}` ({self.line})" if self.line else f"`{self.layer}`" if self.layer else "the graph"
        return f"onnxruntime cannot run {what}: {self.reason}"


def _and(values: tuple[int, ...]) -> str:
    return " and ".join(map(str, values))
