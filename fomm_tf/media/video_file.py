"""A video file by PyAV: opened safely, frames as a player shows them, damage passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from fomm_tf.errors import DataError
from fomm_tf.media.picture_folder import FOLDER_FPS

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".gif")

# Demuxers that may be used: a file that only claims to be a video must not make us fetch a
# playlist's addresses or draw a text file.
_FORMATS = "mov,matroska,webm,gif,avi"

# Below this size (pixels) starting decoder threads costs more than they bring.
_THREADING_PAYS = 500_000


class Damage(list):
    """What went wrong while decoding, in order; reads as the first of it."""

    def __str__(self) -> str:
        return self[0] if self else ""


class FrameConverter:
    """Turns decoded frames into RGB arrays as shown; the first frame decides size and rotation."""

    def __init__(self, first: av.VideoFrame, stream: av.VideoStream) -> None:
        # One reformatter for all frames, on one thread: six times as fast as frame.to_ndarray on
        # one thread, which makes a new one for each. Its fast path is one level of 255 too dark;
        # the exact one (ACCURATE_RND | FULL_CHR_H_INT) would halve the reader's speed.
        self._reformatter = VideoReformatter()
        self._width, self._height = _square_pixels(first, stream)
        self._matrix = _display_matrix(first)

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        frame = self._reformatter.reformat(
            frame, width=self._width, height=self._height, format="rgb24", threads=1
        )
        image = frame.to_ndarray()
        if self._matrix is not None:
            image = _turned(image, self._matrix)
        return np.ascontiguousarray(image)


@contextmanager
def opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    if not path.exists():
        raise DataError(f"{path}: no such video")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    try:
        container = av.open(str(path.resolve()), container_options=options)
    except PermissionError as error:
        raise DataError(f"{path}: may not be read (permission denied)") from error
    except (av.FFmpegError, UnicodeDecodeError) as error:
        kinds = ", ".join(suffix[1:] for suffix in VIDEO_SUFFIXES)
        raise DataError(
            f"{path}: is no video ({kinds}) that can be read, or it was cut off"
        ) from error
    with container:
        streams = [
            stream
            for stream in container.streams.video
            if not stream.disposition & av.stream.Disposition.attached_pic
        ]
        if not streams:
            raise DataError(f"{path}: has no picture track, only sound")
        stream = streams[0]
        if stream.codec_context is None:
            raise DataError(f"{path}: no decoder for its picture track")
        if stream.width * stream.height >= _THREADING_PAYS:
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = min(4, os.cpu_count() or 1)
        else:
            stream.thread_type = "NONE"
        yield container, stream


def decoded_frames(
    container: av.container.InputContainer, stream: av.VideoStream, damage: Damage
) -> Iterator[av.VideoFrame]:
    """Every frame that can be decoded; what cannot is noted in `damage`."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            damage.append(f"the file ends in the middle: {error.strerror}")
            packet = None
        try:
            # Without a packet: the frames that the decoder still holds.
            frames = packet.decode() if packet is not None else stream.decode(None)
        except av.EOFError:
            return
        except av.FFmpegError as error:
            damage.append(f"a frame cannot be decoded: {error.strerror}")
            frames = []
        yield from frames
        if packet is None:
            return


def frame_rate(stream: av.VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.01 <= rate <= 1000:
            return float(rate)
    return FOLDER_FPS


def promised_frames(container: av.container.InputContainer, stream: av.VideoStream) -> int | None:
    seconds = promised_seconds(container, stream)
    return stream.frames or (max(1, round(seconds * frame_rate(stream))) if seconds else None)


def promised_seconds(
    container: av.container.InputContainer, stream: av.VideoStream
) -> float | None:
    """The picture track's length by the header, which a file that was cut off does not keep."""
    if "DURATION" in stream.metadata:  # Matroska and WebM
        with suppress(ValueError):
            hours, minutes, seconds = stream.metadata["DURATION"].split(":")
            return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if container.format.name == "avi" and stream.frames:
        return stream.frames / frame_rate(stream)
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration and not container.streams.audio:
        return container.duration / av.time_base
    return None


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


def _turned(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Turns and mirrors [H, W, 3] by quarter turns, the nearest to `matrix`."""
    (a, b), (c, d) = matrix
    if abs(b) > abs(a):
        image = image.swapaxes(0, 1)
        right, down = c, b
    else:
        right, down = a, d
    return image[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]
