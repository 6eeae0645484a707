"""What makes a network hard to train, by thresholds that were chosen on networks known to be bad and good.

Chosen on the example networks and on 17 perceptrons that were trained (10 classes, 150 steps): each flagged one stayed
below 0.11 with SGD; no flag is no promise. A verdict says "hard to train, above all with SGD", never "will not train".
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from dslc.analysis.signal.result import LayerSignal, MemorySignal, NetworkSignal, Verdict, WeightSignal
from dslc.record import replace

CONSTANT, VANISHING, EXPLODING, LARGEST, SMALLEST = 1e-4, 3.0, -4.0, 1e3, 1e-5

SOURCES = {
    "constant output": "Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232",
    "vanishing gradient": "Glorot and Bengio 2010; Hochreiter et al. 2001",
    "exploding gradient": "Pascanu et al. 2013, arXiv:1211.5063; Yang et al. 2019, arXiv:1902.08129",
    "exploding values": "He et al. 2015, arXiv:1502.01852; Hanin and Rolnick 2018, arXiv:1803.01719",
    "vanishing values": "He et al. 2015, arXiv:1502.01852",
    "short memory": "Bengio et al. 1994; Chen et al. 2018, arXiv:1806.05394",
}


def ratio_of(weights: Sequence[WeightSignal], matrices: Sequence[str]) -> float | None:
    """log10 of the median relative gradient of the last tenth of the matrices over that of the first tenth."""
    by_path = {weight.path: weight.update for weight in weights}
    updates = [value for path in matrices if (value := by_path.get(path)) is not None and value > 0]
    if len(updates) < 2:
        return None
    tenth = max(len(updates) // 10, 1)
    first, last = statistics.median(updates[:tenth]), statistics.median(updates[-tenth:])
    return math.log10(last) - math.log10(first)


def verdicts(found: NetworkSignal) -> NetworkSignal:
    """The answer with its verdicts; none where a gap leaves something unknown."""
    notes = [
        f"`{one.path}` forgets within {one.steps} of {one.length} steps"
        for one in found.memory
        if one.steps is not None and one.steps < one.length and one.op != "rnn"
    ]
    if found.gaps:
        return replace(found, notes=tuple(notes))
    judged: list[Verdict] = []
    if found.varies is not None and found.varies * found.averaged < CONSTANT:
        words = f"hard to train: at the start {found.varies:.0e} of the output depends on the input"
        judged.append(_verdict("constant output", found.varies, CONSTANT, _first(found, _flat), words))
    if found.ratio is not None and found.ratio > VANISHING:
        words = f"hard to train: the first layers learn 10^{found.ratio:.1f} times as slowly as the last"
        judged.append(_verdict("vanishing gradient", found.ratio, VANISHING, _last(found, 1e-3), words))
    if found.ratio is not None and found.ratio < EXPLODING:
        words = f"hard to train: gradients grow by 10^{-found.ratio:.1f} from the last layers to the first"
        judged.append(_verdict("exploding gradient", found.ratio, EXPLODING, _last(found, 1e3), words))
    if not found.largest <= LARGEST:  # not a number is too large too
        words = f"hard to train: values grow to {found.largest:.1e}"
        judged.append(_verdict("exploding values", found.largest, LARGEST, _first(found, _huge), words))
    if found.result is not None and 0 < found.result < SMALLEST:  # a head that begins at 0 is meant
        words = f"hard to train: {found.result:.1e} is left of values at the results"
        judged.append(_verdict("vanishing values", found.result, SMALLEST, _first(found, _tiny), words))
    judged += [_forgets(one) for one in found.memory if one.op == "rnn" and _short(one)]
    return replace(found, verdicts=tuple(judged), notes=tuple(notes))


def _short(one: MemorySignal) -> bool:
    return one.steps is not None and one.steps < one.length


def _forgets(one: MemorySignal) -> Verdict:
    words = f"hard to train: gradients pass {one.steps} of {one.length} steps before 1/1000 is left"
    return _verdict("short memory", float(one.steps or 0), float(one.length), one.path, words)


def _verdict(kind: str, value: float, threshold: float, path: str, words: str) -> Verdict:
    return Verdict(kind, value, threshold, SOURCES[kind], path, words)


def _flat(layer: LayerSignal) -> bool:
    return layer.rms > 0 and layer.varies < CONSTANT


def _huge(layer: LayerSignal) -> bool:
    return not layer.rms <= LARGEST


def _tiny(layer: LayerSignal) -> bool:
    return 0 < layer.rms < SMALLEST


def _first(found: NetworkSignal, test: Callable[[LayerSignal], bool]) -> str:
    return next((layer.path for layer in found.layers if test(layer)), "")


def _last(found: NetworkSignal, share: float) -> str:
    """The layer nearest to the results whose gradient is below this share of theirs, or above it if it is above 1."""
    known = [layer for layer in reversed(found.layers) if layer.gradient]
    if not known:
        return ""
    top = known[0].gradient or 1.0
    for layer in known:
        by = (layer.gradient or 0.0) / top
        if by < share < 1 or by > share > 1:
            return layer.path
    return known[-1].path
