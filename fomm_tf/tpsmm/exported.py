"""The Thin-Plate-Spline Motion Model as exported graphs: signatures and motion transfer."""

from __future__ import annotations

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.inference.exported import ExportedModel, Output
from fomm_tf.inference.manifest import (
    GENERATOR,
    KEYPOINT_DETECTOR,
    Signature,
    Tensor,
    animating_signatures,
    picture_of,
)
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.tpsmm.config import TPSMMConfig
from fomm_tf.tpsmm.keypoints import POINTS
from fomm_tf.tpsmm.motion import TPSMMMotion

AVD_NETWORK = "avd_network.tflite"


class ExportedTPSMM(TPSMMMotion, ExportedModel):
    """`detect` returns `SplineKeypoints`: value [1, 5K, 2]. The background predictor is not
    exported, as the official demo does not use it; the AVD network is, if there is one."""

    FILES = (KEYPOINT_DETECTOR, GENERATOR, AVD_NETWORK)
    OUTPUTS = {"value": Output("keypoints")}

    config: TPSMMConfig

    @staticmethod
    def signatures(config: TPSMMConfig) -> dict[str, tuple[Signature, ...]]:
        """See `ExportedModel`."""
        params = config.model_params
        picture = picture_of(config)
        _, height, width, channels = picture.shape
        value = Tensor("value", (1, POINTS * params.common_params.num_tps, 2))
        encoded = []
        *skips, deepest = params.generator_params.widths
        halvings = len(skips)
        encoded.append(Tensor("features", (1, height >> halvings, width >> halvings, deepest)))
        for level, features in enumerate(skips):
            encoded.append(Tensor(f"skip_{level}", (1, height >> level, width >> level, features)))
        encoded.append(picture)
        stride = round(1 / params.dense_motion_params.scale_factor)
        if stride > 1:
            encoded.append(Tensor("source", (1, height // stride, width // stride, channels)))
        signatures = animating_signatures(picture, (value,), tuple(encoded), (value,))
        if params.avd_network_params is not None:
            keypoints = tuple(
                Tensor(f"kp_{role}_value", value.shape) for role in ("source", "driving")
            )
            signatures[AVD_NETWORK] = (Signature("disentangle", keypoints, (value,)),)
        return signatures

    def check_motion(self, options: MotionOptions) -> None:
        """See `MotionTransfer`."""
        if options.background:
            raise ModelError(
                f"{self.manifest.name}: an exported model has no background predictor: omit "
                "--background, or animate with the model folder"
            )
        super().check_motion(options)

    def disentangle(self, kp_source: np.ndarray, kp_driving: np.ndarray) -> np.ndarray:
        """See `TPSMMMotion`."""
        inputs = {"kp_source_value": kp_source, "kp_driving_value": kp_driving}
        return self._run("disentangle", inputs)["value"]
