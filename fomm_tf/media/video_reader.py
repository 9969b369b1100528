"""Videos in: files (mp4, mov, mkv, webm, avi, gif) and folders of pictures, frame by frame.

Frames are uint8 RGB [H, W, 3] as a player shows them: turned by the rotation metadata, with square
pixels, all of one size. Nothing is held but the frame in hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from fomm_tf.errors import DataError
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.picture_folder import FOLDER_FPS, of_one_size, pictures_in
from fomm_tf.media.pictures import read_picture
from fomm_tf.media.video_file import (
    Damage,
    FrameConverter,
    decoded_frames,
    frame_rate,
    opened,
    promised_frames,
    promised_seconds,
)

# Codecs of which every packet is one shown frame, so that counting needs no decoding.
_ONE_PACKET_PER_FRAME = {"h264", "hevc", "vp9", "av1", "mjpeg"}


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
    with opened(path) as (container, stream):
        damage = Damage()
        first = next(decoded_frames(container, stream, damage), None)
        if first is None:
            raise DataError(f"{path}: no frame of this video can be decoded ({damage or 'empty'})")
        height, width = FrameConverter(first, stream)(first).shape[:2]
        return Video(
            path=path,
            fps=frame_rate(stream),
            width=width,
            height=height,
            frame_count=promised_frames(container, stream),
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
        files = pictures_in(path)
        _require_length(path, len(files), last)
        chosen = sorted(set(indices))
        pictures = of_one_size([files[i] for i in chosen])
        found = dict(zip(chosen, pictures, strict=True))
        return np.stack([found[i] for i in indices])
    with opened(path) as (container, stream):
        converter, seen = None, 0
        for frame in decoded_frames(container, stream, Damage()):
            converter = converter or FrameConverter(frame, stream)
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
        return len(pictures_in(path))
    with opened(path) as (container, stream):
        if stream.codec_context.codec.canonical_name not in _ONE_PACKET_PER_FRAME:
            return sum(1 for _ in decoded_frames(container, stream, Damage()))
        count = 0
        try:
            for packet in container.demux(stream):
                count += packet.size > 0 and not packet.is_discard and not packet.is_corrupt
        except av.FFmpegError:
            pass
        return count


def _open_folder(path: Path) -> Video:
    files = pictures_in(path)
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


def _read_folder(video: Video) -> Iterator[TimedFrame]:
    for i, image in enumerate(of_one_size(pictures_in(video.path))):
        yield TimedFrame(i / video.fps, 1 / video.fps, image)


def _read_file(video: Video) -> Iterator[TimedFrame]:
    damage = Damage()
    with opened(video.path) as (container, stream):
        expected = promised_seconds(container, stream)
        converter, start, end = None, 0.0, 0.0
        for frame in decoded_frames(container, stream, damage):
            duration = 1 / video.fps
            if frame.duration and frame.time_base:
                duration = float(frame.duration * frame.time_base)
            if converter is None:
                converter, start = FrameConverter(frame, stream), frame.time or 0.0
            time = end if frame.time is None else frame.time - start
            end = time + duration
            yield TimedFrame(time, duration, converter(frame))
        if expected and end < 0.95 * expected - 2 / video.fps:
            damage.append(f"it ends after {end:.1f} of {expected:.1f} seconds")
    if damage:
        video.problem = f"{video.path}: damaged ({damage}); what can be decoded is used"


def _require_length(path: Path, length: int, last: int) -> None:
    if length <= last:
        raise DataError(f"{path}: frame {last} was asked for, but it has {length} frames")
