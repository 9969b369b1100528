"""The segmentation module: FOMM's keypoint detector plus one head (arXiv 2004.03234)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from fomm_tf.copart.config import PartParams, SegmentationModuleParams
from fomm_tf.copart.segments import Segments
from fomm_tf.fomm.config import CommonParams, KPDetectorParams
from fomm_tf.fomm.keypoint_detector import KeypointDetector
from fomm_tf.layers.blocks import conv2d

# Padding of the 7x7 heads: a segmentation has the resolution of the detector's input.
_MARGIN = 3


class SegmentationModule(KeypointDetector):
    """[B, H, W, C] images in [0, 1] -> `Segments` at `scale_factor` of the size.

    A part's shift and affine transform are a keypoint and its Jacobian, so a trained FOMM detector
    is a good initialization. Weights have the names of the published checkpoints, which are FOMM's:
    `kp` predicts shifts, `jacobian` affine transforms, `semantic_seg` the segmentation.
    """

    def __init__(self, common: PartParams, params: SegmentationModuleParams, **kwargs):
        super().__init__(
            CommonParams(common.num_segments, common.num_channels, common.estimate_affine_part),
            KPDetectorParams(
                temperature=params.temperature,
                block_expansion=params.block_expansion,
                max_features=params.max_features,
                num_blocks=params.num_blocks,
                scale_factor=params.scale_factor,
                pad=_MARGIN,
            ),
            **kwargs,
        )
        count = 1 + common.num_segments
        self.semantic_seg = conv2d(self.predictor.out_features, count, 7, padding="valid")

    def call(self, images: tf.Tensor, training: bool = False) -> Any:
        features = self.features(images, training=training)
        segmentation = tf.nn.softmax(self.semantic_seg(features), axis=-1)
        return Segments(segmentation, *self.keypoints(features))
