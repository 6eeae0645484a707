"""Mistakes in files of weights."""

from __future__ import annotations

import math

from dslc.diagnostics.model import Failure, Help, Mistake

MOST_PARTS = 20
"""Sets of weights in one file that are counted."""

CHECKPOINT = "it is a PyTorch checkpoint"


class WeightsError(Failure):
    """A file of weights does not fit the network, or cannot be read."""


class UnreadableWeights(Mistake, code="E0610"):
    """A file of weights cannot be read: it is missing, damaged, of another kind, or changes while it is read.

    Read are .safetensors files, checkpoints of PyTorch (`.pth`, `.pt`, `.bin`, `.ckpt`; by
    `torch.load(weights_only=True)`, which makes nothing but tensors), and several of either that an index of Hugging
    Face names, or the folder that holds them. What a file is, is seen from its content; but a checkpoint that is
    named `.safetensors` is refused, since that name promises that nothing in it can be run.

    ```sh
    dslc weights inspect model.pth
    dslc weights convert model.pth -o model.safetensors
    ```

    Related: E0640, E0641, E0642.
    """

    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot read weights from `{self.path}`: {self.reason}"

    @property
    def help(self) -> tuple[Help, ...]:
        words = "name it `.pth`, and its tensors are read by `torch.load(weights_only=True)`"
        return (Help(words),) if self.reason.startswith(CHECKPOINT) else ()


class UnsafeCheckpoint(Mistake, code="E0640"):
    """A checkpoint asks for more than tensors: it would import functions or classes.

    A checkpoint of PyTorch is a pickle, which can call any function when it is opened. It is read by
    `torch.load(weights_only=True)`, which stops at every name that it does not know; nothing was run. What is named
    here is either an attack, or objects that were saved beside the weights: the configuration of a run, a whole
    module in place of its `state_dict()`. Where you trust the file, open it once with the code that it needs, away
    from anything that matters, and save the tensors alone:

    ```python
    module = torch.load("old.pth", weights_only=False)  # runs whatever the file says
    torch.save(module.state_dict(), "new.pth")
    ```

    Related: E0610, E0656.
    """

    path: str
    names: tuple[str, ...]
    whole: bool  # a module was saved, not its state dict

    @property
    def message(self) -> str:
        shown = ", ".join(f"`{name}`" for name in self.names[:5])
        more = f" and {len(self.names) - 5} others" if len(self.names) > 5 else ""
        return f"`{self.path}` asks to import {shown}{more}; nothing was run, since only tensors are read"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.whole:
            return (Help("it holds a whole module: save its `state_dict()`, or use the .safetensors file"),)
        return (Help("use a .safetensors file; if you trust this one, `dslc explain E0640` says how to make it"),)


class AmbiguousPart(Mistake, code="E0641"):
    """A file holds several sets of weights that would do, and none is plainly the one that is meant.

    Averages (`ema`, `swa`) stand behind the weights that they are of. Where two others fit, say which: None is
    taken by guess, since both would load and give different results.

    ```sh
    dslc weights inspect run.pth
    dslc build net.dl --weights run.pth --part encoder_q
    ```

    Related: E0610, E0642.
    """

    parts: tuple[str, ...]

    @property
    def message(self) -> str:
        shown = ", ".join(f"`{part}`" for part in self.parts[:8]) + (", .." if len(self.parts) > 8 else "")
        count = str(len(self.parts)) if len(self.parts) <= MOST_PARTS else "many"
        return f"the file holds {count} sets of weights that would do: {shown}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"say which: `--part {self.parts[0]}`"),)


class UnknownPart(Mistake, code="E0642"):
    """A file of weights has not the part that is asked for.

    `--part` names the key of a dictionary in the file, or what the names of its tensors begin with. Training
    scripts often put the weights under `model`, `state_dict` or `ema` beside an optimiser's; `dslc weights inspect
    FILE` shows what a file has.

    ```sh
    dslc weights inspect run.pth
    dslc build net.dl --weights run.pth --part model_ema
    ```

    Related: E0610, E0641.
    """

    part: str
    parts: tuple[str, ...]
    leading: tuple[str, ...]

    @property
    def message(self) -> str:
        keys = [part for part in self.parts if part]
        shown = ", ".join(f"`{name}`" for name in (keys or self.leading)[:8])
        return f"the file has no part `{self.part}`; it has {shown}" if shown else f"the file has no part `{self.part}`"


