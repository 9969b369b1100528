"""Reconstruction losses against the driving frame: features of a perceptual network and pixels,
multi-scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from fomm_tf.config.base import PerceptualTrainParams
from fomm_tf.losses import squeezenet, vgg19

Pyramid = dict[float, tf.Tensor]
Features = Callable[[tf.Tensor], list[tf.Tensor]]


def perceptual_features(train: PerceptualTrainParams) -> Features | None:
    """The features that the perceptual loss compares; None if all its weights are 0.

    Raises ModelError or ConfigError if the network's weights cannot be read.
    """
    layers = train.loss_weights.perceptual
    if not any(layers):
        return None
    networks = {"vgg19": vgg19, "squeezenet": squeezenet}
    return networks[train.perceptual_network].features_for(layers, train.perceptual_weights())


def perceptual_loss(
    features: Features,
    generated: Pyramid,
    real: Pyramid,
    weights: Sequence[float],
) -> tf.Tensor:
    """Weighted L1 distances between features, over all pyramid scales (paper eq. 9)."""
    total = tf.constant(0.0)
    for scale in generated:
        # The real images need no gradient: only a forward pass.
        for a, b, weight in zip(
            features(generated[scale]), features(real[scale]), weights, strict=False
        ):
            if weight:
                total += weight * mean_distance(a, tf.stop_gradient(b))
    return total


def reconstruction_losses(
    features: Features | None,
    generated: Pyramid,
    real: Pyramid,
    perceptual: Sequence[float],
    pixel: float,
) -> dict[str, tf.Tensor]:
    """The weighted losses `perceptual` and `pixel` against the real image; those of weight zero are
    left out.

    perceptual, pixel: their weights. features: from `perceptual_features`.
    """
    losses = {}
    if features is not None:
        losses["perceptual"] = perceptual_loss(features, generated, real, perceptual)
    if pixel:
        losses["pixel"] = pixel * pixel_loss(generated, real)
    return losses


def pixel_loss(generated: Pyramid, real: Pyramid) -> tf.Tensor:
    """Mean absolute pixel difference, summed over all scales (not in the paper)."""
    return tf.add_n([mean_distance(generated[scale], real[scale]) for scale in generated])


def mean_distance(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference."""
    return tf.reduce_mean(tf.abs(a - b))
