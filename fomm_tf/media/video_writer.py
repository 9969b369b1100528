"""Videos out: .mp4, .gif or a folder of pictures, streamed; written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from PIL import Image

from fomm_tf.errors import DataError
from fomm_tf.files import replacing, replacing_folder
from fomm_tf.media.comment import GENERATED, add_to_gif, png_info
from fomm_tf.media.pictures import to_uint8
from fomm_tf.media.sound import SoundTrack

# Rounds correctly and averages colours over all pixels; the converter's default does neither.
_EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


class VideoWriter:
    """Writes frames to `path`: .mp4 (H.264), .gif, or, without a suffix, a folder of numbered PNGs.

    A context manager. Entering creates the (temporary) output, so that a place that cannot be
    written shows before any work is done; leaving without an exception puts it in place, leaving
    with one leaves nothing behind and what was at `path` untouched. Nothing is held but the frame
    in hand.

    fps: frames per second, for frames written without a time.
    audio_from: a video whose sound goes into the .mp4, from that video's first frame to the end of
        the last frame written; copied where the codec fits into an mp4, else encoded as AAC. GIFs
        and folders have no sound. `problem` says in one line if it could not be taken over.
    comment: what the output says of itself, in its format's field for comments; None: nothing.

    H.264 stores even sizes only: frames of odd width or height are padded by repeating their last
    column or row. GIFs have 128 colours per frame and at most 50 frames per second (browsers slow
    down faster ones), so of faster videos frames are left out. Raises DataError for a suffix that
    is not known, a folder that is not empty, or a place that cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        fps: float,
        audio_from: str | os.PathLike | None = None,
        comment: str | None = GENERATED,
    ) -> None:
        self.path = Path(path)
        self._fps = fps
        self._audio_from = None if audio_from is None else Path(audio_from)
        self._comment = comment
        self._end = 0.0
        self._shape: tuple[int, ...] | None = None
        suffix = self.path.suffix.lower()
        kinds: dict[str, type[_Mp4 | _Gif | _Folder]] = {".mp4": _Mp4, ".gif": _Gif, "": _Folder}
        if self.path.is_dir():
            if suffix in (".mp4", ".gif"):
                raise DataError(f"{self.path}: is a folder; give another name for the video")
            suffix = ""
        if suffix not in kinds:
            raise DataError(
                f"{self.path}: cannot write {self.path.suffix}; give a name ending in .mp4 or "
                ".gif, or a folder's name without a suffix"
            )
        self._kind = kinds[suffix]

    def __enter__(self) -> VideoWriter:
        place = _new_folder if self._kind is _Folder else replacing
        with self._naming_output(), ExitStack() as stack:
            temporary = stack.enter_context(place(self.path))
            if self._kind is not _Folder:
                temporary.touch()
            self._sink = self._kind(temporary, self._fps, self._audio_from, self._comment)
            self._stack = stack.pop_all()
        return self

    def write(
        self, frame: np.ndarray, time: float | None = None, duration: float | None = None
    ) -> None:
        """Adds a frame, [H, W, 3]: uint8, or float in [0, 1]. All frames have one size.

        time: its start in seconds since the first frame; default: the end of the one before.
        duration: how long it is shown, in seconds; default 1 / fps. It counts for the last frame;
        all others are shown until the next one starts.
        """
        if frame.ndim != 3 or frame.shape[2] != 3 or self._shape not in (None, frame.shape):
            raise ValueError(f"frame of shape {frame.shape} after {self._shape}; want [H, W, 3]")
        self._shape = frame.shape
        time = self._end if time is None else time
        duration = 1 / self._fps if duration is None else duration
        self._end = time + duration
        with self._naming_output():
            self._sink.write(np.ascontiguousarray(to_uint8(frame)), time, duration)

    @property
    def problem(self) -> str | None:
        """One line about sound that could not be taken over, or None."""
        return self._sink.problem

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._sink.abort()
            self._stack.__exit__(kind, error, traceback)
            return
        # An exception in here reaches the stack, which then removes the output.
        with self._stack:
            if self._shape is None:
                raise DataError(f"{self.path}: there was no frame to write")
            with self._naming_output():
                self._sink.finish(self._end)

    @contextmanager
    def _naming_output(self) -> Iterator[None]:
        """Errors name the output asked for, not the temporary file."""
        try:
            yield
        except (OSError, av.FFmpegError) as error:
            raise DataError(f"{self.path}: cannot be written ({error.strerror})") from error


