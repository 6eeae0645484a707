"""All rules, by family and file. A command imports those that it runs: `check` the warnings that need no signal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module

from dslc.lints.base import Lint

WARNINGS: tuple[str, ...] = (
    "norms.bias_before_norm",
    "norms.one_sample_batch",
    "norms.norm_of_few",
    "norms.shared_statistics",
    "norms.dropout_before_norm",
    "norms.norm_twice",
    "norms.normed_result",
    "norms.strong_dropout",
    "norms.norm_of_places",
    "norms.dropped_result",
    "activations.linear_pair",
    "activations.softmax_twice",
    "activations.activation_twice",
    "activations.bottleneck_activation",
    "activations.branch_activation",
    "activations.dead_at_start",
    "activations.last_and_loss",
    "activations.softmax_axis",
    "activations.activated_logits",
    "activations.odd_slope",
    "convolution.unread_places",
    "convolution.strided_pointwise",
    "convolution.one_sided",
    "convolution.constant_dilation",
    "convolution.checkerboard",
    "convolution.padding_alone",
    "convolution.unmixed_groups",
    "convolution.scale_alone",
    "convolution.idle_dilation",
    "convolution.dead_weights",
    "field.below_input",
    "field.below_object",
    "field.stride_beyond_map",
    "field.one_place",
    "field.unaligned",
    "field.idle_layer",
    "field.above_object",
    "attention.no_positions",
    "attention.unscaled",
    "attention.averaged_class_token",
    "attention.missing_causal",
    "attention.tied_scale",
    "cost.batch_too_large",
    "hygiene.unread_input",
    "hygiene.unread_results",
    "gradients.plain_recurrence",
    "gradients.exploding_recurrence",
    "gradients.cold_post_norm",
    "gradients.sigmoid_squared",
)
"""Files of warnings that read the program and the tables of `dslc stats`."""

ADVICE: tuple[str, ...] = (
    "norms.small_batch",
    "norms.norm_of_one_place",
    "norms.narrow_groups",
    "norms.norm_between_recurrent",
    "norms.concat_of_scales",
    "norms.idle_dropout",
    "activations.rectified_result",
    "convolution.split_kernel",
    "convolution.wide_pair",
    "convolution.separable",
    "convolution.odd_width",
    "convolution.dropped_edge",
    "convolution.growing_map",
    "field.padding_mostly",
    "field.part_of_input",
    "field.anchor_field",
    "attention.head_size",
    "attention.quadratic",
    "attention.key_bias",
    "attention.two_poolings",
    "cost.heavy_head",
    "cost.one_layer",
    "cost.full_resolution",
    "cost.held_skip",
    "cost.like_concat",
    "cost.two_biases",
    "cost.thin_squeeze",
    "cost.depthwise_bound",
    "cost.pool_after",
    "cost.pointwise_after",
    "hygiene.unread_layer",
    "hygiene.narrow_sizes",
    "hygiene.repeated_number",
    "hygiene.undocumented",
    "field.slightly_apart",
    "gradients.unfit_init",
    "gradients.forget_bias",
)
"""Files of notes that read no more."""

OF_SIGNAL: tuple[str, ...] = (
    "gradients.saturating_chain",
    "gradients.deep_plain",
    "gradients.unfit_scale",
    "gradients.constant_result",
    "gradients.growing_values",
)
"""Files of rules that stand on how signal and gradients flow."""


def rules(files: Iterable[str] = (*WARNINGS, *ADVICE, *OF_SIGNAL)) -> Iterator[type[Lint]]:
    """The rule of each file."""
    for file in files:
        module = import_module(f"dslc.lints.{file}")
        yield next(
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Lint) and kind.__module__ == module.__name__
        )
