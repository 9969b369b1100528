"""Videos in: files (mp4, mov, mkv, webm, avi, gif), animated pictures (WebP, PNG, AVIF) and folders
of pictures, frame by frame.

Frames are uint8 RGB [H, W, 3] as a player shows them: turned by the rotation metadata, with square
pixels, in sRGB. Nothing is held but the frame in hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import av
import numpy as np

from fomm_tf.errors import DataError
from fomm_tf.media.animated_picture import frames_of_picture, read_animation
from fomm_tf.media.fitting import fit
from fomm_tf.media.frame_converter import FrameConverter
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.picture_folder import FOLDER_FPS, of_one_size, pictures_in
from fomm_tf.media.pictures import WHITE, Color, read_picture
from fomm_tf.media.tracks import choice_notices
from fomm_tf.media.video_color import hdr_notice
from fomm_tf.media.video_file import (
    Damage,
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
    progress bars), or None. width, height: of the first frame as shown. has_audio: there is a sound
    track. problem: one line about damage met by the latest pass over the frames, else None; a
    damaged video gives the frames that can be decoded. notices: a line for each thing that is done
    to the video and that one may want to know: the choice of a track, HDR; a pass over the frames
    adds that their size changes.
    """

    path: Path
    fps: float
    width: int
    height: int
    frame_count: int | None
    has_audio: bool
    problem: str | None = field(default=None, init=False)
    notices: list[str] = field(default_factory=list)
    _read: Callable[[Video], Iterator[TimedFrame]] = field(repr=False, kw_only=True)

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames, uint8 [H, W, 3], decoded as they are asked for; each call starts anew.

        They have one size, save of a recording whose size changes: its frames have each their own.
        """
        for frame in self.timed():
            yield frame.image

    def timed(self) -> Iterator[TimedFrame]:
        """Like iterating, with the time and duration of each frame: keeps a variable frame rate."""
        self.problem = None
        return self._read(self)


def open_video(path: str | os.PathLike, ground: Color = WHITE) -> Video:
    """Opens a video file, a picture, or a folder of pictures (25 frames per second; 2.png before
    10.png). What is transparent is put on `ground`.

    Decodes the first frame, so a file that cannot be read fails here. Raises DataError.
    """
    path = Path(path)
    if path.is_dir():
        return _open_folder(path, ground)
    if frames_of_picture(path):
        return _open_picture(path, ground)
    with opened(path) as track:
        damage = Damage()
        first = next(decoded_frames(track, damage), None)
        if first is None:
            raise DataError(f"{path}: no frame of this video can be decoded ({damage or 'empty'})")
        height, width = FrameConverter(track).shape(first)
        notice = hdr_notice(first)
        return Video(
            path=path,
            fps=frame_rate(track.stream),
            width=width,
            height=height,
            frame_count=promised_frames(track),
            has_audio=bool(track.container.streams.audio),
            notices=[*choice_notices(track.container), *([notice] if notice else [])],
            _read=partial(_read_file, ground=ground),
        )


def read_frames(path: str | os.PathLike, indices: Sequence[int]) -> np.ndarray:
    """The frames of a video or folder with these indices, in their order: uint8 [n, H, W, 3].

    Decodes no further than the highest index and converts only what was asked for; indices may
    repeat. Where the video's size changes, all are fitted to the first one's. Raises DataError if
    the video cannot be read, has too few frames, or is a folder of pictures of different sizes.
    """
    frames = frames_at(path, indices)
    return np.stack([fit(frame, (frames[0].shape[0], frames[0].shape[1])) for frame in frames])


def frames_at(path: str | os.PathLike, indices: Sequence[int]) -> list[np.ndarray]:
    """`read_frames`, with each frame in its own size."""
    path, last = Path(path), max(indices)
    found: dict[int, np.ndarray] = {}
    if path.is_dir():
        files = pictures_in(path)
        _require_length(path, len(files), last)
        chosen = sorted(set(indices))
        pictures = of_one_size([files[i] for i in chosen])
        found = dict(zip(chosen, pictures, strict=True))
        return [found[i] for i in indices]
    if count := frames_of_picture(path):
        _require_length(path, count, last)
        found = {
            i: frame.image
            for i, frame in zip(range(last + 1), read_animation(path), strict=False)
            if i in indices
        }
        return [found[i] for i in indices]
    with opened(path) as track:
        converter, seen = FrameConverter(track), 0
        for frame in decoded_frames(track, Damage()):
            if seen in indices:
                found[seen] = converter(frame)
            seen += 1
            if seen > last:
                break
        _require_length(path, seen, last)
    return [found[i] for i in indices]


def count_frames(path: str | os.PathLike) -> int:
    """The number of frames that reading gives; headers are not believed. Raises DataError.

    Counts packets where each is one frame (a few milliseconds per file), else decodes.
    """
    path = Path(path)
    if path.is_dir():
        return len(pictures_in(path))
    if count := frames_of_picture(path):
        return count
    with opened(path) as track:
        if track.stream.codec_context.codec.canonical_name not in _ONE_PACKET_PER_FRAME:
            return sum(1 for _ in decoded_frames(track, Damage()))
        count = 0
        try:
            for packet in track.container.demux(track.stream):
                if packet.size and not count and not packet.is_keyframe:
                    break
                count += packet.size > 0 and not packet.is_discard and not packet.is_corrupt
            else:
                return count
        except av.FFmpegError:
            return count
    # What comes before the first key frame is passed over by the decoder: so decode.
    with opened(path) as track:
        return sum(1 for _ in decoded_frames(track, Damage()))


def _open_picture(path: Path, ground: Color) -> Video:
    durations = []
    for frame in read_animation(path, ground):
        durations.append(frame.duration)
        height, width = frame.image.shape[:2]
    return Video(
        path=path,
        fps=len(durations) / sum(durations),
        width=width,
        height=height,
        frame_count=len(durations),
        has_audio=False,
        _read=partial(_read_picture, ground=ground),
    )


def _read_picture(video: Video, ground: Color) -> Iterator[TimedFrame]:
    return read_animation(video.path, ground)


def _open_folder(path: Path, ground: Color) -> Video:
    files = pictures_in(path)
    height, width = read_picture(files[0]).shape[:2]
    return Video(
        path=path,
        fps=FOLDER_FPS,
        width=width,
        height=height,
        frame_count=len(files),
        has_audio=False,
        _read=partial(_read_folder, ground=ground),
    )


def _read_folder(video: Video, ground: Color) -> Iterator[TimedFrame]:
    for i, image in enumerate(of_one_size(pictures_in(video.path), ground)):
        yield TimedFrame(i / video.fps, 1 / video.fps, image)


def _read_file(video: Video, ground: Color) -> Iterator[TimedFrame]:
    damage = Damage()
    with opened(video.path, ground) as track:
        expected = promised_seconds(track)
        converter, size, notice = FrameConverter(track), (video.height, video.width), None
        start, lost, end = None, 0.0, 0.0
        for frame in decoded_frames(track, damage):
            duration = 1 / video.fps
            if frame.duration and frame.time_base:
                duration = float(frame.duration * frame.time_base)
            if start is None:
                start = frame.time or 0.0
                lost = start - track.start_time
            time = end if frame.time is None else frame.time - start
            end = time + duration
            image = converter(frame)
            if image.shape[:2] != size:
                notice = notice or _size_notice(size, image.shape, time)
            yield TimedFrame(time, duration, image)
        if lost > 2 / video.fps:
            damage.append(f"its first {lost:.1f} seconds lack the frame that they build on")
        if expected and lost + end < 0.95 * expected - 2 / video.fps:
            damage.append(f"it ends after {end:.1f} of {expected:.1f} seconds")
    if notice and notice not in video.notices:
        video.notices.append(notice)
    if damage:
        video.problem = f"{video.path}: damaged ({damage}); what can be decoded is used"


def _size_notice(first: tuple[int, int], shape: tuple[int, ...], time: float) -> str:
    return (
        f"the frames' size changes at {time:.1f} s, from {first[1]}x{first[0]} to "
        f"{shape[1]}x{shape[0]}; each is fitted by itself"
    )


def _require_length(path: Path, length: int, last: int) -> None:
    if length <= last:
        raise DataError(f"{path}: frame {last} was asked for, but it has {length} frames")
