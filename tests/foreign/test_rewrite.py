"""Expressions of PyTorch, Keras and TensorFlow as they are written here; every result is compiled."""

from __future__ import annotations

import pytest

from tests.foreign.cases import checks, line_of, rewritten, told

MAP = "net f on x[N, 16, H=32, W=32]:"
RGB = "net f on x[N, 3, H=32, W=32]:"
TOKENS = "net f on x[N, T=16, D=64]:"
FLAT = "net f on x[N, 16]:"
IDS = "net f on x: int64[N, T=16]:"
PAIR = "net f on a[N, 16, H=32, W=32], b[N, 16, H=32, W=32]:"
MASKED = "net f on x[N, 8, T=16], mask: bool[N, 8, T=16]:"

WHOLE = [
    (RGB, "nn.Conv2d(3, 16, kernel_size=3, padding=1) -> nn.BatchNorm2d(16) -> nn.ReLU()", "conv(16, 3) -> bn -> relu"),
    (RGB, "nn.Conv2d(3, 16, 3)", "conv(16, 3, p=0)"),
    (RGB, "nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)", "conv(16, 3, s=2, bias=false)"),
    (RGB, "nn.Conv2d(3, 16, (3, 5), padding=(1, 2))", "conv(16, 3x5)"),
    (RGB, "nn.Conv2d(3, 16, (3, 5), padding=1)", "conv(16, 3x5, p=1)"),
    (RGB, "nn.Conv2d(3, 16, 1, stride=2)", "conv(16, 1, s=2)"),
    (RGB, "nn.Conv2d(3, 16, 16, stride=16)", "conv(16, 16, s=16, p=0)"),
    (RGB, "nn.Conv2d(3, 16, 4, 2, 1)", "conv(16, 4, s=2, p=1)"),
    (RGB, "nn.Conv2d(3, 18, 3, padding=2, dilation=2, groups=3)", "conv(18, 3, d=2, g=3)"),
    (RGB, 'nn.Conv2d(3, 16, 3, padding="same", padding_mode="reflect")', 'conv(16, 3, padding_mode="reflect")'),
    (RGB, 'nn.Conv2d(in_channels=3, out_channels=16, kernel_size=5, padding="valid")', "conv(16, 5, p=valid)"),
    (RGB, "nn.Conv2d(3, 16, 3, padding=1, device=None)", "conv(16, 3)"),
    (MAP, "nn.ConvTranspose2d(16, 8, 2, stride=2)", "deconv(8, 2, s=2)"),
    (MAP, "nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1)", "deconv(8, 3, s=2, p=1, op=1)"),
    (FLAT, "nn.Linear(16, 10)", "linear(10)"),
    (FLAT, "nn.Linear(in_features=16, out_features=10, bias=False)", "linear(10, bias=false)"),
    (MAP, "nn.BatchNorm2d(16, eps=1e-3, momentum=0.01)", "bn(eps=1e-3, momentum=0.01)"),
    (MAP, "nn.BatchNorm2d(16, track_running_stats=True)", "bn"),
    (MAP, "nn.GroupNorm(8, 16)", "gn(8)"),
    (MAP, "nn.InstanceNorm2d(16, affine=True)", "inorm(affine=true)"),
    (TOKENS, "nn.LayerNorm(64, eps=1e-6)", "ln(eps=1e-6)"),
    (TOKENS, "nn.LayerNorm([64])", "ln"),
    (TOKENS, "nn.RMSNorm(64)", "rmsnorm"),
    (TOKENS, "nn.MultiheadAttention(64, 4)", "attention(4)"),
    (TOKENS, "nn.LSTM(64, 32, num_layers=2, batch_first=True)", "lstm(32, layers=2)"),
    (TOKENS, "nn.GRU(64, 32, bidirectional=True)", "gru(32, bidirectional=true)"),
    (TOKENS, 'nn.RNN(64, 32, nonlinearity="relu")', 'rnn(32, act="relu")'),
    (MAP, "nn.MaxPool2d(2)", "maxpool(2)"),
    (MAP, "nn.MaxPool2d(kernel_size=3, stride=2, padding=1)", "maxpool(3, s=2, p=1)"),
    (MAP, "nn.AvgPool2d(2, ceil_mode=True)", "avgpool(2, ceil=true)"),
    (MAP, "nn.AdaptiveAvgPool2d(1)", "gap"),
    (MAP, "nn.AdaptiveAvgPool2d((1, 1)) -> nn.Flatten() -> nn.Linear(16, 10)", "gap -> flatten -> linear(10)"),
    (MAP, "nn.AdaptiveAvgPool2d((7, 7))", "adaptive_avgpool(7)"),
    (MAP, "nn.AdaptiveMaxPool2d(1)", "gmp"),
    (MAP, "nn.Upsample(scale_factor=2)", "upsample(2)"),
    (MAP, 'nn.Upsample(size=(64, 64), mode="bilinear")', 'upsample(size=(64, 64), mode="bilinear")'),
    (MAP, "nn.UpsamplingBilinear2d(scale_factor=2)", 'upsample(2, mode="bilinear", align_corners=true)'),
    (MAP, "nn.PixelShuffle(2)", "pixel_shuffle(2)"),
    (MAP, "nn.PixelUnshuffle(2)", 'rearrange("n c (h a) (w b) -> n (c a b) h w", a=2, b=2)'),
    (MAP, "nn.ChannelShuffle(4)", "shuffle(4)"),
    (MAP, "nn.ZeroPad2d(1)", "pad(1)"),
    (MAP, "nn.ZeroPad2d((1, 2, 3, 4))", "pad(((3, 4), (1, 2)))"),
    (MAP, "nn.ReflectionPad2d(1)", 'pad(1, mode="reflect")'),
    (MAP, "nn.ConstantPad2d(1, 0.5)", "pad(1, value=0.5)"),
    (MAP, "nn.Dropout(p=0.2)", "dropout(0.2)"),
    (MAP, "nn.Dropout2d()", "dropout2d"),
    (MAP, "nn.ReLU(inplace=True)", "relu"),
    (MAP, "nn.ReLU", "relu"),
    (MAP, "nn.LeakyReLU(0.2, inplace=True)", "leaky_relu(0.2)"),
    (MAP, "nn.GELU(approximate='tanh')".replace("'", '"'), 'gelu(approximate="tanh")'),
    (MAP, "nn.Hardswish() -> nn.SiLU() -> nn.Hardsigmoid()", "hswish -> silu -> hsigmoid"),
    (MAP, "nn.PReLU(16)", "prelu(per_channel=true)"),
    (MAP, "nn.PReLU()", "prelu"),
    (MAP, "nn.Softmax(dim=1)", "softmax(axis=1)"),
    (MAP, "nn.Softmax2d()", "softmax(axis=1)"),
    (MAP, "nn.LogSigmoid()", "sigmoid -> log"),
    (MAP, "nn.Identity()", "id"),
    (MAP, "nn.LocalResponseNorm(5)", "lrn(5)"),
    (IDS, "nn.Embedding(1000, 64)", "embedding(1000, 64)"),
    (RGB, "nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU())", "seq: conv(16, 3) -> relu"),
    (RGB, "nn.Sequential(conv(16, 3), nn.ReLU()) as stem", "seq as stem: conv(16, 3) -> relu"),
    (RGB, "nn.Sequential(conv(16, 3), relu) -> gap", "(conv(16, 3) -> relu) -> gap"),
    (RGB, "y = nn.Sequential(conv(16, 3), relu)", "y = seq: conv(16, 3) -> relu"),
    (RGB, "nn.Sequential(nn.Sequential(conv(16, 3), relu), gap)", "seq: (conv(16, 3) -> relu) -> gap"),
    (MAP, "F.relu(x)", "relu(x)"),
    (MAP, "x -> F.relu", "x -> relu"),
    (MAP, "F.relu(F.max_pool2d(x, 2), inplace=True)", "relu(maxpool(x, 2))"),
    (MAP, "F.dropout(x, 0.5)", "dropout(x)"),
    (MAP, "F.softmax(x, dim=1)", "softmax(x, axis=1)"),
    (MAP, "F.adaptive_avg_pool2d(x, (1, 1))", "gap(x)"),
    (MAP, 'F.interpolate(x, scale_factor=2, mode="nearest")', "upsample(x, 2)"),
    (
        MAP,
        'F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)',
        'upsample(x, 2, mode="bilinear")',
    ),
    (MAP, "F.pad(x, (1, 2, 3, 4))", "pad(x, ((3, 4), (1, 2)))"),
    (MAP, "F.normalize(x, dim=1)", "l2norm(x, axis=1)"),
    (MAP, "F.glu(x, dim=1)", "glu(x, axis=1)"),
    (PAIR, "torch.cat([a, b], dim=1)", "concat(a, b, axis=1)"),
    (PAIR, "torch.cat((a, b), 1)", "concat(a, b, axis=1)"),
    (PAIR, "torch.stack([a, b], dim=1)", "stack(a, b, axis=1)"),
    (PAIR, "torch.add(a, b)", "a + b"),
    (PAIR, "torch.matmul(a, b.transpose(-2, -1)) -> softmax", "(a @ transpose(b, -2, -1)) -> softmax"),
    (PAIR, "torch.maximum(a, b)", "where(a > b, a, b)"),
    (PAIR, 'torch.einsum("nchw,nchw->nc", a, b)', 'einsum(a, b, "n c h w, n c h w -> n c")'),
    (PAIR, 'Add()([a, b]) -> Activation("relu")', "(a + b) -> relu"),
    (PAIR, "Concatenate()([a, b])", "concat(a, b)"),
    (PAIR, "tf.concat([a, b], axis=1)", "concat(a, b, axis=1)"),
    (MAP, "torch.sigmoid(x) * x", "sigmoid(x) * x"),
    (MAP, "torch.flatten(x, 1)", "flatten(x)"),
    (MAP, "torch.mean(x, dim=(2, 3), keepdim=True)", "mean(x, (2, 3), keep=true)"),
    (MAP, "torch.pow(x, 2)", "x ** 2"),
    (MAP, "torch.clamp(x, min=0)", "clamp(x, 0)"),
    (MAP, "x.view(N, -1)", "flatten(x)"),
    (MAP, "x.view(x.size(0), -1)", "flatten(x)"),
    (MAP, "x.contiguous().view(x.shape[0], -1)", "flatten(x)"),
    (MAP, "it.reshape(N, 4, -1)", "reshape(it, N, 4, -1)"),
    (MAP, "x.permute(0, 2, 3, 1)", 'rearrange(x, "n c h w -> n h w c")'),
    (MAP, "permute(0, 2, 3, 1)", 'rearrange("n c h w -> n h w c")'),
    (TOKENS, "x -> permute(0, 2, 1) -> relu", 'x -> rearrange("n t d -> n d t") -> relu'),
    (MAP, "x.unsqueeze(1)", "x[:, none]"),
    (MAP, "x.unsqueeze(-1)", "x[..., none]"),
    (MAP, "gap -> squeeze(-1) -> squeeze(-1)", "gap -> it[..., 0] -> it[..., 0]"),
    (TOKENS, "x.transpose(1, 2)", "transpose(x, 1, 2)"),
    (MAP, "x.mean([2, 3])", "mean(x, (2, 3))"),
    (MAP, "x.float()", "cast(x, float32)"),
    (MASKED, "x.masked_fill(mask, -1e9)", "where(mask, -1e9, x)"),
    (MASKED, 'x.masked_fill(mask, float("-inf")) -> softmax(axis=-1)', "where(mask, -1e9, x) -> softmax(axis=-1)"),
    (FLAT, 'Dense(10, activation="relu")', "linear(10) -> relu"),
    (FLAT, 'Dense(10, activation="relu", name="fc1") -> Dense(5)', "linear(10) as fc1 -> relu -> linear(5)"),
    (FLAT, "layers.Dense(10)(x)", "linear(x, 10)"),
    (RGB, 'Conv2D(filters=32, kernel_size=(3, 3), padding="same")', "conv(32, 3)"),
    (RGB, 'Conv2D(32, 3, strides=2, padding="same", activation="relu")', "conv(32, 3, s=2, p=same_tf) -> relu"),
    (RGB, "Conv2D(32, (3, 3))", "conv(32, 3, p=valid)"),
    (RGB, "keras.layers.BatchNormalization()", "bn(eps=0.001, momentum=0.01)"),
    (RGB, "layers.MaxPooling2D()", "maxpool(2)"),
    (
        RGB,
        'layers.GlobalAveragePooling2D() -> layers.Dense(10, activation="softmax")',
        "gap -> flatten -> linear(10) -> softmax",
    ),
    (RGB, "Flatten() -> Dropout(0.3)", "flatten -> dropout(0.3)"),
    (RGB, "UpSampling2D((2, 2))", "upsample(2)"),
    (RGB, "ZeroPadding2D(1)", "pad(1)"),
    (RGB, "LeakyReLU()", "leaky_relu"),
    (RGB, "layers.LeakyReLU()", "leaky_relu(0.3)"),
    (TOKENS, "layers.LSTM(32)", "lstm(32) -> it[:, -1]"),
    (TOKENS, "layers.LSTM(32, return_sequences=True)", "lstm(32)"),
    (RGB, 'DepthwiseConv2D(3, padding="same")', "dw"),
    (RGB, "Rescaling(0.5)", "(it * 0.5)"),
    (MAP, "tf.nn.relu(x)", "relu(x)"),
    (MAP, "tf.reduce_mean(x, axis=[2, 3])", "mean(x, (2, 3))"),
    (MAP, "batchnorm", "bn"),
    (MAP, "batch_norm(16)", "bn"),
    (MAP, "BatchNorm2D(16)", "bn"),
    (RGB, "conv2d(16, 3)", "conv(16, 3)"),
    (RGB, "conv2d(16, 3, stride=2, padding=1)", "conv(16, 3, s=2)"),
    (RGB, "conv2d(3, 16, 3, padding=1)", "conv(16, 3)"),
    (MAP, "maxpool2d(2)", "maxpool(2)"),
    (MAP, "max_pool(kernel_size=3, stride=2)", "maxpool(k=3, s=2)"),
    (MAP, "leakyrelu(0.1)", "leaky_relu(0.1)"),
    (MAP, "global_avg_pool -> flatten -> fc(10)", "gap -> flatten -> linear(10)"),
    (MAP, "interpolate(scale_factor=2)", "upsample(scale=2)"),
    (TOKENS, "multi_head_attention(4)", "attention(4)"),
    (MAP, "relu(x) if True else it", "relu(x) if true else it"),
    (RGB, "conv(16, 3, bias=False)", "conv(16, 3, bias=false)"),
    (RGB, "cba(16, act=nn.GELU, norm=nn.BatchNorm2d)", "cba(16, act=gelu, norm=bn)"),
    (MAP, "residual(skip=nn.Identity(), body=nn.Conv2d(16, 16, 1))", "residual(skip=id, body=conv(16, 1))"),
    (MAP, "x + nn.Conv2d(16, 16, 1)(x)", "x + conv(x, 16, 1)"),
]


