"""The hourglass of detectors and dense motion networks, and its two halves."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.layers.blocks import DownBlock2d, UpBlock2d, conv2d


class Encoder(keras.layers.Layer):
    """The encoder of the hourglass: returns its input and the features of every level."""

    def __init__(self, block_expansion, in_features, num_blocks, max_features, **kwargs):
        super().__init__(**kwargs)
        widths = [in_features] + _widths(block_expansion, max_features, num_blocks)[1:]
        self.down_blocks = [DownBlock2d(widths[i], widths[i + 1]) for i in range(num_blocks)]

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
        **kwargs,
    ):
        super().__init__(**kwargs)
        widths = _widths(block_expansion, max_features, num_blocks)
        self.up_blocks = [
            UpBlock2d(widths[i + 1] * (1 if i == num_blocks - 1 else 2) + extra_features, widths[i])
            for i in reversed(range(num_blocks))
        ]
        self.conv = conv

    def call(self, levels, training=False):
        *skips, out = levels
        for block, skip in zip(self.up_blocks, reversed(skips), strict=True):
            out = tf.concat([block(out, training=training), skip], axis=-1)
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
        **kwargs,
    ):
        super().__init__(**kwargs)
        features = min(max_features, block_expansion) + in_features
        self.encoder = Encoder(block_expansion, in_features, num_blocks, max_features)
        conv = None if out_features is None else conv2d(features, out_features, 3)
        self.decoder = Decoder(block_expansion, num_blocks, max_features, conv=conv)
        self.out_features = out_features or features

    def call(self, inputs, training=False):
        return self.decoder(self.encoder(inputs, training=training), training=training)


def _widths(block_expansion: int, max_features: int, num_blocks: int) -> list[int]:
    return [min(max_features, block_expansion * 2**i) for i in range(num_blocks + 1)]
