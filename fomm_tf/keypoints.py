"""The value that travels between the networks: keypoints with their local affine maps."""

from __future__ import annotations

from typing import Any, NamedTuple


class Keypoints(NamedTuple):
    """Keypoints of a batch of pictures, as NumPy arrays or tensors.

    value: [B, K, 2], (x, y) in [-1, 1]; the centres of the first and last pixel are -1 and +1.
    jacobian: [B, K, 2, 2] (row 0 is x), or None for models of zeroth order.
    """

    value: Any
    jacobian: Any = None
