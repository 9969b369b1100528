"""Checks of a caller's images, with errors that say how to fix them. No TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.media.pictures import to_float

# Tolerance beyond [0, 1], for rounding in float16 or resizing.
_ROUNDING = 1e-3


def picture_batch(images: Any, channels: int, name: str = "pictures") -> np.ndarray:
    """RGB images, uint8 in 0..255 or float in [0, 1], as float32 [B, H, W, C] in [0, 1].

    Raises ModelError for another shape or type, and for values outside the range or NaN, with which
    a model would silently produce nonsense. This check takes two passes over the values.
    """
    floats = as_batch(images, channels, name)
    if np.asarray(images).dtype != np.uint8:
        _check_range(floats, name)
    return floats


def as_batch(images: Any, channels: int, name: str) -> np.ndarray:
    """`picture_batch` without a look at the values, for what a model will check itself."""
    images = np.asarray(images)
    shape = images.shape
    if len(shape) != 4 or shape[-1] != channels:
        raise ModelError(
            f"{name} must be [batch, height, width, {channels}], not {list(shape)}"
            f"{_shape_advice(shape, channels)}"
        )
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise ModelError(f"{name} must be uint8, or float in [0, 1], not {images.dtype}")
    return to_float(images)


def _check_range(images: np.ndarray, name: str) -> None:
    if not images.size:
        return
    low, high = float(images.min()), float(images.max())
    if np.isnan(low):
        raise ModelError(f"{name} must be in [0, 1], but contain NaN")
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        advice = "divide by 255, or give uint8" if high > 2 and low >= 0 else "clip or rescale them"
        raise ModelError(f"{name} must be in [0, 1], not {low:.3g} to {high:.3g}: {advice}")


def _shape_advice(shape: tuple[int, ...], channels: int) -> str:
    if len(shape) == 3 and shape[-1] == channels:
        return ": add a batch axis, image[None]"
    if len(shape) in (3, 4) and shape[-3] == channels:
        return ": channels come last, np.moveaxis(images, -3, -1)"
    if len(shape) == 2 and channels == 3:
        return ": for a greyscale image, np.repeat(grey[None, :, :, None], 3, axis=-1)"
    return ""
