"""Estimates how the camera moved (paper section 3.1, official `BGMotionPredictor`)."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from fomm_tf.tpsmm.config import CommonParams
from fomm_tf.tpsmm.resnet import ResNet18

_UNMOVED = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


class BackgroundPredictor(keras.Model):
    """Source and driving picture [B, H, W, C] -> the affine map [B, 3, 3] from places of the
    driving background to places of the source's. Before training it is the identity."""

    def __init__(self, common: CommonParams, **kwargs):
        super().__init__(**kwargs)
        self.bg_encoder = ResNet18(2 * common.num_channels, len(_UNMOVED))
        kernel = self.bg_encoder.conv1.kernel
        # The official code replaces this layer, so that it starts as PyTorch's convolutions do.
        bound = 1 / math.sqrt(math.prod(kernel.shape[:3]))
        kernel.assign(keras.random.uniform(kernel.shape, -bound, bound))
        self.bg_encoder.fc.kernel.assign(tf.zeros(self.bg_encoder.fc.kernel.shape))
        self.bg_encoder.fc.bias.assign(_UNMOVED)

    def call(self, source: tf.Tensor, driving: tf.Tensor, training: bool = False) -> tf.Tensor:
        pair = tf.concat([source, driving], axis=-1)
        rows = tf.reshape(self.bg_encoder(pair, training=training), [-1, 2, 3])
        last = tf.broadcast_to([[[0.0, 0.0, 1.0]]], tf.shape(rows[:, :1]))
        return tf.concat([rows, last], axis=1)
