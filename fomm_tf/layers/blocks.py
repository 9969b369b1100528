"""Building blocks that the networks share, with the attribute names of the official modules."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from fomm_tf.layers.batch_norm import BatchNorm


def conv2d(
    in_channels: int,
    filters: int,
    kernel_size: int,
    padding: str = "same",
    groups: int = 1,
    strides: int = 1,
    use_bias: bool = True,
) -> keras.layers.Conv2D:
    """A built convolution with PyTorch's default initialisation: uniform in +-1/sqrt(fan in)."""
    bound = 1 / math.sqrt(in_channels // groups * kernel_size**2)
    layer = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        groups=groups,
        use_bias=use_bias,
        kernel_initializer=keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
    )
    layer.build((None, None, None, in_channels))
    return layer


def instance_norm(features: int) -> keras.layers.GroupNormalization:
    """A built instance normalisation with learned scale and offset."""
    layer = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)
    layer.build((None, None, None, features))
    return layer


class SameBlock2d(keras.layers.Layer):
    """Convolution, norm, ReLU at constant resolution."""

    def __init__(self, in_features: int, out_features: int, kernel_size: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.conv = conv2d(in_features, out_features, kernel_size)
        self.norm = BatchNorm(out_features)

    def call(self, inputs, training=False):
        return tf.nn.relu(self.norm(self.conv(inputs), training=training))


class DownBlock2d(keras.layers.Layer):
    """Convolution, norm, ReLU, then 2x2 average pooling."""

    def __init__(self, in_features: int, out_features: int, **kwargs):
        super().__init__(**kwargs)
        self.conv = conv2d(in_features, out_features, 3)
        self.norm = BatchNorm(out_features)

    def call(self, inputs, training=False):
        features = tf.nn.relu(self.norm(self.conv(inputs), training=training))
        return tf.nn.avg_pool2d(features, 2, 2, "VALID")


class UpBlock2d(keras.layers.Layer):
    """Nearest-neighbour upsampling by two, then convolution, norm, ReLU."""

    def __init__(self, in_features: int, out_features: int, **kwargs):
        super().__init__(**kwargs)
        self.conv = conv2d(in_features, out_features, 3)
        self.norm = BatchNorm(out_features)

    def call(self, inputs, training=False):
        size = [2 * inputs.shape[1], 2 * inputs.shape[2]]
        doubled = tf.raw_ops.ResizeNearestNeighbor(images=inputs, size=size)
        return tf.nn.relu(self.norm(self.conv(doubled), training=training))


class ResBlock2d(keras.layers.Layer):
    """Pre-activation residual block of two 3x3 convolutions."""

    def __init__(self, features: int, **kwargs):
        super().__init__(**kwargs)
        self.norm1 = BatchNorm(features)
        self.conv1 = conv2d(features, features, 3)
        self.norm2 = BatchNorm(features)
        self.conv2 = conv2d(features, features, 3)

    def call(self, inputs, training=False):
        out = self.conv1(tf.nn.relu(self.norm1(inputs, training=training)))
        return inputs + self.conv2(tf.nn.relu(self.norm2(out, training=training)))
