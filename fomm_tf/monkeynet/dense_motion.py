"""Dense motion from keypoint displacements (Monkey-Net, section 3.2)."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.layers.geometry import coordinate_grid
from fomm_tf.layers.hourglass import Hourglass
from fomm_tf.monkeynet.config import CommonParams, DenseMotionParams
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.layers import GroupBlock2d, downsample_nearest
from fomm_tf.monkeynet.movement_embedding import MovementEmbedding


class DenseMotionModule(keras.layers.Layer):
    """Combines the keypoints' displacements by masks, and adds a per-pixel correction.

    Works at h x w, `scale_factor` times the image size. `call` returns a dict of
    `deformation` [B, h, w, 2]: the sampling position in the source per pixel, in [-1, 1],
    `mask` [B, h, w, K+1] (with `use_mask`): weight of each displacement (background first).
    """

    def __init__(self, common: CommonParams, params: DenseMotionParams, **kwargs):
        super().__init__(**kwargs)
        self.scale_factor = params.scale_factor
        self.use_correction = params.use_correction
        self.mask_embedding = MovementEmbedding(
            common, params.mask_embedding_params, background=True
        )
        features = self.mask_embedding.out_channels
        self.group_blocks = [
            GroupBlock2d(features, common.num_kp + 1) for _ in range(params.num_group_blocks)
        ]
        self.num_masks = (common.num_kp + 1) * params.use_mask
        self.hourglass = Hourglass(
            params.block_expansion,
            features,
            params.num_blocks,
            params.max_features,
            out_features=self.num_masks + 2 * params.use_correction,
        )
        # Training starts without motion: the background's mask dominates everywhere.
        head = self.hourglass.decoder.conv
        assert head is not None
        head.kernel.assign(np.zeros(head.kernel.shape))
        bias = np.zeros(head.bias.shape)
        bias[: min(self.num_masks, 1)] = params.bg_init
        head.bias.assign(bias)

    def call(
        self,
        source: tf.Tensor,
        kp_source: GaussianKeypoints,
        kp_driving: GaussianKeypoints,
        training: bool = False,
    ) -> dict[str, tf.Tensor]:
        """source: [B or 1, H, W, C] in [0, 1]."""
        source = downsample_nearest(source, self.scale_factor)
        features = self.mask_embedding(source, kp_source, kp_driving)
        for block in self.group_blocks:
            features = block(features, training=training)
        prediction = self.hourglass(features, training=training)
        _, height, width, _ = prediction.shape
        out = {"deformation": tf.convert_to_tensor(coordinate_grid(height, width))[None]}
        if self.num_masks:
            out["mask"] = tf.nn.softmax(prediction[..., : self.num_masks], axis=-1)
            moved = self.mask_embedding.displacements(kp_source, kp_driving)[:, None, None]
            out["deformation"] += tf.reduce_sum(out["mask"][..., None] * moved, axis=3)
        if self.use_correction:
            out["deformation"] += prediction[..., -2:]
        return out
