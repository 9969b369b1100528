"""Transfers a driving video's motion to the source's keypoints for Monkey-Net. No TensorFlow.

Relative transfer (`move_location`) applies the change since the initial driving frame, absolute
transfer uses the driving keypoints unchanged; see `MotionOptions`.
"""

from __future__ import annotations

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.inference.motion import DEFAULT_MOTION, MotionOptions, MotionTransfer
from fomm_tf.inference.pose import movement_scale
from fomm_tf.monkeynet.config import MonkeyNetConfig
from fomm_tf.monkeynet.keypoints import GaussianKeypoints

# Replaces invalid eigenvalues of an adapted variance.
_SMALLEST_EIGENVALUE = 1e-6


class MonkeyNetMotion(MotionTransfer):
    """Relative and absolute motion of keypoints with variances; see `transfer_motion`.

    The config determines the handling of variances and whether keypoints are clipped to the image.
    """

    DETECTED = GaussianKeypoints
    SUPPORTED = frozenset({"relative", "adapt_scale", "best_frame"})

    config: MonkeyNetConfig

    def transfer(
        self,
        kp_source: GaussianKeypoints,
        kp_driving: GaussianKeypoints,
        kp_initial: GaussianKeypoints,
        options: MotionOptions = DEFAULT_MOTION,
    ) -> GaussianKeypoints:
        """See `MotionTransfer`."""
        normalization = self.config.transfer_params.normalization_params
        return transfer_motion(
            kp_source,
            kp_driving,
            kp_initial,
            move_location=options.relative,
            movement_mult=options.adapt_scale,
            adapt_variance=normalization.adapt_variance,
            clip_mean=normalization.clip_mean,
        )


def transfer_motion(
    kp_source: GaussianKeypoints,
    kp_driving: GaussianKeypoints,
    kp_driving_initial: GaussianKeypoints,
    move_location: bool = False,
    movement_mult: bool = False,
    adapt_variance: bool = False,
    clip_mean: bool = False,
) -> GaussianKeypoints:
    """The keypoints that drive the source image, as `normalize_kp` of the official transfer.py.

    Each argument: value [B, K, 2], variance [B, K, 2, 2] or None; B as for the driving keypoints,
    or 1 (broadcast). With `move_location`, value = (driving - initial) * scale + source, where
    scale is `movement_scale` with `movement_mult`, otherwise 1. With `clip_mean`, keypoints are
    clipped to the image. With `adapt_variance`, variance = driving @ inv(initial) @ source, made
    symmetric and positive; a constant variance is unchanged.

    Returns: float32 arrays. Raises: ModelError if the keypoints are from different models, or have
    variances that cannot be adapted.
    """
    source, driving, initial = (_arrays(kp) for kp in (kp_source, kp_driving, kp_driving_initial))
    if (
        len({(kp.value.shape[1], np.shape(kp.variance)[1:]) for kp in (source, driving, initial)})
        > 1
    ):
        raise ModelError("source and driving keypoints are from different models")
    value, variance = driving.value, driving.variance
    if move_location:
        scale = 1.0
        if movement_mult:
            scale = movement_scale(source, initial)
        value = (value - initial.value) * np.float32(scale) + source.value
    if clip_mean:
        value = np.clip(value, -1, 1)
    if adapt_variance and variance is not None:
        variance = _adapted(source.variance, variance, initial.variance)
    return GaussianKeypoints(value, variance)


def _adapted(source: np.ndarray, driving: np.ndarray, initial: np.ndarray) -> np.ndarray:
    if driving.shape[-1] != 2:
        raise ModelError("adapt_variance needs a model whose kp_variance is 'matrix'")
    source, driving, initial = (part.astype(np.float64) for part in (source, driving, initial))
    try:
        adapted = driving @ np.linalg.inv(initial) @ source
    except np.linalg.LinAlgError:
        raise ModelError(
            "a keypoint's variance in the initial driving frame is singular: "
            "choose another initial frame, or disable adapt_variance"
        ) from None
    values, vectors = np.linalg.eigh((adapted + np.swapaxes(adapted, -1, -2)) / 2)
    values = np.where(values > 0, values, _SMALLEST_EIGENVALUE)
    adapted = (vectors * values[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return adapted.astype(np.float32)


def _arrays(kp: GaussianKeypoints) -> GaussianKeypoints:
    return kp.map(lambda part: np.asarray(part, np.float32))
