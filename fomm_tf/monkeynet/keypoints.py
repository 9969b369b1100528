"""Output of Monkey-Net's detector: keypoints and their variance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class GaussianKeypoints(NamedTuple):
    """Keypoints of a batch of images, as NumPy arrays or tensors.

    value: [B, K, 2], (x, y) in [-1, 1]; the centres of the first and last pixel are -1 and +1.
    variance: [B, K, 2, 2] (`kp_variance: matrix`), [B, K, 1, 1] (`single`), or None if it is a
    constant of the config. Keypoints of videos have the frames as a second axis, after B.
    """

    value: Any
    variance: Any = None

    def map(self, function: Callable[[Any], Any]) -> GaussianKeypoints:
        """Applies a function to each field that is not None."""
        return GaussianKeypoints(*(None if part is None else function(part) for part in self))
