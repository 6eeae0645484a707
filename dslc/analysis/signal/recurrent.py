"""Recurrent layers through time.

Forward the mean squares go from step to step, with the mean products of two samples beside them; what a cell carries
on correlates its places. Backward the weights are the same at each step, so that the orders of "carried on" and
"through the weights" interfere: not energies but amplitudes add. With d the RMS gain of what is carried on and a that
through the weights, alpha_j(k + 1) = d alpha_j(k) + a alpha_(j - 1)(k), and the energy after k steps is the sum of
alpha_j^2, about (d + a)^(2 k) (Chen et al. 2018, arXiv:1806.05394; Gilboa et al. 2019, arXiv:1901.08987, have the
energies).
"""

from __future__ import annotations

import math

from dslc.analysis.signal.laws import Law
from dslc.analysis.signal.quadrature import of_normal, of_pair
from dslc.analysis.signal.roles import Back, Use
from dslc.analysis.signal.stats import (
    ANY,
    NONE,
    PLACES,
    SAMPLES,
    Part,
    Slopes,
    Stats,
    plain,
)
from dslc.ops.curves import SIGMOID, TANH, rectifier
from dslc.ops.signals import Recurs
from dslc.record import entity, record

RELU = rectifier("relu", 0.0)
ZERO = Law(0.0, 0.0)
LIMIT = 400
"""Steps to which a memory is followed."""
STEPS = 100
"""Steps after which a state is taken to be settled."""
LEAST = 1e-3
"""The share of a gradient below which a step is forgotten."""


@record
class Cell:
    """One layer, one direction, settled or at the end: `out`: what it gives, over all places.

    `carried`: d^2, the mean square by which a state's gradient is carried on; `through`: a^2, that through the weights;
    `enters`: from the gradient of the result to that of the state; `gates`, `direct`: the mean squares of the gradients
    at all gates together, from that of the state, and straight from that of the result.
    """

    out: Part
    read: Part
    carried: float
    through: float
    enters: float
    gates: float
    direct: float
    weight: float  # E w^2 of the weights of the input, and of those of the state
    state: float


def cell(rule: Recurs, use: Use, suffix: str, read: Part, features: int, length: int) -> Cell:
    """The moments of one layer: of its input `read`, of `features` channels, over `length` steps."""
    laws = use.laws
    w, r = laws[f"weight_ih_{suffix}"], laws[f"weight_hh_{suffix}"]
    bias = [laws.get(f"bias_{side}_{suffix}", ZERO) for side in ("ih", "hh")]
    common = sum(b.square for b in bias) + 2 * bias[0].mean * bias[1].mean
    m = bias[0].mean + bias[1].mean
    given, given_pair = w.square * features * read.q, w.square * features * read.pair(SAMPLES)
    back = r.square * rule.hidden
    steps = min(length, STEPS)
    q = pair = 0.0
    state = State()
    squares, pairs_of = [], []
    lag, found = 0.0, (0.0, 0.0, 0.0, 0.0, 0.0)
    z = 0.0
    for _ in range(steps):
        z, z_pair = given + back * q + common, given_pair + back * pair + common
        z_time = w.square * features * read.pair(PLACES) + back * (pair + (q - pair) * lag) + common
        if rule.kind in ("tanh", "relu"):
            curve = TANH if rule.kind == "tanh" else RELU
            one = of_normal(curve, m, max(z - m * m, 0.0))
            q, pair = one[1], one[1] - of_pair(curve, m, z, z - z_pair).d
            found = (0.0, back * one[2], one[2], 1.0, 0.0)
        elif rule.kind == "gru":
            q, pair, lag, found = _gru(
                m, z, z_pair, given + bias[0].square, given_pair + bias[0].square, q, pair, back, bias[1].square
            )
        else:
            q, pair, lag, found = _lstm(m, z, z_pair, z_time, state, back)
        squares.append(q)
        pairs_of.append(pair)
    settled = length - steps
    q = (math.fsum(squares) + settled * squares[-1]) / length
    pair = (math.fsum(pairs_of) + settled * pairs_of[-1]) / length
    mean = of_normal(RELU, m, max(z - m * m, 0.0))[0] if rule.kind == "relu" else 0.0
    near, far = _over_time(q, pair, lag, length)
    out = Part(rule.hidden, mean, q, (q - near, q - far, q - pair, q - pair))
    carried, through, enters, gates, direct = found
    return Cell(out, read, carried, through, enters, gates, direct, w.square, r.square)