class UnknownSkip(Mistake, code="E0643"):
    """What is to be skipped is neither in the network nor among the weights.

    `--skip head` leaves out `head` and all that is below it: those tensors keep the network's initial values. A
    name that matches nothing is most often misspelt, and would leave out nothing; the nearest are offered.

    ```sh
    dslc build net.dl --set classes=10 --weights net.safetensors --skip head
    ```

    Related: E0611, E0612.
    """

    name: str
    near: str | None

    @property
    def message(self) -> str:
        return f"nothing is named `{self.name}` or begins with `{self.name}.`, so it cannot be skipped"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"did you mean `{self.near}`?"),) if self.near else ()


class Unfit(Mistake, code="E0644"):
    """The weights do not fit the network: tensors are missing, surplus, of another shape or type.

    Loading is strict, as in PyTorch: every tensor of the network comes from the file, and every one of the file
    goes into it. The table groups what does not fit by its likely cause. Names are the paths of modules; numbers in
    them are folded: `blocks.{0..11}.norm.weight` are twelve tensors.

    - **renamed**: as many tensors of the same shapes under other names. Nothing is guessed; a map (`--map`) says
      which is which.
    - **another shape**: other arguments than those that the weights were trained with.
    - **another depth**: blocks that only one of both has.
    - **missing**, **surplus**: `--skip` leaves out what is meant to start anew.

    ```sh
    dslc weights inspect net.dl
    dslc weights inspect net.pth
    dslc weights diff net.dl net.pth
    dslc build net.dl --set classes=10 --weights net.pth --skip head
    ```

    Related: E0611, E0612, E0613.
    """

    summary: str
    lines: tuple[str, ...]
    proposals: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"the weights do not fit the network: {self.summary}"

    @property
    def table(self) -> tuple[str, ...]:
        return self.lines

    @property
    def help(self) -> tuple[Help, ...]:
        return tuple(Help(words) for words in self.proposals)


class UnreadableTensor(Mistake, code="E0617"):
    """A tensor of a file of weights cannot be read: the header says of it what cannot be.

    Its element type is unknown, its shape takes other bytes than it has, it lies outside the file or over another
    tensor, or its name is there twice: the file was cut off or damaged, or was not made by safetensors. Save it again,
    in float32, float16, bfloat16, or an 8-bit type of the format:

    ```sh
    python -c 'import safetensors.torch as s; s.save_file(s.load_file("a.safetensors"), "b.safetensors")'
    ```

    Related: E0610, E0640.
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

    Related: E0616, E0619.
    """

    name: str
    value: str  # `nan`, `inf` or `-inf`
    index: tuple[int, ...]  # of the first
    count: int
    total: int
    others: int = 0  # tensors with such numbers that are not named

    @property
    def message(self) -> str:
        where = f" at {list(self.index)}" if self.index else ""
        many = f", and {self.count} of its {self.total:,} numbers are not finite" if self.count > 1 else ""
        rest = f"; {self.others:,} other tensors have such numbers too" if self.others else ""
        return f"`{self.name}` has {self.value}{where}{many}{rest}"


class TooSmallNumber(Mistake, code="E0619"):
    """A number of the weights is smaller than it can be: a variance is never negative.

    A batch norm divides by the root of its running variance. Below zero this is NaN, or a scale that says nothing of
    the data: the tensors of the file were mixed up, or an average of checkpoints was taken with negative factors.

    ```sh
    dslc build net.dl --weights net.safetensors
    ```

    Related: E0618, E0644.
    """

    name: str
    value: float
    index: tuple[int, ...]
    least: float

    @property
    def message(self) -> str:
        return f"`{self.name}` has {self.value:g} at {list(self.index)}, and must be at least {self.least:g}"


class OtherModule(Mistake, code="E0646"):
    """A module has no longer the tensors of its program: a layer was put in, taken out or replaced.

    `load_weights` holds a file to the program, and the module to it too. Load before the module is changed, or load the
    file's tensors by PyTorch's own `load_state_dict`.

    ```python
    net = dslc.load("net.dl")()
    net.load_weights("net.safetensors", skip="head")
    net.head = torch.nn.Linear(8, 5)
    ```

    Related: E0661, E0644.
    """

    names: str

    @property
    def message(self) -> str:
        return f"the module was modified, and has no longer the tensors of its program: {self.names}"


