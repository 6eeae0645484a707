"""Our ONNX graphs on a CUDA card: right first, then how fast, beside torch and its own exporter.

    python -m benchmarks.gpu prepare build/gpu              # here, with dslc: graphs and modules of 20 networks
    python gpu.py run build/gpu --minutes 8.5               # there, without: torch, numpy, onnx, onnxruntime-gpu
    python gpu.py run build/gpu --provider cpu              # the same without a card; what the tests do

`prepare` writes for each network the static graph in float32 and in float16, the graph with all sizes open in both, the
generated module, and what torch.onnx.export makes of it. Weights are left out: `run` makes them anew, the same for
every run, so that all of it is a few megabytes.

`run` holds on the CUDA provider (no node may leave the card: session.disable_cpu_ep_fallback): float32 without TF32
against the CPU's float32 within 1e-4 of the largest result, float16 within 1e-2; open graphs at two sizes. Then it
times batch 1 and 32 in float16, inputs and results on the card (IOBinding): our graph plain and as a CUDA graph, the
exported one, torch eager and torch.compile. What does not fit into `--minutes` says so. Results are written as they
come, as JSON; the table is printed at the end. Exit status 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import math
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx

NETS = {
    "resnet50": "resnet.dl",
    "resnext50_32x4d": "resnet.dl",
    "vgg16": "vgg.dl",
    "alexnet": "alexnet.dl",
    "mobilenet_v2": "mobilenet_v2.dl",
    "mobilenet_v3_large": "mobilenet_v3.dl",
    "efficientnet_b0": "efficientnet.dl",
    "densenet121": "densenet.dl",
    "googlenet": "googlenet.dl",
    "inception_v3": "inception_v3.dl",
    "squeezenet1_1": "squeezenet.dl",
    "shufflenet_v2_x1_0": "shufflenet_v2.dl",
    "regnet_y_400mf": "regnet.dl",
    "mnasnet1_0": "mnasnet.dl",
    "convnext_tiny": "convnext.dl",
    "swin_t": "swin.dl",
    "vit_b_16": "vit.dl",
    "mixer_s16": "mlp_mixer.dl",
    "unet": "unet.dl",
    "bert_base": "bert.dl",
}
BATCHES = (1, 32)
LIMITS = {"float32": 1e-4, "float16": 1e-2}
LARGE = 1024
"""Elements from which on a weight is left out of a file, and made anew by `run`."""

Array = np.ndarray[Any, np.dtype[Any]]
Feeds = dict[str, Array]
Json = dict[str, Any]


# ---- prepare: with dslc, on any machine


def prepare(folder: Path, nets: Mapping[str, Path], *, export: bool = True, batches: Iterable[int] = BATCHES) -> None:
    """Write the folder that `run` takes. `nets`: names of nets, and the files they are in."""
    from dslc.api import compile_model
    from dslc.backends.onnx.emit import emit
    from dslc.backends.torch.emit import emit as module_text
    from dslc.diagnostics.model import CompileError
    from dslc.types.tensor import DType
    from dslc.weights.init import initial

    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, Json] = {}
    for net, source in nets.items():
        model = compile_model(source, net=net)
        sizes = model.sizes
        batch = next(iter(sizes.universal), None)
        symbols = [name for name in sizes.default if name not in sizes.pins]
        weights = initial(model.params)
        try:
            emit(model, weights, dynamic=symbols)
        except CompileError as error:  # an op without a form in ONNX for open sizes of maps
            print(f"{net}: only its batch is open: {first_line(error)}", flush=True)
            symbols = [batch] if batch else []
        for dtype in (DType.FLOAT32, DType.FLOAT16):
            for kind, dynamic in (("static", []), ("open", symbols)):
                proto = emit(model, weights, dynamic=dynamic, dtype=dtype).proto()
                write_light(proto, folder / f"{net}.{kind}.{dtype.value}.onnx")
        (folder / f"{net}.py").write_text(module_text(model), encoding="utf-8")
        index[net] = {
            "sizes": dict(sizes.default),
            "other": {**other_sizes(source, net, symbols), **({batch: 3} if batch else {})},
            "batch": batch,
            "symbols": symbols,
            "exported": export_all(folder, net, batches if batch else (1,)) if export else {},
        }
        print(f"prepared {net}, open in {', '.join(symbols) or 'nothing'}", flush=True)
    (folder / "index.json").write_text(json.dumps({"nets": index, "batches": list(batches)}, indent=1), "utf-8")


def other_sizes(source: Path, net: str, symbols: Iterable[str]) -> dict[str, int]:
    """The next sizes that a net allows above its defaults; the defaults where it takes none that are found so."""
    from dslc.api import compile_model
    from dslc.diagnostics.model import CompileError

    sizes = compile_model(source, net=net).sizes
    own = [name for name in symbols if name not in sizes.universal]
    found = dict(sizes.default)
    for name in own:
        allowed = (n for n in range(found[name] + 1, 2 * found[name] + 64) if n in sizes.domain[name])
        found[name] = next(allowed, found[name])
    try:
        compile_model(source, net=net, sizes={name: found[name] for name in own})
    except CompileError:
        return dict(sizes.default)
    return found


def export_all(folder: Path, net: str, batches: Iterable[int]) -> dict[str, str]:
    """What torch.onnx.export makes of the generated module in float16, for each batch: ok, or why not."""
    import torch

    found = {}
    static = onnx.load(str(folder / f"{net}.static.float16.onnx"), load_external_data=False)
    for batch in batches:
        module = torch_module(folder, net).half()
        feeds = {name: torch.from_numpy(x) for name, x in inputs(static, {}, batch=batch).items()}
        path = folder / f"{net}.exported.{batch}.onnx"
        try:
            program = torch.onnx.export(module, tuple(feeds.values()), dynamo=True, verbose=False)
            assert program is not None
            write_light(program.model_proto, path)
            found[str(batch)] = "ok"
        except Exception as error:  # whatever the exporter raises is its answer
            found[str(batch)] = first_line(error)
    return found


def write_light(proto: onnx.ModelProto, path: Path) -> None:
    """Write a graph whose large weights are only named: `run` makes them in a file beside it."""
    end = 0
    for tensor in proto.graph.initializer:
        if tensor.data_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16) or len(tensor.dims) < 2:
            continue
        count = math.prod(tensor.dims)
        if count < LARGE:
            continue
        length = count * (4 if tensor.data_type == onnx.TensorProto.FLOAT else 2)
        name, dims, kind = tensor.name, list(tensor.dims), tensor.data_type
        tensor.Clear()
        tensor.name, tensor.data_type, tensor.data_location = name, kind, onnx.TensorProto.EXTERNAL
        tensor.dims.extend(dims)
        for key, value in (("location", weights_file(path).name), ("offset", end), ("length", length)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
        end += -(-length // 4096) * 4096  # a multiple that onnxruntime can map
    path.write_bytes(proto.SerializeToString())


# ---- run: what a graph is fed with, and its weights


def weights_file(path: Path) -> Path:
    return path.with_suffix(".bin")


def fill(path: Path) -> Path:
    """Make the weights of a graph; its path. The same name and shape have the same numbers in every graph."""
    target = weights_file(path)
    if target.exists():
        return path
    proto = onnx.load(str(path), load_external_data=False)
    with target.open("wb") as file:
        for tensor in proto.graph.initializer:
            if tensor.data_location != onnx.TensorProto.EXTERNAL:
                continue
            dims = tuple(tensor.dims)
            fan = max(dims) if len(dims) == 2 else math.prod(dims[1:])
            draw = np.random.default_rng(zlib.crc32(tensor.name.encode()))
            array = draw.standard_normal(dims, np.float32) * np.float32(fan**-0.5)
            entries = {entry.key: entry.value for entry in tensor.external_data}
            file.seek(int(entries["offset"]))
            kind = np.float32 if tensor.data_type == onnx.TensorProto.FLOAT else np.float16
            file.write(array.astype(kind).tobytes())
        file.truncate(max(file.tell(), 1))
    return path


def inputs(proto: onnx.ModelProto, sizes: Mapping[str, int], batch: int | None = None) -> Feeds:
    """Random inputs of a graph; floats from N(0, 1), whole numbers 0 or 1. `batch`: the first extent of all."""
    feeds: Feeds = {}
    for value in proto.graph.input:
        kind = value.type.tensor_type
        dims = [extent(d, sizes) for d in kind.shape.dim]
        if batch is not None and dims:
            dims[0] = batch
        draw = np.random.default_rng(len(dims))
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        if dtype.kind == "f":
            feeds[value.name] = draw.standard_normal(dims, np.float32).astype(dtype)
        else:
            feeds[value.name] = (draw.integers(0, 2, dims) if dtype.kind in "iu" else np.ones(dims)).astype(dtype)
    return feeds


def extent(dim: Any, sizes: Mapping[str, int]) -> int:
    """An extent of an input: a number, or one of `sizes` (1 for a name that is not among them)."""
    return sizes.get(dim.dim_param, 1) if dim.HasField("dim_param") else int(dim.dim_value)


def session(path: Path, provider: str, *, graphs: bool = False, tf32: bool = False) -> Any:
    """A session with every node on the provider. Raises where one is not, and says which."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    if provider == "cpu":
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    settings = {
        "use_tf32": str(int(tf32)),
        "enable_cuda_graph": str(int(graphs)),
        "cudnn_conv_algo_search": "HEURISTIC",
    }
    made = ort.InferenceSession(str(path), options, providers=[("CUDAExecutionProvider", settings)])
    if made.get_providers()[0] != "CUDAExecutionProvider":
        raise RuntimeError("onnxruntime has no CUDA here: its libraries or the driver are missing")
    return made


