"""Steps over maps `[N, C, *S]`: convolutions, norms, pools, resampling, borders."""

from __future__ import annotations

from dataclasses import replace

from tests.random.mixed.body import MOST, Body, makes
from tests.random.mixed.kinds import Side

WIDTHS = (1, 2, 3, 4, 6, 7, 8)


def joined(numbers: list[int]) -> str:
    """A size as a literal: `3`, `3x5`; a size of zeros cannot be written so."""
    if len(set(numbers)) == 1:
        return str(numbers[0])
    return "x".join(map(str, numbers)) if all(numbers) else f"({', '.join(map(str, numbers))})"


def windows(b: Body, dilate: bool = True, most: int = 4) -> tuple[list[int], list[int], list[int]]:
    """Kernels, strides and dilations that fit the places."""
    kernels, strides, dilations = [], [], []
    for side in b.it.places:
        k = b.number(1, min(most, side.size))
        d = b.pick(1, 1, 1, 2, 3) if dilate else 1
        d = d if d * (k - 1) < side.size else 1
        kernels.append(k)
        dilations.append(d)
        strides.append(b.pick(1, 1, 2, 3))
    if b.chance(0.5):
        kernels = [min(kernels)] * len(kernels)
    if b.chance(0.6):
        strides, dilations = [min(strides)] * len(strides), [min(dilations)] * len(dilations)
    return kernels, strides, dilations


