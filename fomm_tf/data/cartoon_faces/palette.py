"""Matching colours.

A colour is (red, green, blue), 0 to 255; a translucent one has alpha as a fourth.
"""

from __future__ import annotations

import colorsys

import numpy as np

Colour = tuple[int, ...]

_DARK = (44, 22, 58)
_LIGHT = (255, 247, 232)


def colour(code: str) -> Colour:
    """`"f2c6a0"` as a colour."""
    return tuple(bytes.fromhex(code))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Linear blend: `share` 0 is `first`, 1 is `second`."""
    return tuple(round(a + (b - a) * share) for a, b in zip(first[:3], second[:3], strict=True))


def darker(base: Colour, share: float) -> Colour:
    """Blends towards a deep violet: livelier shadows and outlines than with black."""
    return mix(base, _DARK, share)


def lighter(base: Colour, share: float) -> Colour:
    """Blends towards a warm white."""
    return mix(base, _LIGHT, share)


def clear(base: Colour, alpha: float) -> Colour:
    """`base` with `alpha` from 0 (invisible) to 1."""
    return (*base[:3], round(255 * alpha))


def varied(rng: np.random.Generator, base: Colour, amount: float = 1.0) -> Colour:
    """`base` with slightly other hue, saturation and brightness: no two videos share a colour."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in base))
    h = (h + rng.uniform(-0.012, 0.012) * amount) % 1
    s = min(max(s * (1 + rng.uniform(-0.1, 0.1) * amount), 0), 1)
    v = min(max(v * (1 + rng.uniform(-0.05, 0.05) * amount), 0), 1)
    return tuple(round(255 * c) for c in colorsys.hsv_to_rgb(h, s, v))


def _colours(codes: str) -> list[Colour]:
    return [colour(code) for code in codes.split()]


SKINS = _colours("ffdfc9 fbd0b0 f3bd94 e8a878 d8935f c17f4e a5683f 855236 6d4229")
HAIRS = _colours(
    "2b2230 3a2a2a 4e3326 6b4423 8d5a2b b5793a d9a44e ecc877 a53f25 c95f2c 8c8c96 d8d6dc"
    " e0709b 4f9fb5 7d64b8"
)
NATURAL_HAIRS = HAIRS[:-3]
IRISES = _colours("3d2a20 5e3b22 7d5526 3f6b4a 5d8f5a 3f6fa8 5f9ccf 6b7482 3a8f92")
LIPS = _colours("c43c4c b04246 d65c62")
FRAMES = _colours("34283c 783e28 be3c3c 3c5a82 d8ae52 e8e4dc")
FABRICS = _colours(
    "e4572e f3a712 2e86ab 3c6e71 f25f5c 70c1b3 247ba0 6a4c93 ff924c 8ac926 1982c4 d1495b"
    " edae49 00798c 30638e 003d5b f7ede2 f5cac3 84a59d 2f3e46 e8e8f0 b56576 355070 52796f"
)
WALLS = [
    _colours(codes)
    for codes in (
        "f6d6ad f0a58f d97b66",
        "cfe8ef 9ccddc 5fa3bd",
        "e3dff5 b9b0e0 8478bd",
        "d9f0d3 a4d4a5 639b76",
        "fbe7c6 f3c98b d89b5a",
        "f9d5e5 eeac99 c96b8c",
        "2d4059 3f5878 587aa0",
        "1f4e4a 2f6f68 4f9a8e",
        "4a3f6b 65568f 8a7ab5",
        "ffe9a8 ffd166 ef9f3c",
        "c8f2ea 7fd1c7 3a9a99",
        "e9e4dc cfc5b8 a89a8a",
        "5c3d4a 7e5264 a3707f",
        "f7c59f e58f65 a24936",
    )
]