def _over_time(q: float, pair: float, lag: float, length: int) -> tuple[float, float]:
    """Mean products of neighbouring and of any two places, where what is not common falls by `lag` a step."""
    if length < 2:
        return q, q
    near = pair + (q - pair) * lag
    total = math.fsum((length - k) * lag**k for k in range(1, min(length, 200)))
    far = pair + (q - pair) * 2 * total / (length * (length - 1))
    return near, far


@entity
class State:
    """What an LSTM carries: mean square and mean product of two samples, and its mean products with what comes next."""

    q: float = 0.0
    pair: float = 0.0
    cross: float = 0.0
    cross_pair: float = 0.0


Five = tuple[float, float, float, float, float]


def _lstm(
    m: float, z: float, z_pair: float, z_time: float, state: State, back: float
) -> tuple[float, float, float, Five]:
    """A step: c' = f c + i g, h = o tanh(c'). The gates have one law. Returns q, pair, lag and gains."""
    var = max(z - m * m, 0.0)
    gate, new = of_normal(SIGMOID, m, var), of_normal(TANH, m, var)
    gate_pair = gate[1] - of_pair(SIGMOID, m, z, z - z_pair).d
    new_pair = new[1] - of_pair(TANH, m, z, z - z_pair).d
    new_time = new[1] - of_pair(TANH, m, z, max(z - z_time, 0.0)).d
    before, both = state.q, 2 * gate[0] * gate[0]
    c = gate[1] * state.q + gate[1] * new[1] + both * state.cross
    c_pair = gate_pair * state.pair + gate_pair * new_pair + both * state.cross_pair
    state.q, state.pair = c, c_pair
    state.cross = gate[0] * (state.cross + new_time)
    state.cross_pair = gate[0] * (state.cross_pair + min(new_time, new_pair))
    seen = of_normal(TANH, 0.0, c)
    seen_pair = seen[1] - of_pair(TANH, 0.0, c, c - c_pair).d
    gates = before * gate[2] + new[1] * gate[2] + gate[1] * new[2]
    enters, direct = gate[1] * seen[2], seen[1] * gate[2]
    found = (gate[1], back * (gates * enters), enters, gates, direct)
    q, pair = gate[1] * seen[1], gate_pair * seen_pair
    carried = (gate[0] * c + gate[0] * state.cross) / c if c else 0.0  # of c at two steps, beside each other
    near = q * min(carried, 1.0) * gate[0] * gate[0] / gate[1] if gate[1] else 0.0
    lag = min(max((near - pair) / (q - pair), 0.0), 1.0) if q > pair else 0.0
    return q, pair, lag, found


def _gru(
    m: float, z: float, z_pair: float, given: float, given_pair: float, h: float, pair: float, back: float, own: float
) -> tuple[float, float, float, Five]:
    """A step: n = tanh(W x + b + r (R h + b')), h' = (1 - z) n + z h. Returns q, pair, lag and gains."""
    var = max(z - m * m, 0.0)
    gate = of_normal(SIGMOID, m, var)
    gate_pair = gate[1] - of_pair(SIGMOID, m, z, z - z_pair).d
    inner = given + gate[1] * (back * h + own)
    inner_pair = given_pair + gate_pair * (back * pair + own)
    new = of_normal(TANH, 0.0, inner)
    new_pair = new[1] - of_pair(TANH, 0.0, inner, max(inner - inner_pair, 0.0)).d
    rest, rest_pair = 1 - 2 * gate[0] + gate[1], 1 - 2 * gate[0] + gate_pair
    q, both = rest * new[1] + gate[1] * h, rest_pair * new_pair + gate_pair * pair
    to_new = rest * new[2]
    reset = to_new * (back * h + own) * gate[2]
    update = (new[1] + h) * gate[2]
    through = back * (update + reset + to_new * gate[1])
    return q, both, gate[0], (gate[1], through, 1.0, to_new + reset + update, 0.0)


def kernel(one: Cell, length: int, most: int = LIMIT) -> list[float]:
    """The energy of a state's gradient 0, 1, .. steps before, of one that enters with mean square 1."""
    d, a = math.sqrt(one.carried), math.sqrt(one.through)
    energies = [1.0]
    alpha = [1.0]
    for _ in range(1, min(length, most)):
        following = [d * x for x in alpha] + [0.0]
        for j, x in enumerate(alpha):
            following[j + 1] += a * x
        top = max(following)
        alpha = following
        while len(alpha) > 1 and alpha[-1] < 1e-9 * top:  # high orders vanish, and low ones: keep the work linear
            alpha.pop()
        energy = math.fsum(x * x for x in alpha)
        energies.append(energy)
        if energy < 1e-12 or energy > 1e60:
            break
    return energies


