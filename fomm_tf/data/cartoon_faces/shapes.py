"""Curves and polygons as arrays of points, and the projection of a turning head into the picture.
Paths are [P, 3] or [T, P, 3] in head units (x right, y down, z towards the viewer; a head is about
two units wide); projected shapes are [T, P, 2] in picture units (the picture is 1 x 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fomm_tf.data.cartoon_faces.motion import Motion

Array = np.ndarray


def smooth(points: Array | list, per: int = 6, closed: bool = False) -> Array:
    """A Catmull-Rom spline through `points` [N, D], `per` points per segment."""
    points = np.asarray(points, np.float64)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([points[:1], points, points[-1:]])
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, per, endpoint=False)[None, :, None]
    curve = p1 + 0.5 * t * (
        (p2 - p0) + t * ((2 * p0 - 5 * p1 + 4 * p2 - p3) + t * (3 * (p1 - p2) + p3 - p0))
    )
    curve = curve.reshape(-1, points.shape[1])
    return curve if closed else np.concatenate([curve, points[-1:]])


def circle(count: int = 28) -> Array:
    """Points of the unit circle, [count, 2]."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def at_depth(points: Array | list, z: float = 0.0) -> Array:
    """[P, 2] -> [P, 3]."""
    points = np.asarray(points, np.float64)
    return np.concatenate([points, np.full((len(points), 1), z)], axis=1)


def stroke(path: Array, width: float | Array) -> Array:
    """The outline [..., 2P, 2] of a line along `path` [..., P, 2]; `width`: one number or [P]."""
    tangent = np.gradient(path, axis=-2)
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    offset = normal * (np.broadcast_to(width, path.shape[-2])[:, None] / 2)
    return np.concatenate([path + offset, (path - offset)[..., ::-1, :]], axis=-2)


def tapered(count: int, start: float = 0.0, end: float = 0.0) -> Array:
    """Widths [count] of a pen stroke: 1 in the middle, `start` and `end` of it at the ends."""
    s = np.linspace(-1, 1, count)
    rim = np.where(s < 0, start, end)
    return rim + (1 - rim) * np.sqrt(np.clip(1 - s**2, 0, 1))


def grown(polygon: Array, by: float) -> Array:
    """`polygon` [T, P, 2], of either orientation, with its edge offset outwards by `by`."""
    ahead, behind = np.roll(polygon, -1, axis=1), np.roll(polygon, 1, axis=1)
    tangent = ahead - behind
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True) + 1e-9
    area = np.sum(polygon[..., 0] * ahead[..., 1] - polygon[..., 1] * ahead[..., 0], axis=1)
    normal = np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1)
    return polygon + normal * (by * np.sign(area))[:, None, None]


@dataclass(frozen=True)
class Rig:
    """Projects points of the head or torso into the picture, for T frames at once.

    turning: [T, 3, 2] rotates (x, y, z) and drops the depth; the result is still in head units.
    placing: [T, 2, 2] tilts and scales these to the picture; offset: [T, 1, 2].
    """

    turning: Array
    placing: Array
    offset: Array

    def turned(self, points: Array) -> Array:
        """[..., P, 3] -> [T, P, 2], head units."""
        return points @ self.turning

    def placed(self, points: Array) -> Array:
        """[T, P, 2] in head units -> picture units."""
        return points @ self.placing + self.offset

    def __call__(self, points: Array) -> Array:
        return self.placed(self.turned(points))


def head_rig(motion: Motion, scale: float, centre: tuple[float, float]) -> Rig:
    """`scale`: picture units per head unit; `centre`: where the head rests in the picture."""
    sin_yaw, cos_yaw = np.sin(motion.yaw), np.cos(motion.yaw)
    sin_pitch, cos_pitch = np.sin(motion.pitch), np.cos(motion.pitch)
    # Rows: what x, y and z contribute to the seen (x, y), turned about the vertical axis first.
    turning = np.zeros((len(sin_yaw), 3, 2))
    turning[:, 0, 0], turning[:, 2, 0] = cos_yaw, sin_yaw
    turning[:, 0, 1], turning[:, 1, 1] = -sin_yaw * sin_pitch, cos_pitch
    turning[:, 2, 1] = cos_yaw * sin_pitch
    pivot = np.array([0.0, 0.8])
    return _rig(turning, motion.tilt, motion, scale, pivot, centre, 1.0)


def torso_rig(motion: Motion, scale: float, centre: tuple[float, float]) -> Rig:
    """The torso partly follows the head. Its units and origin are those of the resting head."""
    yaw = motion.yaw * 0.45
    turning = np.zeros((len(yaw), 3, 2))
    turning[:, 0, 0], turning[:, 2, 0], turning[:, 1, 1] = np.cos(yaw), np.sin(yaw), 1.0
    pivot = np.array([0.0, 3.0])
    return _rig(turning, motion.tilt * 0.16, motion, scale, pivot, centre, 0.42)


def _rig(
    turning: Array,
    tilt: Array,
    motion: Motion,
    scale: float,
    pivot: Array,
    centre: tuple[float, float],
    follow: float,
) -> Rig:
    """Tilts about `pivot` (head units), which follows the head's shift by a factor `follow`."""
    sin, cos = np.sin(tilt), np.cos(tilt)
    tilting = np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], axis=1)
    placing = tilting * (motion.zoom * scale)[:, None, None]
    at_rest = np.asarray(centre) + scale * pivot
    # Zoomed about the middle of the picture, head and torso alike: the neck fits at any zoom.
    moved = 0.5 + (at_rest - 0.5) * motion.zoom[:, None]
    moved = moved + follow * np.stack([motion.x, motion.y], axis=1)
    return Rig(turning, placing, (moved - pivot @ placing)[:, None])
