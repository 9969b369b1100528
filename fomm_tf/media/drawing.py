"""Drawing on pictures, and sheets of pictures: what training and evaluation show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fomm_tf.media.colormaps import colors
from fomm_tf.media.pictures import to_uint8


def draw_keypoints(
    image: np.ndarray, value: np.ndarray, kp_size: int, colormap: str = "gist_rainbow"
) -> np.ndarray:
    """Draws a disc of radius `kp_size` pixels at each keypoint; returns a new picture.

    image: uint8, or float in [0, 1], [H, W, 3] or [H, W, 1]. value: [K, 2], (x, y) in [-1, 1]; what
    lies outside is cut off, and what is not finite is left out. Keypoint k of K has the colour at
    k / K of the colour map. Result: uint8 [H, W, 3].
    """
    picture = _rgb(to_uint8(image)).copy()
    height, width = picture.shape[:2]
    palette = to_uint8(colors(colormap, len(value)))
    centers = (np.asarray(value, np.float64) + 1) / 2 * (width - 1, height - 1)
    rows, columns = np.mgrid[:height, :width]
    for (x, y), color in zip(centers, palette, strict=True):
        picture[(columns - x) ** 2 + (rows - y) ** 2 < kp_size**2] = color
    return picture


def in_columns(
    columns: Sequence[np.ndarray], height: int, width: int, draw_border: bool
) -> np.ndarray:
    """One picture, uint8 [B * height, columns * width, 3], of columns [B, h, w, 3 or 1], uint8 or
    float in [0, 1]; each is enlarged without smoothing to height x width."""
    cells = [_rgb(to_uint8(np.nan_to_num(_enlarge(column, height, width)))) for column in columns]
    if draw_border:
        cells = [_framed(column) for column in cells]
    return np.concatenate([np.concatenate(list(column), axis=0) for column in cells], axis=1)


def _rgb(images: np.ndarray) -> np.ndarray:
    return np.broadcast_to(images, (*images.shape[:-1], 3))


def _enlarge(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """[B, h, w, C] -> [B, height, width, C], each cell as a block."""
    rows = np.arange(height) * images.shape[1] // height
    columns = np.arange(width) * images.shape[2] // width
    return images[:, rows[:, None], columns]


def _framed(images: np.ndarray) -> np.ndarray:
    framed = images.copy()
    framed[:, [0, -1]] = 255
    framed[:, :, [0, -1]] = 255
    return framed
