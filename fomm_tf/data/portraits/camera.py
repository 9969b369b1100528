"""What a camera does to a picture: colour, focus, grain and compression, one draw per clip."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

Array = np.ndarray

_LUMA = np.array([0.299, 0.587, 0.114])


class Camera:
    """Called with a frame, uint8 [h, w, 3], returns what this camera makes of it."""

    def __init__(self, rng: np.random.Generator):
        warmth = np.array([1, 0, -1]) * rng.normal(0, 0.07) + rng.normal(0, 0.025, 3)
        saturation = np.clip(rng.normal(1, 0.18), 0.4, 1.5)
        mixing = saturation * np.eye(3) + (1 - saturation) * _LUMA
        self._matrix = (np.exp(warmth)[:, None] * mixing).astype(np.float32)
        levels = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.18))
        contrast, brightness = np.exp(rng.normal(0, 0.12)), rng.normal(0, 0.04)
        levels = np.clip((levels - 0.5) * contrast + 0.5 + brightness, 0, 1)
        self._levels = (255 * levels + 0.5).astype(np.uint8)
        self._blur = float(rng.choice([0, 0, rng.uniform(0.3, 0.8)]))
        self._grain = rng.choice([0, rng.uniform(0, 3)])
        self._quality = int(rng.uniform(45, 98))
        self._noise = np.random.default_rng(rng.integers(2**32))

    def __call__(self, frame: Array) -> Array:
        mixed = frame.astype(np.float32) @ self._matrix.T
        if self._grain:
            mixed += self._noise.normal(0, self._grain, mixed.shape).astype(np.float32)
        image = Image.fromarray(self._levels[np.clip(mixed + 0.5, 0, 255).astype(np.uint8)])
        if self._blur:
            image = image.filter(ImageFilter.GaussianBlur(self._blur))
        file = io.BytesIO()
        image.save(file, "JPEG", quality=self._quality)
        return np.asarray(Image.open(file))
