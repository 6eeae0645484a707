"""How near `dslc signal` comes to what torch measures: values and gradients at initialisation.

The networks were chosen before any was measured with these rules; those of HELD were not looked at while rules were made.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """A net of examples/ at a size at which a run takes seconds; `draws`: initialisations to average over."""

    file: str
    net: str
    args: dict[str, object] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    batch: int = 16
    draws: int = 6


IMAGE = {"H": 64, "W": 64}

SEEN = (
    Case("resnet", "resnet18", {}, IMAGE),
    Case("vgg", "vgg11", {}, IMAGE),
    Case("mobilenet_v2", "mobilenet_v2", {}, IMAGE),
    Case("densenet", "densenet121", {}, IMAGE),
    Case("googlenet", "googlenet", {}, {"H": 96, "W": 96}),
    Case("efficientnet", "efficientnet_b0", {}, IMAGE),
    Case("convnext", "convnext_tiny", {}, IMAGE),
    Case("deit", "deit_tiny", {}, IMAGE),
    Case("gpt2", "gpt2", {"depth": 6, "heads": 4, "width": 128, "vocab": 1000}, {"T": 64}),
    Case("autoencoder", "autoencoder", {}, {}, 32),
    Case("nin", "nin", {}, {"H": 96, "W": 96}),
    Case("regnet", "regnet_x_400mf", {}, IMAGE),
    Case("repvgg", "repvgg_a0", {}, IMAGE),
    Case("text_lstm", "text_lstm", {"words": 1000, "width": 128, "hidden": 128}, {"T": 24}, 32),
    Case("lenet", "lenet", {}, {}, 32),
)

HELD = (
    Case("alexnet", "alexnet", {}, {"H": 96, "W": 96}),
    Case("audio_m5", "m5", {}, {}),
    Case("bert", "bert", {"depth": 6, "heads": 4, "width": 128, "vocab": 1000}, {"T": 64}),
    Case("dcgan", "dcgan_discriminator", {}, {}, 32),
    Case("ghostnet", "ghostnet_050", {}, IMAGE),
    Case("inception_v3", "inception_v3", {}, {"H": 107, "W": 107}),
    Case(
        "llama", "llama", {"depth": 6, "heads": 4, "groups": 2, "width": 128, "hidden": 384, "vocab": 1000}, {"T": 64}
    ),
    Case("mlp_mixer", "mlp_mixer", {"width": 128, "depth": 6}, IMAGE),
    Case("mnasnet", "mnasnet0_5", {}, IMAGE),
    Case("mobilenet_v3", "mobilenet_v3_small", {}, IMAGE),
    Case("resnet", "resnet50", {}, IMAGE),
    Case("shufflenet_v2", "shufflenet_v2_x0_5", {}, IMAGE),
    Case("squeezenet", "squeezenet1_1", {}, {"H": 96, "W": 96}),
    Case("swin", "swin_t", {}, {"H": 112, "W": 112}),
    Case("unet", "unet", {"depth": 3, "width": 32}, IMAGE),
)
