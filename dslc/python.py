"""The Python API's `compile`, and the network that it gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dslc.analysis.amounts import bytes_of, whole, words
from dslc.ir.model import Model
from dslc.kept import Kept
from dslc.names.zoo import is_zoo
from dslc.types.arguments import arguments, sizes_of

if TYPE_CHECKING:
    from dslc.analysis.devices import Device
    from dslc.analysis.signal.result import NetworkSignal
    from dslc.backends.onnx.dynamic import Dynamic
    from dslc.build import Built
    from dslc.check import Findings
    from dslc.module import Module
    from dslc.output import Target
    from dslc.reports.compared import NetworkDiff
    from dslc.reports.ports import Port, Weight
    from dslc.reports.tables import NetworkStats
    from dslc.types.dtypes import DTypeLike
    from dslc.weights.checkpoint import Checkpoint

NOTEBOOK = 60
"""Boxes of the picture that a notebook shows; parts are closed where there would be more."""


class Network:
    """A checked network, as `dslc.compile` gives it. A notebook shows its numbers and its picture.

    - `name`: the net's name
    - `doc`: its `##` comment
    - `source`: the text of the program
    - `torch_source`: the text of the PyTorch module that is generated from it
    - `inputs`, `outputs`: a `Port` for each by name: `shape` with numbers and texts such as `("N", 3, "H", "W")`,
      `default` with the numbers at the default sizes, `dtype`
    - `params`: a `Weight` for each tensor of the state dict by key: `shape`, `dtype`, `trained`
    - `sizes`: default sizes by name
    - `model`: the compiler's own tree, whose form may change

    ```python
    network = dslc.compile("net.dl", net="small", classes=100)
    print(network)
    print(network.inputs["image"].shape, network.outputs["output"].default)
    print(network.params["head.weight"].shape)
    ```
    """

    def __init__(self, model: Model, kept: Kept, asked: tuple[str | Path, dict[str, object], dict[str, int]]) -> None:
        self.model = model
        self._kept = kept
        self._asked = asked
        self.name: str = model.entry
        self.doc: str = model.doc
        self.source: str = model.source.text
        self.sizes: dict[str, int] = dict(model.sizes.default)

    @cached_property
    def inputs(self) -> dict[str, Port]:
        """The inputs by name, in order."""
        from dslc.reports.ports import inputs

        return inputs(self.model)

    @cached_property
    def outputs(self) -> dict[str, Port]:
        """The results by name, in order; one without a name is `output`."""
        from dslc.reports.ports import outputs

        return outputs(self.model)

    @cached_property
    def params(self) -> dict[str, Weight]:
        """The tensors of the state dict by key, in order."""
        from dslc.reports.ports import weights

        return weights(self.model)

    @cached_property
    def torch_source(self) -> str:
        """The text of the generated PyTorch module."""
        from dslc.build import torch_text

        return torch_text(self.model)

    def __repr__(self) -> str:
        from dslc.reports.ports import one_line

        return f"<Network {one_line(self.model)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the numbers, the layers as a table, the picture."""
        return f'<div>{self.stats()._repr_html_()}<div style="overflow: auto">{self._repr_svg_() or ""}</div></div>'

    def _repr_svg_(self) -> str | None:
        """The picture with parts closed, or none where there is still too much of it."""
        from dslc.reports.picture import MOST_BOXES, Graph, fitting_depth
        from dslc.reports.svg import svg

        graph = Graph(self.model, fitting_depth(self.model, NOTEBOOK))
        return svg(graph) if len(graph.boxes) <= MOST_BOXES else None

    # ---- numbers

    def stats(
        self,
        *,
        batch: int = 1,
        inplace: bool = True,
        train: bool = False,
        optimizer: str | Collection[str] = (),
        precision: str | Collection[str] = (),
        fit: int | str | None = None,
        device: str | Device | None = None,
        dtype: DTypeLike | None = None,
        tool: str | None = None,
        verbose: bool = False,
    ) -> NetworkStats:
        """Its numbers as typed tables: shapes, parameters, costs, memory and receptive fields. Needs no torch.

        The options are those of `dslc stats`.

        - `batch`: samples in a batch, for memory, training and time; counts are for one sample
        - `inplace`: whether ops may overwrite an input that nothing reads later
        - `train`: the memory of training too
        - `optimizer`: with `train`, of `"sgd"`, `"momentum"`, `"adam"`, `"adamw"` these alone
        - `precision`: with `train`, of `"fp32"` and `"mixed"` these alone
        - `fit`: the largest training batch in this memory: `"24GB"`, `"24GiB"`, or bytes
        - `device`: the least time on it: `"H200"`, `"A100"`, `"T4"`, `"cpu-core"`, `"phone-npu"`, `"this"` (measured),
          or `"peak=10T,bandwidth=100G"`
        - `dtype`: with `device`, the element type: `"fp16"`, `torch.float16`, `"tf32"`, `"int8"`; float32 if left out
        - `tool`: the bridge to what `"torchvision"`, `"fvcore"`, `"thop"` or `"ptflops"` counts, in the text
        - `verbose`: which sizes are used well, and every result's field in every input, in the text

        Raises `ValueError` for options that are not known, or that mean nothing together.

        ```python
        stats = dslc.compile("net.dl", net="small").stats(device="A100", dtype="fp16", batch=8)
        print(stats.totals["params"], stats.seconds)
        print(stats.text(columns="macs,time", depth=1))
        ```
        """
        from dslc.analysis.conventions import TOOLS
        from dslc.analysis.devices import Device
        from dslc.analysis.training import OPTIMIZERS, PRECISIONS
        from dslc.machine import device_named
        from dslc.reports.tables import NetworkStats
        from dslc.types.dtypes import rate_type

        optimizers = words("optimizer", optimizer, OPTIMIZERS)
        kinds = [precision] if isinstance(precision, str) else precision
        precisions = words("precision", [rate_type(kind) for kind in kinds], PRECISIONS)
        room = bytes_of(fit) if isinstance(fit, str) else None if fit is None else whole("fit", fit)
        if (optimizers or precisions) and not train and fit is None:
            raise ValueError("`optimizer` and `precision` mean nothing without `train` or `fit`")
        if dtype is not None and device is None:
            raise ValueError("`dtype` is the element type that times are for: it means nothing without `device`")
        if tool is not None:
            words("tool", [tool], TOOLS)
        chosen = device_named(device) if isinstance(device, str) else device
        if not isinstance(chosen, Device | None):
            raise TypeError(f"`device` is a name, or rates such as `peak=10T,bandwidth=100G`, not {device!r:.60}")
        rate = rate_type(dtype or "fp32")
        if chosen is not None:
            chosen.peak(rate)
        return NetworkStats(
            self.model,
            batch=whole("batch", batch),
            inplace=inplace,
            train=train,
            optimizer=optimizers,
            precision=precisions,
            fit=room,
            device=chosen,
            dtype=rate,
            tool=tool,
            verbose=verbose,
        )

    def check(
        self, *, dtype: DTypeLike | None = None, budgets: str | Collection[str] = (), strict: bool = False
    ) -> Findings:
        """What there is to say of a network that compiled, as data; nothing is raised for what is found.

        - `dtype`: the type that a build makes of the network's own floats (`"fp16"`, `torch.bfloat16`): numbers that it
          does not hold are errors
        - `budgets`: limits to keep: `"macs<=300M, peak_memory<=8MB"`, or several such texts
        - `strict`: a number that is only a lower bound is an error

        The result has `errors`, `warnings`, `notes` and `ok`; `str()` of it is what the command line prints. Raises
        `ValueError` for a type or a limit that cannot be read.

        ```python
        found = dslc.compile("net.dl", net="small").check(budgets="params<=1M", dtype="fp16")
        if not found.ok:
            print([(error.code, error.span.line, error.message) for error in found.errors])
        ```
        """
        from dslc.analysis.limits import limits
        from dslc.check import check_model

        if not isinstance(budgets, Iterable):
            raise TypeError(f"`budgets` is a text such as `macs<=300M`, or several, not {budgets!r:.60}")
        given = limits([budgets] if isinstance(budgets, str) else budgets, "budgets") if budgets else ()
        return check_model(self.model, dtype=dtype, budgets=given, strict=strict)

    def lint(self, **facts: object) -> Findings:
        """What is suspicious in a network that compiled: what the field knows of gradients, norms, fields and costs.

        - `facts`: what the program does not hold: `batch`, `learning_rate`, `warmup`, `loss`, `task`, `object_size`,
          `memory` (bytes or a text such as `"8GB"`), `device`; rules that lack one are in the result's `silent`

        Raises `ValueError` for a fact that is none.

        ```python
        found = dslc.compile("net.dl", net="small").lint(batch=1, loss="cross_entropy")
        print([(d.code, d.span.line, d.message) for d in (*found.warnings, *found.notes)])
        ```
        """
        from dslc.check import lint_model
        from dslc.lints.facts import facts_of

        return lint_model(self.model, facts_of(facts))

    def signal(
        self, *, batch: int = 16, loss: str = "independent", weights: str | Path | Checkpoint | None = None
    ) -> NetworkSignal:
        """Its values and gradients at initialisation, in training, computed from the declared initialisers alone.

        - `batch`: samples in a batch, which batch norms see
        - `loss`: `"cross_entropy"` (the mean over samples, labels equally frequent), `"mse"` (targets of variance 1),
          or an independent gradient of mean square 1 at each element of each result
        - `weights`: a file of trained weights, whose means and variances stand for what the initialisers draw

        The result has `layers` (RMS of values and gradients, the part that depends on the input), `weights` (gradient
        over weight), `blocks`, `memory` of recurrent layers, `verdicts`, and `gaps`: layers without a rule, with which
        there is no verdict. Needs no torch.

        ```python
        found = dslc.compile("net.dl", net="small").signal(batch=32)
        print(found.verdicts, [(layer.path, layer.rms, layer.gradient) for layer in found.layers])
        ```
        """
        from dslc.analysis.signal.analyse import signal

        laws = notes = None
        if weights is not None:
            from dslc.weights.moments import laws as laws_of

            laws, notes = laws_of(weights, self.model.params)
        return signal(self.model, batch=whole("batch", batch), loss=loss, laws=laws, notes=notes or ())

    def picture(
        self,
        path: str | Path | None = None,
        *,
        depth: int | None = None,
        fold: bool = True,
        heat: Literal["params", "macs", "memory"] | None = None,
    ) -> str:
        """The text of an .svg file: a box for each layer, a line for each tensor.

        - `path`: where to write it too; the name may end with `.html`, `.png`, `.mmd` (Mermaid) or `.dot` (Graphviz)
        - `heat`: write that number on each box, and colour it so
        - `depth`: close parts so many levels deep, one box each; none: all of it
        - `fold`: equal parts one after the other as one, in a frame with `x12`

        Raises `ValueError` where there would be too many boxes, with the depth that shows most, or too many pixels, and
        `OutputError`.

        ```python
        text = dslc.compile("net.dl", net="small").picture("small.svg", depth=1)
        ```
        """
        from dslc import output
        from dslc.reports.drawing import TooManyBoxes, content, draw
        from dslc.reports.graph_text import WRITERS, writer
        from dslc.reports.heat import HEATS

        write = writer(str(path) if path is not None else ".svg")
        if write is None:
            raise ValueError(f"a picture's file ends with one of {' '.join(WRITERS)}, not {str(path)!r}")
        if heat is not None and heat not in HEATS:
            raise ValueError(f"heat is one of {', '.join(HEATS)}, not {heat!r}")
        levels = None if depth is None else whole("depth", depth)
        try:
            text = draw(self.model, write, depth=levels, fold=fold, heat=heat)
        except TooManyBoxes as wrong:
            raise ValueError(wrong.told("depth={}")) from None
        if path is not None:
            output.write_all([output.data(path, (content(str(path), text),))])
        return text

    def diff(self, other: Network | str | Path) -> NetworkDiff:
        """What changes from this network to another one: layers, totals, and whether the weights still load.

        - `other`: a network, or a source as `dslc.compile` takes it: `zoo:NET` is that net, and of a file or a text the
          net of this name is taken

        Raises `CompileError` for a source that is wrong.

        ```python
        small = dslc.compile("net.dl", net="small")
        print(small.diff(dslc.compile("net.dl", net="small", classes=100)))
        ```
        """
        from dslc.reports.compared import NetworkDiff
        from dslc.suspicions import compared

        there = other if isinstance(other, Network) else compile(other, None if is_zoo(other) else self.name)
        return NetworkDiff(compared(self.model, there.model))

    # ---- results

    def build(
        self,
        folder: str | Path = "build",
        *,
        targets: str | Collection[str] = ("torch", "onnx"),
        dynamic: Dynamic | None = (),
        dtype: DTypeLike | None = None,
        fold: bool = True,
        seed: int = 0,
        weights: str | Path | None = None,
        part: str | None = None,
        map: str | None = None,
        skip: str | Collection[str] = (),
        adapt: str | Collection[str] = (),
        checks: str | Collection[str] = (),
        allow_extern: str | Collection[str] | None = None,
        embed: bool = False,
    ) -> Built:
        """Write `NAME.py`, `NAME.onnx` and, where weights are new, `NAME.safetensors`: all of them, or none.

        - `folder`: where to write; it is made where it is missing
        - `targets`: of `"torch"` and `"onnx"` these alone
        - `dynamic`: sizes that stay open in the ONNX graph: `"N,H"`, `("N", "H")`, or axes by input, as torch's
          exporters take them: `{"image": {0: "N", 2: "H"}}`, `{"image": [0, 2]}`. One size is open wherever it stands
        - `dtype`: what the network's own floats are in the graph: `"fp16"`, `torch.bfloat16`; by default what the
          inputs set
        - `fold`: merge batch norms into the linear maps before them
        - `seed`: of the declared initialisers
        - `weights`: a file to take the weights from instead: .safetensors, .pth, an index of shards, or a folder
        - `part`: with `weights`, which state dict of the file, or what its names begin with
        - `map`: with `weights`, names of another library, `"timm"`, `"hf"` or one of its maps, or a file of names
        - `skip`: with `weights`, tensors or modules that keep the network's own initial values: `"head"`
        - `adapt`: with `weights`, what is brought to the network's size where it has another: `"channels"` of images
          in the first convolution, tables of `"positions"`
        - `checks`: what to prove before anything is written, of `"parity"`, `"onnx"` and `"placement"`
        - `allow_extern`: packages whose classes an `extern block` may import; by default those that the pyproject.toml
          of the working directory names
        - `embed`: write the program into the PyTorch file too, so that its modules export where the program is not

        Torch is needed for the check `"parity"`, and to read weights that it has written.

        Raises `ValueError` for an option that is not known, `Failure` where a check does not hold, weights do not fit,
        a size cannot stay open or a file cannot be written, and `CompileError` for what a line of the program is to
        blame for.

        ```python
        built = dslc.compile("net.dl", net="small").build("out", dynamic={"image": {0: "N"}}, dtype="fp16")
        print(built)
        ```
        """
        from dslc.build import CHECKS, TARGETS, build

        wanted = words("targets", targets, TARGETS)
        if not wanted:
            raise ValueError(f"`targets` names none of {', '.join(TARGETS)}: nothing would be written")
        return build(
            self.model,
            folder,
            targets=wanted,
            dynamic=dynamic,
            dtype=dtype,
            fold=fold,
            seed=whole("seed", seed, None),
            weights=checkpoint(weights, part, map, skip, adapt),
            checks=words("checks", checks, CHECKS),
            allow_extern=allow_extern,
            embed=self._kept.texts if embed else None,
        )

    def to_onnx(
        self,
        target: Target,
        *,
        dynamic: Dynamic | None = (),
        dtype: DTypeLike | None = None,
        fold: bool = True,
        seed: int = 0,
        weights: str | Path | None = None,
        part: str | None = None,
        map: str | None = None,
        skip: str | Collection[str] = (),
        adapt: str | Collection[str] = (),
    ) -> list[Path]:
        """Write the ONNX graph alone; the files written.

        - `target`: a path, or a stream of bytes such as `io.BytesIO()`, of which no file is returned
        - `dynamic`, `dtype`, `fold`, `seed`, `weights`, `part`, `map`, `skip`, `adapt`: as for `build`

        Weights above 1 GB go to a second file beside the first. Raises what `build` does, and `Failure` for a graph of
        2 GiB or more that is to go to a stream.

        ```python
        import io

        stream = io.BytesIO()
        dslc.compile("net.dl", net="small").to_onnx(stream, dynamic="N")
        ```
        """
        from dslc.backends.onnx.dynamic import open_sizes
        from dslc.backends.onnx.file import save
        from dslc.build import onnx_graph
        from dslc.types.dtypes import float_type

        kind, opened, drawn = float_type(dtype), open_sizes(self.model, dynamic), whole("seed", seed, None)
        _, graph = onnx_graph(self.model, drawn, checkpoint(weights, part, map, skip, adapt), opened, fold, kind)
        return save(graph, target)

    def load(
        self,
        *,
        allow_extern: str | Collection[str] | None = None,
        weights: str | Path | None = None,
        part: str | None = None,
        map: str | None = None,
        skip: str | Collection[str] = (),
        adapt: str | Collection[str] = (),
    ) -> type[Module]:
        """The class of the generated PyTorch module, as `dslc.load` gives it.

        - `allow_extern`, `weights`, `part`, `map`, `skip`, `adapt`: as for `dslc.load`

        Raises `Failure` where torch is not installed.

        ```python
        Small = dslc.compile("net.dl", net="small").load()
        net = Small(classes=100)
        ```
        """
        from dslc.loading import beginning, load_kept, require_torch

        require_torch("`Network.load`")
        source, given, asked = self._asked
        cls = load_kept(self._kept, source, self.name, given, asked, allow_extern)
        return beginning(cls, weights, {"part": part, "map": map, "skip": skip, "adapt": adapt})


