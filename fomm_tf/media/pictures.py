"""Pictures in, and their values as floats and as bytes."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fomm_tf.errors import DataError
from fomm_tf.files import replacing

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")

_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")


def read_picture(path: str | os.PathLike) -> np.ndarray:
    """Reads any picture Pillow knows: uint8 RGB [H, W, 3], turned as its EXIF data says.

    Transparent parts are put on white. 16 bit are scaled down, not clipped. Of animations it is
    the first frame. Raises DataError for files that are missing, truncated, no picture or absurdly
    large.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such picture" + (" (it is a folder)" if path.is_dir() else ""))
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    try:
        with warnings.catch_warnings():
            # Pillow only warns up to twice its limit of pixels; a model's input is far below it.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                picture.load()
                return np.array(_to_rgb(ImageOps.exif_transpose(picture)))
    except Image.UnidentifiedImageError as error:
        raise DataError(f"{path}: is no picture that can be read") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path}: is too large ({Image.MAX_IMAGE_PIXELS} pixels at most)"
        ) from error
    except PermissionError as error:
        raise DataError(f"{path}: may not be read (permission denied)") from error
    # Pillow's decoders raise many kinds of exceptions for broken files.
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, MemoryError) as error:
        raise DataError(f"{path}: the picture is damaged ({error})") from error


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in _SIXTEEN_BIT_MODES:
        return _from_levels(np.asarray(picture), 65535)
    if picture.mode in ("I", "F"):
        # 32 bit numbers do not say what white is: the smallest usual scale that holds them.
        levels = np.nan_to_num(np.asarray(picture, np.float64))
        white = 255 if levels.max() <= 255 else 65535
        return _from_levels(levels, 1 if picture.mode == "F" and levels.max() <= 1 else white)
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _from_levels(levels: np.ndarray, white: float) -> Image.Image:
    grey = np.clip(levels.astype(np.float64) * (255 / white), 0, 255)
    return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")


def write_picture(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes uint8 or float in [0, 1], [H, W, 3], as the suffix says; whole or not at all."""
    with replacing(path) as temporary:
        Image.fromarray(to_uint8(image)).save(temporary)


def to_float(image: np.ndarray) -> np.ndarray:
    """uint8 0..255 -> float32 [0, 1]; floats are only cast to float32."""
    if image.dtype == np.uint8:
        return image.astype(np.float32) / np.float32(255)
    return image.astype(np.float32, copy=False)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Float [0, 1] -> uint8 0..255, rounded to the nearest, clipped; uint8 stays as it is."""
    if image.dtype == np.uint8:
        return image
    return np.rint(np.clip(image, 0, 1) * np.float32(255)).astype(np.uint8)


def side_by_side(*images: np.ndarray) -> np.ndarray:
    """Pictures of one height, left to right: [H, W1 + W2 + ..., 3] uint8."""
    return np.concatenate([to_uint8(image) for image in images], axis=1)
