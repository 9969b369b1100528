"""Keypoints and their local affine transforms from an image (paper section 3.2)."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.fomm.config import CommonParams, KPDetectorParams
from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.antialias import AntiAliasDownsample
from fomm_tf.layers.blocks import conv2d
from fomm_tf.layers.geometry import coordinate_grid
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.layers.hourglass import Hourglass


class KeypointDetector(keras.Model):
    """[B, H, W, C] images in [0, 1] -> `Keypoints`, with Jacobians if the config has them.

    An hourglass on the downsampled image predicts K heatmaps; a keypoint is its heatmap's centre of
    mass, its Jacobian the heatmap-weighted mean of a predicted 2x2 field.
    """

    HOURGLASS: type[keras.layers.Layer] = Hourglass
    HEAD_SIZE = 7

    def __init__(self, common: CommonParams, params: KPDetectorParams, **kwargs):
        super().__init__(**kwargs)
        self.num_kp = common.num_kp
        self.temperature = params.temperature
        self.pad = params.pad
        self.down = AntiAliasDownsample(params.scale_factor)
        self.predictor = self.HOURGLASS(
            params.block_expansion, common.num_channels, params.num_blocks, params.max_features
        )
        features, size = self.predictor.out_features, self.HEAD_SIZE
        self.kp = conv2d(features, common.num_kp, size, padding="valid")
        self.jacobian = None
        if common.estimate_jacobian:
            self.num_maps = 1 if params.single_jacobian_map else common.num_kp
            self.jacobian = conv2d(features, 4 * self.num_maps, size, padding="valid")
            # Training starts from the identity everywhere, as in the official code.
            self.jacobian.kernel.assign(np.zeros(self.jacobian.kernel.shape))
            self.jacobian.bias.assign(np.tile([1, 0, 0, 1], self.num_maps))

    def call(self, images: tf.Tensor, training: bool = False) -> Keypoints:
        return self.keypoints(self.features(images, training=training))

    def features(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Input of the heads: the hourglass's output [B, h, w, C'], padded."""
        features = self.predictor(self.down(images), training=training)
        if self.pad:
            margin = [self.pad, self.pad]
            features = tf.pad(features, [[0, 0], margin, margin, [0, 0]])
        return features

    def keypoints(self, features: tf.Tensor) -> Keypoints:
        """Predicts keypoints from `features`."""
        heatmap = self.heatmap(self.kp(features))
        _, height, width, _ = heatmap.shape
        grid = coordinate_grid(height, width)
        value = tf.reduce_sum(heatmap[..., None] * grid[:, :, None, :], axis=[1, 2])
        if self.jacobian is None:
            return Keypoints(value)
        maps = tf.reshape(self.jacobian(features), [-1, height, width, self.num_maps, 4])
        jacobian = tf.reduce_sum(heatmap[..., None] * maps, axis=[1, 2])
        return Keypoints(value, tf.reshape(jacobian, [-1, self.num_kp, 2, 2]))

    def heatmap(self, prediction: tf.Tensor) -> tf.Tensor:
        """Softmax with temperature over all positions: [B, h, w, K] -> [B, h, w, K]."""
        _, height, width, _ = prediction.shape
        flat = tf.reshape(prediction, [-1, height * width, self.num_kp])
        flat = tf.nn.softmax(flat / self.temperature, axis=1)
        return tf.reshape(flat, [-1, height, width, self.num_kp])

    def layer_groups(self) -> list[LayerGroup]:
        """The layer groups for quantization."""
        groups = [
            LayerGroup("detector_encoder", [self.predictor.encoder]),
            LayerGroup("detector_decoder", [self.predictor.decoder]),
            LayerGroup("keypoint_head", [self.kp], quality="dynamic"),
        ]
        if self.jacobian is not None:
            groups.append(LayerGroup("jacobian_head", [self.jacobian], quality="dynamic"))
        return groups