def layout(rule: Recurs) -> list[list[str]]:
    """The endings of the names of the weights, by layer and direction, as torch has them."""
    ends = ["", "_reverse"][: rule.ways]
    return [[f"l{layer}{end}" for end in ends] for layer in range(rule.layers)]


def cells(rule: Recurs, use: Use) -> list[list[Cell]]:
    part, features = use.ins[0].whole, use.shapes[0].width
    length = use.shapes[0].places
    found = []
    for number, suffixes in enumerate(layout(rule)):
        row = [cell(rule, use, suffix, part, features, length) for suffix in suffixes]
        found.append(row)
        part, features = row[0].out, rule.hidden * rule.ways
        if rule.drop and use.dropping and number + 1 < rule.layers and rule.drop < 1:
            more = (1 / (1 - rule.drop) - 1) * part.q
            a, b, c, d = part.d
            part = Part(part.size, part.m, part.q + more, (a + more, b + more, c + more, d + more))
    return found


def forward(rule: Recurs, use: Use) -> tuple[Stats, ...]:
    x, shape = use.ins[0], use.results[0]
    last = cells(rule, use)[-1][0].out
    part = Part(shape.width, last.m, last.q, last.d)
    result = Stats((part,), shape.places, shape.width, x.samples)
    finals = [
        Stats((Part(s.width, last.m, last.q, (0.0, 0.0, last.d[SAMPLES], last.d[ANY])),), s.places, s.width, x.samples)
        for s in use.results[1:]
    ]
    return (result, *finals)


def backward(rule: Recurs, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    """Gradients of the input and of all weights; those of final states are left out unless there are no others."""
    slopes = grads[0]
    length, samples = use.shapes[0].places, use.results[0].samples
    g, k = (slopes[0].g, slopes[0].k) if slopes is not None else (0.0, (0.0, 0.0, 0.0, 0.0))
    for other in grads[1:]:
        if other is not None:
            g += other[0].g / length  # it enters at one step
    own: dict[str, float] = {}
    found = cells(rule, use)
    for number in reversed(range(rule.layers)):
        total = 0.0
        for suffix, one in zip(layout(rule)[number], found[number], strict=True):
            energies = kernel(one, length)
            state = one.enters * _entering(g, k[PLACES], energies, length)
            gates = state * one.gates + g * one.direct
            total += one.weight * rule.hidden * gates
            count = samples * length
            own[f"weight_ih_{suffix}"] = count * gates / _gates(rule) * one.read.q
            own[f"weight_hh_{suffix}"] = count * gates / _gates(rule) * one.out.q
            for side in ("ih", "hh"):
                own[f"bias_{side}_{suffix}"] = count * gates / _gates(rule)
        g, k = total, NONE  # two steps of the input meet gates of their own
        if rule.drop and use.dropping and number and rule.drop < 1:
            g /= 1 - rule.drop
    return Back((tuple(plain(g, k, part) for part in use.ins[0].parts), *(None,) * (len(use.ins) - 1)), own)


def _gates(rule: Recurs) -> int:
    return {"lstm": 4, "gru": 3}.get(rule.kind, 1)


def _entering(g: float, pair: float, energies: list[float], length: int) -> float:
    """The mean square of the gradient of a state over all steps: what entered at each later one, with amplitudes added
    where those are correlated.
    """
    total = amplitude = found = 0.0
    for k in range(length):
        energy = energies[k] if k < len(energies) else 0.0
        total += energy
        amplitude += math.sqrt(energy)
        found += g * total + max(pair, 0.0) * (amplitude * amplitude - total)
        if k >= len(energies) and k > 0:
            found += (length - 1 - k) * (g * total + max(pair, 0.0) * (amplitude * amplitude - total))
            break
    return found / length


def memory_of(rule: Recurs, use: Use) -> int | None:
    """Steps until the gradient of a state is a thousandth; none beyond `LIMIT`."""
    worst: int | None = None
    for row in cells(rule, use):
        for steps, energy in enumerate(kernel(row[0], LIMIT)):
            if math.sqrt(energy) < LEAST:
                worst = steps if worst is None else max(worst, steps)
                break
        else:
            return None
    return worst
