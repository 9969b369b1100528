"""Keypoints must not collapse onto each other: the separation constraint of arXiv 1804.04412.

FOMM's paper has no such loss.
"""

from __future__ import annotations

import tensorflow as tf

# Range of the repulsion: a standard deviation, in coordinates of [-1, 1]. Beyond twice that, about
# a sixth of the image, it is negligible.
SIGMA = 0.15


def separation_loss(value: tf.Tensor) -> tf.Tensor:
    """Proximity of the keypoints value [B, K, 2]: each pair contributes 1 where both coincide,
    decaying to 0 with distance; summed over pairs, averaged over the batch."""
    difference = value[:, :, None] - value[:, None]
    closeness = tf.exp(-tf.reduce_sum(difference**2, axis=-1) / (2 * SIGMA**2))
    # Every pair is counted twice, and each keypoint with itself.
    pairs = (tf.reduce_sum(closeness, axis=[1, 2]) - value.shape[1]) / 2
    return tf.reduce_mean(pairs)
