"""Run a graph in onnxruntime, on the device that was asked for and no other."""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from dslc.backends.onnx.errors_run import (
    LeavesGpu,
    NoCuda,
    NoImageInput,
    RunError,
    RuntimeFails,
    WrongInputs,
    WrongInputShape,
    WrongInputType,
)
from dslc.backends.onnx.file import INLINE_LIMIT, save
from dslc.backends.onnx.graph import Array
from dslc.backends.onnx.guards import Guards, guards_of
from dslc.backends.onnx.image import MODES
from dslc.backends.onnx.indices import Places, places_of, watched
from dslc.backends.onnx.model import OnnxModel
from dslc.backends.onnx.placement import SIZE_KINDS
from dslc.diagnostics.model import Mistake
from dslc.errors import NotInstalled
from dslc.record import frozen
from dslc.types.tensor import is_half

if TYPE_CHECKING:
    import onnx

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Inputs: TypeAlias = Mapping[str, Array] | Sequence[Array]

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(int64)": "int64"}
_TYPES |= {"tensor(int32)": "int32", "tensor(bool)": "bool"}


@frozen
class Run:
    """Results of one run by output name. `seconds` has the time of each timed run, after the first."""

    outputs: dict[str, Array]
    device: str
    note: str  # why `auto` did not take the GPU, if one was there
    seconds: tuple[float, ...] = ()

    @property
    def median(self) -> float | None:
        """Median seconds of a run, inputs and outputs in host memory; none if nothing was timed."""
        return statistics.median(self.seconds) if self.seconds else None


@frozen
class Session:
    """A loaded graph on its device."""

    ort: Any
    device: str
    note: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()  # outputs that are no results: see `indices.watched`

    @property
    def inputs(self) -> dict[str, tuple[tuple[int | str, ...], str]]:
        """(shape, element type) of each input; a symbolic extent is its name."""
        given = self.ort.get_inputs()
        for i in given:
            if i.type not in _TYPES:
                kind = i.type.removeprefix("tensor(").removesuffix(")")
                raise RunError(RuntimeFails(f"its Python interface takes no arrays of {kind}, as `{i.name}` is"))
        return {i.name: (tuple(i.shape), _TYPES[i.type]) for i in given}

    def run(self, inputs: Inputs, repeat: int = 0, limit: float = 2.0) -> Run:
        """Compute all outputs; then time up to `repeat` more runs, as long as `limit` seconds are not used
        up.
        """
        feeds = prepare(self, inputs)
        places = self._places(feeds)
        names = [o.name for o in self.ort.get_outputs()]
        try:
            outputs = dict(zip(names, self.ort.run(names, feeds), strict=True))
        except Exception as error:  # onnxruntime's own exception classes share no public base
            raise RunError(_why_fails(error, places)) from error
        refused = [m for place in places if place.tensor in outputs for m in place.check(outputs[place.tensor])]
        if refused:
            raise RunError(*refused)
        names = [name for name in names if name not in self.hidden]
        seconds: list[float] = []
        while len(seconds) < repeat and sum(seconds) < limit:
            start = time.perf_counter()
            self.ort.run(names, feeds)
            seconds.append(time.perf_counter() - start)
        return Run({name: outputs[name] for name in names}, self.device, self.note, tuple(seconds))

    def _places(self, feeds: Mapping[str, Array]) -> list[Places]:
        """The tensors of places. Raises `RunError` for an input that holds one that is not there."""
        sizes = guards_of(self.meta).sizes({name: array.shape for name, array in feeds.items()})
        places = places_of(self.meta, sizes)
        refused = [m for p in places if p.tensor in feeds for m in p.check(feeds[p.tensor], p.tensor)]
        if refused:
            raise RunError(*refused)
        return places


def run(
    model: OnnxModel | onnx.ModelProto | str | Path, inputs: Inputs, device: Device = "auto", repeat: int = 0
) -> Run:
    """Load a graph and run it once, then `repeat` times for the clock. Raises `RunError`."""
    return load(model, device).run(inputs, repeat)


def load(model: OnnxModel | onnx.ModelProto | str | Path, device: Device = "auto") -> Session:
    """A session on the device.

    `cuda` raises `RunError` unless every node runs there; `auto` takes it if so, else the CPU.
    """
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise RunError(NotInstalled("onnxruntime", "cpu", "running a network")) from error
    hidden: frozenset[str] = frozenset()
    skipped: list[str] = []
    if isinstance(model, OnnxModel):
        # onnxruntime 1.30's pass for blocked convolutions ends the process at some graphs of 16 bits (a GRU's state
        # that attention reads), which gain nothing by it.
        skipped = ["NchwcTransformer"] if any(is_half(info.dtype) for info in model.graph.values.values()) else []
        results, model = set(model.graph.outputs), watched(model)
        hidden = frozenset(model.graph.outputs.keys() - results)
    with _source(model) as source:
        note = ""
        if device != "cpu":
            try:
                return _session(_on_cuda(ort, source), "cuda", hidden)
            except RunError as error:
                if device == "cuda":
                    raise
                if _CUDA in ort.get_available_providers():
                    note = error.mistakes[0].message
        options = ort.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is said by the mistake
        try:
            session = ort.InferenceSession(source, options, providers=[_CPU], disabled_optimizers=skipped)
        except Exception as error:
            raise RunError(_why_fails(error, [])) from error
        return _session(session, "cpu", hidden, note)


