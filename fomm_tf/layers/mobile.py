"""Blocks of the `mobile` architecture: depthwise-separable convolutions, batch norm, ReLU6.

Every batch norm directly follows a convolution, so exported graphs have none left; ReLU6 bounds
what int8 has to represent. Blocks of MobileNet (arXiv 1704.04861) and, for the residual one,
ConvNeXt's order (arXiv 2201.03545), whose depthwise convolution works on the narrow side.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.batch_norm import BatchNorm
from fomm_tf.layers.blocks import conv2d


def depthwise(features: int, stride: int = 1) -> keras.layers.DepthwiseConv2D:
    """A built 3x3 depthwise convolution without bias, uniform in +-1/sqrt(fan in)."""
    initializer = keras.initializers.RandomUniform(-1 / 3, 1 / 3)
    layer = keras.layers.DepthwiseConv2D(
        3, stride, padding="same", use_bias=False, depthwise_initializer=initializer
    )
    layer.build((None, None, None, features))
    return layer


class ConvNorm(keras.layers.Layer):
    """Convolution without bias, batch norm, and ReLU6 if `activate`."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int = 1,
        strides: int = 1,
        activate: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.conv = conv2d(in_features, out_features, kernel_size, strides=strides, use_bias=False)
        self.norm = BatchNorm(out_features)
        self.activate = activate

    def call(self, inputs, training=False):
        out = self.norm(self.conv(inputs), training=training)
        return tf.nn.relu6(out) if self.activate else out


class SeparableBlock(keras.layers.Layer):
    """3x3 depthwise convolution and norm, then 1x1 convolution, norm, ReLU6.

    `stride` 2 halves the resolution.
    """

    def __init__(self, in_features: int, out_features: int, stride: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.depthwise = depthwise(in_features, stride)
        self.norm = BatchNorm(in_features)
        self.pointwise = ConvNorm(in_features, out_features)

    def call(self, inputs, training=False):
        out = self.norm(self.depthwise(inputs), training=training)
        return self.pointwise(out, training=training)


class ResidualBlock(keras.layers.Layer):
    """Adds to its input: 3x3 depthwise, 1x1 to twice the features, ReLU6, 1x1 back."""

    def __init__(self, features: int, **kwargs):
        super().__init__(**kwargs)
        self.expand = SeparableBlock(features, 2 * features)
        self.project = ConvNorm(2 * features, features, activate=False)

    def call(self, inputs, training=False):
        return inputs + self.project(self.expand(inputs, training=training), training=training)


class UpProjection(keras.layers.Layer):
    """1x1 convolution and norm at low resolution, then nearest-neighbour upsampling by two: the
    same as in the other order, at a quarter of the cost."""

    def __init__(self, in_features: int, out_features: int, **kwargs):
        super().__init__(**kwargs)
        self.pointwise = ConvNorm(in_features, out_features, activate=False)

    def call(self, inputs, training=False):
        out = self.pointwise(inputs, training=training)
        size = [2 * inputs.shape[1], 2 * inputs.shape[2]]
        return tf.raw_ops.ResizeNearestNeighbor(images=out, size=size)


class MobileEncoder(keras.layers.Layer):
    """The encoder of the hourglass: the features of every level, the finest first."""

    def __init__(self, in_features: int, widths: list[int], **kwargs):
        super().__init__(**kwargs)
        self.first = SeparableBlock(in_features, widths[0])
        pairs = list(zip(widths, widths[1:], strict=False))
        self.down_blocks = [SeparableBlock(a, b, stride=2) for a, b in pairs]
        self.blocks = [ResidualBlock(b) for _, b in pairs]

    def call(self, inputs, training=False):
        levels = [self.first(inputs, training=training)]
        for down, block in zip(self.down_blocks, self.blocks, strict=True):
            levels.append(block(down(levels[-1], training=training), training=training))
        return levels


class MobileDecoder(keras.layers.Layer):
    """The decoder of the hourglass; skip connections are added, not concatenated."""

    def __init__(self, widths: list[int], **kwargs):
        super().__init__(**kwargs)
        pairs = list(zip(widths[1:], widths, strict=False))[::-1]
        self.up_blocks = [UpProjection(a, b) for a, b in pairs]
        self.blocks = [SeparableBlock(b, b) for _, b in pairs]

    def call(self, levels, training=False):
        *skips, out = levels
        for up, block, skip in zip(self.up_blocks, self.blocks, reversed(skips), strict=True):
            out = block(up(out, training=training) + skip, training=training)
        return out


class MobileHourglass(keras.layers.Layer):
    """[B, H, W, in_features] -> [B, H, W, block_expansion]; see `Hourglass`."""

    def __init__(
        self, block_expansion: int, in_features: int, num_blocks: int, max_features: int, **kwargs
    ):
        super().__init__(**kwargs)
        widths = [min(max_features, block_expansion * 2**i) for i in range(num_blocks + 1)]
        self.encoder = MobileEncoder(in_features, widths)
        self.decoder = MobileDecoder(widths)
        self.out_features = widths[0]

    def call(self, inputs, training=False):
        return self.decoder(self.encoder(inputs, training=training), training=training)
