"""Image pyramid for the losses and the discriminators (paper section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from fomm_tf.layers.antialias import AntiAliasDownsample


def scale_key(scale: float) -> str:
    """A scale as spelled in the official state dicts: 1 -> "1", 0.5 -> "0-5"."""
    return f"{scale:g}".replace(".", "-")


class ImagePyramid(keras.layers.Layer):
    """[B, H, W, C] -> {scale: [B, H * scale, W * scale, C]}, anti-aliased."""

    def __init__(self, scales: Sequence[float], **kwargs):
        super().__init__(**kwargs)
        self.scales = tuple(scales)
        self.downs = [AntiAliasDownsample(scale) for scale in self.scales]

    def call(self, images: tf.Tensor) -> dict[float, tf.Tensor]:
        return {scale: down(images) for scale, down in zip(self.scales, self.downs, strict=True)}