def distance(found: list[Array], wanted: list[Array]) -> float:
    """The largest difference, as a part of the largest number that is wanted; infinite for what is not finite."""
    worst = 0.0
    for a, b in zip(found, wanted, strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if a.shape != b.shape or not np.isfinite(a).all():
            return math.inf
        worst = max(worst, float(np.abs(a - b).max(initial=0.0) / max(np.abs(b).max(initial=0.0), 1e-6)))
    return worst


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


# ---- run: is it right


def checked(folder: Path, net: str, facts: Json, provider: str) -> Json:
    """Of each graph how far its results are from the CPU's float32, or why it does not run."""
    found: Json = {}
    for kind, cases in (("static", [facts["sizes"]]), ("open", [facts["sizes"], facts["other"]])):
        reference = fill(folder / f"{net}.{kind}.float32.onnx")
        proto = onnx.load(str(reference), load_external_data=False)
        feeds = [inputs(proto, sizes) for sizes in cases]
        cpu = session(reference, "cpu")
        wanted = [cpu.run(None, given) for given in feeds]
        for dtype, limit in LIMITS.items():
            names = [f"{kind} {dtype}", f"{kind} {dtype} elsewhere"][: len(cases)]
            try:
                made = session(fill(folder / f"{net}.{kind}.{dtype}.onnx"), provider)
                for name, given, right in zip(names, feeds, wanted, strict=True):
                    typed = {k: x.astype(dtype) if x.dtype.kind == "f" else x for k, x in given.items()}
                    away = distance(made.run(None, typed), right)
                    found[name] = {"away": away, "ok": bool(away <= limit)}
            except Exception as error:  # a session that cannot be made or run is a finding
                found |= {name: {"why": first_line(error), "ok": False} for name in names if name not in found}
    return found


# ---- run: how fast is it


def timed(run: Callable[[], object], wait: Callable[[], object], seconds: float) -> float:
    """Median milliseconds of a run, in rounds of some 20 ms, after a first round."""
    start = time.perf_counter()
    run()
    wait()
    each = max(time.perf_counter() - start, 1e-6)
    rounds: list[float] = []
    count = max(1, min(100, int(0.02 / each)))
    begin = time.perf_counter()
    while len(rounds) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        for _ in range(count):
            run()
        wait()
        rounds.append((time.perf_counter() - start) / count)
    return statistics.median(rounds) * 1e3


def bound_time(path: Path, feeds: Feeds, provider: str, seconds: float, *, graphs: bool = False) -> float:
    """Milliseconds of a run with inputs and results on the device, at fixed places."""
    import onnxruntime as ort

    made = session(path, provider, graphs=graphs, tf32=True)
    device = "cuda" if provider == "cuda" else "cpu"
    binding = made.io_binding()
    for name, x in feeds.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(x, device, 0))
    plain = session(path, provider) if graphs else made  # one that records must run bound from the first time on
    shapes = [(np.asarray(y).shape, np.asarray(y).dtype) for y in plain.run(None, feeds)]
    del plain
    for output, (shape, dtype) in zip(made.get_outputs(), shapes, strict=True):
        place = ort.OrtValue.ortvalue_from_shape_and_type(shape, dtype, device, 0)
        binding.bind_ortvalue_output(output.name, place)
    for _ in range(3):  # kernels are chosen, memory is taken; a CUDA graph is recorded
        made.run_with_iobinding(binding)
    return timed(lambda: made.run_with_iobinding(binding), binding.synchronize_outputs, seconds)


