"""Motion transfer of co-part models: absolute only. No TensorFlow."""

from __future__ import annotations

from fomm_tf.copart.config import CoPartConfig
from fomm_tf.copart.segments import Segments
from fomm_tf.inference.motion import DEFAULT_MOTION, MotionOptions, MotionTransfer


class CoPartMotion(MotionTransfer):
    """Absolute motion only: parts are identified by their position."""

    DETECTED = Segments
    SUPPORTED = frozenset()

    config: CoPartConfig

    def transfer(
        self,
        kp_source: Segments,
        kp_driving: Segments,
        kp_initial: Segments,
        options: MotionOptions = DEFAULT_MOTION,
    ) -> Segments:
        """The driving frame's parts; see `MotionTransfer`."""
        self.check_motion(options)
        return kp_driving
