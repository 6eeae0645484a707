"""Programs with heads of many forms, and what becomes of their text: (name, before, after)."""

from __future__ import annotations

CASES = [
    (
        "comments and layout stay",
        """
# a file
let bias = true

net f on image[N, 3, H=16, W=16] -> [N, 5]:  # logits
    conv(8, 3) -> relu  # features

    # the head
    maxpool(4)
        -> flatten  # all of the map
        -> linear(16, bias=bias) as hidden -> relu
    linear(out=5, ) as head  # scores
""",
        """
# a file
let bias = true

net f on image[N, 3, H=16, W=16] -> [N, 5, _, _]:  # logits
    conv(8, 3) -> relu  # features

    # the head
    maxpool(4)  # all of the map
        -> conv(16, 4, p=valid, bias=bias) as hidden -> relu
    conv(out=5, k=1, ) as head  # scores
""",
    ),
    (
        "names without `as`, and a bias that a norm would take away",
        """
net f on image[N, 3, H=8, W=8] -> [N, 5]:
    conv(8, 3) -> maxpool(4)
    flatten
    linear(16) -> bn -> relu
    linear(5)
""",
        """
net f on image[N, 3, H=8, W=8] -> [N, 5, _, _]:
    conv(8, 3) -> maxpool(4)
    conv(16, 2, p=valid, bias=true) as linear -> bn -> relu
    conv(5, 1) as linear_2
""",
    ),
    (
        "what is stated of linear layers is written with the convolutions",
        """
init linear = normal(std=0.01), bias = zeros

net f on image[N, 3, H=8, W=8] -> [N, 5]:
    init conv = kaiming_normal
    conv(8, 3) -> maxpool(4) -> flatten
    linear(16, init=xavier_normal) as a -> linear(16) as b
    linear(16, init=orthogonal, bias_init=ones) as c -> linear(5) as head

net g on image[N, 3, H=8, W=8] -> [N, 5]:
    init conv.bias = ones, linear = none
    conv(8, 3) -> maxpool(4) -> flatten -> linear(5) as head
""",
        """
init linear = normal(std=0.01), bias = zeros

net f on image[N, 3, H=8, W=8] -> [N, 5, _, _]:
    init conv = kaiming_normal
    conv(8, 3) -> maxpool(4)
    conv(16, 2, p=valid, init=xavier_normal) as a -> conv(16, 1, init=normal(std=0.01)) as b
    conv(16, 1, init=orthogonal, bias_init=ones) as c -> conv(5, 1, init=normal(std=0.01)) as head

net g on image[N, 3, H=8, W=8] -> [N, 5, _, _]:
    init conv.bias = ones, linear = none
    conv(8, 3) -> maxpool(4) -> conv(5, 2, p=valid, bias_init=zeros) as head
""",
    ),
    (
        "numbers of a sequence stay when a step goes",
        """
net f on image[N, 3, H=8, W=8] -> [N, 5]:
    seq as body:
        conv(8, 3) -> maxpool(4) -> flatten
        linear(16) -> relu -> seq: dropout -> linear(16)
        (linear(16) -> relu) as last
    (flatten -> linear(5)) as head
""",
        None,
    ),
    (
        "a level of one step stays a level",
        """
net f on image[N, 3, H=8, W=8] -> [N, 5]:
    conv(8, 3) -> maxpool(4) -> (flatten -> linear(5)) as head
""",
        """
net f on image[N, 3, H=8, W=8] -> [N, 5, _, _]:
    conv(8, 3) -> maxpool(4) -> (id -> conv(5, 2, p=valid) as `1`) as head
""",
    ),
    (
        "two heads on one flattened map, and tensors as arguments",
        """
net f on image[N, 3, H=8, W=12] -> mu[N, 4], spread[N, 4], score:
    conv(8, 3) -> maxpool(4)
    flat = flatten
    mu = linear(flat, 4, bias=false)
    spread = flat -> linear(4) as sigma -> softplus
    score = flatten(concat(mu, spread)) -> linear(2) as top -> softmax

net g on image[N, 3, H=8, W=12] -> [N, 5]:
    y = conv(8, 3)
    linear(flatten(gap(relu(y) + y)), 5) + flatten(adaptive_avgpool(y, 1) -> conv(5, 1))
""",
        """
net f on image[N, 3, H=8, W=12] -> mu[N, 4, _, _], spread[N, 4, _, _], score:
    conv(8, 3) -> maxpool(4)
    flat = it
    mu = (flat -> conv(4, 2x3, p=valid, bias=false) as linear)
    spread = flat -> conv(4, 2x3, p=valid) as sigma -> softplus
    score = concat(mu, spread) -> conv(2, 1) as top -> softmax

net g on image[N, 3, H=8, W=12] -> [N, 5, _, _]:
    y = conv(8, 3)
    (avgpool(relu(y) + y, 8x12, s=1) -> conv(5, 1) as linear) + (avgpool(y, 8x12, s=1) -> conv(5, 1))
""",
    ),
    (
        "blocks with shapes in their headers",
        """
block classifier(classes: int, hidden: int) on x[N, C, H, W] -> [N, classes]:
    flatten -> linear(hidden) as fc1 -> relu -> last(classes) as fc2

block last(classes: int) on x[N, D] -> [N, classes]: dropout -> linear(classes) as fc

net f on image[N, 3, 8, 8] -> [N, 5]: conv(8, 3) -> maxpool(4) -> classifier(5, 16)
""",
        """
block classifier(classes: int, hidden: int) on x[N, C, H, W] -> [N, classes, _, _]:
    conv(hidden, 2, p=valid) as fc1 -> relu -> last(classes) as fc2

block last(classes: int) on x[N, D, _, _] -> [N, classes, _, _]: dropout -> conv(classes, 1) as fc

net f on image[N, 3, H=8, W=8] -> [N, 5, _, _]: conv(8, 3) -> maxpool(4) -> classifier(5, 16)
""",
    ),
    (
        "pools of a fixed size become windows",
        """
net f on image[N, 3, H=24, W=24] -> [N, 5]:
    conv(8, 3, s=2) -> adaptive_avgpool(3) -> conv(8, 1) -> relu -> flatten -> linear(5) as fc

net g on image[N, 3, H=24, W=24] -> [N, 5]:
    conv(8, 3, s=2) -> adaptive_maxpool(1) -> dropout2d -> flatten -> linear(5) as fc
""",
        """
net f on image[N, 3, H=24, W=24] -> [N, 5, _, _]:
    conv(8, 3, s=2) -> avgpool(4) -> conv(8, 1) -> relu -> conv(5, 3, p=valid) as fc

net g on image[N, 3, H=24, W=24] -> [N, 5, _, _]:
    conv(8, 3, s=2) -> maxpool(12, s=1) -> dropout2d -> conv(5, 1) as fc
""",
    ),
    (
        "one axis and three",
        """
net sound on x[N, 4, 32] -> [N, 5]: conv(8, 3) -> maxpool(4) -> flatten -> linear(5) as fc

net film on x[N, 1, 4, 8, 8] -> [N, 5]: conv(4, 3) -> maxpool(2) -> flatten -> linear(5) as fc
""",
        """
net sound on x[N, 4, L=32] -> [N, 5, _]: conv(8, 3) -> maxpool(4) -> conv(5, 8, p=valid) as fc

net film on x[N, 1, D=4, H=8, W=8] -> [N, 5, _, _, _]: conv(4, 3) -> maxpool(2) -> conv(5, 2x4x4, p=valid) as fc
""",
    ),
    (
        "what cannot be converted stays, the rest is converted",
        """
block gate on x[N, C, H, W]:
    gap -> flatten -> linear(C) as fc -> sigmoid -> reshape(N, C, 1, 1)
    it * x

net f on image[N, 3, H=8, W=8] -> [N, 5]:
    conv(8, 3) -> gate -> gap -> flatten -> linear(5) as head
""",
        """
block gate on x[N, C, H, W]:
    gap -> flatten -> linear(C) as fc -> sigmoid -> reshape(N, C, 1, 1)
    it * x

net f on image[N, 3, H=8, W=8] -> [N, 5, _, _]:
    conv(8, 3) -> gate -> avgpool(8, s=1) -> conv(5, 1) as head
""",
    ),
    (
        "a loop over tuples, and one that says which turn it is by its index",
        """
net f on image[N, 3, H=8, W=8] -> [N, 5]:
    conv(8, 3) -> maxpool(2) -> flatten
    for i, width in enumerate([16, 16, 8]): linear(width, bias=i > 0) as `fc{i}` -> relu
    linear(5) as head
""",
        """
net f on image[N, 3, H=8, W=8] -> [N, 5, _, _]:
    conv(8, 3) -> maxpool(2)
    for i, width in enumerate([16, 16, 8]): conv(width, 4 if i == 0 else 1, p=valid, bias=i > 0) as `fc{i}` -> relu
    conv(5, 1) as head
""",
    ),
    (
        "a head given as a layer, an `if` around the pool",
        """
block twice(body: layer) on x[N, C, H, W]: body

net f(small: bool = true) on image[N, 3, H=8, W=8] -> [N, 5]:
    conv(8, 3)
    if small: maxpool(2)
    twice:
        flatten
        linear(5) as fc
""",
        """
block twice(body: layer) on x[N, C, H, W]: body

net f(small: bool = true) on image[N, 3, H=8, W=8] -> [N, 5, _, _]:
    conv(8, 3)
    if small: maxpool(2)
    twice:
        conv(5, 4, p=valid) as fc
""",
    ),
]