class _Mp4:
    """H.264 in yuv420p, BT.709, with the index in front so that it plays while loading."""

    # Ticks per second: every usual frame rate and all of their multiples are whole numbers of them.
    _TICKS = 90_000

    def __init__(
        self, path: Path, fps: float, audio_from: Path | None, comment: str | None
    ) -> None:
        self.problem: str | None = None
        self._container = av.open(_address(path), "w", options={"movflags": "+faststart"})
        if comment is not None:
            self._container.metadata["comment"] = comment
        rate = Fraction(fps).limit_denominator(1001)
        # No B-frames: packets then are in the order of time, and every duration is kept exactly.
        options = {"crf": "16", "bf": "0"}
        self._stream = self._container.add_stream("libx264", rate=rate, options=options)
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, self._TICKS)
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1  # 16 to 235
        self._sound = None if audio_from is None else SoundTrack(audio_from, self._container)
        self._reformatter = VideoReformatter()
        self._durations: dict[int | None, int] = {}
        self._last = -1

    def write(self, image: np.ndarray, time: float, duration: float) -> None:
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._last < 0:
            self._stream.height, self._stream.width = image.shape[:2]
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(image, format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            interpolation=_EXACT,
            threads=1,
        )
        frame.pts = self._last = max(self._last + 1, round(time * self._TICKS))
        frame.time_base = Fraction(1, self._TICKS)
        self._durations[frame.pts] = max(1, round(duration * self._TICKS))
        self._mux(frame)
        if self._sound is not None:
            self._sound.write_until(time)

    def _mux(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            packet.duration = self._durations.pop(packet.pts)
            self._container.mux(packet)

    def finish(self, end: float) -> None:
        try:
            self._mux(None)
            if self._sound is not None:
                self._sound.write_until(end)
                self.problem = self._sound.problem
        finally:
            self._close()

    def abort(self) -> None:
        # The output is thrown away, so whether its end can still be written does not matter.
        with suppress(Exception):
            self._close()

    def _close(self) -> None:
        if self._sound is not None:
            self._sound.close()
        self._container.close()


class _Gif:
    """One palette per frame; FFmpeg's encoder stores only what changed, and holds no frames."""

    problem = None

    # GIFs count in hundredths of a second, and browsers show shorter frames for ten of them.
    _SHORTEST = 2

    def __init__(
        self, path: Path, fps: float, audio_from: Path | None, comment: str | None
    ) -> None:
        self._path, self._comment = path, comment
        self._container = av.open(_address(path), "w", options={"loop": "0"})  # 0: for ever
        rate = Fraction(fps).limit_denominator(1001)
        self._stream = self._container.add_stream("gif", rate=rate)
        self._stream.pix_fmt = "pal8"
        self._stream.codec_context.time_base = Fraction(1, 100)
        self._last = -self._SHORTEST

    def write(self, image: np.ndarray, time: float, duration: float) -> None:
        if self._last < 0:
            self._stream.height, self._stream.width = image.shape[:2]
        start = round(time * 100)
        if start < self._last + self._SHORTEST:
            return
        frame = _with_palette(image)
        frame.pts, frame.time_base = start, Fraction(1, 100)
        self._last = start
        self._mux(frame, max(self._SHORTEST, round(duration * 100)))

    def _mux(self, frame: av.VideoFrame | None, duration: int) -> None:
        for packet in self._stream.encode(frame):
            packet.duration = duration
            self._container.mux(packet)

    def finish(self, end: float) -> None:
        try:
            self._mux(None, self._SHORTEST)
        finally:
            self._container.close()
        if self._comment is not None:
            add_to_gif(self._path, self._comment)

    def abort(self) -> None:
        with suppress(Exception):
            self._container.close()


class _Folder:
    """000000.png, 000001.png, ...: every frame, without loss; no times, no sound."""

    problem = None

    def __init__(
        self, path: Path, fps: float, audio_from: Path | None, comment: str | None
    ) -> None:
        self._path, self._count = path, 0
        self._info = png_info(comment)

    def write(self, image: np.ndarray, time: float, duration: float) -> None:
        path = self._path / f"{self._count:06d}.png"
        Image.fromarray(image).save(path, compress_level=3, pnginfo=self._info)
        self._count += 1

    def finish(self, end: float) -> None:
        pass

    def abort(self) -> None:
        pass


def _address(path: Path) -> str:
    """Absolute, as FFmpeg takes what stands before a colon for a protocol."""
    return os.path.abspath(path)


def _with_palette(image: np.ndarray) -> av.VideoFrame:
    # Pillow's octree is forty times as fast as its default search for a palette.
    picture = Image.fromarray(image).quantize(128, method=Image.Quantize.FASTOCTREE)
    colours = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 0], palette[: len(colours), 1:] = 255, colours  # alpha, then red, green, blue
    indices: Any = (np.asarray(picture), palette)
    return av.VideoFrame.from_ndarray(indices, format="pal8")


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """`replacing_folder` where there is none or an empty one: nobody's pictures are deleted."""
    if path.is_dir() and any(path.iterdir()):
        raise DataError(f"{path}: the folder is not empty; give a new one")
    if path.exists() and not path.is_dir():
        raise DataError(f"{path}: is a file; give a folder's name, or one ending in .mp4 or .gif")
    with replacing_folder(path) as temporary:
        yield temporary
