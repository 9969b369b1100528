"""How the motion of a driving video becomes keypoints for the source picture. NumPy only.

Absolute transfer takes the driving keypoints as they are: the result also gets the driving
object's place, size and proportions. Relative transfer applies only the change since the initial
driving frame (arXiv 2003.00196, eq. 13 and 14): the source keeps its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.keypoints import Keypoints

# Areas are in squared units of the [-1, 1] square; a hull below this is a line or a point.
_DEGENERATE_AREA = 1e-9


def transfer_motion(
    kp_source: Keypoints,
    kp_driving: Keypoints,
    kp_driving_initial: Keypoints,
    relative: bool = True,
    relative_jacobian: bool = True,
    adapt_scale: bool = False,
) -> Keypoints:
    """The keypoints that drive the source picture, as `normalize_kp` of the official animate.py.

    Each argument: value [B, K, 2], jacobian [B, K, 2, 2] or None; B of the driving keypoints, or 1
    (broadcast). With `relative`, value = (driving - initial) * scale + source, where scale is
    `movement_scale` with `adapt_scale` and else 1; with `relative_jacobian` too (it has no effect
    alone), jacobian = driving @ inv(initial) @ source. Without `relative` the driving keypoints are
    returned as they are. Keypoints without jacobians stay without.

    Returns: float32 arrays. Raises: ModelError if the keypoints are of different models, or the
    initial jacobians cannot be inverted.
    """
    source, driving, initial = (_arrays(kp) for kp in (kp_source, kp_driving, kp_driving_initial))
    if len({(kp.value.shape[1], kp.jacobian is None) for kp in (source, driving, initial)}) > 1:
        raise ModelError("the source's and the driving video's keypoints are of different models")
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
                "take another initial frame, or absolute motion"
            ) from None
    return Keypoints(value, jacobian)


def transfer(
    config: Any,
    kp_source: Keypoints,
    kp_driving: Keypoints,
    kp_initial: Keypoints,
    relative: bool,
    relative_jacobian: bool,
    adapt_scale: bool,
) -> Keypoints:
    """`transfer_motion` for a model with a config: nothing of it is asked for here."""
    return transfer_motion(
        kp_source, kp_driving, kp_initial, relative, relative_jacobian, adapt_scale
    )


def movement_scale(kp_source: Keypoints, kp_driving_initial: Keypoints) -> float:
    """How much larger the source object is than the driving one: the root of the ratio of the areas
    of the keypoints' convex hulls, of the first item of each batch.

    1 where either hull is degenerate (fewer than three keypoints, or all on a line).
    """
    source_area = hull_area(np.asarray(kp_source.value)[0])
    driving_area = hull_area(np.asarray(kp_driving_initial.value)[0])
    if min(source_area, driving_area) < _DEGENERATE_AREA:
        return 1.0
    return float(np.sqrt(source_area / driving_area))


def keypoint_distance(kp_a: Keypoints, kp_b: Keypoints) -> float:
    """How differently two objects are posed, whatever their place and size: the mean squared
    distance of corresponding keypoints (first item of each batch) after each set is moved to its
    centroid and divided by the root of its hull's area. The driving frame with the smallest
    distance to the source is the best initial frame.
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
    """The hull's points on one side, without the last, which begins the other side."""
    hull: list[tuple[float, float]] = []
    for x, y in ordered:
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                break
            hull.pop()
        hull.append((x, y))
    return hull[:-1]


def _normalized(kp: Keypoints) -> np.ndarray:
    points = np.asarray(kp.value, dtype=np.float64)[0]
    centred = points - points.mean(axis=0)
    area = hull_area(points)
    return centred / np.sqrt(area) if area >= _DEGENERATE_AREA else centred


def _arrays(kp: Keypoints) -> Keypoints:
    jacobian = None if kp.jacobian is None else np.asarray(kp.jacobian, np.float32)
    return Keypoints(np.asarray(kp.value, np.float32), jacobian)
