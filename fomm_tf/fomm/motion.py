"""Transfers a driving video's motion to the source's keypoints. No TensorFlow.

Absolute transfer uses the driving keypoints unchanged: the result adopts the driving object's
place, size and proportions. Relative transfer applies only the change since the initial driving
frame (arXiv 2003.00196, eq. 13 and 14): the source keeps its own.
"""

from __future__ import annotations

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.fomm.config import FOMMConfig
from fomm_tf.inference.motion import DEFAULT_MOTION, MotionOptions, MotionTransfer
from fomm_tf.inference.pose import movement_scale
from fomm_tf.keypoints import Keypoints


class FOMMMotion(MotionTransfer):
    """Relative and absolute motion of keypoints with Jacobians; see `transfer_motion`."""

    DETECTED = Keypoints
    SUPPORTED = frozenset({"relative", "relative_jacobian", "adapt_scale", "best_frame"})

    config: FOMMConfig

    def transfer(
        self,
        kp_source: Keypoints,
        kp_driving: Keypoints,
        kp_initial: Keypoints,
        options: MotionOptions = DEFAULT_MOTION,
    ) -> Keypoints:
        """See `MotionTransfer`."""
        return transfer_motion(
            kp_source,
            kp_driving,
            kp_initial,
            options.relative,
            options.relative_jacobian,
            options.adapt_scale,
        )


def transfer_motion(
    kp_source: Keypoints,
    kp_driving: Keypoints,
    kp_driving_initial: Keypoints,
    relative: bool = True,
    relative_jacobian: bool = True,
    adapt_scale: bool = False,
) -> Keypoints:
    """The keypoints that drive the source image, as `normalize_kp` of the official animate.py.

    Each argument: value [B, K, 2], jacobian [B, K, 2, 2] or None; B as for the driving keypoints,
    or 1 (broadcast). With `relative`, value = (driving - initial) * scale + source, where scale is
    `movement_scale` with `adapt_scale`, otherwise 1; with `relative_jacobian` too (no effect
    alone), jacobian = driving @ inv(initial) @ source. Without `relative` the driving keypoints are
    returned unchanged. Keypoints without Jacobians stay without.

    Returns: float32 arrays. Raises: ModelError if the keypoints are from different models, or an
    initial Jacobian is singular.
    """
    source, driving, initial = (_arrays(kp) for kp in (kp_source, kp_driving, kp_driving_initial))
    if len({(kp.value.shape[1], kp.jacobian is None) for kp in (source, driving, initial)}) > 1:
        raise ModelError("source and driving keypoints are from different models")
    if not relative:
        return driving
    scale = np.float32(movement_scale(source, initial) if adapt_scale else 1)
    value = (driving.value - initial.value) * scale + source.value
    jacobian = driving.jacobian
    if relative_jacobian and jacobian is not None:
        try:
            jacobian = jacobian @ np.linalg.inv(initial.jacobian) @ source.jacobian
        except np.linalg.LinAlgError:
            raise ModelError(
                "a keypoint's Jacobian in the initial driving frame is singular: "
                "choose another initial frame, or absolute motion"
            ) from None
    return Keypoints(value, jacobian)


def _arrays(kp: Keypoints) -> Keypoints:
    jacobian = None if kp.jacobian is None else np.asarray(kp.jacobian, np.float32)
    return Keypoints(np.asarray(kp.value, np.float32), jacobian)
