"""Pictures in, and fitting pictures and video frames to a model's size without squashing them."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from fomm_tf.errors import DataError

if TYPE_CHECKING:
    from fomm_tf.data.video import TimedFrame

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")

Box = tuple[int, int, int, int]

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


def fit(
    frame: np.ndarray, size: tuple[int, int], mode: str = "crop", box: Box | None = None
) -> np.ndarray:
    """Fits a picture to `size` = (height, width), keeping its aspect: uint8 [height, width, 3].

    frame: uint8 [H, W, 3]. mode "crop": the largest centred part of the right aspect;
    "letterbox": all of it, between black bars. box: (x, y, w, h) in the frame's pixels; only that
    part is used, in the same way. Resized with Lanczos, antialiased. Raises DataError if the box
    is not inside the frame.
    """
    if mode not in ("crop", "letterbox"):
        raise ValueError(f"unknown mode {mode!r}")
    height, width = size
    check_box(box, frame)
    x, y, w, h = box or (0, 0, frame.shape[1], frame.shape[0])
    if mode == "letterbox":
        scale = min(width / w, height / h)
        inner_w = min(width, max(1, round(w * scale)))
        inner_h = min(height, max(1, round(h * scale)))
        result = np.zeros((height, width, 3), np.uint8)
        top, left = (height - inner_h) // 2, (width - inner_w) // 2
        inner = _resized(frame, (x, y, x + w, y + h), (inner_h, inner_w))
        result[top : top + inner_h, left : left + inner_w] = inner
        return result
    part_w, part_h = min(w, h * width / height), min(h, w * height / width)
    part_x, part_y = x + (w - part_w) / 2, y + (h - part_h) / 2
    return _resized(frame, (part_x, part_y, part_x + part_w, part_y + part_h), size)


def fit_notice(
    frame_size: tuple[int, int],
    size: tuple[int, int],
    mode: str = "crop",
    box: Box | None = None,
) -> str | None:
    """One line telling what `fit` cuts off or adds for frames of (H, W), or None if nothing.

    A box alone is not told: the user asked for it.
    """
    width, height = (frame_size[1], frame_size[0]) if box is None else box[2:]
    cut_w = round(width - min(width, height * size[1] / size[0]))
    cut_h = round(height - min(height, width * size[0] / size[1]))
    if not cut_w and not cut_h:
        return None
    if mode == "letterbox":
        return f"{width}x{height} gets black bars to become {size[1]}x{size[0]}"
    side, cut, whole = ("width", cut_w, width) if cut_w else ("height", cut_h, height)
    return (
        f"{width}x{height} is cropped to its middle: {cut} of {whole} pixels of {side} are cut "
        "(--fit letterbox keeps all)"
    )


def fit_frames(
    frames: Iterable[TimedFrame], size: tuple[int, int], mode: str, box: Box | None = None
) -> Iterator[TimedFrame]:
    """`fit` for the frames of a video, one at a time."""
    for frame in frames:
        yield frame._replace(image=fit(frame.image, size, mode, box))


def check_box(box: Box | None, frame: np.ndarray, name: str = "picture") -> None:
    """Raises DataError unless the box (x, y, w, h), if any, lies inside `frame` [H, W, ...]."""
    if box is None:
        return
    (height, width), (x, y, w, h) = frame.shape[:2], box
    if w < 1 or h < 1 or x < 0 or y < 0 or x + w > width or y + h > height:
        raise DataError(f"box {x},{y},{w},{h} does not lie inside the {width}x{height} of {name}")


def _resized(
    frame: np.ndarray, part: tuple[float, float, float, float], size: tuple[int, int]
) -> np.ndarray:
    left, top, right, bottom = part
    # Cut to whole pixels first, so that nothing from outside the part bleeds into its edges.
    x, y = int(left), int(top)
    frame = frame[y : math.ceil(bottom), x : math.ceil(right)]
    box = (left - x, top - y, right - x, bottom - y)
    if frame.shape[:2] == size and box == (0, 0, size[1], size[0]):
        return frame
    picture = Image.fromarray(frame)
    # reducing_gap: large pictures are first averaged to three times the size, which is faster.
    return np.array(picture.resize(size[::-1], Image.Resampling.LANCZOS, box, reducing_gap=3))


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
