"""Finds the keypoints of all splines (paper section 3.1, official `KPDetector`)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.tpsmm.config import CommonParams
from fomm_tf.tpsmm.keypoints import POINTS, SplineKeypoints
from fomm_tf.tpsmm.resnet import ResNet18


class KeypointDetector(keras.Model):
    """[B, H, W, C] pictures in [0, 1] -> `SplineKeypoints`: value [B, 5K, 2]."""

    def __init__(self, common: CommonParams, **kwargs):
        super().__init__(**kwargs)
        self.count = POINTS * common.num_tps
        self.fg_encoder = ResNet18(common.num_channels, 2 * self.count)

    def call(self, images: tf.Tensor, training: bool = False) -> SplineKeypoints:
        places = tf.sigmoid(self.fg_encoder(images, training=training))
        return SplineKeypoints(tf.reshape(places * 2 - 1, [-1, self.count, 2]))
