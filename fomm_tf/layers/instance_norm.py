"""Instance normalisation as in PyTorch."""

from __future__ import annotations

import keras
import tensorflow as tf


class InstanceNorm(keras.layers.GroupNormalization):
    """Normalises each picture's channels by their own mean and biased variance: eps 1e-5, with
    learned scale and offset, the same in training and inference.

    Computed by sums instead of Keras' reshapes: faster, and with operators that every TFLite
    runtime has.
    """

    def __init__(self, features: int, **kwargs):
        super().__init__(groups=-1, epsilon=1e-5, **kwargs)
        self.build((None, None, None, features))

    def call(self, inputs, training=False):
        _, height, width, _ = inputs.shape
        share = 1.0 / (height * width)
        mean = tf.reduce_sum(inputs, axis=[1, 2], keepdims=True) * share
        squares = tf.reduce_sum(tf.square(inputs - mean), axis=[1, 2], keepdims=True)
        scale = self.gamma / tf.sqrt(squares * share + self.epsilon)
        return inputs * scale + (self.beta - mean * scale)
