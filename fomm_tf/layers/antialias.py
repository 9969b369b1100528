"""Anti-aliased downsampling of images (official `AntiAliasInterpolation2d`)."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf


class AntiAliasDownsample(keras.layers.Layer):
    """Gaussian blur, then subsampling by 1/scale; scale in (0, 1]."""

    def __init__(self, scale: float, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.stride = int(1 / scale)

    def call(self, inputs):
        if self.scale == 1:
            return inputs
        # Depthwise [k, k, C, 1]. A constant, not a weight: the scale alone determines it.
        kernel = np.repeat(antialias_kernel(self.scale)[:, :, None, None], inputs.shape[-1], axis=2)
        margin = kernel.shape[0] // 2
        padded = tf.pad(inputs, [[0, 0], [margin, margin], [margin, margin], [0, 0]])
        strides = [1, self.stride, self.stride, 1]
        return tf.nn.depthwise_conv2d(padded, kernel, strides, padding="VALID")


def antialias_kernel(scale: float) -> np.ndarray:
    """The normalised Gaussian for `scale`, float32 [k, k]: 5, 13, 29 taps for 1/2, 1/4, 1/8."""
    sigma = (1 / scale - 1) / 2
    size = 2 * round(sigma * 4) + 1
    offsets = np.arange(size) - (size - 1) / 2
    profile = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel = np.outer(profile, profile)
    return (kernel / kernel.sum()).astype(np.float32)