def _on_cuda(ort: Any, source: bytes | str) -> Any:
    """onnxruntime's session with every node on the GPU; onnxruntime would else go on silently on the CPU."""
    if _CUDA not in ort.get_available_providers():
        raise RunError(NoCuda("this onnxruntime was built without it (`onnxruntime-gpu` has it)"))
    with _quiet(ort):
        missing = _missing_libraries(ort)
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        try:
            session = ort.InferenceSession(source, options, providers=[_CUDA])
        except Exception as error:  # onnxruntime's own exception classes share no public base
            session, why = _with_sizes_on_cpu(ort, source, missing, error)
            if why is not None:
                raise RunError(why) from error
    if session.get_providers()[0] != _CUDA:
        raise RunError(NoCuda(missing or NO_DRIVER))
    return session


NO_DRIVER = "its CUDA libraries or the driver are missing, or of another version"


def _missing_libraries(ort: Any) -> str:
    """Load the CUDA libraries of the nvidia packages; which of them are missing, as far as onnxruntime prints it."""
    if not hasattr(ort, "preload_dlls"):
        return ""
    with redirect_stdout(StringIO()) as printed:
        ort.preload_dlls()
    names = dict.fromkeys(re.findall(r"Failed to load (\S+?):", printed.getvalue()))
    return f"{', '.join(names)} cannot be loaded" if names else ""


def _with_sizes_on_cpu(ort: Any, source: bytes | str, missing: str, error: Exception) -> tuple[Any, Mistake | None]:
    """A session with every node on the GPU but those that compute sizes, which onnxruntime keeps on the CPU on purpose.

    Else why there is none: the nodes on the CPU where onnxruntime may use it as well.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    first_line = str(error).partition("\n")[0] or type(error).__name__
    try:
        session = ort.InferenceSession(source, options, providers=[_CUDA, _CPU])
        if session.get_providers()[0] != _CUDA:
            return None, NoCuda(missing or NO_DRIVER)
        parts = session.get_provider_graph_assignment_info()
    except Exception:  # an older onnxruntime cannot say, or the graph does not load at all
        return None, NoCuda(first_line)
    nodes = [node for part in parts if part.ep_name != _CUDA for node in part.get_nodes()]
    left = [node for node in nodes if node.op_type not in SIZE_KINDS]
    if left:
        return None, LeavesGpu(tuple(f"{node.name} ({node.op_type})" for node in left))
    return (session, None) if nodes else (None, NoCuda(first_line))


@contextmanager
def _quiet(ort: Any) -> Iterator[None]:
    """Silence onnxruntime's own log: what matters of it is in our message."""
    ort.set_default_logger_severity(4)
    try:
        yield
    finally:
        ort.set_default_logger_severity(2)  # onnxruntime's default: warnings


def _session(session: Any, device: str, hidden: frozenset[str], note: str = "") -> Session:
    return Session(session, device, note, dict(session.get_modelmeta().custom_metadata_map), hidden)


def _why_fails(error: Exception, places: Sequence[Places]) -> Mistake:
    """What onnxruntime says of a failure, without its codes; a place that is not there in our own words."""
    text = str(error)
    node = re.search(r"Name:'([^']*)'", text)
    name = node[1] if node else ""
    for place in places:
        if place.node == name and re.search(r"out of (data bounds|range)|invalid ind", text, re.IGNORECASE):
            value = re.search(r"(?:idx|index) ?= ?(-?\d+)", text)
            return place.mistake(int(value[1]) if value else None)
    reason = text.rpartition("Status Message: ")[2] or type(error).__name__
    reason = re.sub(r"^(\[ONNXRuntimeError\] : \d+ : \w+ : |.*?\.(cc|h|cpp):\d+ \S+ )", "", reason.strip())
    return RuntimeFails(reason.partition("\n")[0].rstrip("."), name.partition("/")[0])


@contextmanager
def _source(model: OnnxModel | onnx.ModelProto | str | Path) -> Iterator[bytes | str]:
    """What a session loads: a path, or the bytes; a model too large for those lies in a temporary folder."""
    if isinstance(model, str | Path):
        yield str(model)
    elif not isinstance(model, OnnxModel):
        yield model.SerializeToString()
    elif model.weight_bytes <= INLINE_LIMIT:
        yield model.data()
    else:
        with tempfile.TemporaryDirectory(prefix="dslc-") as folder:
            path = Path(folder) / "model.onnx"
            save(model, path)
            yield str(path)


