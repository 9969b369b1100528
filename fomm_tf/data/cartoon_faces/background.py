"""The static background behind the face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from fomm_tf.data.cartoon_faces import palette
from fomm_tf.data.cartoon_faces.palette import Colour, lighter, mix

Pen = ImageDraw.ImageDraw


def draw_background(rng: np.random.Generator, size: int) -> Image.Image:
    """A random wall or landscape, [size, size].

    Equal draws yield the same design at any size.
    """
    shades = palette.WALLS[int(rng.integers(len(palette.WALLS)))]
    light, middle, deep = (palette.varied(rng, shade) for shade in shades)
    kind = int(rng.integers(len(_KINDS)))
    picture = _gradient(rng, light, middle, size)
    _KINDS[kind](rng, ImageDraw.Draw(picture, "RGBA"), size, light, deep)
    return picture


def _gradient(rng: np.random.Generator, first: Colour, second: Colour, size: int) -> Image.Image:
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    if rng.uniform() < 0.4:
        share = np.hypot(x - rng.uniform(0.3, 0.7), y - rng.uniform(0.2, 0.6)) / 0.9
    else:
        angle = rng.uniform(0.3, 2.8)
        share = 0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    share = np.clip(share, 0, 1)[..., None]
    colours = np.array([first, second], np.float32)
    return Image.fromarray((colours[0] + (colours[1] - colours[0]) * share + 0.5).astype(np.uint8))


def _disc(pen: Pen, x: float, y: float, radius: float, fill: Colour, size: int) -> None:
    pen.ellipse([c * size for c in (x - radius, y - radius, x + radius, y + radius)], fill=fill)


def _plain(rng: np.random.Generator, pen: Pen, size: int, light: Colour, deep: Colour) -> None:
    for radius in np.linspace(0.66, 0.26, 14):
        _disc(pen, 0.5, 0.48, radius, palette.clear(lighter(light, 0.4), 0.05), size)


def _dotted(rng: np.random.Generator, pen: Pen, size: int, light: Colour, deep: Colour) -> None:
    step = rng.uniform(0.1, 0.16)
    radius = step * rng.uniform(0.14, 0.26)
    for row in range(int(1 / step) + 2):
        for column in range(int(1 / step) + 2):
            _disc(
                pen,
                (column + 0.5 * (row % 2)) * step,
                row * step,
                radius,
                palette.clear(deep, 0.5),
                size,
            )


def _striped(rng: np.random.Generator, pen: Pen, size: int, light: Colour, deep: Colour) -> None:
    step, slope = rng.uniform(0.1, 0.2), rng.choice([-0.6, 0.0, 0.6])
    for left in np.arange(-1, 2, step):
        corners = [(left, 0), (left + step / 2, 0), (left + step / 2 + slope, 1), (left + slope, 1)]
        pen.polygon([(x * size, y * size) for x, y in corners], fill=palette.clear(deep, 0.28))


def _bokeh(rng: np.random.Generator, pen: Pen, size: int, light: Colour, deep: Colour) -> None:
    for _ in range(26):
        x, y, radius = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.03, 0.13)
        fill = lighter(light, 0.5) if rng.uniform() < 0.6 else deep
        for share in (1.0, 0.92, 0.84):
            _disc(pen, x, y, radius * share, palette.clear(fill, 0.1), size)


def _rays(rng: np.random.Generator, pen: Pen, size: int, light: Colour, deep: Colour) -> None:
    count, turn = int(rng.integers(9, 15)), rng.uniform(0, 1)
    for ray in range(count):
        angle = (ray + turn) * 2 * np.pi / count
        corners = [(0.5, 0.5)] + [
            (0.5 + 1.2 * np.cos(angle + d), 0.5 + 1.2 * np.sin(angle + d))
            for d in (0, np.pi / count)
        ]
        pen.polygon([(x * size, y * size) for x, y in corners], fill=palette.clear(deep, 0.3))


def _hills(rng: np.random.Generator, pen: Pen, size: int, light: Colour, deep: Colour) -> None:
    _disc(
        pen,
        rng.choice([0.17, 0.83]),
        rng.uniform(0.14, 0.26),
        0.09,
        palette.clear((255, 250, 226), 0.9),
        size,
    )
    x = np.linspace(0, 1, 60)
    for layer in range(3):
        y = np.full(60, 0.5 + 0.14 * layer)
        for _ in range(2):
            y = y + 0.05 * np.sin(x * rng.uniform(4, 11) + rng.uniform(0, 6.3))
        ridge = [(a * size, b * size) for a, b in zip(x, y, strict=True)]
        fill = mix(light, deep, 0.4 + 0.3 * layer)
        pen.polygon([*ridge, (size, size), (0, size)], fill=fill)


def _shapes(rng: np.random.Generator, pen: Pen, size: int, light: Colour, deep: Colour) -> None:
    """Loose triangles, rings and bars, as on printed fabric."""
    for row in range(5):
        for column in range(5):
            x, y = (column + rng.uniform(0.2, 0.8)) / 5, (row + rng.uniform(0.2, 0.8)) / 5
            angle, radius, kind = rng.uniform(0, 6.3), rng.uniform(0.02, 0.04), int(rng.integers(3))
            fill = palette.clear(lighter(light, 0.6) if rng.uniform() < 0.4 else deep, 0.75)
            if kind == 0:
                _disc(pen, x, y, radius * 0.7, fill, size)
                continue
            turns = [0, 2.09, 4.19] if kind == 1 else [0.25, 2.89, 3.39, 6.03]
            corners = [
                (x + radius * np.cos(angle + t), y + radius * np.sin(angle + t)) for t in turns
            ]
            pen.polygon([(a * size, b * size) for a, b in corners], fill=fill)


def _window(rng: np.random.Generator, pen: Pen, size: int, light: Colour, deep: Colour) -> None:
    """A wall with a window or picture on each side, above a panel."""

    def box(left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        pen.rectangle([c * size for c in (left, top, right, bottom)], fill=fill)

    rail = rng.uniform(0.62, 0.74)
    box(0, rail, 1, 1, palette.clear(deep, 0.6))
    box(0, rail, 1, rail + 0.02, palette.clear(lighter(light, 0.6), 0.8))
    for left in (rng.uniform(0.02, 0.07), rng.uniform(0.72, 0.77)):
        top, wide, high = rng.uniform(0.08, 0.2), rng.uniform(0.17, 0.22), rng.uniform(0.2, 0.32)
        box(left, top, left + wide, top + high, mix(deep, (60, 40, 60), 0.35))
        inner = palette.varied(rng, palette.WALLS[int(rng.integers(len(palette.WALLS)))][0])
        box(left + 0.015, top + 0.015, left + wide - 0.015, top + high - 0.015, inner)
        _disc(pen, left + wide / 2, top + high * 0.55, wide * 0.25, palette.clear(deep, 0.7), size)


_KINDS: list[Callable[[np.random.Generator, Pen, int, Colour, Colour], None]] = [
    _plain, _dotted, _striped, _bokeh, _rays, _hills, _shapes, _window,
]  # fmt: skip