def torch_module(folder: Path, net: str) -> Any:
    """The generated module with torch's own first weights, in evaluation mode: its root class is the last one."""
    import torch

    path = folder / f"{net}.py"
    spec = importlib.util.spec_from_file_location(f"gpu_{net}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, torch.nn.Module)]
    own = [c for c in classes if c.__module__ == spec.name]
    return own[-1]().eval()


def torch_time(folder: Path, net: str, feeds: Feeds, provider: str, seconds: float, *, compiled: bool) -> float:
    """Milliseconds of a run of the generated module, eager or compiled (with CUDA graphs)."""
    import torch

    device = "cuda" if provider == "cuda" else "cpu"
    module = torch_module(folder, net).to(device)
    kind = torch.float16 if provider == "cuda" else torch.float32
    module = module.to(kind)
    given = [torch.from_numpy(x).to(device) for x in feeds.values()]
    given = [x.to(kind) if x.is_floating_point() else x for x in given]
    if compiled:
        module = torch.compile(module, mode="reduce-overhead")
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    with torch.inference_mode():
        for _ in range(3):
            module(*given)
        return timed(lambda: module(*given), wait, seconds)


WAYS = ("ours", "ours, CUDA graph", "exported", "eager", "compiled")
FIRST = ("ours", "ours, CUDA graph", "exported", "eager")


def time_of(way: str, folder: Path, net: str, facts: Json, batch: int, provider: str, seconds: float) -> float:
    """Milliseconds of one way to run a net at a batch. Raises what it raises."""
    dtype = "float16" if provider == "cuda" else "float32"
    kind = "static" if batch == 1 else "open"
    path = folder / f"{net}.{kind}.{dtype}.onnx"
    sizes = {**facts["sizes"], **({facts["batch"]: batch} if facts["batch"] else {})}
    feeds = inputs(onnx.load(str(path), load_external_data=False), sizes)
    if way in ("eager", "compiled"):
        return torch_time(folder, net, feeds, provider, seconds, compiled=way == "compiled")
    if way == "exported":
        path = folder / f"{net}.exported.{batch}.onnx"
        why = facts["exported"].get(str(batch), "not exported")
        if why != "ok":
            raise RuntimeError(why)
        exported = onnx.load(str(path), load_external_data=False)
        feeds = dict(zip((i.name for i in exported.graph.input), feeds.values(), strict=True))
        kinds = [onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type) for i in exported.graph.input]
        feeds = {name: x.astype(k) for (name, x), k in zip(feeds.items(), kinds, strict=True)}
    return bound_time(fill(path), feeds, provider, seconds, graphs=way.endswith("graph"))


