"""What the keys of a Monkey-Net configuration may not say together; each check yields one line.

A line begins with the dotted path of a key to change. `monkeynet.config` raises the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fomm_tf.config_checks import (
    augmentation_contradictions,
    channel_contradictions,
    size_contradictions,
)

if TYPE_CHECKING:
    from fomm_tf.monkeynet.config import MonkeyNetConfig


def contradictions(config: MonkeyNetConfig) -> Iterator[str]:
    """What is wrong between keys that are each fine."""
    yield from size_contradictions(config)
    yield from augmentation_contradictions(config.dataset_params)
    yield from _embedding_contradictions(config)
    model, train = config.model_params, config.train_params
    dense = model.generator_params.dense_motion_params
    if dense and not (dense.use_mask or dense.use_correction):
        yield (
            "model_params.generator_params.dense_motion_params.use_mask: without it and "
            "use_correction there is no motion; leave dense_motion_params out"
        )
    weights = train.loss_weights.layers
    if weights and len(weights) < model.discriminator_params.num_blocks + 1:
        yield (
            "train_params.loss_weights.reconstruction: needs "
            f"{model.discriminator_params.num_blocks + 1} weights, one for the frame and one per "
            f"block of the discriminator, has {len(weights)}"
        )
    if config.transfer_params.normalization_params.adapt_variance:
        if model.common_params.variance == "single":
            yield (
                "transfer_params.normalization_params.adapt_variance: needs "
                "model_params.common_params.kp_variance 'matrix'"
            )
    prediction = config.prediction_params
    if prediction.init_frames >= prediction.num_frames:
        yield (
            f"prediction_params.init_frames: {prediction.init_frames} of num_frames "
            f"{prediction.num_frames} leaves nothing to predict"
        )


def _embedding_contradictions(config: MonkeyNetConfig) -> Iterator[str]:
    model = config.model_params
    generator, dense = model.generator_params, model.generator_params.dense_motion_params
    mask = dense.mask_embedding_params if dense else None
    for path, params in (
        ("generator_params.kp_embedding_params", generator.kp_embedding_params),
        ("generator_params.dense_motion_params.mask_embedding_params", mask),
        (
            "discriminator_params.kp_embedding_params",
            model.discriminator_params.kp_embedding_params,
        ),
    ):
        if params and not (
            params.use_heatmap or params.use_difference or params.use_deformed_source_image
        ):
            yield f"model_params.{path}.use_heatmap: nothing is left in this embedding; set it"
        if params and params.scale_factor != 1 and not path.startswith("generator_params.kp_"):
            yield (
                f"model_params.{path}.scale_factor: must be 1 here; the network that the embedding "
                "is for has its own"
            )


def training_contradictions(config: MonkeyNetConfig) -> Iterator[str]:
    """What only training cannot do."""
    yield from channel_contradictions(config)
    height, width, _ = config.dataset_params.frame_shape
    model = config.model_params
    left = int(min(height, width) * model.discriminator_params.scale_factor)
    for _ in range(model.discriminator_params.num_blocks):
        left = (left - 3) // 2
    if left < 1:
        yield (
            "model_params.discriminator_params.num_blocks: "
            f"{model.discriminator_params.num_blocks} blocks are too many for frames of "
            f"{height}x{width}"
        )
    weights = config.train_params.loss_weights
    if not (any(weights.layers) or weights.reconstruction_deformed or weights.generator_gan):
        yield "train_params.loss_weights: all of them are 0; nothing is left to learn"
