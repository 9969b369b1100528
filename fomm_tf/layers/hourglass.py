"""The hourglass of detectors and dense motion networks, and its two halves."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.batch_norm import BatchNorm
from fomm_tf.layers.blocks import DownBlock2d, Norm, UpBlock2d, conv2d


class Encoder(keras.layers.Layer):
    """The encoder of the hourglass: returns its input and the features of every level."""

    def __init__(
        self,
        block_expansion: int,
        in_features: int,
        num_blocks: int,
        max_features: int,
        norm: Norm = BatchNorm,
        **kwargs,
    ):
        super().__init__(**kwargs)
        widths = [in_features] + _widths(block_expansion, max_features, num_blocks)[1:]
        self.down_blocks = [DownBlock2d(widths[i], widths[i + 1], norm) for i in range(num_blocks)]

    def call(self, inputs, training=False):
        levels = [inputs]
        for block in self.down_blocks:
            levels.append(block(levels[-1], training=training))
        return levels


class Decoder(keras.layers.Layer):
    """The decoder of the hourglass, with skip connections from the encoder at each resolution.

    `extra_features`: additional channels of every level over the encoder's. `conv`: optional last
    layer.
    """

    def __init__(
        self,
        block_expansion: int,
        num_blocks: int,
        max_features: int,
        extra_features: int = 0,
        conv: keras.layers.Layer | None = None,
        norm: Norm = BatchNorm,
        **kwargs,
    ):
        super().__init__(**kwargs)
        widths = _widths(block_expansion, max_features, num_blocks)
        inputs = [width * 2 + extra_features for width in widths[1:]]
        inputs[-1] -= widths[-1]
        self.up_blocks = [
            UpBlock2d(inputs[i], widths[i], norm) for i in reversed(range(num_blocks))
        ]
        self.conv = conv

    def call(self, levels, training=False, every_level=False):
        """every_level: returns the output of every block joined with the encoder's of its
        resolution, coarse to fine."""
        *skips, out = levels
        joined = []
        for block, skip in zip(self.up_blocks, reversed(skips), strict=True):
            out = tf.concat([block(out, training=training), skip], axis=-1)
            joined.append(out)
        if every_level:
            return joined
        return out if self.conv is None else self.conv(out)


class Hourglass(keras.layers.Layer):
    """Encoder and decoder with skips: [B, H, W, in_features] -> [B, H, W, out_features].

    `out_features`: of a final 3x3 convolution; without it the decoder's last level is returned.
    """

    def __init__(
        self,
        block_expansion: int,
        in_features: int,
        num_blocks: int,
        max_features: int,
        out_features: int | None = None,
        norm: Norm = BatchNorm,
        **kwargs,
    ):
        super().__init__(**kwargs)
        features = min(max_features, block_expansion) + in_features
        self.encoder = Encoder(block_expansion, in_features, num_blocks, max_features, norm)
        conv = None if out_features is None else conv2d(features, out_features, 3)
        self.decoder = Decoder(block_expansion, num_blocks, max_features, conv=conv, norm=norm)
        self.out_features = out_features or features

    def call(self, inputs, training=False, every_level=False):
        """every_level: see `Decoder`."""
        levels = self.encoder(inputs, training=training)
        return self.decoder(levels, training=training, every_level=every_level)


def _widths(block_expansion: int, max_features: int, num_blocks: int) -> list[int]:
    return [min(max_features, block_expansion * 2**i) for i in range(num_blocks + 1)]
