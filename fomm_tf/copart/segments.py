"""What the segmentation module says of a picture: its parts, where they are and how they lie."""

from __future__ import annotations

from typing import Any, NamedTuple

from fomm_tf.keypoints import Keypoints


class Segments(NamedTuple):
    """The parts of a batch of pictures, as NumPy arrays or tensors.

    segmentation: [B, h, w, 1 + N], the share of the background and of each part in each pixel.
    shift: [B, N, 2], each part's own origin, (x, y) in [-1, 1].
    affine: [B, N, 2, 2], each part's own axes, or None for models whose parts only shift.
    """

    segmentation: Any
    shift: Any
    affine: Any = None

    @property
    def keypoints(self) -> Keypoints:
        """The parts as FOMM sees them: points with local affine maps."""
        return Keypoints(self.shift, self.affine)
