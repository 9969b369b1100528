"""Monkey-Net as its users see it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fomm_tf.base_model import KeypointModel
from fomm_tf.errors import ModelError
from fomm_tf.kinds import MONKEYNET
from fomm_tf.monkeynet.config import MonkeyNetConfig
from fomm_tf.monkeynet.discriminator import Discriminator
from fomm_tf.monkeynet.generator import MotionTransferGenerator
from fomm_tf.monkeynet.keypoint_detector import KeypointDetector
from fomm_tf.monkeynet.keypoints import GaussianKeypoints


class MonkeyNetModel(KeypointModel):
    """Keypoint detector and generator of one config, with inference on NumPy arrays.

    `detect` gives `GaussianKeypoints`: value [B, K, 2], and variance [B, K, 2, 2], [B, K, 1, 1] or
    None. `generate` gives `prediction` and `deformed` [B, H, W, C], `deformation` [B, h, w, 2], and
    where the config has masks `mask` [B, h, w, K+1].
    """

    KIND = MONKEYNET

    config: MonkeyNetConfig

    def _build(self) -> tuple[KeypointDetector, MotionTransferGenerator]:
        params = self.config.model_params
        self.kp_detector = KeypointDetector(params.common_params, params.kp_detector_params)
        self.generator = MotionTransferGenerator(params.common_params, params.generator_params)
        return self.kp_detector, self.generator

    def _discriminator(self) -> Discriminator:
        params = self.config.model_params
        return Discriminator(params.common_params, params.discriminator_params)

    def _keypoints(self, kp: GaussianKeypoints, batch: int) -> GaussianKeypoints:
        value = self._value(kp, batch)
        variance = self.config.model_params.common_params.variance
        if not isinstance(variance, str):
            return GaussianKeypoints(value)
        side = {"matrix": 2, "single": 1}[variance]
        shape = (*value.shape[:2], side, side)
        if kp.variance is None or np.shape(kp.variance) != shape:
            raise ModelError(f"this model needs keypoint variances of shape {list(shape)}")
        return GaussianKeypoints(value, tf.cast(kp.variance, tf.float32))