CASES.append(
    (
        "a module that is used twice",
        """
net f on a[N, 3, H=8, W=8], b[N, 3, H, W] -> [N, 1]:
    module trunk = seq:
        conv(4, 3) -> flatten -> linear(6)
    abs(trunk(a) - trunk(b)) -> linear(1) as score
""",
        """
net f on a[N, 3, H=8, W=8], b[N, 3, H, W] -> [N, 1, _, _]:
    module trunk = seq:
        conv(4, 3) -> conv(6, 8, p=valid) as `2`
    abs(trunk(a) - trunk(b)) -> conv(1, 1) as score
""",
    )
)

KEPT = [
    ("net f on x[N, 3, 8, 8]:\n    conv(8, 3) -> flatten\n", "the flattened map is a result of the network"),
    ("net f on x[N, 3, 8, 8]:\n    flatten -> ln -> linear(5)\n", "`ln` has no form for a map of features"),
    ("net f on x[N, 3, 8, 8]:\n    flatten -> bn -> linear(5)\n", "`bn` takes the flattened map as features"),
    (
        "net f on x[N, 3, 8, 8], y[N, 4]:\n    concat(flatten(x), y) -> linear(5)\n",
        "`cat` joins the features with something else",
    ),
    (
        "net f on x[N, 3, 8, 8]:\n    flatten -> linear(5) -> softmax(axis=-1)\n",
        "`softmax` counts axes from the end: write `axis=1`",
    ),
    (
        "net f on x[N, 3, 8, 8]:\n    y = gap\n    a = y -> flatten -> linear(3) as fc\n    (x * y) -> bn\n"
        "    gap -> flatten -> linear(3) as last\n    it + a\n",
        "something else reads `gap` too",
    ),
    (
        "let head = linear(5)\n\nnet f on x[N, 3, 8, 8]:\n    flatten -> head\n",
        "`linear` is not written at this line: write the layer itself, not a name for it",
    ),
    (
        "block end(last: layer) on x[N, C, H, W]: flatten -> last\n\nnet f on x[N, 3, 8, 8]:\n    end(linear(5))\n",
        "`linear` comes through the parameter `last`: write the layer in the body",
    ),
    (
        "use std.attention: mlp\n\nnet f on x[N, 3, 8, 8]:\n    gap -> flatten -> mlp(8, 4)\n",
        "`mlp` takes the last axis as the features: [..., D]",
    ),
    (
        "use std.inception: inception_aux\n\nnet f on x[N, 3, 8, 8]:\n    inception_aux(5)\n",
        "`flatten` is written in std/inception.dl, which is the file to convert",
    ),
    (
        "block two on x[N, C, H, W]: flatten -> linear(5)\n\nnet f on x[N, 3, 8, 8]:\n    a = two\n    maxpool(2)\n"
        "    b = two\n    a + b\n",
        "`linear(5)` serves maps of 4 and 8 places: write a line for each",
    ),
    (
        "block f1 on x[N, D]: linear(5)\n\nnet f on x[N, 3, 8, 8]:\n    flatten -> f1\n",
        "`f1` takes the flattened map as [N, D]: put `flatten` inside it",
    ),
    (
        "net f on x[N, 3, 9, 9]:\n    adaptive_avgpool(4) -> flatten -> linear(5)\n",
        "the bins of `adaptive_avgpool` from 9x9 to 4x4 places are no windows of one size",
    ),
]
"""Programs whose only head stays, and why."""

NOTHING = [
    "net f on x[N, 3, 8, 8]:\n    conv(5, 3)\n",
    "net f on x[N, T=8, 16]:\n    linear(5) -> flatten\n",
    "net f on x[N, 16]:\n    linear(5)\n",
    'net f on x[N, 3, H=32, W=32] -> [N, 5]:\n    conv(8, 8, s=8, p=0) -> rearrange("n c h w -> n (h w) c")\n'
    "    it[:, 0] -> linear(5)\n",
]
"""Programs without a head."""
