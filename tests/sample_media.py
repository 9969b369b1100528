"""Small real videos and pictures for the tests, made with PyAV and Pillow.

Independent of `fomm_tf`: what is written here is what the readers under test must find.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_CODECS = {
    ".mp4": "libx264",
    ".mov": "libx264",
    ".mkv": "libx264",
    ".avi": "mpeg4",
    ".webm": "libvpx-vp9",
    ".gif": "gif",
}
_SAMPLE_RATE = 48000


def moving_square(n: int, h: int = 64, w: int = 64, seed: int = 0) -> np.ndarray:
    """uint8 [n, h, w, 3]: a bright square that moves to the right and down over a smooth gradient.

    The gradient's colours depend on `seed`; frames differ from each other and are not symmetric,
    so that a wrong order, rotation or flip shows.
    """
    rng = np.random.default_rng(seed)
    tint = rng.integers(60, 200, 3)
    y, x = np.mgrid[0:h, 0:w]
    background = np.stack([x * tint[0] // w, y * tint[1] // h, np.full((h, w), tint[2])], axis=-1)
    frames = np.repeat(background[None].astype(np.uint8), n, axis=0)
    side = max(2, min(h, w) // 4)
    for i in range(n):
        part = i / max(1, n - 1)
        top, left = int(part * (h - side) * 0.5), int(part * (w - side))
        frames[i, top : top + side, left : left + side] = (250, 240, 30)
    return frames


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    fps: float = 25,
    *,
    rotation: int = 0,
    audio: str | None = None,
    audio_seconds: float | None = None,
    codec: str | None = None,
    times: Sequence[float] | None = None,
    pixel_format: str | None = None,
    lossless: bool = False,
    faststart: bool = False,
) -> Path:
    """Encodes `frames` (uint8 [H, W, 3] each) by the suffix of `path`; returns the path.

    rotation: degrees counterclockwise that a player turns the stored frames by (.mp4, .mov).
    audio: an audio codec (`aac`, `mp3`, `pcm_s16le`, `libopus`, ...): adds a sine of 440 Hz as long
        as the video, or of `audio_seconds`.
    codec: a video codec instead of the suffix's usual one. times: start of each frame in seconds
        (variable frame rate); the last frame lasts 1 / fps. Odd sizes need `pixel_format="yuv444p"`
        (or lossless=True) with H.264. lossless: H.264 of RGB without any loss.
    faststart: the index of an .mp4 or .mov in front of the frames.
    """
    path = Path(path)
    frames = list(frames)
    if times is None:
        times = [i / fps for i in range(len(frames))]
    name = "libx264rgb" if lossless else codec or _CODECS[path.suffix]
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream(name, rate=Fraction(fps).limit_denominator(1001))
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "rgb24" if lossless else pixel_format or _pixel_format(name)
        step = Fraction(1, 90000)
        if name == "gif":
            step = Fraction(1, 100)
        elif path.suffix == ".avi" or name == "mpeg4":
            step = 1 / video.average_rate
        video.codec_context.time_base = step
        if "264" in name:
            video.options = {"crf": "0" if lossless else "12", "bf": "0", "preset": "veryfast"}
        elif name == "mpeg4":
            video.options = {"qscale": "2", "flags": "+qscale"}
        elif name.startswith("libvpx"):
            video.options = {"crf": "12", "b": "0", "cpu-used": "8", "deadline": "realtime"}
        if rotation:
            video.set_display_rotation(rotation)
        sound = container.add_stream(audio, rate=_SAMPLE_RATE) if audio else None
        for i, (time, frame) in enumerate(zip(times, frames, strict=True)):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            if name == "gif":
                picture = _with_palette(frame)
            following = times[i + 1] if i + 1 < len(times) else time + 1 / fps
            picture.time_base, picture.pts = step, round(time / step)
            for packet in video.encode(picture):
                packet.duration = round((following - time) / step)
                container.mux(packet)
        for packet in video.encode():
            container.mux(packet)
        if sound is not None:
            seconds = times[-1] + 1 / fps if audio_seconds is None else audio_seconds
            _mux_sine(container, sound, seconds)
    return path


def write_sound(path: str | Path, seconds: float = 1.0, codec: str = "aac") -> Path:
    """A file with a sine of 440 Hz and no picture."""
    with av.open(str(path), "w") as container:
        _mux_sine(container, container.add_stream(codec, rate=_SAMPLE_RATE), seconds)
    return Path(path)


# The xy coordinates of red, green and blue; white is D65.
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))
SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))


def to_xyz(primaries: Sequence[Sequence[float]]) -> np.ndarray:
    """From linear RGB of these primaries, with white of D65, to CIE XYZ."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (*primaries, (0.3127, 0.3290))]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])


def color_profile(
    primaries: Sequence[Sequence[float]] | None, gamma: float, space: bytes = b"RGB "
) -> bytes:
    """An ICC profile (version 2): of a display with these primaries, or of grey (`b"GRAY"`)."""

    def xyz(values: Iterable[float]) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    white = np.array([0.9642, 1.0, 0.8249])  # D50, to which profiles are adapted
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    text = b"a profile\0"
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)}
    tags |= {b"cprt": b"text" + bytes(4) + text, b"wtpt": xyz(white)}
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        bradford = np.array(
            [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
        )
        d65 = to_xyz(primaries).sum(axis=1)
        gains = (bradford @ white) / (bradford @ d65)
        adapted = np.linalg.inv(bradford) @ np.diag(gains) @ bradford @ to_xyz(primaries)
        for letter, column in zip("rgb", adapted.T, strict=True):
            tags[f"{letter}XYZ".encode()], tags[f"{letter}TRC".encode()] = xyz(column), curve
    directory, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        place = 132 + 12 * len(tags) + len(body)
        directory += name + struct.pack(">II", place, len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s",
        132 + 12 * len(tags) + len(body),
        bytes(4),
        0x02100000,
        b"mntr",
        space,
        b"XYZ ",
    )
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + xyz(white)[8:]
    return head + bytes(128 - len(head)) + directory + body


def _pixel_format(codec: str) -> str:
    return {"gif": "pal8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")


def _with_palette(frame: np.ndarray) -> av.VideoFrame:
    from PIL import Image

    picture = Image.fromarray(frame).quantize(256, method=Image.Quantize.FASTOCTREE, dither=0)
    palette = np.zeros((256, 4), np.uint8)
    colours = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
    palette[:, 0], palette[: len(colours), 1:] = 255, colours
    return av.VideoFrame.from_ndarray((np.asarray(picture), palette), format="pal8")


def _mux_sine(container, stream, seconds: float) -> None:
    total = round(seconds * _SAMPLE_RATE)
    wave = 0.4 * np.sin(2 * np.pi * 440 * np.arange(total) / _SAMPLE_RATE)
    samples = (wave * 32767).astype(np.int16)
    for start in range(0, total, 1024):
        block = np.repeat(samples[start : start + 1024], 2)[None]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "s16", "stereo")
        frame.sample_rate, frame.pts = _SAMPLE_RATE, start
        frame.time_base = Fraction(1, _SAMPLE_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
