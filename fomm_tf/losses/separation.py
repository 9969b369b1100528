"""Keypoints must not gather in one place: the separation constraint of arXiv 1804.04412.

FOMM's paper has no such loss.
"""

from __future__ import annotations

import tensorflow as tf

# How near two keypoints repel each other: a standard deviation, in coordinates of [-1, 1]. Beyond
# twice of that, about a sixth of a picture, they hardly do.
SIGMA = 0.15


def separation_loss(value: tf.Tensor) -> tf.Tensor:
    """How close the keypoints value [B, K, 2] are to each other: for each pair 1 where both are in
    one place, falling to 0 with their distance, summed over the pairs; mean over the batch."""
    difference = value[:, :, None] - value[:, None]
    closeness = tf.exp(-tf.reduce_sum(difference**2, axis=-1) / (2 * SIGMA**2))
    # Every pair is there twice, and each keypoint with itself.
    pairs = (tf.reduce_sum(closeness, axis=[1, 2]) - value.shape[1]) / 2
    return tf.reduce_mean(pairs)
