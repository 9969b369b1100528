"""The First Order Motion Model's public class."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.fomm.config import FOMMConfig
from fomm_tf.fomm.discriminator import MultiScaleDiscriminator
from fomm_tf.fomm.generator import OcclusionAwareGenerator
from fomm_tf.fomm.keypoint_detector import KeypointDetector
from fomm_tf.fomm.mobile import MobileGenerator, MobileKeypointDetector
from fomm_tf.fomm.motion import FOMMMotion
from fomm_tf.inference.keypoint_model import KeypointModel
from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.blocks import UpBlock2d
from fomm_tf.layers.groups import LayerGroup

_NETWORKS = {
    "official": (KeypointDetector, OcclusionAwareGenerator),
    "mobile": (MobileKeypointDetector, MobileGenerator),
}


class FirstOrderMotionModel(FOMMMotion, KeypointModel):
    """Keypoint detector and generator of one config, with inference on NumPy arrays.

    `detect` returns `Keypoints`: value [B, K, 2], jacobian [B, K, 2, 2] or None. `generate` returns
    `prediction`, and if the config has them `mask` [B, h, w, K+1], `sparse_deformed`
    [B, K+1, h, w, C], `occlusion_map` [B, h, w, 1], `deformed` [B, H, W, C] and `deformation`
    [B, h, w, 2].
    """

    config: FOMMConfig

    def _build(self) -> None:
        params = self.config.model_params
        detector, generator = _NETWORKS[params.architecture]
        self.kp_detector = detector(params.common_params, params.kp_detector_params)
        self.generator = generator(params.common_params, params.generator_params)

    def _discriminator(self) -> MultiScaleDiscriminator | None:
        params = self.config.model_params
        if params.discriminator_params is None:
            return None
        return MultiScaleDiscriminator(params.common_params, params.discriminator_params)

    def _keypoints(self, kp: Keypoints, batch: int) -> Keypoints:
        value = self._value(kp, batch)
        if not self.config.model_params.common_params.estimate_jacobian:
            return Keypoints(value)
        shape = (*value.shape, 2)
        if kp.jacobian is None or np.shape(kp.jacobian) != shape:
            raise ModelError(f"this model needs keypoint Jacobians of shape {list(shape)}")
        return Keypoints(value, tf.cast(kp.jacobian, tf.float32))

    def layer_groups(self) -> list[LayerGroup]:
        """See `BaseModel`."""
        return self.kp_detector.layer_groups() + self.generator.layer_groups()

    def phase_blocks(self) -> list[UpBlock2d]:
        """See `BaseModel`."""
        return self.generator.phase_blocks()
