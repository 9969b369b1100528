"""What the Thin-Plate-Spline Motion Model finds in a picture."""

from __future__ import annotations

from typing import Any, NamedTuple

POINTS = 5
"""Keypoints of a spline."""


class SplineKeypoints(NamedTuple):
    """Keypoints of a batch of pictures, as NumPy arrays or tensors.

    value: [B, 5K, 2], (x, y) in [-1, 1]; five consecutive points belong to one of K splines.
    background: [B, 3, 3], of a driving frame: the projective map from places of its background to
    those of the source's; None where the background rests.
    """

    value: Any
    background: Any = None
