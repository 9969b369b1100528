"""Colour maps by their usual (matplotlib) names, for the keypoints and masks in pictures."""

from __future__ import annotations

import numpy as np

# Per channel (red, green, blue): positions in [0, 1], and the values there; linear in between.
_RAINBOW = (0.0, 0.03, 0.215, 0.4, 0.586, 0.77, 0.954, 1.0)
_SIXTHS = (0.0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0)
COLORMAPS = {
    "gist_rainbow": (
        (_RAINBOW, (1, 1, 1, 0, 0, 0, 1, 1)),
        (_RAINBOW, (0, 0, 1, 1, 1, 0, 0, 0)),
        (_RAINBOW, (0.16, 0, 0, 0, 1, 1, 1, 0.75)),
    ),
    "hsv": (
        (_SIXTHS, (1, 1, 0, 0, 0, 1, 1)),
        (_SIXTHS, (0, 1, 1, 1, 0, 0, 0)),
        (_SIXTHS, (0, 0, 0, 1, 1, 1, 0)),
    ),
    "jet": (
        ((0.0, 0.35, 0.66, 0.89, 1.0), (0, 0, 1, 1, 0.5)),
        ((0.0, 0.125, 0.375, 0.64, 0.91, 1.0), (0, 0, 1, 1, 0, 0)),
        ((0.0, 0.11, 0.34, 0.65, 1.0), (0.5, 1, 1, 0, 0)),
    ),
}


def colors(colormap: str, count: int) -> np.ndarray:
    """`count` colours along a colour map: float32 [count, 3] in [0, 1], colour k at k / count.

    colormap: a name of COLORMAPS.
    """
    # The usual maps are tables of 256 colours.
    positions = np.arange(count) * 256 // count / 255
    channels = [np.interp(positions, *knots) for knots in COLORMAPS[colormap]]
    return np.stack(channels, axis=-1).astype(np.float32)
