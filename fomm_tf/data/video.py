"""Videos in: files (mp4, mov, mkv, webm, avi, gif) and folders of pictures, frame by frame.

Frames are uint8 RGB [H, W, 3] as a player shows them: turned by the rotation metadata, with square
pixels, all of one size. Nothing is held but the frame in hand. `VideoWriter`, the way out, lives in
`video_writer` and is importable from here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from fomm_tf.data.pictures import PICTURE_SUFFIXES, read_picture
from fomm_tf.data.video_writer import VideoWriter
from fomm_tf.errors import DataError
from fomm_tf.files import natural_order

__all__ = [
    "VIDEO_SUFFIXES",
    "TimedFrame",
    "Video",
    "VideoWriter",
    "count_frames",
    "open_video",
    "read_frames",
]

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".gif")

# Frames per second of a folder of pictures, which has no rate of its own.
FOLDER_FPS = 25.0

# Demuxers that may be used: a file that only claims to be a video must not make us fetch a
# playlist's addresses or draw a text file.
_FORMATS = "mov,matroska,webm,gif,avi"

# Codecs of which every packet is one shown frame, so that counting needs no decoding.
_ONE_PACKET_PER_FRAME = {"h264", "hevc", "vp9", "av1", "mjpeg"}

# Below this size (pixels) starting decoder threads costs more than they bring.
_THREADING_PAYS = 500_000


class TimedFrame(NamedTuple):
    """time: seconds since the first frame; duration: seconds shown; image: uint8 [H, W, 3]."""

    time: float
    duration: float
    image: np.ndarray


@dataclass
class Video:
    """A video that can be read from the start any number of times.

    fps: average frames per second. frame_count: what the header promises (an estimate, for
    progress bars), or None. width, height: of the frames as shown. has_audio: there is a sound
    track. problem: one line about damage met by the latest pass over the frames, else None; a
    damaged video gives the frames that can be decoded.
    """

    path: Path
    fps: float
    width: int
    height: int
    frame_count: int | None
    has_audio: bool
    problem: str | None = field(default=None, init=False)
    _read: Callable[[Video], Iterator[TimedFrame]] = field(repr=False, kw_only=True)

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames, uint8 [H, W, 3], decoded as they are asked for; each call starts anew."""
        for frame in self.timed():
            yield frame.image

    def timed(self) -> Iterator[TimedFrame]:
        """Like iterating, with the time and duration of each frame: keeps a variable frame rate."""
        self.problem = None
        return self._read(self)


def open_video(path: str | os.PathLike) -> Video:
    """Opens a video file or a folder of pictures (25 frames per second; 2.png before 10.png).

    Decodes the first frame, so a file that cannot be read fails here. Raises DataError.
    """
    path = Path(path)
    if path.is_dir():
        return _open_folder(path)
    with _opened(path) as (container, stream):
        damage = _Damage()
        first = next(_decoded(container, stream, damage), None)
        if first is None:
            raise DataError(f"{path}: no frame of this video can be decoded ({damage or 'empty'})")
        height, width = _Converter(first, stream)(first).shape[:2]
        return Video(
            path=path,
            fps=_frame_rate(stream),
            width=width,
            height=height,
            frame_count=_promised_frames(container, stream),
            has_audio=bool(container.streams.audio),
            _read=_read_file,
        )


def read_frames(path: str | os.PathLike, indices: Sequence[int]) -> np.ndarray:
    """The frames of a video or folder with these indices, in their order: uint8 [n, H, W, 3].

    Decodes no further than the highest index and converts only what was asked for; indices may
    repeat. Raises DataError if the video cannot be read, has too few frames, or is a folder of
    pictures of different sizes.
    """
    path, last = Path(path), max(indices)
    found: dict[int, np.ndarray] = {}
    if path.is_dir():
        files = _pictures_in(path)
        _require_length(path, len(files), last)
        chosen = sorted(set(indices))
        pictures = _of_one_size([files[i] for i in chosen])
        found = dict(zip(chosen, pictures, strict=True))
        return np.stack([found[i] for i in indices])
    with _opened(path) as (container, stream):
        converter, seen = None, 0
        for frame in _decoded(container, stream, _Damage()):
            converter = converter or _Converter(frame, stream)
            if seen in indices:
                found[seen] = converter(frame)
            seen += 1
            if seen > last:
                break
        _require_length(path, seen, last)
    return np.stack([found[i] for i in indices])


