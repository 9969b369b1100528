"""Videos as phones, recorders and browsers make them: tracks with tags, and packets cut out.

Independent of `fomm_tf`, as `sample_media` is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

_TICK = Fraction(1, 90_000)
_RATE = 48_000
_EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP

# Fast, and good enough to compare colours.
_OPTIONS = {
    "libx264": {"crf": "6", "preset": "ultrafast"},
    "libx265": {"crf": "6", "preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"crf": "4", "b": "2000000", "deadline": "realtime", "auto-alt-ref": "0"},
    "libvpx-vp9": {"crf": "4", "b": "0", "deadline": "realtime", "cpu-used": "8"}
    | {"auto-alt-ref": "0"},
    "mjpeg": {"qmin": "1", "qmax": "1"},
}


@dataclass
class Pictures:
    """A picture track. frames: uint8 [H, W, 3 or 4], or frames of PyAV in the stored format.

    matrix: the Colorspace to convert by. tags: values of color_primaries, color_trc, colorspace and
    color_range of the stream. start: of the first frame, in seconds.
    """

    frames: Sequence[np.ndarray | av.VideoFrame]
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    fps: float = 25
    start: float = 0.0
    matrix: Colorspace = Colorspace.ITU601
    full_range: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, int] = field(default_factory=dict)
    disposition: Disposition | None = None
    language: str | None = None


@dataclass
class Sound:
    """A sound track: a sine of `pitch` Hz from `start` to `end` (seconds).

    beep: where it sounds, instead of all the time. gap: from when to when there are no packets.
    """

    codec: str = "aac"
    pitch: float = 440
    start: float = 0.0
    end: float = 1.0
    beep: tuple[float, float] | None = None
    gap: tuple[float, float] = (0.0, 0.0)
    layout: str = "stereo"
    disposition: Disposition | None = None
    language: str | None = None


def write_tracks(path: Path, *tracks: Pictures | Sound, **options: str) -> Path:
    """A file with these tracks, in this order; `options` are the muxer's."""
    with av.open(str(path), "w", options=options) as container:
        streams = [_stream(container, track) for track in tracks]
        for track, stream in zip(tracks, streams, strict=True):
            if track.disposition is not None:
                stream.disposition = track.disposition
            if track.language is not None:
                stream.metadata["language"] = track.language
        packets = []
        for track, stream in zip(tracks, streams, strict=True):
            encode = _encoded_pictures if isinstance(track, Pictures) else _encoded_sound
            packets += encode(track, stream)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def rewritten(
    path: Path, target: Path, keep: Callable[[av.Packet], bool], shift: float = 0, **options: str
) -> Path:
    """The packets of `path` that `keep` accepts, copied; all times `shift` seconds later."""
    with av.open(str(path)) as source, av.open(str(target), "w", options=options) as container:
        outputs = {s.index: container.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if not packet.size or not keep(packet):
                continue
            assert packet.dts is not None, "copy from a container that stores it, not Matroska"
            by = round(Fraction(shift) / packet.time_base)
            packet.pts, packet.dts = packet.pts + by, packet.dts + by
            packet.stream = outputs[packet.stream.index]
            container.mux(packet)
    return target


def bars(h: int, w: int, colors: Sequence[Sequence[int]]) -> np.ndarray:
    """uint8 [h, w, len(color)]: upright bars of these colours."""
    columns = np.arange(w) * len(colors) // w
    return np.repeat(np.array(colors, np.uint8)[columns][None], h, axis=0)


def bar_colors(image: np.ndarray, count: int) -> np.ndarray:
    """The colours in the middle of each of `count` bars: int [count, C]."""
    width = image.shape[1] // count
    return image[image.shape[0] // 2, width // 2 :: width][:count].astype(int)


def beep_in(path: Path) -> tuple[float, float]:
    """When the sound of a file begins and ends to be loud, in seconds."""
    times, levels = [], []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", _RATE)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                samples = np.abs(part.to_ndarray()[0].astype(int))
                levels.append(samples)
                times.append(frame.time + np.arange(len(samples)) / _RATE)
    loud = np.concatenate(times)[np.concatenate(levels) > 3000]
    return loud[0], loud[-1]


def pitch_in(path: Path) -> float:
    """The loudest frequency in a file's first sound track, in Hz."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", _RATE)
        parts = [p for f in container.decode(audio=0) for p in resampler.resample(f)]
    samples = np.concatenate([part.to_ndarray()[0] for part in parts]).astype(float)
    return np.abs(np.fft.rfft(samples)).argmax() * _RATE / len(samples)


def _stream(container, track):
    if isinstance(track, Sound):
        options = {"strict": "experimental"} if track.codec == "vorbis" else {}
        return container.add_stream(track.codec, rate=_RATE, layout=track.layout, options=options)
    stream = container.add_stream(track.codec, rate=Fraction(track.fps).limit_denominator(1001))
    first = track.frames[0]
    stream.width, stream.height = (
        (first.width, first.height) if isinstance(first, av.VideoFrame) else first.shape[1::-1]
    )
    stream.pix_fmt = track.pixel_format
    stream.options = {**_OPTIONS.get(track.codec, {}), **track.options}
    for name, value in track.tags.items():
        setattr(stream.codec_context, name, value)
    return stream


def _encoded_pictures(track, stream):
    reformatter, packets = VideoReformatter(), []
    step = Fraction(1) / Fraction(track.fps).limit_denominator(1001)
    for i, image in enumerate(track.frames):
        frame = image
        if not isinstance(frame, av.VideoFrame):
            pixels = "rgba" if image.shape[2] == 4 else "rgb24"
            frame = reformatter.reformat(
                av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=pixels),
                format=track.pixel_format,
                dst_colorspace=track.matrix,
                dst_color_range=2 if track.full_range else 1,
                interpolation=_EXACT,
            )
        for name in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(frame, name, track.tags.get(name, 2 if name != "color_range" else 0))
        frame.time_base, frame.pts = _TICK, round((Fraction(track.start) + i * step) / _TICK)
        frame.duration = round(step / _TICK)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _encoded_sound(track, stream):
    total = round((track.end - track.start) * _RATE)
    times = track.start + np.arange(total) / _RATE
    wave = 0.4 * np.sin(2 * np.pi * track.pitch * times)
    if track.beep is not None:
        wave[(times < track.beep[0]) | (times >= track.beep[1])] = 0
    channels, packets = {"mono": 1, "stereo": 2, "5.1": 6}[track.layout], []
    resampler = av.AudioResampler(stream.format.name, track.layout, _RATE)
    for start in range(0, total, 960):
        block = np.repeat((wave[start : start + 960] * 32767).astype(np.int16), channels)[None]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "s16", track.layout)
        frame.sample_rate, frame.time_base = _RATE, Fraction(1, _RATE)
        frame.pts = start + round(track.start * _RATE)
        for part in resampler.resample(frame):
            packets += stream.encode(part)
    packets += stream.encode(None)
    first, last = track.gap
    return [p for p in packets if not first <= float(p.pts * p.time_base) < last]
