"""What is behind the sitter: the photograph's own backdrop or another, still or moving."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from fomm_tf.data.cartoon_faces.background import draw_background
from fomm_tf.data.portraits.portrait import Portrait
from fomm_tf.data.portraits.raster import window

Array = np.ndarray

# The share of clips that keep the photograph's backdrop, and of those whose backdrop moves.
_OWN, _MOVING = 0.35, 0.3
# New backdrops are larger than the frame, so that they can move.
_MARGIN = 0.15


class Backdrop:
    """`at(frame)` is the backdrop of that frame, float32 [size, size, 3] in levels of 255."""

    def __init__(self, portrait: Portrait, fps: float, rng: np.random.Generator):
        self._size = portrait.size
        if rng.uniform() < _OWN:
            self._picture, self._corner = portrait.backdrop, -portrait.origin
        else:
            margin = _MARGIN * portrait.size
            self._picture = _new_picture(rng, round(portrait.size + 2 * margin))
            self._corner = np.array([margin, margin])
        self._still: Array | None = None
        self._moves = rng.uniform() < _MOVING
        limit = 0.4 * _MARGIN * portrait.size
        self._reach = rng.uniform(-limit, limit, (2, 2))
        self._speed = 2 * np.pi / (fps * rng.uniform(1.5, 6, (2, 1)))

    def at(self, frame: int) -> Array:
        if self._still is None:
            self._still = window(self._picture, self._corner, self._size)
        if not self._moves:
            return self._still
        shift = (self._reach * np.sin(self._speed * frame)).sum(0)
        return window(self._picture, self._corner + shift, self._size)


def _new_picture(rng: np.random.Generator, size: int) -> Array:
    picture = _colour_field(rng, size) if rng.uniform() < 0.4 else draw_background(rng, size)
    # Mostly out of focus.
    blurred = picture.filter(
        ImageFilter.GaussianBlur(size * float(rng.choice([0.002, 0.01, 0.03])))
    )
    return np.asarray(blurred, np.float32)


def _colour_field(rng: np.random.Generator, size: int) -> Image.Image:
    """Soft patches of colour, as a room far out of focus."""
    cells = int(rng.integers(2, 9))
    base = rng.uniform(10, 240, 3)
    spread = rng.choice([10, 30, 60])
    shades = base + rng.normal(0, spread, (cells, cells, 1)) + rng.normal(0, 12, (cells, cells, 3))
    small = Image.fromarray(np.clip(shades, 0, 255).astype(np.uint8))
    return small.resize((size, size), Image.Resampling.BICUBIC)
