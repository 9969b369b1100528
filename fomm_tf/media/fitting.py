"""Fitting pictures and video frames to a model's size without squashing them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from PIL import Image

from fomm_tf.errors import DataError
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.pictures import Box


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
    part_x, part_y, part_w, part_h = _middle((x, y, w, h), size)
    return _resized(frame, (part_x, part_y, part_x + part_w, part_y + part_h), size)


def cut_box(frame_size: tuple[int, int], size: tuple[int, int], box: Box | None = None) -> Box:
    """The part of a frame of (H, W) that `fit` keeps in mode "crop", in whole pixels."""
    x, y, w, h = _middle(box or (0, 0, frame_size[1], frame_size[0]), size)
    left, top = round(x), round(y)
    return left, top, round(x + w) - left, round(y + h) - top


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
    frames: Iterable[TimedFrame],
    size: tuple[int, int],
    mode: str,
    boxes: Mapping[int, Box] | None = None,
) -> Iterator[TimedFrame]:
    """`fit` for the frames of a video, one at a time.

    boxes: by the index of the frame from which each is used. They are for frames of the first one's
    size: of frames of another size the whole is taken.
    """
    first, box = None, None
    for index, frame in enumerate(frames):
        shape = frame.image.shape
        first = first or shape
        box = boxes.get(index, box) if boxes else None
        yield frame._replace(image=fit(frame.image, size, mode, box if shape == first else None))


def check_box(box: Box | None, frame: np.ndarray, name: str = "picture") -> None:
    """Raises DataError unless the box (x, y, w, h), if any, lies inside `frame` [H, W, ...]."""
    if box is None:
        return
    (height, width), (x, y, w, h) = frame.shape[:2], box
    if w < 1 or h < 1 or x < 0 or y < 0 or x + w > width or y + h > height:
        raise DataError(f"box {x},{y},{w},{h} does not lie inside the {width}x{height} of {name}")


def _middle(box: Box, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest part of a box, in its middle, with the aspect of (height, width)."""
    (x, y, w, h), (height, width) = box, size
    part_w, part_h = min(w, h * width / height), min(h, w * height / width)
    return x + (w - part_w) / 2, y + (h - part_h) / 2, part_w, part_h


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
