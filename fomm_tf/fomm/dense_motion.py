"""Dense motion from sparse keypoint motions (paper section 3.3, official `DenseMotionNetwork`)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.fomm.config import CommonParams, DenseMotionParams
from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.antialias import AntiAliasDownsample
from fomm_tf.layers.blocks import conv2d
from fomm_tf.layers.geometry import gaussians, sparse_motions
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.layers.hourglass import Hourglass
from fomm_tf.layers.sampler import BilinearSampler


class DenseMotionNetwork(keras.Model):
    """Combines K local affine motions and a static background into one backward warp.

    Works at h x w, `scale_factor` times the image size. `call` returns a dict of
    `sparse_deformed` [B, K+1, h, w, C]: the source warped by each motion alone,
    `mask` [B, h, w, K+1]: weight of each motion per pixel (background first),
    `deformation` [B, h, w, 2]: the sampling position in the source per pixel, in [-1, 1],
    `occlusion_map` [B, h, w, 1] (if in the config): 0 where the source is occluded.
    """

    HOURGLASS: type[keras.layers.Layer] = Hourglass
    HEAD_SIZE = 7

    def __init__(self, common: CommonParams, params: DenseMotionParams, occlusion: bool, **kwargs):
        super().__init__(**kwargs)
        self.num_kp = common.num_kp
        self.kp_variance = params.kp_variance
        self.down = AntiAliasDownsample(params.scale_factor)
        self.sampler = BilinearSampler()
        self.hourglass = self.HOURGLASS(
            params.block_expansion,
            (common.num_kp + 1) * (common.num_channels + 1),
            params.num_blocks,
            params.max_features,
        )
        features, size = self.hourglass.out_features, self.HEAD_SIZE
        self.mask = conv2d(features, common.num_kp + 1, size)
        self.occlusion = conv2d(features, 1, size) if occlusion else None

    def call(
        self,
        source: tf.Tensor,
        kp_source: Keypoints,
        kp_driving: Keypoints,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """source: [B, h, w, C], already downsampled by `self.down`."""
        stacked, motions, deformed = self.representation(source, kp_source, kp_driving)
        features = self.hourglass(stacked, training=training)
        return {"sparse_deformed": deformed, **self.combine(features, motions)}

    def representation(
        self, source: tf.Tensor, kp_source: Keypoints, kp_driving: Keypoints
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The hourglass's input [B, h, w, (K+1) (C+1)], each motion alone [B, K+1, h, w, 2] and the
        source warped by it [B, K+1, h, w, C]."""
        _, height, width, channels = source.shape
        heatmaps = self.heatmap_representation(kp_source, kp_driving, height, width)
        motions = sparse_motions(kp_source, kp_driving, height, width)
        deformed = self.sampler(source, motions)
        # The official channel order: for each motion its heatmap, then its warped image.
        stacked = tf.concat([heatmaps[..., None], tf.transpose(deformed, [0, 2, 3, 1, 4])], axis=-1)
        stacked = tf.reshape(stacked, [-1, height, width, (self.num_kp + 1) * (channels + 1)])
        return stacked, motions, deformed

    def combine(self, features: tf.Tensor, motions: tf.Tensor) -> dict[str, tf.Tensor]:
        """`mask`, `deformation` and `occlusion_map` from the hourglass's output."""
        mask = tf.nn.softmax(self.mask(features), axis=-1)
        weights = tf.transpose(mask, [0, 3, 1, 2])[..., None]
        out = {"mask": mask, "deformation": tf.reduce_sum(motions * weights, axis=1)}
        if self.occlusion is not None:
            out["occlusion_map"] = tf.sigmoid(self.occlusion(features))
        return out

    def heatmap_representation(
        self, kp_source: Keypoints, kp_driving: Keypoints, height: int, width: int
    ) -> tf.Tensor:
        """Driving minus source Gaussians, after a zero background (eq. 6): [B, h, w, K+1]."""
        difference = gaussians(kp_driving.value, height, width, self.kp_variance) - gaussians(
            kp_source.value, height, width, self.kp_variance
        )
        return tf.pad(difference, [[0, 0], [0, 0], [0, 0], [1, 0]])

    def layer_groups(self) -> list[LayerGroup]:
        """The layer groups for quantization."""
        groups = [
            LayerGroup("motion_encoder", [self.hourglass.encoder]),
            LayerGroup("motion_decoder", [self.hourglass.decoder]),
            LayerGroup("mask_head", [self.mask], quality="dynamic"),
        ]
        if self.occlusion is not None:
            groups.append(LayerGroup("occlusion_head", [self.occlusion], quality="dynamic"))
        return groups