# ---- run: all of it


def run(folder: Path, provider: str, minutes: float, seconds: float, out: Path) -> bool:
    """Check all nets, then time them as long as there is time; whether all are right."""
    index = json.loads((folder / "index.json").read_text("utf-8"))
    end = time.monotonic() + 60 * minutes
    found: Json = {"provider": provider, "versions": versions(), "device": device_name(provider), "nets": {}}
    nets: dict[str, Json] = index["nets"]
    for net, facts in nets.items():
        late = time.monotonic() > end
        here = found["nets"][net] = {"checks": {} if late else checked(folder, net, facts, provider), "times": {}}
        if late:
            here["checks"] = {"all": {"why": "no time left", "ok": False}}
        wrong = [f"{name}: {said(check)}" for name, check in here["checks"].items() if not check["ok"]]
        print(f"{net}: {'; '.join(wrong) or 'right'}", flush=True)
        clean(folder, out, found)
    ways = WAYS if provider == "cuda" else ("ours", "exported", "eager")
    turns = [(way, net) for net in nets for way in ways if way in FIRST]
    turns += [(way, net) for net in nets for way in ways if way not in FIRST]  # compiling takes longest: at the end
    before = None
    for way, net in turns:
        if net != before:
            clean(folder, out, found)
        before = net
        for batch in index["batches"]:
            if batch > 1 and not nets[net]["batch"]:
                continue
            times = found["nets"][net]["times"].setdefault(str(batch), {})
            if time.monotonic() > end:
                times[way] = "no time left"
                continue
            try:
                times[way] = time_of(way, folder, net, nets[net], batch, provider, seconds)
            except Exception as error:  # a way that does not run is a finding, and no end of the others
                times[way] = first_line(error)
    clean(folder, out, found)
    print(table(found, ways))
    return all(check["ok"] for net in found["nets"].values() for check in net["checks"].values())


