"""The colours of a video frame: which matrix they are stored by, and from HDR or a wide gamut to
sRGB.

HDR (HLG, PQ) is shown as ITU-R BT.2408 has it: diffuse white, 203 cd/m2, is what white is in an
ordinary video. Colours up to 80 % of it, in linear light, keep their place. Brighter ones are
pressed together, so that light sources up to 1000 cd/m2 still differ from white paper. Colours that
sRGB does not have are mixed with grey of their luminance until they fit. Transfer functions and
primaries are those of ITU-R BT.2100, BT.2020 and SMPTE EG 432-1.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, VideoReformatter

_HDR = {ColorTrc.ARIB_STD_B67: "HLG", ColorTrc.SMPTE2084: "PQ"}

# The xy coordinates of red, green, blue and white of what has more colours than sRGB.
_D65 = (0.3127, 0.3290)
_SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65)
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65)
_WIDE = {ColorPrimaries.BT2020: _BT2020, ColorPrimaries.SMPTE432: _P3}

# The matrices that the converter knows by a tag, as tagged.
_MATRICES = {1, 4, 5, 6, 7, 9}
_BT2020_CONSTANT = 10

# cd/m2 of diffuse white and of the brightest light told apart; where pressing together begins, in
# shares of diffuse white.
_WHITE, _PEAK, _KNEE = 203, 1000, 0.8

_TABLE_SIZE = 41


def matrix(frame: av.VideoFrame) -> Colorspace | None:
    """The matrix from YUV to RGB where the frame's own tag does not say it, else None.

    Without a tag players take BT.709 for HD, from 720 lines or 1280 columns on, else BT.601.
    """
    if frame.colorspace in _MATRICES:
        return None
    if frame.colorspace == _BT2020_CONSTANT:
        return Colorspace.BT2020
    return Colorspace.ITU709 if frame.height >= 720 or frame.width >= 1280 else Colorspace.ITU601


class ToSrgb:
    """Turns frames with the tags of `like` into sRGB with 16 bits, of the size (width, height)."""

    def __init__(self, like: av.VideoFrame, size: tuple[int, int], transparent: bool) -> None:
        self._width, self._height = size
        self._format = "gbrap16le" if transparent else "gbrp16le"
        self._reformatter = VideoReformatter()
        self._graph = av.filter.Graph()
        # One thread, as everything here: many videos are read at once.
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=self._width,
            height=self._height,
            format=av.VideoFormat(self._format),
            time_base=Fraction(1, 1),
        )
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder, "table.cube")
            table.write_text(_table(like.color_trc, like.color_primaries))
            mapping = self._graph.add("lut3d", file=str(table), interp="tetrahedral")
            self._graph.link_nodes(source, mapping, self._graph.add("buffersink")).configure()

    def __call__(self, frame: av.VideoFrame, matrix: Colorspace | None) -> av.VideoFrame:
        """matrix: what `matrix` gives for the frame."""
        planar = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format=self._format,
            src_colorspace=matrix,
            threads=1,
        )
        self._graph.vpush(planar)
        return self._graph.vpull()


def needs_mapping(frame: av.VideoFrame) -> bool:
    """Whether the frame is HDR or has a wide gamut, so that it must go through `ToSrgb`."""
    return frame.color_trc in _HDR or frame.color_primaries in _WIDE


def hdr_notice(frame: av.VideoFrame) -> str | None:
    """One line that tells what is done to HDR; None for other frames."""
    if frame.color_trc not in _HDR:
        return None
    kind = _HDR[ColorTrc(frame.color_trc)]
    return f"HDR ({kind}) is tone-mapped to the brightness and colours of ordinary videos"


@lru_cache
def _table(transfer: int, primaries: int) -> str:
    """The colours of a regular grid, red fastest, as a .cube file has them."""
    grid = np.linspace(0, 1, _TABLE_SIZE)
    blue, green, red = np.meshgrid(grid, grid, grid, indexing="ij")
    colors = to_srgb(np.stack([red, green, blue], axis=-1).reshape(-1, 3), transfer, primaries)
    lines = "\n".join("{:.5f} {:.5f} {:.5f}".format(*color) for color in colors.tolist())
    return f"LUT_3D_SIZE {_TABLE_SIZE}\n{lines}\n"


def to_srgb(signal: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """R'G'B' [..., 3] in [0, 1] with these tags -> R'G'B' of sRGB, in [0, 1]."""
    light = _light(signal, transfer)
    if primaries in _WIDE:
        light = light @ _to_sdr_primaries(_WIDE[ColorPrimaries(primaries)]).T
        grey = light @ _xyz(_SRGB)[1]
        least = light.min(axis=-1)
        share = np.where(least < 0, grey / np.maximum(grey - least, 1e-9), 1)
        light = grey[..., None] + share[..., None] * (light - grey[..., None])
    light = np.maximum(light, 0)
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-9)
    if transfer in _HDR:
        light = light * (_pressed(brightest) / brightest)
    else:
        light = light / np.maximum(brightest, 1)
    return np.clip(_srgb_from_light(light), 0, 1)


def _light(signal: np.ndarray, transfer: int) -> np.ndarray:
    """Linear light in shares of (diffuse) white."""
    if transfer == ColorTrc.SMPTE2084:
        root = signal ** (1 / 78.84375)
        share = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return 10_000 / _WHITE * share ** (1 / 0.1593017578125)
    if transfer == ColorTrc.ARIB_STD_B67:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        # A display of 1000 cd/m2 shows it with a system gamma of 1.2.
        luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
        return 1000 / _WHITE * scene * luminance[..., None] ** 0.2
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def _srgb_from_light(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _pressed(light: np.ndarray) -> np.ndarray:
    """Linear up to the knee, then Reinhard's curve, which reaches 1 at the peak."""
    above = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    peak = (_PEAK / _WHITE - _KNEE) / (1 - _KNEE)
    curve = above * (1 + above / peak**2) / (1 + above)
    return np.where(light <= _KNEE, light, np.minimum(_KNEE + (1 - _KNEE) * curve, 1))


def _to_sdr_primaries(primaries: tuple) -> np.ndarray:
    return np.linalg.inv(_xyz(_SRGB)) @ _xyz(primaries)


def _xyz(primaries: tuple) -> np.ndarray:
    """From linear RGB of these primaries to CIE XYZ."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])
