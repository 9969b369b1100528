"""The block and the output type of patch discriminators."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf


class Judgement(NamedTuple):
    """One discriminator's block features [B, h_i, w_i, C_i] and prediction map [B, h, w, 1]."""

    feature_maps: list[tf.Tensor]
    prediction_map: tf.Tensor


class DiscriminatorBlock(keras.layers.Layer):
    """Convolution, optional instance norm, leaky ReLU 0.2, optional 2x2 average pooling."""

    def __init__(
        self, conv: keras.layers.Layer, norm: keras.layers.Layer | None, pool: bool, **kwargs
    ):
        super().__init__(**kwargs)
        self.conv = conv
        self.norm = norm
        self.pool = pool

    def call(self, inputs, training=False):
        out = self.conv(inputs, training=training)
        if self.norm is not None:
            out = self.norm(out)
        out = tf.nn.leaky_relu(out, 0.2)
        return tf.nn.avg_pool2d(out, 2, 2, "VALID") if self.pool else out
