"""From a checked network to files: the generated module, the ONNX graph, and the weights they start from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dslc import output, stamp
from dslc.diagnostics.model import Failure
from dslc.errors import NoGeneratedCode
from dslc.ir.model import Model
from dslc.names.reserved import file_stem
from dslc.source import Texts
from dslc.trust import permitted, require_classes
from dslc.types.dtypes import DTypeLike, float_type
from dslc.types.tensor import DType

if TYPE_CHECKING:
    from dslc.backends.onnx.dynamic import Dynamic
    from dslc.backends.onnx.graph import Array
    from dslc.backends.onnx.model import OnnxModel
    from dslc.weights.checkpoint import Checkpoint, Taken

TARGETS = ("torch", "onnx")
CHECKS = ("parity", "onnx", "placement")


@dataclass(slots=True)
class Built:
    """What a build wrote. `str()` says it all, as lines.

    - `files`: each path with a few words
    - `checks`: what its checks found, a line for each
    - `notes`: what was done to the file of weights, in sentences
    - `listing`: the files as lines
    """

    files: list[tuple[Path, str]] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def listing(self) -> str:
        """A line for each file."""
        width = max((len(str(path)) for path, _ in self.files), default=0)
        return "\n".join(f"{str(path).ljust(width)}  {words}" for path, words in self.files)

    def __str__(self) -> str:
        return "\n".join([*self.notes, *self.checks, self.listing])


def build(
    model: Model,
    folder: str | Path,
    *,
    targets: Collection[str] = TARGETS,
    dynamic: Dynamic | None = (),
    fold: bool = True,
    seed: int = 0,
    weights: str | Path | Checkpoint | None = None,
    checks: Collection[str] = (),
    dtype: DTypeLike | None = None,
    allow_extern: str | Collection[str] | None = None,
    embed: Texts | None = None,
) -> Built:
    """Write `NAME.py` and `NAME.onnx` into a folder, NAME being the net's (see `file_stem` for those that cannot be).

    `weights` is a file or folder of weights (docs/weights.md), or a `Checkpoint` that says what of it is meant;
    without it the declared initialisers are drawn from `seed`, and written as `NAME.safetensors` so that both files
    start equal. `dtype` is what the network's own `float` is in the graph and those weights (none: what the net's
    inputs set); the module moves to it by `.to()`. `checks` are made before anything is written. `allow_extern` names
    the packages that the module may import classes from (see `trust.permitted`). `embed` is the text of the program,
    for the module to carry, so that it can be exported without the program's files. All files are written or none.
    Raises `Failure`, and `CompileError` at an `extern` block of another package.
    """
    kind = float_type(dtype)
    built, made = Built(), stamp.of_program(model)
    files: list[output.Output] = []
    imported: tuple[str, ...] = ()
    text = ""
    if "torch" in targets or "parity" in checks:
        imported = permitted(model, allow_extern)
        if imported and "parity" in checks:
            require_classes(imported)
        text = torch_text(model, made, embed)
    name, why = file_stem(model.entry, imported)
    stem = Path(folder) / name
    if "torch" in targets:
        files.append(output.text(stem.with_name(f"{name}.py"), text))
        words = f"{text.count(chr(10))} lines" + (f", imports {', '.join(imported)}" if imported else "")
        built.files.append((files[-1].path, words + (f"; not `{model.entry}.py`: {why}" if why else "")))
    if "onnx" in targets or checks:
        from dslc.backends.onnx.dynamic import open_sizes

        opened = open_sizes(model, dynamic)
        taken, graph = onnx_graph(model, seed, weights, opened, fold, kind)
        state, built.notes = taken.state, taken.notes
        if checks:
            from dslc.backends.onnx.emit import emit
            from dslc.verify import verify

            again = partial(emit, model, dynamic=opened, fold=fold, dtype=kind)
            built.checks = verify(model, text, graph, state, checks, again, kind or model.float, opened)
        if "onnx" in targets:
            written = in_type(state, model, kind)
            graph.metadata |= {stamp.BUILD: made, stamp.WEIGHTS: stamp.of_weights(written)}
            files += onnx_files(stem, graph, written, seed, weights is None, built)
    elif weights is not None:
        from dslc.weights.checkpoint import read

        built.notes = (*read(weights, model.params, seed).notes, "they fit; a module alone is written without weights")
    output.write_all(files, output.make_folder(folder))
    return built


def torch_text(model: Model, made: str = "", embed: Texts | None = None) -> str:
    """The generated module, with the stamp of a build. Raises `Failure` where no text passes the compiler's checks."""
    from dslc.backends.torch.emit import emit
    from dslc.backends.torch.merged import CompilerBug

    try:
        return emit(model, stamp=made, embed=embed)
    except CompilerBug as bug:
        raise Failure(NoGeneratedCode(str(bug))) from bug


def onnx_graph(
    model: Model,
    seed: int,
    weights: str | Path | Checkpoint | None,
    dynamic: Sequence[str],
    fold: bool,
    dtype: DType | None = None,
) -> tuple[Taken, OnnxModel]:
    """The state dict and the graph that holds it."""
    from dslc.backends.onnx.emit import check_dynamic, emit
    from dslc.weights.checkpoint import Taken, read
    from dslc.weights.init import initial

    check_dynamic(model.sizes, dynamic)  # before weights are drawn or read
    taken = Taken(initial(model.params, seed), ()) if weights is None else read(weights, model.params, seed)
    return taken, emit(model, taken.state, dynamic=dynamic, fold=fold, dtype=dtype)


def in_type(state: dict[str, Array], model: Model, dtype: DType | None) -> dict[str, Array]:
    """A state dict with floats of the type that a build asks for."""
    from dslc.weights.init import numpy_type

    kind = numpy_type(dtype or model.float)
    return {
        name: array.astype(kind, copy=False) if model.params[name].spec.dtype is DType.FLOAT else array
        for name, array in state.items()
    }


def onnx_files(
    stem: Path, graph: OnnxModel, state: dict[str, Array], seed: int, new: bool, built: Built
) -> list[output.Output]:
    """The files of a graph, and of its weights where they are new; says of each what it is."""
    from dslc.backends.onnx.file import outputs
    from dslc.weights.store import output as weights_output

    found = outputs(graph, stem.with_name(f"{stem.name}.onnx"))
    nodes = f"{len(graph.graph.nodes)} nodes, {megabytes(graph.weight_bytes)} of weights"
    for file in found:
        built.files.append((file.path, nodes if file.path.suffix == ".onnx" else "weights of the graph"))
    if new and state:
        said = {"format": "pt", **{key: graph.metadata[key] for key in (stamp.BUILD, stamp.WEIGHTS)}}
        found.append(weights_output(stem.with_name(f"{stem.name}.safetensors"), state, said))
        built.files.append((found[-1].path, f"initialised from seed {seed}"))
    return found


def megabytes(count: int) -> str:
    """`102.2 MB`, decimal."""
    return f"{count / 1e6:,.1f} MB"
