"""The official augmentation of a training clip: one draw per clip, applied to all its frames.

Order: flip, rotation, resize, crop, colour jitter. Pillow and NumPy on uint8 frames; brightness,
contrast, saturation and hue are defined as in Pillow (and so torchvision).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance

from fomm_tf.config.sections import (
    AugmentationParams,
    CropParam,
    FlipParam,
    JitterParam,
    ResizeParam,
    RotationParam,
)
from fomm_tf.errors import ConfigError


def augment(clip: np.ndarray, params: AugmentationParams, rng: np.random.Generator) -> np.ndarray:
    """Augments a clip like the official `AllAugmentationTransform`.

    clip: uint8 [n, H, W, 3]. Returns uint8 [n, H', W', 3]; H' x W' is the crop size if there is
    one, else the resized size if `resize_param` is given, else H x W (see `check_size`).
    """
    if params.flip_param is not None:
        clip = _flip(clip, params.flip_param, rng)
    if params.rotation_param is not None:
        clip = _rotate(clip, params.rotation_param, rng)
    if params.resize_param is not None:
        clip = _resize(clip, params.resize_param, rng)
    if params.crop_param is not None:
        clip = _crop(clip, params.crop_param, rng)
    if params.jitter_param is not None:
        clip = _jitter(clip, params.jitter_param, rng)
    return clip


def check_size(params: AugmentationParams, frame_size: tuple[int, int]) -> None:
    """Raises ConfigError unless augmented frames keep the size (height, width)."""
    height, width = frame_size
    if params.crop_param is not None:
        if _crop_size(params.crop_param) != (height, width):
            raise ConfigError(
                f"augmentation_params: crop_param.size {params.crop_param.size} differs from the"
                f" frame size; set it to [{height}, {width}]"
            )
    elif params.resize_param is not None:
        raise ConfigError(
            "augmentation_params: resize_param changes the frame size; add crop_param with"
            f" size [{height}, {width}]"
        )


def _flip(clip: np.ndarray, params: FlipParam, rng: np.random.Generator) -> np.ndarray:
    # As in the official code, a clip is flipped in time or horizontally, never both.
    if rng.random() < 0.5 and params.time_flip:
        return clip[::-1]
    if rng.random() < 0.5 and params.horizontal_flip:
        return clip[:, :, ::-1]
    return clip


def _rotate(clip: np.ndarray, params: RotationParam, rng: np.random.Generator) -> np.ndarray:
    low, high = _pair(params.degrees, lambda degrees: (-degrees, degrees))
    angle = rng.uniform(low, high)
    return _each(clip, lambda frame: frame.rotate(angle, Image.Resampling.BILINEAR))


def _resize(clip: np.ndarray, params: ResizeParam, rng: np.random.Generator) -> np.ndarray:
    factor = rng.uniform(*params.ratio)
    height, width = clip.shape[1:3]
    size = max(1, int(width * factor)), max(1, int(height * factor))
    bilinear = params.interpolation == "bilinear"
    method = Image.Resampling.BILINEAR if bilinear else Image.Resampling.NEAREST
    return _each(clip, lambda frame: frame.resize(size, method))


def _crop(clip: np.ndarray, params: CropParam, rng: np.random.Generator) -> np.ndarray:
    height, width = _crop_size(params)
    missing = [max(0, height - clip.shape[1]), max(0, width - clip.shape[2])]
    if any(missing):
        # A clip smaller than the crop is padded on both sides with its edge pixels.
        sides = [(lack // 2, lack - lack // 2) for lack in missing]
        clip = np.pad(clip, ((0, 0), *sides, (0, 0)), mode="edge")
    left = rng.integers(0, clip.shape[2] - width + 1)
    top = rng.integers(0, clip.shape[1] - height + 1)
    return clip[:, top : top + height, left : left + width]


def _jitter(clip: np.ndarray, params: JitterParam, rng: np.random.Generator) -> np.ndarray:
    steps: list[Callable[[Image.Image], Image.Image]] = []
    if params.brightness:
        steps.append(_enhance(ImageEnhance.Brightness, _factor(params.brightness, rng)))
    if params.contrast:
        steps.append(_enhance(ImageEnhance.Contrast, _factor(params.contrast, rng)))
    if params.saturation:
        steps.append(_enhance(ImageEnhance.Color, _factor(params.saturation, rng)))
    if params.hue:
        shift = rng.uniform(-params.hue, params.hue)
        steps.append(lambda frame: shift_hue(frame, shift))
    order = rng.permutation(len(steps))

    def apply(frame: Image.Image) -> Image.Image:
        for step in order:
            frame = steps[step](frame)
        return frame

    return _each(clip, apply)


def shift_hue(frame: Image.Image, shift: float) -> Image.Image:
    """Rotates the hue of an RGB image by `shift`, a fraction of the colour circle, +-0.5."""
    hue, saturation, value = frame.convert("HSV").split()
    turned = (np.asarray(hue, np.int16) + int(255 * shift)) % 256
    hue = Image.fromarray(turned.astype(np.uint8))
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def _enhance(kind: Callable, factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda frame: kind(frame).enhance(factor)


def _factor(strength: float, rng: np.random.Generator) -> float:
    return rng.uniform(max(0.0, 1 - strength), 1 + strength)


def _crop_size(params: CropParam) -> tuple[int, int]:
    height, width = _pair(params.size, lambda size: (size, size))
    return height, width


def _pair(value, from_number: Callable) -> tuple:
    """The official parameters accept a pair or one number."""
    return from_number(value) if np.isscalar(value) else tuple(value)


def _each(clip: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(change(Image.fromarray(frame))) for frame in clip])