def count_frames(path: str | os.PathLike) -> int:
    """The number of frames that reading gives; headers are not believed. Raises DataError.

    Counts packets where each is one frame (a few milliseconds per file), else decodes.
    """
    path = Path(path)
    if path.is_dir():
        return len(_pictures_in(path))
    with _opened(path) as (container, stream):
        if stream.codec_context.codec.canonical_name not in _ONE_PACKET_PER_FRAME:
            return sum(1 for _ in _decoded(container, stream, _Damage()))
        count = 0
        try:
            for packet in container.demux(stream):
                count += packet.size > 0 and not packet.is_discard and not packet.is_corrupt
        except av.FFmpegError:
            pass
        return count


# Folders of pictures


def _open_folder(path: Path) -> Video:
    files = _pictures_in(path)
    height, width = read_picture(files[0]).shape[:2]
    return Video(
        path=path,
        fps=FOLDER_FPS,
        width=width,
        height=height,
        frame_count=len(files),
        has_audio=False,
        _read=_read_folder,
    )


def _pictures_in(path: Path) -> list[Path]:
    files = [
        file
        for file in path.iterdir()
        if file.suffix.lower() in PICTURE_SUFFIXES and not file.name.startswith(".")
    ]
    if not files:
        raise DataError(f"{path}: the folder has no pictures, so it is no video")
    return sorted(files, key=natural_order)


def _read_folder(video: Video) -> Iterator[TimedFrame]:
    for i, image in enumerate(_of_one_size(_pictures_in(video.path))):
        yield TimedFrame(i / video.fps, 1 / video.fps, image)


def _of_one_size(files: Sequence[Path]) -> Iterator[np.ndarray]:
    shape = None
    for file in files:
        image = read_picture(file)
        shape = shape or image.shape
        if image.shape != shape:
            raise DataError(
                f"{file}: is {image.shape[1]}x{image.shape[0]}, but {files[0].name} is "
                f"{shape[1]}x{shape[0]}; all frames must have one size"
            )
        yield image


# Video files


class _Damage(list):
    """What went wrong while decoding, in order; reads as the first of it."""

    def __str__(self) -> str:
        return self[0] if self else ""


class _Converter:
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


def _read_file(video: Video) -> Iterator[TimedFrame]:
    damage = _Damage()
    with _opened(video.path) as (container, stream):
        expected = _promised_seconds(container, stream)
        converter, start, end = None, 0.0, 0.0
        for frame in _decoded(container, stream, damage):
            duration = 1 / video.fps
            if frame.duration and frame.time_base:
                duration = float(frame.duration * frame.time_base)
            if converter is None:
                converter, start = _Converter(frame, stream), frame.time or 0.0
            time = end if frame.time is None else frame.time - start
            end = time + duration
            yield TimedFrame(time, duration, converter(frame))
        if expected and end < 0.95 * expected - 2 / video.fps:
            damage.append(f"it ends after {end:.1f} of {expected:.1f} seconds")
    if damage:
        video.problem = f"{video.path}: damaged ({damage}); what can be decoded is used"


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
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


def _decoded(
    container: av.container.InputContainer, stream: av.VideoStream, damage: _Damage
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


def _frame_rate(stream: av.VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.01 <= rate <= 1000:
            return float(rate)
    return FOLDER_FPS


def _promised_frames(container: av.container.InputContainer, stream: av.VideoStream) -> int | None:
    seconds = _promised_seconds(container, stream)
    return stream.frames or (max(1, round(seconds * _frame_rate(stream))) if seconds else None)


def _promised_seconds(
    container: av.container.InputContainer, stream: av.VideoStream
) -> float | None:
    """The picture track's length by the header, which a file that was cut off does not keep."""
    if "DURATION" in stream.metadata:  # Matroska and WebM
        with suppress(ValueError):
            hours, minutes, seconds = stream.metadata["DURATION"].split(":")
            return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if container.format.name == "avi" and stream.frames:
        return stream.frames / _frame_rate(stream)
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


def _require_length(path: Path, length: int, last: int) -> None:
    if length <= last:
        raise DataError(f"{path}: frame {last} was asked for, but it has {length} frames")
