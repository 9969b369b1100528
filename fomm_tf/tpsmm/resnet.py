"""ResNet-18 (arXiv 1512.03385), with the attribute names of torchvision."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from fomm_tf.layers.batch_norm import BatchNorm
from fomm_tf.tpsmm.linear import linear

_WIDTHS = (64, 128, 256, 512)


class ResNet18(keras.layers.Layer):
    """[B, H, W, in_channels] -> [B, outputs]; a mean over all places comes before the last layer.

    The weights are random: the official code does not use ImageNet's.
    """

    def __init__(self, in_channels: int, outputs: int, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = _conv(in_channels, _WIDTHS[0], 7, 2)
        self.bn1 = BatchNorm(_WIDTHS[0])
        widths = (_WIDTHS[0], *_WIDTHS)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            [
                BasicBlock(widths[level], widths[level + 1], 2 if level else 1),
                BasicBlock(widths[level + 1], widths[level + 1]),
            ]
            for level in range(4)
        )
        self.fc = linear(_WIDTHS[-1], outputs)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        out = tf.nn.relu(self.bn1(_strided(self.conv1, images), training=training))
        # All values are positive: padding with zeros never wins.
        out = tf.nn.max_pool2d(_padded(out, 1), 3, 2, "VALID")
        for block in self.blocks:
            out = block(out, training=training)
        _, height, width, _ = out.shape
        return self.fc(tf.reduce_sum(out, axis=[1, 2]) * (1.0 / (height * width)))

    @property
    def blocks(self) -> list[BasicBlock]:
        """Of all four levels, in order."""
        return [*self.layer1, *self.layer2, *self.layer3, *self.layer4]


class BasicBlock(keras.layers.Layer):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, in_features: int, out_features: int, stride: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = _conv(in_features, out_features, 3, stride)
        self.bn1 = BatchNorm(out_features)
        self.conv2 = _conv(out_features, out_features, 3)
        self.bn2 = BatchNorm(out_features)
        self.downsample: list[keras.layers.Layer] = []
        if stride > 1:
            self.downsample = [_conv(in_features, out_features, 1, stride), BatchNorm(out_features)]

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        out = tf.nn.relu(self.bn1(_strided(self.conv1, inputs), training=training))
        out = self.bn2(_strided(self.conv2, out), training=training)
        if self.downsample:
            conv, norm = self.downsample
            inputs = norm(conv(inputs), training=training)
        return tf.nn.relu(out + inputs)

    @property
    def convolutions(self) -> list[keras.layers.Layer]:
        """Those that this block has."""
        return [self.conv1, self.conv2, *self.downsample[:1]]


def _conv(in_channels: int, filters: int, kernel_size: int, stride: int = 1) -> keras.layers.Conv2D:
    """A built convolution without bias, initialised as torchvision's ResNets."""
    layer = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="valid",
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(
            stddev=math.sqrt(2 / (filters * kernel_size**2))
        ),
    )
    layer.build((None, None, None, in_channels))
    return layer


def _strided(conv: keras.layers.Conv2D, inputs: tf.Tensor) -> tf.Tensor:
    """The convolution with PyTorch's padding, which is the same on all sides."""
    return conv(_padded(inputs, conv.kernel_size[0] // 2))


def _padded(inputs: tf.Tensor, margin: int) -> tf.Tensor:
    return tf.pad(inputs, [[0, 0], [margin, margin], [margin, margin], [0, 0]])
