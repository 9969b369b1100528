"""A video file by PyAV: opened safely, frames as a player shows them, damage passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from fomm_tf.errors import DataError
from fomm_tf.media.picture_folder import FOLDER_FPS
from fomm_tf.media.pictures import WHITE, Color
from fomm_tf.media.tracks import picture_track

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".gif")

# Demuxers that may be used: a file that only claims to be a video must not make us fetch a
# playlist's addresses or draw a text file.
_FORMATS = "mov,matroska,webm,gif,avi"

# The decoders that read the transparency of WebM.
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

# Below this size (pixels) starting decoder threads costs more than they bring.
_THREADING_PAYS = 500_000


class Damage(list):
    """What went wrong while decoding, in order; reads as the first of it."""

    def __str__(self) -> str:
        return self[0] if self else ""


@dataclass
class PictureTrack:
    """The picture track of an open file. `decoder` is the one of `stream`, or one that knows more.

    ground: the colour that transparent parts are to be put on.
    """

    container: av.container.InputContainer
    stream: av.VideoStream
    decoder: av.VideoCodecContext
    ground: Color

    @property
    def start_time(self) -> float:
        """When its first packet is shown, in the file's time (seconds)."""
        return float((self.stream.start_time or 0) * (self.stream.time_base or 0))


@contextmanager
def opened(path: Path, ground: Color = WHITE) -> Iterator[PictureTrack]:
    """A video file, opened for decoding its picture track. Raises DataError."""
    with opened_file(path, _FORMATS) as container:
        stream = picture_track(container)
        if stream is None:
            raise DataError(f"{path}: has no picture track, only sound")
        if stream.codec_context is None:
            raise DataError(f"{path}: no decoder for its picture track")
        yield _track(container, stream, ground)


@contextmanager
def opened_file(path: Path, formats: str | None) -> Iterator[av.container.InputContainer]:
    """A file with pictures or sound, opened for reading. Raises DataError.

    formats: the demuxers that may be used, as FFmpeg lists them; None: all.
    """
    if not path.exists():
        raise DataError(f"{path}: no such video")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    options = {"protocol_whitelist": "file"}
    if formats is not None:
        options["format_whitelist"] = formats
    try:
        # Absolute, as FFmpeg takes what stands before a colon for a protocol.
        container = av.open(str(path.resolve()), container_options=options)
    except PermissionError as error:
        raise DataError(f"{path}: may not be read (permission denied)") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        kinds = ", ".join(suffix[1:] for suffix in VIDEO_SUFFIXES)
        raise DataError(
            f"{path}: is no video ({kinds}) that can be read, or it was cut off"
        ) from error
    with container:
        yield container


def first_time(path: Path) -> Fraction:
    """When, in the file's time, the first picture that can be decoded is shown; 0 without any."""
    with opened_file(path, None) as container:
        stream = picture_track(container)
        if stream is not None and stream.codec_context is not None:
            for frame in decoded_frames(_track(container, stream, WHITE), Damage()):
                if frame.pts is not None and frame.time_base is not None:
                    return frame.pts * frame.time_base
    return Fraction(0)


def decoded_frames(track: PictureTrack, damage: Damage) -> Iterator[av.VideoFrame]:
    """Every frame that can be decoded; what cannot is noted in `damage`."""
    packets = track.container.demux(track.stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            damage.append(f"the file ends in the middle: {error.strerror}")
            packet = None
        if packet is not None and not packet.size and packet.dts is not None:
            continue  # a dropped frame: the one before stays
        try:
            # An empty packet (the end), or none: the frames that the decoder still holds.
            frames = track.decoder.decode(packet)
        except av.EOFError:
            return
        except av.FFmpegError as error:
            damage.append(f"a frame cannot be decoded: {error.strerror}")
            frames = []
        for frame in frames:
            if packet is None and track.stream.time_base is not None:
                frame.time_base = track.stream.time_base
            yield frame
        if packet is None:
            return


def _track(
    container: av.container.InputContainer, stream: av.VideoStream, ground: Color
) -> PictureTrack:
    decoder = _decoder(stream)
    if stream.width * stream.height >= _THREADING_PAYS:
        decoder.thread_type = "AUTO"
        decoder.thread_count = min(4, os.cpu_count() or 1)
    else:
        decoder.thread_type = "NONE"
    if decoder.name == "gif":
        red, green, blue = ground
        decoder.options = {"trans_color": str(red << 16 | green << 8 | blue)}
    return PictureTrack(container, stream, decoder, ground)


def _decoder(stream: av.VideoStream) -> av.VideoCodecContext:
    """The stream's own; for WebM with alpha libvpx's, as FFmpeg's own pass over the alpha."""
    name = _WITH_ALPHA.get(stream.codec_context.name)
    if name is not None and stream.metadata.get("alpha_mode") == "1":
        with suppress(av.codec.codec.UnknownCodecError):
            decoder = av.CodecContext.create(name, "r")
            assert isinstance(decoder, av.VideoCodecContext)
            return decoder
    return stream.codec_context


def frame_rate(stream: av.VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.01 <= rate <= 1000:
            return float(rate)
    return FOLDER_FPS


def promised_frames(track: PictureTrack) -> int | None:
    seconds = promised_seconds(track)
    rate = frame_rate(track.stream)
    return track.stream.frames or (max(1, round(seconds * rate)) if seconds else None)


def promised_seconds(track: PictureTrack) -> float | None:
    """The picture track's length by the header, which a file that was cut off does not keep."""
    container, stream = track.container, track.stream
    if "DURATION" in stream.metadata:  # Matroska and WebM; it is the time of the end
        with suppress(ValueError):
            hours, minutes, seconds = stream.metadata["DURATION"].split(":")
            end = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
            return end - track.start_time
    if container.format.name == "avi" and stream.frames:
        return stream.frames / frame_rate(stream)
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration and not container.streams.audio:
        end = container.duration
        if "matroska" in container.format.name:
            end -= container.start_time or 0
        return end / av.time_base
    return None
