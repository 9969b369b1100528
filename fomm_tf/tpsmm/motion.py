"""Transfers a driving video's motion to the source's keypoints. No TensorFlow."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.inference.motion import DEFAULT_MOTION, MotionOptions, MotionTransfer
from fomm_tf.inference.pose import movement_scale
from fomm_tf.tpsmm.config import TPSMMConfig
from fomm_tf.tpsmm.keypoints import SplineKeypoints


class TPSMMMotion(MotionTransfer):
    """Relative, absolute and disentangled motion, the official modes `relative`, `standard` and
    `avd`."""

    DETECTED = SplineKeypoints
    SUPPORTED = frozenset({"relative", "best_frame", "disentangled", "background"})

    config: TPSMMConfig

    @abstractmethod
    def disentangle(self, kp_source: np.ndarray, kp_driving: np.ndarray) -> np.ndarray:
        """Keypoints of the source's shape in the driving pose, all [B, 5K, 2], by the AVD
        network."""

    def check_motion(self, options: MotionOptions) -> None:
        """See `MotionTransfer`; also raises ModelError if a network that it needs is missing."""
        params = self.config.model_params
        if options.adapt_scale:
            raise ModelError(
                f"relative motion of a {self.config.KIND} is always scaled: omit --adapt-scale "
                "(adapt_scale=False)"
            )
        if options.disentangled and params.avd_network_params is None:
            raise ModelError(
                "this model has no AVD network for --mode avd: train it with python -m "
                "fomm_tf.train_avd"
            )
        if options.background and not params.common_params.bg:
            raise ModelError(
                "this model has no background predictor (model_params.common_params.bg): omit "
                "--background"
            )
        super().check_motion(options)

    def transfer(
        self,
        kp_source: SplineKeypoints,
        kp_driving: SplineKeypoints,
        kp_initial: SplineKeypoints,
        options: MotionOptions = DEFAULT_MOTION,
    ) -> SplineKeypoints:
        """See `MotionTransfer`. Relative motion is always scaled by `movement_scale`, as in the
        official code; the background's motion is the driving frame's."""
        self.check_motion(options)
        source, driving, initial = (
            np.asarray(kp.value, np.float32) for kp in (kp_source, kp_driving, kp_initial)
        )
        if len({value.shape[1:] for value in (source, driving, initial)}) > 1:
            raise ModelError("source and driving keypoints are from different models")
        if options.disentangled:
            value = self.disentangle(source, driving)
        elif options.relative:
            scale = np.float32(movement_scale(kp_source, kp_initial))
            value = source + scale * (driving - initial)
        else:
            value = driving
        return SplineKeypoints(value, kp_driving.background)
