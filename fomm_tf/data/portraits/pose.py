"""Where a head looks: its pose against the mean face, and points turned by another pose."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fomm_tf.data.portraits.topology import RIGID

Array = np.ndarray


class Pose(NamedTuple):
    """p = scale * rotation @ m + shift takes a point m of the mean face to the picture.

    rotation: [3, 3]; shift: [3], pixels; scale: pixels per width of the mean face.
    """

    rotation: Array
    scale: float
    shift: Array


def fit_pose(landmarks: Array, mean: Array) -> Pose:
    """The similarity that takes the mean face to `landmarks` (both [468, 3]) with least squares.

    Only landmarks on bone count. Kabsch 1976, with the scale of Umeyama 1991.
    """
    p, m = landmarks[RIGID], mean[RIGID]
    p0, m0 = p.mean(0), m.mean(0)
    u, s, vt = np.linalg.svd((p - p0).T @ (m - m0))
    mirror = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * mirror) @ vt
    scale = float((s * mirror).sum() / ((m - m0) ** 2).sum())
    return Pose(rotation, scale, p0 - scale * rotation @ m0)


def angles(rotation: Array) -> Array:
    """Yaw, pitch and roll in degrees, [3]; see `turning` for their signs."""
    yaw = np.arctan2(-rotation[0, 2], rotation[2, 2])
    pitch = -np.arcsin(np.clip(rotation[1, 2], -1, 1))
    roll = np.arctan2(rotation[1, 0], rotation[0, 0])
    return np.rad2deg([yaw, pitch, roll])


def turning(yaw: Array, pitch: Array, roll: Array) -> Array:
    """Rotations [T, 3, 3] of x right, y down, z away from the camera; angles [T] in degrees.

    Yaw turns the face to the picture's right, pitch down, roll clockwise; yaw comes first.
    """
    (sy, sp, sr), (cy, cp, cr) = (f(np.deg2rad([yaw, pitch, roll])) for f in (np.sin, np.cos))
    zero, one = np.zeros_like(sy), np.ones_like(sy)

    def stacked(*entries: Array) -> Array:
        return np.stack(entries, axis=-1).reshape(-1, 3, 3)

    turn = stacked(cy, zero, -sy, zero, one, zero, sy, zero, cy)
    nod = stacked(one, zero, zero, zero, cp, -sp, zero, sp, cp)
    tilt = stacked(cr, -sr, zero, sr, cr, zero, zero, zero, one)
    return tilt @ nod @ turn