# ---- inputs


def prepare(session: Session, inputs: Inputs) -> dict[str, Array]:
    """The inputs by name, in the element types that the graph takes; every shape and size checked."""
    wanted = session.inputs
    if not isinstance(inputs, Mapping):
        if len(inputs) != len(wanted):
            raise RunError(WrongInputs(f"{len(inputs)} array{'s' * (len(inputs) != 1)}", tuple(wanted)))
        inputs = dict(zip(wanted, inputs, strict=True))
    if set(inputs) != set(wanted):
        raise RunError(WrongInputs(", ".join(f"`{name}`" for name in inputs) or "nothing", tuple(wanted)))
    feeds = {name: _typed(name, np.asarray(inputs[name]), wanted[name][1]) for name in wanted}
    _check_shapes({name: shape for name, (shape, _) in wanted.items()}, feeds, guards_of(session.meta))
    return feeds


def _typed(name: str, array: Array, wanted: str) -> Array:
    kinds = {"float32": "fiub", "float16": "fiub", "int64": "iu", "int32": "iu", "bool": "b"}
    if array.dtype.kind not in kinds[wanted]:
        raise RunError(WrongInputType(name, array.dtype.name, wanted))
    return np.ascontiguousarray(array, wanted).reshape(array.shape)


def _check_shapes(wanted: Mapping[str, tuple[int | str, ...]], feeds: Mapping[str, Array], guards: Guards) -> None:
    """Raise `RunError` for inputs that the graph, or the network, is not made for.

    Where only sizes with a name differ, and the network allows those given, the mistake says how to build it for them.
    """
    sizes: dict[str, int] = {}
    wrong = {name: _differing(name, feeds[name].shape, shape, sizes) for name, shape in wanted.items()}
    shapes = {name: array.shape for name, array in feeds.items()}
    named = all((name, axis) in guards.read for name, axes in wrong.items() for axis in axes)
    refused = guards.refused(shapes) if named else []
    if refused:
        raise RunError(*refused)
    for name, axes in wrong.items():
        if axes:
            asked = guards.sizes(shapes) if named else {}
            built = {symbol: wanted[at][axis] for symbol, (at, axis) in guards.places.items()}
            others = tuple((symbol, size) for symbol, size in asked.items() if isinstance(built[symbol], int))
            given = tuple((symbol, size) for symbol, size in others if size != built[symbol])
            raise RunError(WrongInputShape(name, shapes[name], wanted[name], sizes=given))


def _differing(
    name: str, shape: tuple[int, ...], wanted: tuple[int | str, ...], sizes: dict[str, int]
) -> tuple[int, ...]:
    """The axes on which a shape has another number than the graph; binds the names of the open ones.

    Raises `RunError` for another rank, no size at all, and one name with two sizes.
    """
    if len(shape) != len(wanted):
        raise RunError(WrongInputShape(name, shape, wanted))
    if 0 in shape:
        raise RunError(WrongInputShape(name, shape, wanted, "a size is at least 1"))
    for size, extent in zip(shape, wanted, strict=True):
        if isinstance(extent, str) and sizes.setdefault(extent, size) != size:
            raise RunError(WrongInputShape(name, shape, wanted, f"{extent} is {sizes[extent]}"))
    return tuple(a for a, extent in enumerate(wanted) if isinstance(extent, int) and shape[a] != extent)


def image_size(session: Session) -> tuple[str, int, int, int]:
    """(name, channels, height, width) of the image a network takes: its first input; a symbol has its
    default.
    """
    name, (shape, dtype) = next(iter(session.inputs.items()))
    defaults = json.loads(session.meta.get("dslc.sizes", "{}"))
    known = [defaults.get(extent) if isinstance(extent, str) else extent for extent in shape]
    if len(known) != 4 or dtype != "float32" or known[1] not in MODES or None in known[2:]:
        raise RunError(NoImageInput(name, shape))
    return name, known[1], known[2], known[3]


# ---- results


def top(scores: Array, k: int = 5) -> list[list[tuple[int, float]]]:
    """Per row of [N, classes]: the k largest as (class, probability), by softmax unless the rows already are
    one.
    """
    rows = np.asarray(scores, np.float64)
    sums = rows.sum(axis=1, keepdims=True)
    if rows.min(initial=0.0) < 0 or not np.allclose(sums, 1, atol=1e-3):
        rows = np.exp(rows - rows.max(axis=1, keepdims=True))
        rows /= rows.sum(axis=1, keepdims=True)
    order = np.argsort(-rows, axis=1, kind="stable")[:, :k]
    return [[(int(i), float(row[i])) for i in best] for row, best in zip(rows, order, strict=True)]
