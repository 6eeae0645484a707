"""A small network for each part of stdlib/: what its entry in docs/layers.md compiles, counts and draws.

A text is what stands after `net f on`; the part's `use` line is added. Sizes are those of the paper's first use,
where it gives some.
"""

MAP = "x[N, 64, 28, 28]"
TOKENS = "x[N, 16, 192]"
ROWS = 'x[N, 32, 14, 14]:\n    rearrange("n d h w -> n h w d")\n    '

EXAMPLES = {
    # combine
    "residual": f"{MAP}:\n    residual: bn -> relu -> conv(64, 3)",
    "scale": f"{MAP}:\n    scale: gap -> conv(64, 1) -> sigmoid",
    "dense": f"{MAP}:\n    dense: conv(32, 3)",
    "concat": f"{MAP}:\n    concat:\n        | conv(32, 1)\n        | conv(32, 3)",
    "add": f"{MAP}:\n    add:\n        | conv(64, 1)\n        | conv(64, 3)\n        | id",
    "in_float32": f"{TOKENS}:\n    in_float32: softmax(axis=-1)",
    # conv
    "dw": f"{MAP}:\n    dw(3, s=2)",
    "pw": f"{MAP}:\n    pw(128)",
    "fc": "x[N, 512, 7, 7]:\n    fc(4096, 7)",
    "cba": f"{MAP}:\n    cba(128, 3, s=2)",
    "sepconv": f"{MAP}:\n    sepconv(128, 3)",
    "mlpconv": "x[N, 3, 32, 32]:\n    mlpconv([192, 160, 96], 5)",
    "bsconv": f"{MAP}:\n    bsconv(128, 3)",
    # pool
    "blur_pool": f"{MAP}:\n    maxpool(2, s=1) -> blur_pool(4)",
    "mixed_pool": f"{MAP}:\n    mixed_pool(2)",
    # convnext
    "grn": f"{ROWS}grn",
    "convnext_v2": f"{MAP}:\n    convnext_v2",
    # densenet
    "dense_layer": f"{MAP}:\n    dense_layer(32)",
    "dense_block": f"{MAP}:\n    dense_block(3, 32)",
    "transition": f"{MAP}:\n    transition",
    # inception
    "conv_bn": f"{MAP}:\n    conv_bn(128, 3, s=2)",
    "inception": "x[N, 192, 28, 28]:\n    inception(64, (96, 128), (16, 32), 32)",
    "inception_aux": "x[N, 512, 14, 14]:\n    inception_aux(1000)",
    # mobilenet
    "inverted_residual": "x[N, 24, 56, 56]:\n    inverted_residual(24)",
    "mbconv": "x[N, 24, 56, 56]:\n    mbconv(24)",
    "fused_mbconv": "x[N, 48, 56, 56]:\n    fused_mbconv(48)",
    "divisible": "x[N, 3, 32, 32]:\n    conv(divisible(32 * 1.4), 3)",
    # pyramid
    "aspp": "x[N, 512, 28, 28]:\n    aspp(256, [6, 12, 18])",
    "spp": "x[N, 256, 13, 13]:\n    spp([3, 2, 1])",
    "fpn": (
        "c2[N, 64, 56, 56], c3[N, 128, 28, 28], c4[N, 256, 14, 14], c5[N, 512, 7, 7] -> p2, p3, p4, p5:"
        "\n    p2, p3, p4, p5 = (c2, c3, c4, c5) -> fpn(256)"
    ),
    # resnet
    "shortcut": f"{MAP}:\n    shortcut(128, s=2)",
    "pooled_shortcut": f"{MAP}:\n    pooled_shortcut(128, s=2)",
    "deep_stem": "x[N, 3, 224, 224]:\n    deep_stem -> bn -> relu",
    "basic": f"{MAP}:\n    basic(128, s=2)",
    "bottleneck": f"{MAP}:\n    bottleneck(64)",
    "preact": f"{MAP}:\n    preact(64)",
    # senet, gates, ghostnet, repvgg
    "se": f"{MAP}:\n    se(16)",
    "eca": f"{MAP}:\n    eca",
    "channel_gate": f"{MAP}:\n    channel_gate(16)",
    "spatial_gate": f"{MAP}:\n    spatial_gate(7)",
    "cbam": f"{MAP}:\n    cbam",
    "coordinate_attention": f"{MAP}:\n    coordinate_attention",
    "split_attention": f"{MAP}:\n    split_attention(64)",
    "ghost": f"{MAP}:\n    ghost(48)",
    "branch": f"{MAP}:\n    branch(64, 3)",
    "repvgg": f"{MAP}:\n    repvgg(64)",
    # attention
    "attention": f"{TOKENS}:\n    attention(4)",
    "cross_attention": "x[N, 16, 192], memory[N, 10, 96]:\n    (x, memory) -> cross_attention(4)",
    "mlp": f"{TOKENS}:\n    mlp(768)",
    "encoder": f"{TOKENS}:\n    encoder(4)",
    "encoder_postnorm": f"{TOKENS}:\n    encoder_postnorm(4)",
    "patch_embedding": "x[N, 3, 224, 224]:\n    patch_embedding(192)",
    "class_token": f"{TOKENS}:\n    class_token",
    "positions": f"{TOKENS}:\n    positions",
    # transformer
    "decoder": "x[N, 16, 192], memory[N, 10, 96]:\n    (x, memory) -> decoder(4)",
    "decoder_postnorm": "x[N, 16, 192], memory[N, 10, 96]:\n    (x, memory) -> decoder_postnorm(4)",
    "grouped_query": f"{TOKENS}:\n    grouped_query(6, 2, place=rotary)",
    "talking_heads": f"{TOKENS}:\n    talking_heads(4)",
    "sinusoidal": f"{TOKENS}:\n    sinusoidal",
    "positions_2d": f"{ROWS}positions_2d",
    "registers": f"{TOKENS}:\n    registers(4)",
    # window
    "windows": f"{ROWS}windows(w=7): ln -> linear(32)",
    "window_bias": "table[169, 4]:\n    window_bias(7)",
    "log_offset": "x[N, 3, 32, 32]:\n    it * log_offset(3, 7)",
    "shift_mask": "bias[1, 1, 4, 49, 49]:\n    shift_mask(14, 14, 7, 3, 3)",
    "window_heads": (
        'x[N, 32, 14, 14], bias[1, 1, 4, 49, 49]:\n    x -> rearrange("n d h w -> n h w d")\n'
        "    windows(window_heads(4, linear(96), sdpa, bias=bias), 7)"
    ),
    "in_windows": (
        'x[N, 32, 14, 14], table[169, 4]:\n    rearrange("n d h w -> n h w d")\n'
        "    (it, table) -> in_windows(4, 7, 3, 3, linear(96))"
    ),
    "window_attention": f"{ROWS}window_attention(4, shift=3)",
    "qkv_without_key_bias": f"{TOKENS}:\n    qkv_without_key_bias",
    "cosine_attention": (
        "q[N, 4, 4, 49, 8], k[N, 4, 4, 49, 8], v[N, 4, 4, 49, 8], mask[1, 1, 4, 49, 49]:\n"
        "    cosine_attention(q, k, v, mask, 4)"
    ),
    "window_attention_v2": f"{ROWS}window_attention_v2(4, w=7)",
}
