"""A convolution whose kernel is divided by its largest singular value (arXiv 1802.05957)."""

from __future__ import annotations

import math

import keras
import tensorflow as tf


class SpectralNormConv2D(keras.layers.Layer):
    """Unpadded convolution that matches `torch.nn.utils.spectral_norm` exactly.

    Every call in training first does one power iteration v <- W'u, u <- Wv in place, without a
    gradient; the kernel is then divided by u'Wv, with the gradient through W only. At inference u
    and v do not change. W is the kernel reshaped to [filters, in * k * k].
    `keras.layers.SpectralNormalization` iterates in another order and keeps only one vector.
    """

    epsilon = 1e-12

    def __init__(self, in_channels: int, filters: int, kernel_size: int, **kwargs):
        super().__init__(**kwargs)
        shape = (kernel_size, kernel_size, in_channels, filters)
        fan_in = in_channels * kernel_size**2
        bound = 1 / math.sqrt(fan_in)
        uniform = keras.initializers.RandomUniform(-bound, bound)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=uniform)
        self.bias = self.add_weight(name="bias", shape=(filters,), initializer=uniform.clone())
        state = {"trainable": False, "aggregation": "only_first_replica"}
        self.u = self.add_weight(name="u", shape=(filters,), initializer=_random_unit, **state)
        self.v = self.add_weight(name="v", shape=(fan_in,), initializer=_random_unit, **state)

    def call(self, inputs, training=False):
        matrix = tf.reshape(tf.transpose(self.kernel, [3, 2, 0, 1]), [self.kernel.shape[-1], -1])
        u, v = tf.convert_to_tensor(self.u), tf.convert_to_tensor(self.v)
        if training:
            fixed = tf.stop_gradient(matrix)
            v = self._normalize(tf.linalg.matvec(fixed, u, transpose_a=True))
            u = self._normalize(tf.linalg.matvec(fixed, v))
            self.u.assign(u)
            self.v.assign(v)
        sigma = tf.reduce_sum(u * tf.linalg.matvec(matrix, v))
        kernel = self.kernel / sigma
        return tf.nn.conv2d(inputs, kernel, strides=1, padding="VALID") + self.bias

    def _normalize(self, vector: tf.Tensor) -> tf.Tensor:
        return vector / tf.maximum(tf.norm(vector), self.epsilon)


def _random_unit(shape, dtype=None):
    vector = keras.random.normal(shape, dtype=dtype)
    return vector / keras.ops.norm(vector)
