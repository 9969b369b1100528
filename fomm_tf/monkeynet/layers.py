"""Building blocks of Monkey-Net that FOMM does not use."""

from __future__ import annotations

from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.layers.batch_norm import BatchNorm
from fomm_tf.layers.blocks import conv2d
from fomm_tf.layers.sampler import resize_bilinear

InterpolationMode = Literal["nearest", "trilinear"]


def downsample_nearest(images: tf.Tensor, scale: float) -> tf.Tensor:
    """Subsampling by 1/scale from the first pixel: [B, H, W, C] -> [B, H * scale, W * scale, C]."""
    stride = round(1 / scale)
    _, height, width, _ = images.shape
    return images[:, ::stride, ::stride][:, : height // stride, : width // stride]


def resize(images: tf.Tensor, height: int, width: int, mode: InterpolationMode) -> tf.Tensor:
    """[B, H, W, C] -> [B, height, width, C]: `nearest` reads pixel floor(i * in / out),
    `trilinear` is half-pixel bilinear (frames are never mixed)."""
    if mode == "trilinear" or images.shape[1:3] == (height, width):
        return resize_bilinear(images, height, width)
    return tf.raw_ops.ResizeNearestNeighbor(images=images, size=[height, width])


class GroupBlock2d(keras.layers.Layer):
    """1x1 convolution within each of `groups` groups of channels, norm, ReLU."""

    def __init__(self, features: int, groups: int, **kwargs):
        super().__init__(**kwargs)
        self.conv = conv2d(features, features, 1, groups=groups)
        self.norm = BatchNorm(features)
        self.groups = groups

    def call(self, inputs, training=False):
        # As a dense convolution with zeros between the groups: not every CPU kernel or TFLite
        # runtime supports grouped ones, and with so few channels the zeros cost nothing.
        size = self.conv.filters // self.groups
        inside = np.kron(np.eye(self.groups), np.ones([size, size])).astype(np.float32)
        kernel = tf.tile(tf.convert_to_tensor(self.conv.kernel), [1, 1, self.groups, 1]) * inside
        out = tf.nn.conv2d(inputs, kernel, strides=1, padding="VALID") + self.conv.bias
        return tf.nn.relu(self.norm(out, training=training))
