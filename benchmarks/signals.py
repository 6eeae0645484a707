"""How near the signal analysis comes to what torch measures: values and gradients at initialisation.

    python benchmarks/signals.py --measured FILE        # measures what FILE lacks, up to a minute for each
    python benchmarks/signals.py --measured FILE --half seen --worst 5 resnet18

The networks were chosen before any was measured with these rules; those of HELD were not looked at while the first
rules were made, those of FRESH while any were. Errors are |log10(predicted RMS / measured RMS)|, measured as the root
mean square over initialisations, for inputs of white noise and an independent cotangent of unit variance at every
element of every float result. Left out: weights that a norm makes idle, and gradients below 1e-7 of their network's
median. Needs torch. (The file is not named `signal`: scripts of this folder would import it in place of Python's own
module.)
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Case:
    """A net of examples/ at a size at which a run takes seconds; `draws`: initialisations to average over at least."""

    file: str
    net: str
    args: dict[str, object] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    batch: int = 16
    draws: int = 6


IMAGE = {"H": 64, "W": 64}

SEEN = (
    Case("resnet", "resnet18", {}, IMAGE),
    Case("vgg", "vgg11", {}, IMAGE, 16, 24),
    Case("mobilenet_v2", "mobilenet_v2", {}, IMAGE),
    Case("densenet", "densenet121", {}, IMAGE),
    Case("googlenet", "googlenet", {}, {"H": 96, "W": 96}),
    Case("efficientnet", "efficientnet_b0", {}, IMAGE),
    Case("convnext", "convnext_tiny", {}, IMAGE),
    Case("deit", "deit_tiny", {}, IMAGE),
    Case("gpt2", "gpt2", {"depth": 6, "heads": 4, "width": 128, "vocab": 1000}, {"T": 64}),
    Case("autoencoder", "autoencoder", {}, {}, 32),
    Case("nin", "nin", {}, {"H": 96, "W": 96}, 16, 60),
    Case("regnet", "regnet_x_400mf", {}, IMAGE),
    Case("repvgg", "repvgg_a0", {}, IMAGE),
    Case("text_lstm", "text_lstm", {"words": 1000, "width": 128, "hidden": 128}, {"T": 24}, 32, 20),
    Case("lenet", "lenet", {}, {}, 32, 60),
)

HELD = (
    Case("alexnet", "alexnet", {}, {"H": 96, "W": 96}, 16, 40),
    Case("audio_m5", "m5", {}, {}, 16, 20),
    Case("bert", "bert", {"depth": 6, "heads": 4, "width": 128, "vocab": 1000}, {"T": 64}),
    Case("dcgan", "dcgan_discriminator", {}, {}, 32),
    Case("ghostnet", "ghostnet_050", {}, IMAGE),
    Case("inception_v3", "inception_v3", {}, {}, 16, 2),
    Case(
        "llama", "llama", {"depth": 6, "heads": 4, "groups": 2, "width": 128, "hidden": 384, "vocab": 1000}, {"T": 64}
    ),
    Case("mlp_mixer", "mlp_mixer", {"width": 128, "depth": 6}, IMAGE),
    Case("mnasnet", "mnasnet0_5", {}, IMAGE),
    Case("mobilenet_v3", "mobilenet_v3_small", {}, IMAGE),
    Case("resnet", "resnet50", {}, IMAGE),
    Case("shufflenet_v2", "shufflenet_v2_x0_5", {}, IMAGE),
    Case("squeezenet", "squeezenet1_1", {}, {"H": 96, "W": 96}, 16, 100),
    Case("swin", "swin_t", {}, {}, 16, 2),
    Case("unet", "unet", {"depth": 3, "width": 32}, IMAGE),
)

FRESH = (
    Case("mobilenet_v1", "mobilenet_v1_050", {}, IMAGE),
    Case("resnet_d", "resnet18d", {}, IMAGE),
    Case("attention_resnet", "eca_resnet18", {}, IMAGE),
    Case("attention_resnet", "cbam_resnet18", {}, IMAGE),
    Case("se_resnet", "se_resnet101", {}, IMAGE),
    Case("segmentation", "lraspp_mobilenet_v3_large", {}, IMAGE),
    Case("segmentation", "fcn_resnet50", {}, IMAGE),
    Case("video_resnet", "r3d_18", {}, {"T": 8, "H": 32, "W": 32}),
    Case("xception", "xception", {}, {"H": 96, "W": 96}),
    Case("dcgan", "dcgan_generator", {}, {}, 32),
    Case("regnet", "regnet_y_400mf", {}, IMAGE),
    Case("vgg", "vgg13_bn", {}, IMAGE),
    Case("resnet", "resnext50_32x4d", {}, IMAGE),
    Case("efficientnet", "efficientnet_v2_s", {}, IMAGE),
    Case("audio_m5", "m5_speech_commands", {}, {}),
)

Table: TypeAlias = dict[str, dict[str, float]]

Measured: TypeAlias = dict[str, Any]
"""`draws`; `tables`: of each table and name the mean square, and the standard error of log10 of its root."""

BARS = {"forward": (0.02, 0.1), "backward": (0.05, 0.25), "weights": (0.05, 0.25)}
"""Median and 95 % that each network should meet."""


def network(case: Case) -> Any:
    import dslc

    return dslc.compile(ROOT / "examples" / f"{case.file}.dl", case.net, sizes=case.sizes, **case.args)


def inputs(made: Any, case: Case) -> list[Any]:
    """White noise, indices of the first words, masks that hide nothing."""
    import torch

    found = []
    for name, port in made.inputs.items():
        shape = [case.batch if size is None else size for size in port.default]
        if port.dtype.startswith("int"):
            found.append(torch.randint(0, 2 if name == "segments" else 1000, shape))
        elif port.dtype == "bool":
            found.append(torch.ones(shape, dtype=torch.bool))
        else:
            found.append(torch.randn(shape))
    return found


def measure(case: Case, seconds: float) -> Measured:
    """Mean squares over draws: of the outputs of modules, of gradients at them, and of gradients of weights, each with
    the standard error of log10 of its root. Draws until these are below a third of the bars, at most so many seconds
    of processor.
    """
    import torch

    made = network(case)
    kind = made.load()
    sums: dict[str, dict[str, list[float]]] = {name: {} for name in BARS}

    def note(table: str, name: str, tensor: Any) -> None:
        value = float(tensor.double().square().mean())
        total = sums[table].setdefault(name, [0.0, 0.0])
        total[0] += value
        total[1] += value * value

    began, draws = time.process_time(), 0
    while True:
        torch.manual_seed(draws)
        module = kind().train()
        uses: Counter[str] = Counter()

        def keep(name: str, out: Any, uses: Counter[str] = uses) -> None:
            out = out[0] if isinstance(out, tuple) else out
            uses[name] += 1
            path = name if uses[name] == 1 else f"{name}@{uses[name]}"
            if torch.is_tensor(out) and out.is_floating_point():
                note("forward", path, out.detach())
                if out.requires_grad:
                    out.register_hook(lambda g: note("backward", path, g))

        for name, part in module.named_modules():
            if not list(part.children()):
                part.register_forward_hook(lambda _, __, out, name=name: keep(name, out))
        results = module(*inputs(made, case))
        results = [r for r in (results if isinstance(results, tuple) else (results,)) if r.is_floating_point()]
        torch.autograd.backward(results, [torch.randn_like(r) for r in results])
        for name, weight in module.named_parameters():
            if weight.grad is not None:
                note("weights", name, weight.grad)
        draws += 1
        spent = time.process_time() - began
        if draws > 1:
            found = {
                table: {name: of_draws(total, draws) for name, total in all.items()} for table, all in sums.items()
            }
            wide = {
                table: statistics.median(error for mean, error in all.values() if mean > 0)
                for table, all in found.items()
            }
            narrow = all(wide[table] < BARS[table][0] / 3 for table in ("forward", "backward"))
            if (draws >= case.draws and narrow) or spent * (draws + 1) / draws > seconds:
                return {"draws": draws, "seconds": round(spent, 1), "tables": found}


def of_draws(total: list[float], draws: int) -> tuple[float, float]:
    """The mean of squares over draws, and the standard error of log10 of its root."""
    mean = total[0] / draws
    var = max(total[1] / draws - mean * mean, 0.0) / (draws - 1)
    return mean, 0.5 / math.log(10) * math.sqrt(var) / mean if mean > 0 else 0.0


def predict(case: Case) -> tuple[Table, Any]:
    """The same by the rules, and the whole answer."""
    found = network(case).signal(batch=case.batch)
    table: Table = {
        "forward": {layer.path: layer.rms**2 for layer in found.layers},
        "backward": {layer.path: layer.gradient**2 for layer in found.layers if layer.gradient is not None},
        "weights": {weight.path: weight.gradient**2 for weight in found.weights if weight.gradient is not None},
    }
    return table, found


def errors(measured: dict[str, float], predicted: dict[str, float]) -> dict[str, float]:
    """log10 of predicted over measured RMS, of all names that both have."""
    values = [value for value in measured.values() if value > 0]
    least = 1e-14 * statistics.median(values) if values else 0.0
    return {
        name: 0.5 * math.log10(predicted[name] / value)
        for name, value in measured.items()
        if value > least and predicted.get(name, 0.0) > 0 and math.isfinite(value)
    }


def spread(found: dict[str, float]) -> tuple[float, float]:
    """Median and 95 % of absolute errors."""
    values = sorted(abs(x) for x in found.values())
    return (statistics.median(values), values[min(int(0.95 * len(values)), len(values) - 1)]) if values else (0.0, 0.0)


def report(case: Case, kept: Measured, worst: int) -> dict[str, tuple[float, float]]:
    """Print a row: of each table the median and 95 % of errors, and how many values were compared; then the median
    standard errors of what torch measured, forward and backward.
    """
    predicted, found = predict(case)
    measured = {table: {name: pair[0] for name, pair in all.items()} for table, all in kept["tables"].items()}
    wide = [
        statistics.median(error for mean, error in kept["tables"][table].values() if mean > 0)
        for table in ("forward", "backward")
    ]
    row: dict[str, tuple[float, float]] = {}
    words = []
    for table in BARS:
        own = errors(measured[table], predicted[table])
        row[table] = spread(own)
        words.append(f"{row[table][0]:.3f} {row[table][1]:.3f} ({len(own):3d} of {len(measured[table]):3d})")
        for name, error in sorted(own.items(), key=lambda item: -abs(item[1]))[:worst]:
            rms = math.sqrt(measured[table][name])
            print(f"    {table:9s} {name:46s} {error:+.3f}   measured {rms:.3e}")
    gaps = f"   gap: {found.gaps[0].path} {found.gaps[0].reason}" if found.gaps else ""
    least = f"draws {kept['draws']:3d}, standard error {wide[0]:.4f} {wide[1]:.4f}"
    print(f"{case.net:26s} {'   '.join(words)}   {least}   sensitivity {found.sensitivity:.1f}{gaps}", flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", help="these alone")
    parser.add_argument("--measured", type=Path, required=True, help="the file that keeps what was measured")
    parser.add_argument("--half", choices=("seen", "held", "fresh"), help="that half alone")
    parser.add_argument("--worst", type=int, default=0, help="print so many of the worst of each table")
    parser.add_argument("--seconds", type=float, default=60.0, help="of processor at most for each network")
    parser.add_argument("--only-measure", action="store_true")
    given = parser.parse_args()
    kept = json.loads(given.measured.read_text()) if given.measured.exists() else {}
    cases = {"seen": SEEN, "held": HELD, "fresh": FRESH}.get(given.half, SEEN + HELD + FRESH)
    rows: dict[str, dict[str, tuple[float, float]]] = {}
    for case in cases:
        if given.nets and case.net not in given.nets:
            continue
        if case.net not in kept:
            began = time.perf_counter()
            kept[case.net] = measure(case, given.seconds)
            given.measured.write_text(json.dumps(kept))
            print(f"{case.net}: measured in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        if not given.only_measure:
            rows[case.net] = report(case, kept[case.net], given.worst)
    for table, bars in BARS.items() if rows else ():
        met = sum(all(x <= bar for x, bar in zip(row[table], bars, strict=True)) for row in rows.values())
        print(f"{table}: {met} of {len(rows)} within {bars[0]} and {bars[1]}")


if __name__ == "__main__":
    main()
