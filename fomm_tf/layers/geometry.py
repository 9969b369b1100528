"""Coordinate functions: grids, Gaussian heatmaps of keypoints, 2x2 matrices, random warps.

Coordinates are (x, y) in [-1, 1]; -1 and +1 are the centres of the first and the last pixel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fomm_tf.keypoints import Keypoints


def coordinate_grid(height: int, width: int) -> np.ndarray:
    """The pixel centres of a `height` x `width` image: float32 [height, width, 2]."""
    x = 2 * (np.arange(width, dtype=np.float32) / np.float32(width - 1)) - 1
    y = 2 * (np.arange(height, dtype=np.float32) / np.float32(height - 1)) - 1
    return np.stack(np.meshgrid(x, y), axis=-1)


def gaussians(value: tf.Tensor, height: int, width: int, variance: float) -> tf.Tensor:
    """Heatmaps exp(-|z - p|^2 / (2 variance)) around keypoints (paper section 3.2, eq. 6).

    value: [B, K, 2]. Returns [B, height, width, K]. The Gaussian is separable, so each keypoint
    needs only (height + width) exponentials.
    """
    grid = coordinate_grid(height, width)

    def along(axis_points: np.ndarray, axis: int) -> tf.Tensor:
        distance = axis_points[None, :, None] - value[:, None, :, axis]
        return tf.exp(-0.5 / variance * tf.square(distance))

    return along(grid[:, 0, 1], 1)[:, :, None, :] * along(grid[0, :, 0], 0)[:, None, :, :]


def inverse_2x2(matrix: tf.Tensor) -> tf.Tensor:
    """Inverse of [..., 2, 2]. Singular matrices give inf, which the sampler treats as out of
    bounds."""
    a, b = matrix[..., 0, 0], matrix[..., 0, 1]
    c, d = matrix[..., 1, 0], matrix[..., 1, 1]
    determinant = a * d - b * c
    rows = tf.stack([tf.stack([d, -b], axis=-1), tf.stack([-c, a], axis=-1)], axis=-2)
    return rows / determinant[..., None, None]


def matmul_2x2(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Product of [..., 2, 2] matrices by broadcast sums.

    Not `tf.matmul`: in an exported graph that becomes a fully connected layer, one operand of which
    quantization would treat as weights.
    """
    return tf.reduce_sum(left[..., :, :, None] * right[..., None, :, :], axis=-2)


def sparse_motions(
    kp_source: Keypoints, kp_driving: Keypoints, height: int, width: int
) -> tf.Tensor:
    """Each keypoint's affine map (paper eq. 4), after the identity: [B, K+1, height, width, 2]."""
    grid = coordinate_grid(height, width)
    offset = grid - kp_driving.value[:, :, None, None, :]
    if kp_driving.jacobian is not None:
        maps = matmul_2x2(kp_source.jacobian, inverse_2x2(kp_driving.jacobian))
        # Two broadcast products, not a matmul with the grid: see `matmul_2x2`. No 6-D tensor
        # either: not every TFLite runtime can slice one.
        left, right = (maps[..., i][:, :, None, None] for i in (0, 1))
        offset = left * offset[..., :1] + right * offset[..., 1:]
    motions = offset + kp_source.value[:, :, None, None, :]
    identity = tf.broadcast_to(grid, tf.shape(motions[:, :1]))
    return tf.concat([identity, motions], axis=1)


class Warp(NamedTuple):
    """A batch of affine + thin plate spline (TPS) transforms of the plane (paper section 3.3).

    theta: [B, 2, 3] affine part. control_params: [B, 1, P * P] TPS weights on a regular P x P grid
    of control points, or None for affine only.
    """

    theta: tf.Tensor
    control_params: tf.Tensor | None = None

    def coordinates(self, points: tf.Tensor) -> tf.Tensor:
        """Maps points [B or 1, N, 2] to [B, N, 2]."""
        linear = self.theta[:, None, :, :2] * points[:, :, None, :]
        mapped = tf.reduce_sum(linear, axis=-1) + self.theta[:, None, :, 2]
        if self.control_params is None:
            return mapped
        distance = tf.reduce_sum(tf.abs(_offsets(points, self.control_params)), axis=-1)
        bending = tf.square(distance) * tf.math.log(distance + 1e-6) * self.control_params
        return mapped + tf.reduce_sum(bending, axis=2)[..., None]

    def jacobian(self, points: tf.Tensor) -> tf.Tensor:
        """The Jacobian d mapped_i / d point_j at points [B, N, 2]: [B, N, 2, 2], closed form."""
        affine = self.theta[:, None, :, :2]
        if self.control_params is None:
            return tf.repeat(affine, points.shape[1], axis=1)
        offsets = _offsets(points, self.control_params)
        distance = tf.reduce_sum(tf.abs(offsets), axis=-1)
        # d/dr r^2 log(r + e), then dr/dp_j = sign(p_j - c_j): the spline's radius is the L1 norm.
        shifted = distance + 1e-6
        slope = 2 * distance * tf.math.log(shifted) + tf.square(distance) / shifted
        bending = (slope * self.control_params)[..., None] * tf.sign(offsets)
        return affine + tf.reduce_sum(bending, axis=2)[:, :, None, :]


def _offsets(points: tf.Tensor, control_params: tf.Tensor) -> tf.Tensor:
    """Offsets from each control point of the square grid to each point: [B, N, P * P, 2]."""
    size = round(control_params.shape[-1] ** 0.5)
    return points[:, :, None, :] - coordinate_grid(size, size).reshape(1, 1, -1, 2)


def random_warp(
    generator: np.random.Generator,
    batch: int,
    sigma_affine: float,
    sigma_tps: float | None = None,
    points_tps: int | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples the parameters of a `Warp`: identity plus Gaussian noise, as float32 arrays."""
    theta = np.eye(2, 3) + generator.normal(0, sigma_affine, [batch, 2, 3])
    if sigma_tps is None or points_tps is None:
        return theta.astype(np.float32), None
    control_params = generator.normal(0, sigma_tps, [batch, 1, points_tps**2])
    return theta.astype(np.float32), control_params.astype(np.float32)
