"""Thin-plate splines through five pairs of keypoints each (paper section 3.1, official `TPS`).

T(p) = theta (p, 1) + sum_i w_i U(|p - a_i|^2) with U(r2) = r2 log(r2 + 1e-9) maps places of the
driving frame to places of the source. Unlike the random warps of FOMM's equivariance loss the
distance is Euclidean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fomm_tf.layers.geometry import Warp, coordinate_grid
from fomm_tf.tpsmm.keypoints import POINTS

# On the whole diagonal of the system, so the splines bend less and pass the keypoints only closely.
_REGULARIZER = 0.01
_EPSILON = 1e-9


def radial(squared_distance: tf.Tensor) -> tf.Tensor:
    """U(r2), the spline's basis function."""
    return squared_distance * tf.math.log(squared_distance + _EPSILON)


class Splines(NamedTuple):
    """K splines for each picture of a batch.

    theta: [B, K, 2, 3], the affine parts. weights: [B, K, 5, 2]. centres: [B, K, 5, 2].
    """

    theta: tf.Tensor
    weights: tf.Tensor
    centres: tf.Tensor

    @classmethod
    def between(cls, driving: tf.Tensor, source: tf.Tensor) -> Splines:
        """The splines that take the driving keypoints [B, 5K, 2] to the source's, closely.

        Solves [[U + 0.01 I, A], [A^T, 0.01 I]] [w; theta^T] = [b; 0], where the rows of A are
        (x, y, 1) of the driving points; differentiable in both sets of points, also where points
        coincide.
        """
        count = driving.shape[1] // POINTS
        centres, targets = (tf.reshape(kp, [-1, count, POINTS, 2]) for kp in (driving, source))
        # Squares are summed directly: the root's derivative would be infinite at zero.
        dx, dy = (centres[..., :, None, axis] - centres[..., None, :, axis] for axis in (0, 1))
        affine = tf.concat([centres, tf.ones_like(centres[..., :1])], axis=-1)
        corner = tf.zeros_like(affine[..., :3, :])
        upper = tf.concat([radial(tf.square(dx) + tf.square(dy)), affine], axis=-1)
        lower = tf.concat([tf.linalg.matrix_transpose(affine), corner], axis=-1)
        matrix = tf.concat([upper, lower], axis=-2)
        matrix += _REGULARIZER * np.eye(POINTS + 3, dtype=np.float32)
        solution = solve(matrix, tf.concat([targets, corner[..., :2]], axis=-2))
        theta = tf.linalg.matrix_transpose(solution[..., POINTS:, :])
        return cls(theta, solution[..., :POINTS, :], centres)

    def grids(self, height: int, width: int) -> tf.Tensor:
        """Where every pixel of a `height` x `width` frame is in the source: [B, K, h, w, 2]."""
        x, y = (axis[None, None] for axis in np.moveaxis(coordinate_grid(height, width), -1, 0))
        return self._warp(x, y)

    def coordinates(self, points: tf.Tensor) -> tf.Tensor:
        """Maps points [1 or B, N, 2] by every spline: [B, K, N, 2]."""
        mapped = self._warp(points[:, None, :, None, 0], points[:, None, :, None, 1])
        return mapped[..., 0, :]

    def _warp(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """x, y: [1 or B, 1, h, w] -> [B, K, h, w, 2].

        One keypoint after the other: in one piece the distances would have six dimensions, which
        TFLite cannot broadcast.
        """

        def everywhere(parameter: tf.Tensor) -> tf.Tensor:
            return parameter[:, :, None, None]

        along = [
            everywhere(self.theta[..., row, 0]) * x
            + everywhere(self.theta[..., row, 1]) * y
            + everywhere(self.theta[..., row, 2])
            for row in (0, 1)
        ]
        for point in range(POINTS):
            dx = x - everywhere(self.centres[..., point, 0])
            dy = y - everywhere(self.centres[..., point, 1])
            bending = radial(tf.square(dx) + tf.square(dy))
            along = [
                total + everywhere(self.weights[..., point, axis]) * bending
                for axis, total in enumerate(along)
            ]
        return tf.stack(along, axis=-1)


def solve(matrix: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """x of matrix x = right, for small [..., N, N] and [..., N, C]: modified Gram-Schmidt.

    As stable as an inverse with pivoting, and all of it sums and products: `tf.linalg.solve` has
    no TFLite operator.
    """
    size = matrix.shape[-1]
    columns = [matrix[..., index] for index in range(size)]
    triangle: list[list[tf.Tensor]] = []
    rotated: list[tf.Tensor] = []
    for index in range(size):
        norm = tf.sqrt(tf.reduce_sum(tf.square(columns[index]), axis=-1, keepdims=True))
        direction = columns[index] / norm
        row = [norm]
        for later in range(index + 1, size):
            share = tf.reduce_sum(direction * columns[later], axis=-1, keepdims=True)
            columns[later] -= share * direction
            row.append(share)
        triangle.append(row)
        share = tf.reduce_sum(direction[..., None] * right, axis=-2)
        right -= direction[..., None] * share[..., None, :]
        rotated.append(share)
    found: list[tf.Tensor] = []
    for index in reversed(range(size)):
        norm, *row = triangle[index]
        rest = rotated[index]
        for share, value in zip(row, found, strict=True):
            rest -= share * value
        found.insert(0, rest / norm)
    return tf.stack(found, axis=-2)


class EuclideanWarp(Warp):
    """The random transform of the equivariance loss (paper section 3.4): FOMM's, but for the
    distance, which is Euclidean."""

    def coordinates(self, points: tf.Tensor) -> tf.Tensor:
        """See `Warp`."""
        affine = Warp(self.theta).coordinates(points)
        if self.control_params is None:
            return affine
        size = round(self.control_params.shape[-1] ** 0.5)
        centres = coordinate_grid(size, size).reshape(1, 1, -1, 2)
        distance = tf.reduce_sum(tf.square(points[:, :, None, :] - centres), axis=-1)
        bending = radial(distance) * self.control_params
        return affine + tf.reduce_sum(bending, axis=2)[..., None]
