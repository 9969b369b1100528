"""Layers of polygons, rasterized by supersampling: drawn large with Pillow, then downsampled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from fomm_tf.data.cartoon_faces.palette import Colour, darker
from fomm_tf.data.cartoon_faces.shapes import grown

Array = np.ndarray

# Width of an outline, picture units.
LINE = 0.0075
# Polygon corners are rounded to pixels of the large picture: the larger, the smoother edges move.
_LEAST_CANVAS = 512


class Layers:
    """Polygons of T frames from back to front."""

    def __init__(self) -> None:
        self._layers: list[tuple[Array, Colour]] = []

    def add(self, polygon: Array, fill: Colour) -> None:
        """`polygon` [T, P, 2] in picture units; a fill with four numbers is translucent."""
        self._layers.append((polygon, fill))

    def outlined(
        self, polygon: Array, fill: Colour, width: float, line: Colour | None = None
    ) -> None:
        """`polygon` with an outline around it, by default in a darker shade of the fill."""
        self.add(grown(polygon, width), darker(fill, 0.42) if line is None else line)
        self.add(polygon, fill)

    def render(self, background: Image.Image, size: int) -> Iterator[Array]:
        """The frames, uint8 [size, size, 3], over a background of `canvas_size(size)` pixels."""
        canvas = background.width
        flat = [
            (np.ascontiguousarray((p * canvas).reshape(len(p), -1), np.float32), fill)
            for p, fill in self._layers
        ]
        for index in range(len(flat[0][0])):
            picture = background.copy()
            # Two pens: blending costs time, and most polygons are opaque.
            opaque, blending = ImageDraw.Draw(picture), ImageDraw.Draw(picture, "RGBA")
            for points, fill in flat:
                (opaque if len(fill) == 3 else blending).polygon(points[index], fill=fill)
            yield np.asarray(picture.reduce(canvas // size))


def canvas_size(size: int) -> int:
    """Drawing size for a picture of `size` pixels: a multiple of it."""
    return size * max(2, -(-_LEAST_CANVAS // size))
