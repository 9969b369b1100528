"""Puts an animated part back into the whole picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fomm_tf.media.pictures import Box, to_uint8

# Width of the seam, by the smaller side of the box.
SEAM = 0.1


class PasteBack:
    """Pastes pictures into a box (x, y, w, h) of `picture`, uint8 [H, W, 3].

    They fade into it along a seam inside the box, but not along the picture's own edges. Outside
    the box no pixel changes.
    """

    def __init__(self, picture: np.ndarray, box: Box):
        self._picture = picture
        x, y, w, h = box
        self._place = slice(y, y + h), slice(x, x + w)
        height, width = picture.shape[:2]
        seam = max(1.0, SEAM * min(w, h))
        across = _ramp(w, seam, x > 0, x + w < width)
        down = _ramp(h, seam, y > 0, y + h < height)
        self._weight = (down[:, None] * across)[..., None]

    def __call__(self, part: np.ndarray) -> np.ndarray:
        """part: [h, w, 3], uint8 or float in [0, 1], of any size. Returns uint8 [H, W, 3]."""
        result = self._picture.copy()
        below = result[self._place].astype(np.float32)
        size = (below.shape[1], below.shape[0])
        part = np.asarray(Image.fromarray(to_uint8(part)).resize(size, Image.Resampling.LANCZOS))
        result[self._place] = np.rint(below + self._weight * (part - below))
        return result


def _ramp(length: int, seam: float, rises: bool, falls: bool) -> np.ndarray:
    """float32 [length]: 1, with a smooth way up from 0 and down to it where asked for."""
    places = np.arange(length) + 0.5
    part = np.ones(length)
    if rises:
        part = np.minimum(part, places / seam)
    if falls:
        part = np.minimum(part, places[::-1] / seam)
    return ((1 - np.cos(np.pi * part)) / 2).astype(np.float32)
