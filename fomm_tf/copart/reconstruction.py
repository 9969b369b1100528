"""The reconstruction module: generates a frame by moving a source's parts (arXiv 2004.03234)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from fomm_tf.copart.config import PartParams, ReconstructionModuleParams
from fomm_tf.copart.segments import Segments
from fomm_tf.fomm.config import CommonParams, GeneratorParams
from fomm_tf.fomm.generator import Motion, OcclusionAwareGenerator
from fomm_tf.layers.geometry import sparse_motions
from fomm_tf.layers.sampler import resize_bilinear


class ReconstructionModule(OcclusionAwareGenerator):
    """FOMM's generator, driven by parts: the deformation is computed without a network.

    As there, `encode(source)` is called once per source and `decode` once per frame, with
    `Segments` as keypoints.
    """

    def __init__(self, common: PartParams, params: ReconstructionModuleParams, **kwargs):
        super().__init__(
            CommonParams(common.num_segments, common.num_channels, common.estimate_affine_part),
            GeneratorParams(
                block_expansion=params.block_expansion,
                max_features=params.max_features,
                num_down_blocks=params.num_down_blocks,
                num_bottleneck_blocks=params.num_bottleneck_blocks,
            ),
            **kwargs,
        )
        self.estimate_visibility = params.estimate_visibility

    def call(
        self, source: tf.Tensor, kp_source: Any, kp_driving: Any, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """source [B, H, W, C] in [0, 1] and two `Segments`: a dict of `prediction` and `deformed`
        [B, H, W, C], `segment_motions`, `deformation`, and `visibility_maps` [B, h', w', 1] at
        feature resolution."""
        out = super().call(source, kp_source, kp_driving, training=training)
        if "occlusion_map" in out:
            halvings = len(self.down_blocks)
            size = [side >> halvings for side in source.shape[1:3]]
            out["visibility_maps"] = resize_bilinear(out.pop("occlusion_map"), *size)
        return out

    def motion(
        self,
        encoded: dict[str, tf.Tensor],
        kp_source: Segments,
        kp_driving: Segments,
        training: bool = False,
    ) -> Motion:
        """Each pixel moves with the parts it belongs to, the background is static.

        Besides deformation and visibility: `segment_motions` [B, 1 + N, h, w, 2], the motions of
        the background and of each part alone.
        """
        _, height, width, _ = kp_driving.segmentation.shape
        motions = sparse_motions(kp_source.keypoints, kp_driving.keypoints, height, width)
        weights = tf.transpose(kp_driving.segmentation, [0, 3, 1, 2])[..., None]
        motion = {
            "segment_motions": motions,
            "deformation": tf.reduce_sum(motions * weights, axis=1),
        }
        if self.estimate_visibility:
            motion["occlusion_map"] = visibility(kp_source, kp_driving)
        return motion


def visibility(seg_source: Segments, seg_driving: Segments) -> tf.Tensor:
    """1 where the source is visible, less where it shows a part and the driving frame the
    background: [B, h, w, 1].

    No gradient flows to the driving frame's parts through it, as in the official code.
    """
    covered, wanted = (
        tf.reduce_sum(segments.segmentation[..., 1:], axis=-1, keepdims=True)
        for segments in (seg_source, seg_driving)
    )
    return 1 - covered * (1 - tf.stop_gradient(wanted))
