"""Equivariance: keypoints must follow warps of the image (paper section 3.3, eq. 10 to 12)."""

from __future__ import annotations

import tensorflow as tf

from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.geometry import Warp, coordinate_grid, inverse_2x2, matmul_2x2
from fomm_tf.layers.sampler import BilinearSampler, PaddingMode
from fomm_tf.losses.perceptual import mean_distance


def warp_pictures(
    warp: Warp, images: tf.Tensor, padding_mode: PaddingMode = "reflection"
) -> tf.Tensor:
    """Warps images [B, H, W, C]; `padding_mode`: values beyond the border."""
    _, height, width, _ = images.shape
    points = coordinate_grid(height, width).reshape(1, height * width, 2)
    grid = tf.reshape(warp.coordinates(tf.constant(points)), [-1, height, width, 2])
    return BilinearSampler(padding_mode)(images, grid)


def value_loss(warp: Warp, kp: Keypoints, kp_warped: Keypoints) -> tf.Tensor:
    """L1 between the warped image's keypoints, mapped back by the warp, and the image's own."""
    return mean_distance(kp.value, warp.coordinates(kp_warped.value))


def jacobian_loss(warp: Warp, kp: Keypoints, kp_warped: Keypoints) -> tf.Tensor:
    """The same for the Jacobians: J(p)^-1 (dT J(p')) must be the identity."""
    brought_back = matmul_2x2(warp.jacobian(kp_warped.value), kp_warped.jacobian)
    return mean_distance(tf.eye(2), matmul_2x2(inverse_2x2(kp.jacobian), brought_back))
