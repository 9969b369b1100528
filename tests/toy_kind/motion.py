"""Which motion a toy takes over. No TensorFlow."""

from __future__ import annotations

import numpy as np

from fomm_tf.inference.motion import DEFAULT_MOTION, MotionOptions, MotionTransfer
from fomm_tf.keypoints import Keypoints
from toy_kind.config import ToyConfig


class ToyMotion(MotionTransfer):
    """Relative and absolute motion; nothing is scaled."""

    DETECTED = Keypoints
    SUPPORTED = frozenset({"relative", "best_frame"})

    config: ToyConfig

    def transfer(
        self,
        kp_source: Keypoints,
        kp_driving: Keypoints,
        kp_initial: Keypoints,
        options: MotionOptions = DEFAULT_MOTION,
    ) -> Keypoints:
        """See `MotionTransfer`."""
        self.check_motion(options)
        if not options.relative:
            return kp_driving
        source, driving, initial = (
            np.asarray(kp.value) for kp in (kp_source, kp_driving, kp_initial)
        )
        return Keypoints(driving - initial + source)
