"""The sound track of one video, carried over into another while that one is being written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av

from fomm_tf.media.tracks import sound_track
from fomm_tf.media.video_file import first_time, opened_file

# What players expect inside an .mp4; any other codec is decoded and encoded as AAC.
_FITS_MP4 = {"aac", "mp3", "ac3", "eac3", "alac", "opus"}

# Sample rates that are left alone when encoding AAC; others become 48 kHz.
_AAC_RATES = (48000, 44100, 32000, 24000, 22050, 16000)

# A decoder needs the packet before the first one it plays to get that one right: seconds kept.
_PRE_ROLL = 0.05


class SoundTrack:
    """Copies the sound of the file `source` to `target`, a container not yet started.

    It is the default sound track, else the first. Times count from the first picture of `source`
    that can be decoded, as the reader's do (from the file's start, if it has no pictures). Raises
    DataError if `source` cannot be opened.
    Packets are written in step with the video, so that players need not jump about in the file.
    `problem` is one line if the sound cannot be read (further); the video is written all the same.
    """

    def __init__(self, source: Path, target: av.container.OutputContainer) -> None:
        self.problem: str | None = None
        self._source = source
        self._target = target
        self._packets: Iterator[tuple[float, av.Packet]] = iter(())
        self._waiting: tuple[float, av.Packet] | None = None
        self._opened = ExitStack()
        self._input = self._opened.enter_context(opened_file(source, None))
        stream = sound_track(self._input)
        if stream is None:
            return
        self._start = first_time(source)
        if stream.codec_context is None:
            self.problem = f"{source}: no decoder for its sound; the result has none"
        elif stream.codec_context.codec.canonical_name in _FITS_MP4:
            self._packets = self._copied(stream, target.add_stream_from_template(stream))
        else:
            rate = stream.sample_rate if stream.sample_rate in _AAC_RATES else _AAC_RATES[0]
            layout = "mono" if stream.channels == 1 else "stereo"
            encoder = target.add_stream("aac", rate=rate, layout=layout, bit_rate=160_000)
            self._packets = self._encoded(stream, encoder)

    def write_until(self, seconds: float) -> None:
        """Writes what starts before `seconds` and has not been written."""
        while True:
            if self._waiting is None:
                self._waiting = self._next()
            if self._waiting is None or self._waiting[0] >= seconds:
                return
            self._target.mux(self._waiting[1])
            self._waiting = None

    def close(self) -> None:
        """Closes the source file."""
        self._opened.close()

    def _next(self) -> tuple[float, av.Packet] | None:
        try:
            return next(self._packets, None)
        except av.FFmpegError as error:
            self.problem = f"{self._source}: the sound is damaged ({error.strerror})"
            return None

    def _copied(
        self, stream: av.AudioStream, output: av.AudioStream
    ) -> Iterator[tuple[float, av.Packet]]:
        for packet in self._input.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            shift = round(self._start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            time = float(packet.pts * packet.time_base)
            if time > -_PRE_ROLL:
                packet.stream = output
                yield time, packet

    def _encoded(
        self, stream: av.AudioStream, output: av.AudioStream
    ) -> Iterator[tuple[float, av.Packet]]:
        def timed(packets: list[av.Packet]) -> Iterator[tuple[float, av.Packet]]:
            return ((float((packet.pts or 0) * packet.time_base), packet) for packet in packets)

        for frame in self._input.decode(stream):
            if frame.pts is None or frame.time_base is None:
                continue
            frame.pts -= round(self._start / frame.time_base)
            if frame.pts * frame.time_base + frame.samples / frame.sample_rate > 0:
                yield from timed(output.encode(frame))
        yield from timed(output.encode(None))
