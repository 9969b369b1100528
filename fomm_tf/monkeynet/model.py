"""Monkey-Net's public class."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.inference.keypoint_model import KeypointModel
from fomm_tf.layers.blocks import UpBlock2d
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.monkeynet.config import MonkeyNetConfig
from fomm_tf.monkeynet.discriminator import Discriminator
from fomm_tf.monkeynet.generator import MotionTransferGenerator
from fomm_tf.monkeynet.keypoint_detector import KeypointDetector
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.motion import MonkeyNetMotion


class MonkeyNetModel(MonkeyNetMotion, KeypointModel):
    """Keypoint detector and generator of one config, with inference on NumPy arrays.

    `detect` returns `GaussianKeypoints`: value [B, K, 2], and variance [B, K, 2, 2], [B, K, 1, 1]
    or None. `generate` returns `prediction` and `deformed` [B, H, W, C], `deformation`
    [B, h, w, 2], and if the config has masks `mask` [B, h, w, K+1].
    """

    config: MonkeyNetConfig

    def _build(self) -> None:
        params = self.config.model_params
        self.kp_detector = KeypointDetector(params.common_params, params.kp_detector_params)
        self.generator = MotionTransferGenerator(params.common_params, params.generator_params)

    def _discriminator(self) -> Discriminator:
        params = self.config.model_params
        return Discriminator(params.common_params, params.discriminator_params)

    def _keypoints(self, kp: GaussianKeypoints, batch: int) -> GaussianKeypoints:
        value = self._value(kp, batch)
        side = self.config.model_params.common_params.variance_side
        if side is None:
            return GaussianKeypoints(value)
        shape = (*value.shape[:2], side, side)
        if kp.variance is None or np.shape(kp.variance) != shape:
            raise ModelError(f"this model needs keypoint variances of shape {list(shape)}")
        return GaussianKeypoints(value, tf.cast(kp.variance, tf.float32))

    def layer_groups(self) -> list[LayerGroup]:
        """See `BaseModel`."""
        hourglass, generator = self.kp_detector.predictor, self.generator
        groups = [
            LayerGroup("detector_encoder", [hourglass.encoder]),
            LayerGroup("detector_decoder", [hourglass.decoder]),
            LayerGroup("keypoint_head", [hourglass.decoder.conv], quality="dynamic"),
        ]
        if (motion := generator.dense_motion_module) is not None:
            head = [motion.hourglass.decoder.conv]
            groups += [
                LayerGroup("motion_encoder", [*motion.group_blocks, motion.hourglass.encoder]),
                LayerGroup("motion_decoder", [motion.hourglass.decoder]),
                # Its outputs are displacements.
                LayerGroup("motion_head", head, quality="dynamic", fast="dynamic"),
            ]
        refinement = list(generator.refinement_module.values())
        return [
            *groups,
            LayerGroup("down", [generator.appearance_encoder]),
            LayerGroup("up", generator.video_decoder.up_blocks),
            # The image is concatenated with features of a much wider range: a shared int8 scale
            # leaves few levels for the image.
            LayerGroup("refinement", refinement, quality="float", fast="dynamic"),
        ]

    def phase_blocks(self) -> list[UpBlock2d]:
        """The last two: the others have the most weights and the fewest pixels."""
        return self.generator.video_decoder.up_blocks[-2:]
