"""Decoded frames become RGB arrays, as a player shows them."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

from fomm_tf.media import video_color
from fomm_tf.media.pictures import Color
from fomm_tf.media.video_file import PictureTrack


class FrameConverter:
    """Calling it turns a decoded frame of `track` into uint8 RGB [H, W, 3].

    Turned and mirrored by the rotation metadata, with square pixels, in sRGB; what is transparent
    is put on the track's ground. Frames may differ in size, format and colours.
    """

    def __init__(self, track: PictureTrack) -> None:
        # One reformatter for all frames, on one thread: six times as fast as frame.to_ndarray on
        # one thread, which makes a new one for each. Its fast path is one level of 255 too dark;
        # the exact one (ACCURATE_RND | FULL_CHR_H_INT) would halve the reader's speed.
        self._reformatter = VideoReformatter()
        self._track = track
        self._kind: tuple | None = None

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        kind = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_trc)
        if kind != self._kind:
            self._prepare(frame)
            self._kind = kind
        matrix = self._matrix
        if self._to_srgb is not None:
            frame, matrix = self._to_srgb(frame, matrix), None
        frame = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="rgba" if self._transparent else "rgb24",
            src_colorspace=matrix,
            threads=1,
        )
        image = frame.to_ndarray()
        if self._transparent:
            image = _on_ground(image, self._track.ground)
        if self._turn is not None:
            image = _turned(image, self._turn)
        return np.ascontiguousarray(image)

    def shape(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Height and width of what calling it gives for this frame."""
        width, height = _square_pixels(frame, self._track.stream)
        turn = _display_matrix(frame)
        return (width, height) if turn is not None and _lies(turn) else (height, width)

    def _prepare(self, frame: av.VideoFrame) -> None:
        """What is alike for all frames of one kind."""
        self._width, self._height = _square_pixels(frame, self._track.stream)
        self._turn = _display_matrix(frame)
        self._matrix = video_color.matrix(frame)
        # The decoder of GIFs puts them on the ground itself.
        alpha = any(part.is_alpha for part in frame.format.components)
        self._transparent = alpha and self._track.decoder.name != "gif"
        self._to_srgb = None
        if video_color.needs_mapping(frame):
            size = (self._width, self._height)
            self._to_srgb = video_color.ToSrgb(frame, size, self._transparent)


def _on_ground(image: np.ndarray, ground: Color) -> np.ndarray:
    """RGBA -> RGB."""
    below = Image.new("RGBA", image.shape[1::-1], ground)
    return np.asarray(Image.alpha_composite(below, Image.fromarray(image)).convert("RGB"))


def _square_pixels(frame: av.VideoFrame, stream: av.VideoStream) -> tuple[int, int]:
    """Width and height once stored pixels that are not square are stretched to be so."""
    aspect = stream.sample_aspect_ratio or 1
    # Beyond these bounds it is a broken header, not a film format.
    if not 0.25 <= aspect <= 4:
        aspect = 1
    return round(frame.width * aspect), frame.height


def _display_matrix(frame: av.VideoFrame) -> np.ndarray | None:
    """The 2x2 part of the display matrix ((x', y') = (x, y) @ matrix), or None if there is none."""
    side_data: Any = frame.side_data
    for data in side_data:
        if data.type.name == "DISPLAYMATRIX":
            values = np.frombuffer(bytes(data), np.int32)
            return values[[0, 1, 3, 4]].reshape(2, 2).astype(np.float64)
    return None


def _lies(matrix: np.ndarray) -> bool:
    """Whether it turns by a quarter (the nearest), so that width becomes height."""
    return abs(matrix[0, 1]) > abs(matrix[0, 0])


def _turned(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Turns and mirrors [H, W, 3] by quarter turns, the nearest to `matrix`."""
    (a, b), (c, d) = matrix
    if _lies(matrix):
        image = image.swapaxes(0, 1)
        right, down = c, b
    else:
        right, down = a, d
    return image[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]