def slid(b: Body, spans: list[int], strides: list[int], pads: list[tuple[int, int]], ceil: bool = False) -> list[Side]:
    """The places after windows of these spans (dilated)."""
    found = []
    for side, span, s, (before, after) in zip(b.it.places, spans, strides, pads, strict=True):
        total = side.size + before + after - span
        size = (-(-total // s) if ceil else total // s) + 1
        if ceil and (size - 1) * s >= side.size + before:
            size -= 1
        same = s == 1 and before + after == span - 1
        found.append(side if same else b.resized(side, size))
    return found


def padding(b: Body, spans: list[int], most: list[int], even: bool = False) -> tuple[str, list[tuple[int, int]]]:
    """A padding as text and as pairs; `even`: as much on both sides."""
    how = b.number(0, 3)
    if how == 0:
        return "0", [(0, 0)] * len(spans)
    if how == 1 or even:
        if how == 2:
            each = [b.number(0, m) for m in most]
            return joined(each), [(p, p) for p in each]
        p = b.number(0, min(most))
        return str(p), [(p, p)] * len(spans)
    pairs = [(b.number(0, m), b.number(0, m)) for m in most]
    if len(pairs) == 1:
        return f"({pairs[0]},)", pairs
    return str(tuple(pairs)), pairs


@makes("conv", weight=6)
def conv(b: Body) -> bool:
    x = b.it
    if not x.is_map:
        return False
    cin = x.dims[1].size
    groups = b.pick(1, 1, 1, cin, *(g for g in (2, 3, 4) if cin % g == 0))
    out = groups * b.pick(1, 2, *((4, 5) if groups < 3 else ()))
    kernels, strides, dilations = windows(b)
    spans = [d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True)]
    mode = b.pick("zeros", "zeros", "zeros", "reflect", "replicate", "circular")
    limits = [
        min(s.size - 1, 2, span) if mode == "reflect" else min(s.size, 2, span)
        for s, span in zip(x.places, spans, strict=True)
    ]
    how = b.number(0, 5)
    half = all(span % 2 and (k == 1 or s < k) for span, k, s in zip(spans, kernels, strides, strict=True))
    if how < 3 and half and all(span // 2 <= m for span, m in zip(spans, limits, strict=True)):
        p, pads = "", [(span // 2, span // 2) for span in spans]
    elif how == 3 and mode == "zeros":
        p, pads = "same_tf", []
    else:
        p, pads = padding(b, spans, limits)
    text = f"conv({b.lifted(str(out), 'int', [], 0.2)}, {joined(kernels)}"
    text += f", s={joined(strides)}" if set(strides) != {1} else ""
    text += f", p={p}" if p else ""
    text += f", d={joined(dilations)}" if set(dilations) != {1} else ""
    text += f", g={groups}" if groups > 1 else ""
    text += b.pick("", "", f", bias={b.lifted('false', 'bool', ['true'])}", ", bias=true")
    text += f', padding_mode="{mode}"' if mode != "zeros" else ""
    text += b.pick("", "", "", ", init=kaiming_normal", ", init=orthogonal")
    places = (
        [b.resized(side, -(-side.size // s)) if s > 1 else side for side, s in zip(x.places, strides, strict=True)]
        if p == "same_tf"
        else slid(b, spans, strides, pads)
    )
    layer = text + ")"
    if mode == "zeros" and b.chance(0.1):
        layer = b.pick(f"wn({layer})", f"sn({layer})", f"sn({layer}, steps=2)")
        layer = layer.replace(", bias=false", "")
    b.step(layer + b.named(), x.with_places(places, out))
    return True


@makes("conv", keeps=True, weight=4)
def conv_same(b: Body) -> bool:
    x = b.it
    if not x.is_map:
        return False
    k = b.lifted(b.pick("3", "1", "5"), "int", ["1", "3", "5"])
    b.step(
        b.pick(f"conv({x.dims[1].size}, {k})", f"dw({k})", f"cba({x.dims[1].size}, {k})") + b.named(),
        replace(x, channel=1),
    )
    return True


@makes("deconv")
def deconv(b: Body) -> bool:
    x = b.it
    if not x.is_map or x.elements > MOST // 4:
        return False
    kernels, strides, dilations = windows(b, most=3)
    cin = x.dims[1].size
    groups = b.pick(1, 1, *(g for g in (2, 3) if cin % g == 0))
    out = groups * b.pick(1, 2, 3)
    spans = [d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True)]
    p = b.number(0, min(1, *(span // 2 for span in spans)))
    extra = [b.number(0, s - 1) if s > 1 else 0 for s in strides]
    if b.chance(0.5):
        extra = [0] * len(extra)
    places = []
    for side, s, span, e in zip(x.places, strides, spans, extra, strict=True):
        size = (side.size - 1) * s - 2 * p + span + e
        if size < 1:
            return False
        places.append(side if s == 1 and span + e == 2 * p + 1 else b.resized(side, size))
    text = f"deconv({out}, {joined(kernels)}"
    text += f", s={joined(strides)}" if set(strides) != {1} else ""
    text += f", p={p}" if p else ""
    text += f", op={joined(extra)}" if any(extra) else ""
    text += f", d={joined(dilations)}" if set(dilations) != {1} else ""
    text += f", g={groups}" if groups > 1 else ""
    b.step(text + b.pick("", ", bias=false") + ")" + b.named(), x.with_places(places, out))
    return True


@makes("bn", "inorm", "gn", "ln", "lrn", "l2norm", "normalize", keeps=True, weight=4)
def norm(b: Body) -> bool:
    x = b.it
    if not x.is_map:
        return False
    count = x.dims[1].size
    groups = b.pick(*(g for g in (1, 2, 3, 4, count) if count % g == 0))
    many = all(side.size > 1 for side in x.places)
    options = [
        f"bn(eps={b.lifted('0.001', 'float', ['0.01', '1e-05'])})",
        b.pick("bn", "bn(affine=false)", "bn(momentum=none)", "bn(momentum=0.02)"),
        "ln(axis=1)",
        f"ln(axis=1, eps=1e-6, affine={b.pick('true', 'false')})",
        f"lrn({b.number(1, 5)}, alpha={b.pick('0.0001', '0.5')}, beta={b.pick('0.75', '0.6')}, k={b.pick('1', '2.0')})",
        b.pick("l2norm", f"l2norm(axis={b.number(1, x.rank - 1)})", "l2norm(eps=0.5)"),
        f"normalize({tuple(round(0.1 * i, 1) for i in range(count))}, {tuple(1.5 + i for i in range(count))})"
        if count > 1
        else "normalize((0.5,), (2.0,))",
    ]
    if many or (x.places[0].size > 1 and groups < count):
        options += [f"gn({groups})", f"gn({groups}, eps=0.01, affine={b.pick('true', 'false')})"]
    if many:
        options += ["inorm", f"inorm(affine={b.pick('true', 'false')}, eps=0.01)"]
    b.step(b.pick(*options) + b.named(), replace(x, channel=1))
    return True


@makes("maxpool", "avgpool", "lppool", weight=4)
def pool(b: Body) -> bool:
    x = b.it
    if not x.is_map:
        return False
    kind = b.pick("maxpool", "avgpool", "maxpool", "avgpool", "lppool")
    if kind == "lppool" and x.rank == 5 and b.chance(0.5):
        return False
    kernels, strides, dilations = windows(b, dilate=kind == "maxpool")
    spans = [d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True)]
    ceil = b.chance(0.25)
    how = b.number(0, 4)
    if kind == "lppool":
        b.step("relu", x)
        text, p, pads = f"lppool({b.pick('2.0', '1.5', '3.0')}, {joined(kernels)}", "", [(0, 0)] * len(spans)
    else:
        text = f"{kind}({joined(kernels)}"
        if how == 0 and not ceil and x.rank < 5:
            p, pads = "same_tf", []
        else:
            p, pads = padding(b, spans, [k // 2 for k in kernels], even=True)
    default = strides == kernels
    text += f", s={joined(strides)}" if not default or b.chance(0.3) else ""
    text += f", p={p}" if p not in ("", "0") else ""
    text += f", d={joined(dilations)}" if set(dilations) != {1} else ""
    text += ", ceil=true" if ceil else ""
    text += ", count_include_pad=false" if kind == "avgpool" and b.chance(0.3) else ""
    places = (
        [b.resized(side, -(-side.size // s)) if s > 1 else side for side, s in zip(x.places, strides, strict=True)]
        if p == "same_tf"
        else slid(b, spans, strides, pads, ceil)
    )
    if any(side.size < 1 for side in places):
        return False
    b.step(text + ")", x.with_places(places))
    return True


@makes("gap", "gmp", "adaptive_avgpool", "adaptive_maxpool")
def whole_pool(b: Body) -> bool:
    x = b.it
    if not x.is_map:
        return False
    if b.chance(0.2):
        return along(b)
    if b.chance(0.4):
        b.step(b.pick("gap", "gmp"), x.with_places([Side(1)] * len(x.places)))
        return True
    out = [b.number(1, 4) for _ in x.places]
    if any(not side.fixed for side in x.places):
        # Bins of open sizes are equal windows: a condition on the size, unless there is one bin.
        out = [b.pick(*(n for n in (1, 1, 2, 3) if side.size % n == 0)) for side in x.places]
    kind = b.pick("adaptive_avgpool", "adaptive_maxpool")
    b.step(f"{kind}({joined(out)})", x.with_places([Side(n) for n in out]))
    return True


@makes("gap", "gmp", "pad", "crop", weight=2)
def along(b: Body) -> bool:
    """Pools and borders along axes that are written."""
    x = b.it
    if not x.is_float or not 3 <= x.rank <= 5:
        return False
    count = b.number(1, 2) if x.rank > 3 else 1
    axes = b.choices.shuffled(range(1, x.rank))[:count]
    word = str(b.pick(axes[0], axes[0] - x.rank)) if count == 1 else str(tuple(axes))
    what = b.pick("gap", "gmp", "pad", "pad", "crop")
    if what in ("gap", "gmp"):
        for axis in axes:
            x = x.with_side(axis, Side(1))
        b.step(f"{what}(axis={word})", x)
        return True
    mode = b.pick("constant", "reflect", "replicate", "circular") if what == "pad" and x.rank < 5 else "constant"
    pairs = []
    for axis in axes:
        size = x.dims[axis].size
        most = (size - 1) // 2 if what == "crop" else min(2, size + {"reflect": -1, "circular": 0}.get(mode, 3))
        before, behind = b.number(0, most), b.number(0, most)
        pairs.append((before, behind))
        if before or behind:
            moved = before + behind
            x = x.with_side(axis, b.resized(x.dims[axis], size + (-moved if what == "crop" else moved)))
    text = str(tuple(pairs))
    options = f', mode="{mode}"' if mode != "constant" else ""
    b.step(f"{what}({text}, axis={word}{options})", x)
    return True


@makes("channel_axis", keeps=True)
def said(b: Body) -> bool:
    """Where the channels are, said anew."""
    x = b.it
    if not x.is_float or x.rank < 2:
        return False
    axis = b.number(1, x.rank - 1)
    b.step(f"channel_axis({b.pick(axis, axis - x.rank)})", replace(x, channel=axis))
    return True


@makes("upsample", weight=3)
def upsample(b: Body) -> bool:
    x = b.it
    if not x.is_map or x.elements > MOST // 4:
        return False
    modes = {3: ("linear",), 4: ("bilinear", "bicubic"), 5: ("trilinear",)}[x.rank]
    mode = b.pick("nearest", "nearest", "nearest-exact", *modes, *modes)
    corners = mode in modes and b.chance(0.3)
    options = (f', mode="{mode}"' if mode != "nearest" else "") + (", align_corners=true" if corners else "")
    if b.chance(0.3) and x.rank < 5:
        sizes = [b.number(1, 9) for _ in x.places]
        b.step(f"upsample(size={joined(sizes)}{options})", x.with_places([Side(n) for n in sizes]))
        return True
    scales = [b.pick("2", "1.5", "0.5", "3", "1.25", "0.7", "2.0") for _ in x.places]
    if b.chance(0.6):
        scales = scales[:1] * len(scales)
    places = []
    for side, scale in zip(x.places, scales, strict=True):
        size = int(side.size * float(scale))
        if size < 1:
            return False
        places.append(b.resized(side, size))
    text = scales[0] if len(set(scales)) == 1 else f"({', '.join(scales)})"
    b.step(f"upsample({text}{options})", x.with_places(places))
    return True


@makes("upsample", "crop", naming=True)
def like(b: Body) -> bool:
    """A map brought to the places of another."""
    x = b.it
    if not x.is_map:
        return False
    other = b.find(lambda k: k.is_map and k.rank == x.rank)
    if other is None:
        return False
    y = b.values[other]
    smaller = all(p.fixed and q.fixed and p.size >= q.size for p, q in zip(x.places, y.places, strict=True))
    if smaller and b.chance(0.5):
        b.step(f"crop(like={other})", x.with_places(y.places))
        return True
    mode = b.pick("nearest", {3: "linear", 4: "bilinear", 5: "trilinear"}[x.rank])
    b.step(f'upsample(like={other}, mode="{mode}")', x.with_places(y.places))
    return True


@makes("pixel_shuffle", "shuffle")
def shuffles(b: Body) -> bool:
    x = b.it
    if not x.is_map:
        return False
    count = x.dims[1].size
    if x.rank == 4 and count % 4 == 0 and x.elements < MOST and b.chance(0.5):
        places = [b.resized(side, side.size * 2) for side in x.places]
        b.step("pixel_shuffle(2)", x.with_places(places, count // 4))
        return True
    groups = b.pick(*(g for g in (1, 2, 3, 4) if count % g == 0))
    b.step(f"shuffle({groups})", replace(x, channel=1))
    return True


@makes("pad", "crop", weight=3)
def borders(b: Body) -> bool:
    """Places added or taken away, of maps and of tokens."""
    x = b.it
    if x.rank > 5 or x.rank < 3 or x.dtype == "bool" or (x.channel is None and x.rank == 3):
        return False
    channel = 1 if x.channel is None else x.channel
    axes = [a for a in range(1, x.rank) if a != channel]
    if b.chance(0.4):
        pairs = [(b.number(0, (x.dims[a].size - 1) // 2), b.number(0, (x.dims[a].size - 1) // 2)) for a in axes]
        name, sign, options = "crop", -1, ""
    else:
        mode = b.pick("constant", "constant", "reflect", "replicate", "circular") if x.is_float else "constant"
        if x.rank == 5 and mode == "reflect":
            mode = "replicate"
        limit = {"reflect": -1, "circular": 0}.get(mode, 3)
        pairs = [
            (b.number(0, min(2, x.dims[a].size + limit)), b.number(0, min(2, x.dims[a].size + limit))) for a in axes
        ]
        value = b.pick("", ", value=0.5", ", value=-1.0") if mode == "constant" and x.is_float else ""
        name, sign, options = "pad", 1, value + (f', mode="{mode}"' if mode != "constant" else "")
    for a, (before, after) in zip(axes, pairs, strict=True):
        if before or after:
            x = x.with_side(a, b.resized(x.dims[a], x.dims[a].size + sign * (before + after)))
    b.step(f"{name}({f'({pairs[0]},)' if len(pairs) == 1 else tuple(pairs)}{options})", x)
    return True


@makes("dropout2d", keeps=True)
def dropout2d(b: Body) -> bool:
    if not b.it.is_map:
        return False
    b.step(f"dropout2d({b.lifted('0.25', 'float', ['0.5'])})", replace(b.it, channel=1))
    return True
