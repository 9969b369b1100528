"""Output of the segmentation module: parts with their position and orientation."""

from __future__ import annotations

from typing import Any, NamedTuple

from fomm_tf.keypoints import Keypoints


class Segments(NamedTuple):
    """The parts of a batch of images, as NumPy arrays or tensors.

    segmentation: [B, h, w, 1 + N], probabilities of the background and each part per pixel.
    shift: [B, N, 2], the origin of each part's coordinates, (x, y) in [-1, 1].
    affine: [B, N, 2, 2], the axes of each part's coordinates, or None if parts only translate.
    """

    segmentation: Any
    shift: Any
    affine: Any = None

    @property
    def keypoints(self) -> Keypoints:
        """The parts as FOMM's keypoints with local affine transforms."""
        return Keypoints(self.shift, self.affine)
