"""Mistakes in files of weights."""

from __future__ import annotations

import math

from dslc.diagnostics.model import Failure, Help, Mistake

CHECKPOINT = "it is a PyTorch checkpoint"


class WeightsError(Failure):
    """A file of weights does not fit the network, or cannot be read."""


class UnreadableWeights(Mistake, code="E0610"):
    """A file of weights cannot be read: it is missing, is no .safetensors file, or changes while it is read.

    A PyTorch checkpoint (`.pt`, `.pth`) can run any code when it is opened, so it is refused. Convert it
    once, where you trust it; `weights_only` lets PyTorch make nothing but tensors:

    ```sh
    python -c '
    import torch, safetensors.torch
    safetensors.torch.save_file(torch.load("a.pth", weights_only=True), "a.safetensors")'
    ```
    """

    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot read weights from `{self.path}`: {self.reason}"

    @property
    def help(self) -> tuple[Help, ...]:
        words = "convert it to .safetensors, if you trust it: `dslc explain E0610` says how"
        return (Help(words),) if self.reason.startswith(CHECKPOINT) else ()


class UnreadableTensor(Mistake, code="E0617"):
    """A tensor of a file of weights cannot be read: the header says of it what cannot be.

    Its element type is unknown, its shape takes other bytes than it has, it lies outside the file or over another
    tensor, or its name is there twice: the file was cut off or damaged, or was not made by safetensors. Save it again,
    in float32, float16, bfloat16, or an 8-bit type of the format:

    ```sh
    python -c 'import safetensors.torch as s; s.save_file(s.load_file("a.safetensors"), "b.safetensors")'
    ```
    """

    name: str
    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot read `{self.name}` of `{self.path}`: {self.reason}"


class NotANumber(Mistake, code="E0618"):
    """A weight is infinite or no number (NaN): every result of the network would be NaN or infinite.

    Training diverged, or the weights overflowed where they were converted to 16 bits. Take an earlier checkpoint. A
    `buffer` of the program's own may hold infinities, as a mask does.

    ```sh
    dslc build net.dl --weights net.safetensors
    ```
    """

    name: str
    value: str  # `nan`, `inf` or `-inf`
    index: tuple[int, ...]  # of the first
    count: int
    total: int

    @property
    def message(self) -> str:
        where = f" at {list(self.index)}" if self.index else ""
        many = f", and {self.count} of its {self.total:,} numbers are not finite" if self.count > 1 else ""
        return f"`{self.name}` has {self.value}{where}{many}"


class TooSmallNumber(Mistake, code="E0619"):
    """A number of the weights is smaller than it can be: a variance is never negative.

    A batch norm divides by the root of its running variance. Below zero this is NaN, or a scale that says nothing of
    the data: the tensors of the file were mixed up, or an average of checkpoints was taken with negative factors.

    ```sh
    dslc build net.dl --weights net.safetensors
    ```
    """

    name: str
    value: float
    index: tuple[int, ...]
    least: float

    @property
    def message(self) -> str:
        return f"`{self.name}` has {self.value:g} at {list(self.index)}, and must be at least {self.least:g}"


class MissingWeight(Mistake, code="E0611"):
    """The network has a parameter that the file of weights lacks.

    Names are the paths of modules, as in PyTorch's state dict: `as` in the program names a module. Compare
    the file with what the network expects:

    ```sh
    dslc stats net.dl --weights net.safetensors
    ```
    """

    name: str
    shape: tuple[int, ...]
    near: str | None  # a tensor of the file that the network does not take

    @property
    def message(self) -> str:
        return f"the weights lack `{self.name}` {list(self.shape)}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"the file has `{self.near}`"),) if self.near else ()


class ExtraWeight(Mistake, code="E0612"):
    """The file of weights has a tensor that the network does not have.

    Loading is strict, as in PyTorch: a tensor that nothing reads is most often a layer that was named
    otherwise or left out of the program.

    ```sh
    dslc stats net.dl --weights net.safetensors
    ```
    """

    name: str
    shape: tuple[int, ...]
    near: str | None  # a parameter of the network that the file lacks

    @property
    def message(self) -> str:
        return f"the weights have `{self.name}` {list(self.shape)}, which the network does not"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"the network has `{self.near}`"),) if self.near else ()


class WrongWeightShape(Mistake, code="E0613"):
    """A tensor of the file has another shape than the network's parameter.

    The network was built with other arguments (classes, width, input size) than the one that was trained.

    ```sh
    dslc build net.dl --set classes=10 --weights net.safetensors
    ```

    A head of convolutions has the elements of linear layers in another shape: convert the weights with the program.

    ```sh
    dslc convert --fully-convolutional net.dl -o dense.dl --weights net.safetensors --weights-out dense.safetensors
    ```
    """

    name: str
    shape: tuple[int, ...]
    found: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"`{self.name}` is {list(self.shape)} in the network and {list(self.found)} in the weights"

    @property
    def help(self) -> tuple[Help, ...]:
        flat = len(self.found) == 2 and len(self.shape) > 2 and self.found[0] == self.shape[0]
        if not flat or math.prod(self.found) != math.prod(self.shape):
            return ()
        command = "dslc convert --fully-convolutional OLD.dl --weights OLD.safetensors -o .. --weights-out .."
        return (Help(f"these are the weights of a linear layer; `{command}` gives them this shape"),)


class WrongWeightType(Mistake, code="E0614"):
    """A tensor of the file has elements that do not convert to the parameter's: integers for floats, or the
    reverse, or integers for truth values.

    Floats of 8, 16 and 64 bits are converted to the type that the network declares, integers to its width where they
    fit.

    ```sh
    dslc build net.dl --weights net.safetensors
    ```
    """

    name: str
    dtype: str
    found: str

    @property
    def message(self) -> str:
        return f"`{self.name}` is {self.dtype} in the network and {self.found} in the weights"


class TooLargeWeights(Mistake, code="E0615"):
    """A network whose weights are larger than this machine's memory.

    `dslc stats` needs no weights, and `--target torch` writes none.

    ```sh
    dslc stats net.dl
    dslc build net.dl --target torch
    ```
    """

    needed: int
    memory: int

    @property
    def message(self) -> str:
        return (
            f"the weights take {self.needed / 1e9:,.1f} GB, and this machine has {self.memory / 1e9:,.1f} GB of memory"
        )

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("`dslc stats` shows which layers weigh most; `--target torch` writes no weights"),)
