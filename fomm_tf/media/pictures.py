"""Pictures in, and their values as floats and as bytes."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from fomm_tf.errors import DataError
from fomm_tf.files import replacing
from fomm_tf.media.color_profile import to_srgb
from fomm_tf.media.comment import GENERATED, png_info

PICTURE_SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jfif", ".webp", ".avif"),
    *(".bmp", ".tif", ".tiff", ".ppm", ".pgm"),
)

Color = tuple[int, int, int]
"""Red, green and blue, 0..255."""

WHITE: Color = (255, 255, 255)

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""

_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")

# Kinds of which the decoder itself can give a half, a quarter or an eighth of the size. MPO is what
# phones write with a depth map or a second lens's picture behind the first.
_REDUCIBLE = ("JPEG", "MPO")

_no_limit = threading.Lock()


@dataclass
class Picture:
    """A picture as it was read: uint8 RGB [H, W, 3].

    reduced: by how much it is smaller than the file's (1, 2, 4 or 8). width, height: the file's, as
    shown. notices: what was done to it that one would not expect, a line each.
    """

    image: np.ndarray
    reduced: int
    width: int
    height: int
    notices: list[str] = field(default_factory=list)

    def part(self, box: Box | None) -> Box | None:
        """A box in the file's pixels as one in `image`'s, rounded outwards."""
        if box is None or self.reduced == 1:
            return box
        (x, y, w, h), by = box, self.reduced
        left, top = x // by, y // by
        return left, top, -(-(x + w) // by) - left, -(-(y + h) // by) - top


def read_picture(
    path: str | os.PathLike, ground: Color = WHITE, max_pixels: int | None = None
) -> np.ndarray:
    """Reads any picture Pillow knows: uint8 RGB [H, W, 3], turned as its EXIF data says.

    Colours are converted to sRGB by the profile (ICC) in the file. Transparent parts are put on
    `ground`. 16 bit are scaled down, not clipped. Of animations it is the first frame. Raises
    DataError for files that are missing, truncated, no picture or of more than `max_pixels` pixels
    (default: 89 millions, Pillow's limit).
    """
    path = _existing(path)
    with reading(path), opened_picture(path) as picture:
        _check_size(path, picture.size, max_pixels)
        return to_rgb(picture, ground)


def open_picture(
    path: str | os.PathLike, ground: Color = WHITE, max_pixels: int | None = None
) -> Picture:
    """Like `read_picture`; but a JPEG of more pixels is read at a half, a quarter or an eighth."""
    path = _existing(path)
    with reading(path), opened_picture(path) as picture:
        (width, height), limit = picture.size, _limit(max_pixels)
        by = (by for by in (1, 2, 4, 8) if -(-width // by) * -(-height // by) <= limit)
        reduced = next(by, 1) if picture.format in _REDUCIBLE else 1
        if reduced == 1:
            _check_size(path, picture.size, max_pixels)
        else:
            picture.draft(None, (width // reduced, height // reduced))
        if picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5:  # turned by a quarter
            width, height = height, width
        image = to_rgb(picture, ground)
    result = Picture(image, reduced, width, height)
    if reduced > 1:
        size = f"{image.shape[1]}x{image.shape[0]}"
        result.notices.append(f"{width}x{height} is a large picture; it is read as {size}")
    return result


def to_rgb(picture: Image.Image, ground: Color = WHITE) -> np.ndarray:
    """A picture, or the frame an animation stands at, as `read_picture` gives it."""
    picture.load()
    return np.array(_to_rgb(ImageOps.exif_transpose(picture), ground))


@contextmanager
def opened_picture(path: Path) -> Iterator[Image.Image]:
    """The file opened by Pillow, whatever its size, with nothing of it decoded yet."""
    # Pillow's own limit is for the whole process; ours is checked by `_check_size`.
    with _no_limit:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            picture = Image.open(path)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with picture:
        yield picture


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What Pillow raises for the file `path` becomes a DataError."""
    try:
        yield
    except Image.UnidentifiedImageError as error:
        with open(path, "rb") as file:
            hint = " (it is a HEIC: save it as JPEG or PNG)" if is_heic(file.read(12)) else ""
        raise DataError(f"{path}: is no picture that can be read{hint}") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: is too large ({error})") from error
    except PermissionError as error:
        raise DataError(f"{path}: may not be read (permission denied)") from error
    # Pillow's decoders raise many kinds of exceptions for broken files.
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, MemoryError) as error:
        raise DataError(f"{path}: the picture is damaged ({error})") from error


def _existing(path: str | os.PathLike) -> Path:
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such picture" + (" (it is a folder)" if path.is_dir() else ""))
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    return path


def _limit(max_pixels: int | None) -> float:
    return max_pixels or Image.MAX_IMAGE_PIXELS or math.inf


def _check_size(path: Path, size: tuple[int, int], max_pixels: int | None) -> None:
    width, height = size
    if width * height > _limit(max_pixels):
        raise DataError(
            f"{path}: {width}x{height} is too large ({_limit(max_pixels):.0f} pixels at most; "
            "--max-pixels raises the limit)"
        )


def is_heic(beginning: bytes) -> bool:
    """Whether a file's first 12 bytes are those of a HEIC, as iPhones take photos."""
    kinds = (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1")
    return beginning[4:8] == b"ftyp" and beginning[8:12] in kinds


def _to_rgb(picture: Image.Image, ground: Color) -> Image.Image:
    if picture.mode in _SIXTEEN_BIT_MODES:
        return _from_levels(np.asarray(picture), 65535)
    if picture.mode in ("I", "F"):
        # 32 bit numbers do not say what white is: the smallest usual scale that holds them.
        levels = np.nan_to_num(np.asarray(picture, np.float64))
        white = 255 if levels.max() <= 255 else 65535
        return _from_levels(levels, 1 if picture.mode == "F" and levels.max() <= 1 else white)
    profile = picture.info.get("icc_profile")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        grey = picture.mode in ("L", "LA")
        colors = to_srgb(picture.getchannel(0) if grey else rgba.convert("RGB"), profile)
        result = Image.new("RGB", picture.size, ground)
        result.paste(colors, mask=rgba.getchannel("A"))
        return result
    if picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    return to_srgb(picture, profile)


def _from_levels(levels: np.ndarray, white: float) -> Image.Image:
    grey = np.clip(levels.astype(np.float64) * (255 / white), 0, 255)
    return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")


def write_picture(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes a PNG of uint8 or float in [0, 1], [H, W, 3], completely or not at all; its comment
    says what made it."""
    with replacing(path) as temporary:
        Image.fromarray(to_uint8(image)).save(temporary, "PNG", pnginfo=png_info(GENERATED))


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