class NoMemory(Mistake, code="E0647"):
    """A module on the device meta takes no weights: its tensors have shapes, and no numbers.

    Give it memory first, or make it on another device. `module.to_empty(device="cpu")` gives it memory, in which
    nothing is set yet.

    ```python
    with torch.device("meta"):
        net = dslc.load("net.dl")()
    net.to_empty(device="cpu").load_weights("net.safetensors")
    ```

    Related: E0646, E0662.
    """

    names: str

    @property
    def message(self) -> str:
        return f"the device meta holds no numbers, and these lie on it: {self.names}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help('`net.to_empty(device="cpu")` gives them memory: load weights after it'),)


class UnwrittenTensor(Mistake, code="E0645"):
    """A tensor has an element type that the file to be written cannot hold, as complex numbers in .safetensors.

    The file that is written must be read back as what it was, so nothing is converted to a type nearby. Ask for one
    that the kind of file has, by `--dtype`, or write another kind.

    ```sh
    dslc weights inspect net.pth
    dslc weights convert net.pth -o net.safetensors --part model
    ```

    Related: E0601, E0614.
    """

    name: str
    dtype: str
    kind: str

    @property
    def message(self) -> str:
        return f"`{self.name}` is {self.dtype}, which a {self.kind} file cannot hold"


class MissingWeight(Mistake, code="E0611"):
    """The network has a parameter that the file of weights lacks.

    Names are the paths of modules, as in PyTorch's state dict: `as` in the program names a module. Compare
    the file with what the network expects:

    ```sh
    dslc weights diff net.dl net.safetensors
    ```

    Related: E0612, E0643, E0644.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"the weights lack `{self.name}` {list(self.shape)}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"`--skip {self.name}` keeps the network's own initial values"),)


class ExtraWeight(Mistake, code="E0612"):
    """The file of weights has a tensor that the network does not have.

    Loading is strict, as in PyTorch: a tensor that nothing reads is most often a layer that was named otherwise or
    left out of the program. `--skip NAME` leaves it out, where that is meant.

    ```sh
    dslc weights diff net.dl net.safetensors
    ```

    Related: E0611, E0643, E0644.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"the weights have `{self.name}` {list(self.shape)}, which the network does not"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"`--skip {self.name}` leaves it out"),)


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

    Related: E0644, E0676.
    """

    name: str
    shape: tuple[int, ...]
    found: tuple[int, ...]
    advice: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        return f"`{self.name}` is {list(self.shape)} in the network and {list(self.found)} in the weights"

    @property
    def help(self) -> tuple[Help, ...]:
        if self.advice:
            return tuple(map(Help, self.advice))
        flat = len(self.found) == 2 and len(self.shape) > 2 and self.found[0] == self.shape[0]
        if not flat or math.prod(self.found) != math.prod(self.shape):
            return ()
        command = "dslc convert --fully-convolutional OLD.dl --weights OLD.safetensors -o .. --weights-out .."
        return (Help(f"these are the weights of a linear layer; `{command}` gives them this shape"),)


class WrongWeightType(Mistake, code="E0614"):
    """A tensor of the file has elements that do not convert to the parameter's: integers for floats, or the
    reverse, or integers for truth values.

    Floats of 8, 16 and 64 bits are converted to the type that the network declares, integers to its width where
    they fit. A number that is an index in one and a weight in the other is no matter of width: the file is of
    another network, or the tensor of another name.

    ```sh
    dslc build net.dl --weights net.safetensors
    ```

    Related: E0613, E0645.
    """

    name: str
    dtype: str
    found: str

    @property
    def message(self) -> str:
        return f"`{self.name}` is {self.dtype} in the network and {self.found} in the weights"


class TooLargeWeights(Mistake, code="E0615"):
    """A network whose weights are larger than this machine's memory.

    `dslc stats` needs no weights, and `--target torch` writes none. Weights are made and written in memory. The
    shapes are right all the same, so that `dslc stats --device` still says what the network would need.

    ```sh
    dslc stats net.dl
    dslc build net.dl --target torch
    ```

    Related: E0389, E0601.
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