def clean(folder: Path, out: Path, found: Json) -> None:
    """Keep what was found; drop weights, and what is left on the card."""
    out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for file in folder.glob("*.bin"):
        file.unlink()
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and found["provider"] == "cuda":
        torch.compiler.reset()
        torch.cuda.empty_cache()


def said(check: Json) -> str:
    return check["why"] if "why" in check else f"{check['away']:.1e} away"


def table(found: Json, ways: Iterable[str]) -> str:
    """The times in ms as Markdown; a dash where there is none, with the reasons below."""
    ways = list(ways)
    lines = [f"{found['device']}, {found['versions']}", ""]
    lines += [f"| net | batch | right | {' | '.join(ways)} |", "|---|---|---|" + "---|" * len(ways)]
    reasons = []
    for net, here in found["nets"].items():
        right = f"{sum(c['ok'] for c in here['checks'].values())} of {len(here['checks'])}"
        for batch, times in here["times"].items():
            cells = [f"{times[way]:.3f}" if isinstance(times.get(way), float) else "-" for way in ways]
            lines.append(f"| {net} | {batch} | {right} | {' | '.join(cells)} |")
            reasons += [f"{net}, batch {batch}, {way}: {why}" for way, why in times.items() if isinstance(why, str)]
    return "\n".join([*lines, "", *reasons])


def versions() -> Json:
    import onnxruntime
    import torch

    return {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__}


def device_name(provider: str) -> str:
    if provider == "cpu":
        return "CPU"
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "no card"


def main() -> None:
    parser = argparse.ArgumentParser(description="Our graphs on a CUDA card, beside torch and its exporter.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    first = verbs.add_parser("prepare", help="write graphs and modules; needs dslc")
    first.add_argument("folder", type=Path)
    first.add_argument("nets", nargs="*", choices=[*NETS, []], help="which nets (all)")
    first.add_argument("--no-export", action="store_true", help="without torch.onnx.export's graphs")
    second = verbs.add_parser("run", help="check and time what prepare wrote; needs torch, onnx and onnxruntime")
    second.add_argument("folder", type=Path)
    second.add_argument("--provider", choices=["cuda", "cpu"], default="cuda")
    second.add_argument("--minutes", type=float, default=8.5, help="when to stop (8.5)")
    second.add_argument("--seconds", type=float, default=0.3, help="how long each time is taken (0.3)")
    second.add_argument("--json", type=Path, help="where to write what was found (FOLDER/result.json)")
    options = parser.parse_args()
    if options.verb == "prepare":
        examples = Path(__file__).resolve().parent.parent / "examples"
        nets = {net: examples / NETS[net] for net in options.nets or NETS}
        prepare(options.folder, nets, export=not options.no_export)
        return
    import_module("torch")  # its CUDA libraries are those that onnxruntime takes

    out = options.json or options.folder / "result.json"
    sys.exit(0 if run(options.folder, options.provider, options.minutes, options.seconds, out) else 1)


if __name__ == "__main__":
    main()
