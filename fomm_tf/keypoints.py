"""Keypoints with their local affine transforms, as passed between the networks."""

from __future__ import annotations

from typing import Any, NamedTuple


class Keypoints(NamedTuple):
    """Keypoints of a batch of images, as NumPy arrays or tensors.

    value: [B, K, 2], (x, y) in [-1, 1]; the centres of the first and last pixel are -1 and +1.
    jacobian: [B, K, 2, 2] (row 0 is x), or None for zeroth-order models.
    """

    value: Any
    jacobian: Any = None
