"""Draws true and regressed landmarks onto pictures. No TensorFlow."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

# Small frames are enlarged to about this height, or the markers would overlap.
_SIDE = 256
_TRUE, _REGRESSED = (0, 220, 0), (255, 0, 200)


def draw_landmarks(image: np.ndarray, true: np.ndarray, regressed: np.ndarray) -> np.ndarray:
    """A picture with landmarks, enlarged by an integer factor to at least 256 pixels of height.

    image: uint8 [H, W, 3]. true, regressed: [L, 2], x then y in pixels; NaN: not annotated. True
    ones are green discs, regressed ones magenta crosses; a line joins each pair.
    """
    height, width = image.shape[:2]
    scale = math.ceil(_SIDE / height)
    size = (width * scale, height * scale)
    picture = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    radius = size[1] // 64
    for place, guess in zip(*((x + 0.5) * scale - 0.5 for x in (true, regressed)), strict=True):
        if not np.isnan(place).any():
            draw.line([*place, *guess], "white")
            draw.ellipse([*(place - radius), *(place + radius)], _TRUE, "black")
        x, y = guess
        draw.line([x - radius, y - radius, x + radius, y + radius], _REGRESSED, 2)
        draw.line([x - radius, y + radius, x + radius, y - radius], _REGRESSED, 2)
    return np.array(picture)
