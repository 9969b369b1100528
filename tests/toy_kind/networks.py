"""The three networks of a toy."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.config.sections import HourglassParams
from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.blocks import DownBlock2d, SameBlock2d, UpBlock2d, conv2d
from fomm_tf.layers.geometry import coordinate_grid, gaussians
from fomm_tf.layers.hourglass import Hourglass

VARIANCE = 0.02


class Detector(keras.Model):
    """[B, H, W, C] pictures in [0, 1] -> `Keypoints`: the heatmaps' centres of mass."""

    def __init__(self, channels: int, num_kp: int, params: HourglassParams, **kwargs):
        super().__init__(**kwargs)
        sizes = params.block_expansion, channels, params.num_blocks, params.max_features
        self.predictor = Hourglass(*sizes)
        self.head = conv2d(self.predictor.out_features, num_kp, 1)

    def call(self, images: tf.Tensor, training: bool = False) -> Keypoints:
        maps = self.head(self.predictor(images, training=training))
        _, height, width, count = maps.shape
        flat = tf.nn.softmax(tf.reshape(maps, [-1, height * width, count]), axis=1)
        grid = coordinate_grid(height, width).reshape(1, height * width, 1, 2)
        return Keypoints(tf.reduce_sum(flat[..., None] * grid, axis=1))


class Encoder(keras.Model):
    """[B, H, W, C] -> features [B, H / 2, W / 2, C']."""

    def __init__(self, channels: int, features: int, **kwargs):
        super().__init__(**kwargs)
        self.down = DownBlock2d(channels, features)

    def call(self, source: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.down(source, training=training)


class Painter(keras.Model):
    """Features and keypoints -> the frame [B, H, W, C] in [0, 1]."""

    def __init__(self, channels: int, features: int, num_kp: int, **kwargs):
        super().__init__(**kwargs)
        self.mix = SameBlock2d(features + num_kp, features)
        self.up = UpBlock2d(features, features)
        self.final = conv2d(features, channels, 3)

    def call(
        self,
        features: tf.Tensor,
        kp_source: Keypoints,
        kp_driving: Keypoints,
        training: bool = False,
    ) -> tf.Tensor:
        _, height, width, _ = features.shape
        moved, still = (
            gaussians(kp.value, height, width, VARIANCE) for kp in (kp_driving, kp_source)
        )
        mixed = self.mix(tf.concat([features, moved - still], axis=-1), training=training)
        return tf.sigmoid(self.final(self.up(mixed, training=training)))
