"""Least squares GAN and feature matching losses at every scale of the discriminator."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from fomm_tf.layers.patch_discriminator import Judgement
from fomm_tf.losses.perceptual import mean_distance

Judgements = dict[float, Judgement]


def generator_gan_loss(generated: Judgements) -> tf.Tensor:
    """Generator loss: distance of the discriminator's output on generated images from 1 (real)."""
    return tf.add_n([_distance_to(1.0, judgement) for judgement in generated.values()])


def discriminator_gan_loss(generated: Judgements, real: Judgements) -> tf.Tensor:
    """Discriminator loss: distance of its output from 1 on real images and 0 on generated ones."""
    return tf.add_n(
        [_distance_to(1.0, real[scale]) + _distance_to(0.0, generated[scale]) for scale in real]
    )


def feature_matching_loss(
    generated: Judgements, real: Judgements, weights: Sequence[float]
) -> tf.Tensor:
    """Weighted L1 distances between the discriminator's block features."""
    terms = [
        weight * mean_distance(a, b)
        for scale in real
        for a, b, weight in zip(
            real[scale].feature_maps, generated[scale].feature_maps, weights, strict=False
        )
        if weight
    ]
    return tf.add_n(terms)


def _distance_to(target: float, judgement: Judgement) -> tf.Tensor:
    return tf.reduce_mean(tf.square(target - judgement.prediction_map))