def checkpoint(
    weights: str | Path | None,
    part: str | None,
    map: str | None,
    skip: str | Collection[str],
    adapt: str | Collection[str],
) -> Checkpoint | None:
    """What the options name of a file of weights. Raises `ValueError` where there is none for them."""
    from dslc.weights.checkpoint import ADAPTED, Checkpoint

    names, sizes = words("skip", skip), words("adapt", adapt, ADAPTED)
    if weights is None:
        if part or map or names or sizes:
            raise ValueError("`part`, `map`, `skip` and `adapt` mean nothing without `weights`")
        return None
    return Checkpoint(weights, part, names, map, sizes)


def compile(
    source: str | Path, net: str | None = None, *, sizes: Mapping[str, int] | None = None, **args: object
) -> Network:
    """Check a program and give its network. Needs no torch.

    - `source`: a path; the text of a program (a str with a newline in it); or `"zoo:resnet50"`, a network that dslc
      comes with
    - `net`: the name of the net, where the file has several
    - `sizes`: default sizes of its inputs: `{"H": 384, "W": 384}`
    - `args`: arguments of the net by name: numbers (those of numpy too), texts, true and false, none, lists, tuples,
      element types (`"fp16"`, `torch.float16`)

    Raises `CompileError`, whose text is what the command line prints and whose `diagnostics` are its parts, and
    `TypeError` for an argument that no program has a value for.

    ```python
    network = dslc.compile("net.dl", net="small", sizes={"H": 96, "W": 96}, classes=100)
    try:
        dslc.compile("net f on x[N, 8]:\\n    linaer(3)\\n")
    except dslc.CompileError as error:
        print(error)  # unknown name `linaer` .. did you mean `linear`?
    ```
    """
    kept = Kept.read(source)
    model = kept.compile(net, args=args, sizes=sizes)
    return Network(model, kept, (source, arguments(args), sizes_of(sizes)))