@pytest.mark.parametrize(("header", "written", "here"), WHOLE, ids=[written for _, written, _ in WHOLE])
def test_an_expression_is_rewritten_whole_and_checks(header: str, written: str, here: str) -> None:
    program = rewritten(written, header)
    assert line_of(program) == here
    checks(program + "    y\n" if here.startswith("y = ") else program)


UNSAID = [
    ('nn.Conv2d(3, 16, 4, padding="same")', "`nn.Conv2d` is `conv`", "one side more"),
    ("nn.Embedding(1000, 64, padding_idx=0)", "`nn.Embedding` is `embedding`", "`padding_idx` has no counterpart"),
    ("nn.LayerNorm([64, 7, 7])", "`nn.LayerNorm` is `ln`", "ln(axis=1)"),
    ("nn.CrossEntropyLoss()", "no counterpart", "a loss is no part of a network"),
    ("F.relu(F.conv2d(x, y))", "`F.conv2d` is `conv`", "has a weight of its own"),
    ("nn.Fold(3)", "`nn.Fold` has no counterpart", ""),
    ("nn.ModuleList([])", "no counterpart", "made by a `for`"),
    ("x.view(-1, 16)", "`x.view` is `reshape`", "`flatten` keeps the batch"),
    ("x.detach()", "no counterpart", "what is trained"),
    ("self.conv3(x)", "no `self` here", "as name"),
    ("super().__init__()", "no `super` here", "its lines are its layers"),
    ("print(x)", "no `print` here", "dslc stats"),
    ("MultiHeadAttention(4, 16)", "is `attention`", "cross_attention"),
    ("nn.BatchNorm2d(3, track_running_stats=False)", "is `bn`", "no counterpart"),
    ("nn.TransformerEncoderLayer(64, 4)", "is `encoder_postnorm`", "norms first"),
]


@pytest.mark.parametrize(("written", "message", "why"), UNSAID)
def test_what_cannot_be_said_exactly_has_words_and_no_edit(written: str, message: str, why: str) -> None:
    _, found = told(written)
    assert [help.edits or help.replace for t in found for help in t.help] == []
    (only,) = found
    assert message in only.mistake.message
    assert why in " ".join(help.text for help in only.mistake.help)


def test_the_language_s_own_words_are_not_foreign() -> None:
    for line in (
        "conv(16, 3) -> bn -> relu",
        "x -> maxpool(2)",
        "concat(x, x, axis=1)",
        "x.shape[0]",
        "unknown_name(3)",
    ):
        assert told(line)[1] == ()
