"""Programs that once disagreed, reduced."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.random.case import Case
from tests.random.oracles import check

FOUND = {
    "pools rounded up over an axis of a known size and an open one": """
        net main_net on x[N, 2, 5, W=6] -> a, b, c, d:
            a = maxpool(2, s=3, p=1, ceil=true)
            b = avgpool(2, s=3, p=1, ceil=true)
            c = avgpool(2, s=2, p=(1, 0), ceil=true, count_include_pad=false)
            d = it[:, :, :3] -> avgpool(2, s=2, p=(1, 0), ceil=true)
    """,
    "a layer that a text read twice": """
        net main_net on x[N, 3, T=6]:
            conv(4, 3) -> bn -> reshape(it.shape[0], -1)
    """,
    "values that are queries, times a number": """
        net main_net on x[N, T=4, 3]:
            it * 0.5
            sdpa(it, it, it)
    """,
    "a Transpose that onnxruntime moves over a Pad": """
        net main_net on image[N, 4, H=8, W=6]:
            rearrange("n c h w -> n h w c") -> linear(4) -> rearrange("n h w c -> n c h w")
            pad(1) -> rearrange("n c h w -> n h w c") -> linear(3)
    """,
    "a Transpose that onnxruntime moves over a Resize": """
        net main_net on image[N, 4, H=8, W=6]:
            y = rearrange("n c h w -> n h w c") -> linear(4) -> rearrange("n h w c -> n c h w")
            z = y -> maxpool(2) -> ln(axis=1) -> upsample(like=y) -> rearrange("n c h w -> n h w c") -> linear(4)
            y -> upsample(size=(11, 13)) -> rearrange("n c h w -> n h w c") -> linear(4)
            it -> rearrange("n h w c -> n c h w") -> upsample(0.5) -> rearrange("n c h w -> n h w c")
            (it -> mean(axis=(1, 2))) + (z -> mean(axis=(1, 2)))
    """,
    "a table whose sizes are words that its values do not read": """
        block scaled on x[N, C, H, W]:
            buffer t: [i: C, j: 1, k: 1] = i % 2 + 0.25
            it * t

        net main_net on image[N, 3, H=16, W=24]:
            scaled -> conv(8, 1) -> scaled
    """,
    "a named chain under a condition after another condition": """
        block unit(out: int) on x[N, C, H, W]:
            if C == out: cba(out + 4, 3, act=celu(0.5)) -> conv(C, 1) as m1
            ((avgpool(3) -> sepconv(C) as m2) as m3 if C != out else id)
            conv(out, 1)

        net main_net(out: int = 12) on image[N, 3, H=16, W=24]:
            unit(out) -> unit(out)
    """,
    "a named chain under a condition whose last step is a parameter": """
        block unit(out: int = 8, act: layer = relu) on x[N, C, H, W]:
            ((shuffle(2) -> act as m1) as m2 if C == out else id)

        net main_net on image[N, 4, H=16, W=16]:
            unit -> conv(8, 1) -> unit -> unit(act=celu(0.5))
    """,
    "a list's element and what the loop carries, the same tensor in the first turn": """
        block part0(n: int = 3) on x[N, C, H, W]:
            let xs = []
            for i in range(n + 1):
                xs += [it]
            for y in xs:
                it + (y -> mish)
        net main_net on image[N, 3, H=16, W=24]:
            part0
            part0(n=2)
    """,
    "parts that would be one attribute, each in other members": """
        block part0(out: int) on x[N, C, H, W]:
            (conv(C, 3) as m1 if C == 8 else conv(C, 1))
            (dw(3) if C == 8 else id)
            conv(out, 1)
        net main_net on image[N, 3, H=16, W=24]:
            conv(8, 3)
            part0(12)
            part0(8)
    """,
    "names of a chain inside a kept loop that change with its turn": """
        block part0(n: int) on x[N, C, H, W]:
            for i in range(n):
                (conv(C, 3) -> conv(C, 1) as `b_{i}`) as `a_{i}`
        net main_net on image[N, 8, H=16, W=24]:
            part0(3)
            part0(1)
    """,
    "a seq in which nothing is done": """
        block part0(n: int) on x[N, C, H, W]:
            seq:
                if n % 2 == 0:
                    scale: gap
        net main_net on image[N, 3, H=16, W=16]:
            part0(2)
            part0(1)
    """,
    "a list that keeps what a loop makes, read by another": """
        block part(n: int) on x[N, C, H, W]:
            let xs = []
            for i in range(n):
                relu
                xs += [it]
            for y in xs: it + (y -> elu)

        net main_net on image[N, 3, H=16, W=16]:
            part(3) -> part(1)
    """,
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    assert check(Case(dedent(FOUND[name])))
