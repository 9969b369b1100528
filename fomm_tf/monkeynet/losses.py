"""Feature matching, reconstruction and least squares GAN losses (Monkey-Net, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from fomm_tf.layers.patch_discriminator import Judgement
from fomm_tf.losses import adversarial
from fomm_tf.losses.perceptual import mean_distance
from fomm_tf.monkeynet.config import LossWeights


def generator_losses(
    generated: Judgement, real: Judgement, deformed: tf.Tensor, weights: LossWeights
) -> dict[str, tf.Tensor]:
    """The weighted losses of generator and keypoint detector by their names in the official log;
    those of weight zero are left out.

    `rec_def` compares the warped source with the driving frame, `layer-i_rec` the discriminator's
    features of prediction and driving frame after i blocks (0: the frames themselves).
    """
    losses = {}
    if weights.reconstruction_deformed:
        distance = mean_distance(real.feature_maps[0], deformed)
        losses["rec_def"] = weights.reconstruction_deformed * distance
    losses |= _reconstruction(generated, real, weights.layers)
    if weights.generator_gan:
        gan = adversarial.generator_gan_loss({1.0: generated})
        losses["gen_gan"] = weights.generator_gan * gan
    return losses


def discriminator_loss(
    generated: Judgement, real: Judgement, weights: LossWeights
) -> dict[str, tf.Tensor]:
    """The weighted loss of the discriminator, `disc_gan`."""
    loss = adversarial.discriminator_gan_loss({1.0: generated}, {1.0: real})
    return {"disc_gan": weights.discriminator_gan * loss}


def _reconstruction(
    generated: Judgement, real: Judgement, weights: Sequence[float]
) -> dict[str, tf.Tensor]:
    pairs = zip(real.feature_maps, generated.feature_maps, weights, strict=False)
    return {
        f"layer-{i}_rec": weight * mean_distance(a, b)
        for i, (a, b, weight) in enumerate(pairs)
        if weight
    }
