"""Size and pose of an object, from its keypoints' positions. NumPy only.

Accepts keypoints of any kind that have positions `value` [B, K, 2].
"""

from __future__ import annotations

from typing import Any

import numpy as np

# In squared [-1, 1] coordinates; a hull with a smaller area is a line or a point.
_DEGENERATE_AREA = 1e-9


def movement_scale(kp_source: Any, kp_driving_initial: Any) -> float:
    """Scale of the source object relative to the driving one: square root of the ratio of the
    convex hull areas of their keypoints (first item of each batch).

    1 where either hull is degenerate (fewer than three keypoints, or all on a line).
    """
    source_area = hull_area(np.asarray(kp_source.value)[0])
    driving_area = hull_area(np.asarray(kp_driving_initial.value)[0])
    if min(source_area, driving_area) < _DEGENERATE_AREA:
        return 1.0
    return float(np.sqrt(source_area / driving_area))


def keypoint_distance(kp_a: Any, kp_b: Any) -> float:
    """Pose difference of two objects, independent of place and size: the mean squared distance of
    corresponding keypoints (first item of each batch) after each set is centred on its centroid and
    divided by the square root of its hull's area. The driving frame with the smallest distance to
    the source is the best initial frame.
    """
    difference = _normalized(kp_a) - _normalized(kp_b)
    return float(np.mean(np.sum(difference**2, axis=-1)))


def hull_area(points: np.ndarray) -> float:
    """Area of the convex hull of points [K, 2], by monotone chain; 0 for fewer than three."""
    ordered = sorted({(float(x), float(y)) for x, y in points})
    if len(ordered) < 3:
        return 0.0
    hull = _half_hull(ordered) + _half_hull(ordered[::-1])
    x, y = np.array(hull).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _half_hull(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """One chain of the hull, without its last point, which begins the other chain."""
    hull: list[tuple[float, float]] = []
    for x, y in ordered:
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                break
            hull.pop()
        hull.append((x, y))
    return hull[:-1]


def _normalized(kp: Any) -> np.ndarray:
    points = np.asarray(kp.value, dtype=np.float64)[0]
    centred = points - points.mean(axis=0)
    area = hull_area(points)
    return centred / np.sqrt(area) if area >= _DEGENERATE_AREA else centred
