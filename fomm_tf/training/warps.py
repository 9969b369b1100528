"""The random warps of the equivariance loss as tf.data."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fomm_tf.config.base import BaseConfig
from fomm_tf.layers.geometry import random_warp


def warp_batches(config: BaseConfig, seed: int, start_step: int) -> tf.data.Dataset:
    """`theta` [B, 2, 3] and `control_params` [B, 1, P * P] of a `Warp`, one batch for each step.

    A step's warps depend only on the seed and the step, so that a resumed run draws the same ones.
    """
    train = config.train_params
    tps = train.transform_params

    def draw(step: np.int64) -> list[np.ndarray]:
        rng = np.random.default_rng([seed, 2, int(step)])
        drawn = random_warp(rng, train.batch_size, tps.sigma_affine, tps.sigma_tps, tps.points_tps)
        return [part for part in drawn if part is not None]

    shapes = {"theta": [train.batch_size, 2, 3]}
    if tps.points_tps is not None:
        shapes["control_params"] = [train.batch_size, 1, tps.points_tps**2]

    def load(step: tf.Tensor) -> dict[str, tf.Tensor]:
        parts = tf.numpy_function(draw, [step], [tf.float32] * len(shapes), stateful=False)
        return {
            name: tf.ensure_shape(part, shape)
            for (name, shape), part in zip(shapes.items(), parts, strict=True)
        }

    return tf.data.Dataset.counter(start_step).map(load).prefetch(2)
