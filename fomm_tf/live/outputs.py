"""Where results go beside a window: a video file, stills, and the system's loopback camera."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from fomm_tf.errors import DataError
from fomm_tf.media.pictures import to_uint8, write_picture
from fomm_tf.media.video_writer import VideoWriter

# For players that look at the rate of the header: each frame has its own time.
NOMINAL_FPS = 25.0


class Recording:
    """Writes results to a video at the times at which the camera gave their frames.

    A context manager: leaving it finishes the video, whatever ended it, if it has a frame.
    """

    def __init__(self, path: Path, comment: str | None) -> None:
        self.path = path
        self.frames = 0
        self._writer = VideoWriter(path, NOMINAL_FPS, comment=comment)
        self._start: float | None = None
        self._shape: tuple[int, ...] | None = None

    def __enter__(self) -> Recording:
        self._writer.__enter__()
        return self

    def write(self, result: np.ndarray, captured: float) -> None:
        """Adds a result [H, W, 3], scaled to the first one's size; captured: as in `Animated`."""
        self._start = captured if self._start is None else self._start
        self._shape = self._shape or result.shape
        if result.shape != self._shape:
            result = _scaled(to_uint8(result), self._shape[0], self._shape[1])
        self._writer.write(result, captured - self._start)
        self.frames += 1

    def __exit__(self, *error: Any) -> None:
        self._writer.__exit__(*((None, None, None) if self.frames else error))


class VirtualCamera:
    """A v4l2loopback device of Linux, which other programs see as a camera. A context manager.

    Results are scaled to the size of the first. Raises DataError if it cannot be written to.
    """

    def __init__(self, device: Path) -> None:
        self.path = device
        self._stream: av.VideoStream | None = None

    def __enter__(self) -> VirtualCamera:
        # FFmpeg opens the device only with the first frame.
        if not self.path.is_char_device():
            raise self._error("there is no such device")
        try:
            self._container = av.open(str(self.path), "w", format="v4l2")
        except (av.FFmpegError, OSError, ValueError) as error:
            raise self._error(error) from error
        return self

    def write(self, result: np.ndarray, captured: float) -> None:
        """Shows a result [H, W, 3] now."""
        image = to_uint8(result)
        if self._stream is None:
            self._stream = self._container.add_stream("rawvideo", rate=Fraction(NOMINAL_FPS))
            # Rows and columns of colour are shared by two.
            self._stream.height, self._stream.width = (side // 2 * 2 for side in image.shape[:2])
            self._stream.pix_fmt = "yuv420p"
        image = _scaled(image, self._stream.height, self._stream.width)
        try:
            self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        except (av.FFmpegError, OSError) as error:
            raise self._error(error) from error

    def __exit__(self, *error: object) -> None:
        with suppress(av.FFmpegError):
            self._container.close()

    def _error(self, error: Exception | str) -> DataError:
        reason = getattr(error, "strerror", None) or error
        return DataError(
            f"{self.path}: cannot be used as virtual camera ({reason}); load the kernel module "
            "v4l2loopback and give its device"
        )


def save_still(folder: Path, result: np.ndarray) -> Path:
    """Writes a result as a PNG named by the time; returns its path."""
    path = new_path(folder, ".png")
    write_picture(path, result)
    return path


def new_path(folder: Path, suffix: str) -> Path:
    """A name by the time, of which there is no file yet."""
    stem = time.strftime("live-%Y%m%d-%H%M%S")
    names = (f"{stem}{f'-{number}' if number else ''}{suffix}" for number in range(1000))
    return next(folder / name for name in names if not os.path.lexists(folder / name))


def _scaled(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
