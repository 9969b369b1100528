"""Textured triangles without a graphics library: which triangle covers a pixel, and what it shows.

Pixel coordinates are (x, y), 0 at the centre of the first pixel.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray

# Twice a triangle's area in pixels, at least: thinner ones would divide by almost nothing.
_LEAST_AREA = 0.05


def doubled_areas(points: Array, triangles: Array) -> Array:
    """Twice the signed areas [F] of triangles [F, 3] over points [V, 2 or 3]."""
    a, b, c = (points[triangles[:, i], :2] for i in range(3))
    u, v = b - a, c - a
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def triangle_ids(points: Array, triangles: Array, size: int) -> Array:
    """The triangle seen at each pixel, int32 [size, size]; -1 where there is none.

    points: [V, 2]; triangles: [F, 3], later ones over earlier ones.
    """
    corners = np.round(points).astype(np.int64)[triangles]
    low, high = corners.min(1), corners.max(1)
    seen = np.flatnonzero(((high >= 0) & (low < size)).all(1))
    image = Image.new("I", (size, size), -1)
    polygon = ImageDraw.Draw(image).polygon
    for index, corner in zip(seen.tolist(), corners[seen].reshape(-1, 6).tolist(), strict=True):
        polygon(corner, fill=index)
    return np.asarray(image)


def affine_maps(points: Array, triangles: Array, values: Array) -> tuple[Array, Array]:
    """For each triangle, how `values` [V, C] given at its corners run over the picture.

    Returns slopes [F, 2, C] and offsets [F, C]: value = (x, y) @ slope + offset.
    """
    a, b, c = (points[triangles[:, i]] for i in range(3))
    u, v = b - a, c - a
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    thin = np.abs(area) < _LEAST_AREA
    area = np.where(thin, np.where(area < 0, -_LEAST_AREA, _LEAST_AREA), area)[:, None]
    first, second = (values[triangles[:, i]] - values[triangles[:, 0]] for i in (1, 2))
    along_x = (v[:, 1:] * first - u[:, 1:] * second) / area
    along_y = (u[:, :1] * second - v[:, :1] * first) / area
    slopes = np.stack([along_x, along_y], axis=1)
    return slopes, values[triangles[:, 0]] - np.einsum("fi,fic->fc", a, slopes)


def interpolated(points: Array, triangles: Array, values: Array, size: int) -> Array:
    """`values` [V, C] of the vertices at every pixel, float32 [size, size, C].

    points: [V, 2]; triangles: [F, 3], later ones over earlier ones; together they must cover the
    picture.
    """
    ids = triangle_ids(points, triangles, size)
    slopes, offsets = affine_maps(points, triangles, values)
    slopes, offsets = slopes.astype(np.float32)[ids], offsets.astype(np.float32)[ids]
    x = np.arange(size, dtype=np.float32)[:, None]
    y = x[..., None]
    result = slopes[..., 0, :] * x + slopes[..., 1, :] * y + offsets
    # Slivers do not reach beyond themselves.
    corners = values[triangles].astype(np.float32)
    return np.clip(result, corners.min(1)[ids], corners.max(1)[ids])


def sample(image: Array, places: Array) -> Array:
    """`image` [h, w, C] at `places` [..., 2], bilinear; the border is repeated beyond it."""
    height, width = image.shape[:2]
    x = np.clip(places[..., 0], 0, width - 1.001)
    y = np.clip(places[..., 1], 0, height - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right = (x - left)[..., None].astype(image.dtype)
    down = (y - top)[..., None].astype(image.dtype)
    flat = image.reshape(height * width, -1)
    corner = top * width + left
    above = flat[corner] * (1 - right) + flat[corner + 1] * right
    below = flat[corner + width] * (1 - right) + flat[corner + width + 1] * right
    return above * (1 - down) + below * down


def window(image: Array, corner: Array, size: int) -> Array:
    """The square [size, size, C] of `image` whose first pixel lies at `corner` (x, y)."""
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    return sample(image, (np.stack([x, y], -1) + corner).astype(np.float32))


def polygon_mask(points: Array, size: int) -> tuple[Array, tuple[int, int, int, int]]:
    """How much of each pixel a polygon [P, 2] covers, within its box.

    Returns float32 [h, w], 0 to 1, and the box (left, top, right, bottom); empty if the polygon
    lies outside the picture of this size.
    """
    left, top = np.maximum(np.floor(points.min(0)).astype(int) - 2, 0).tolist()
    right, bottom = np.minimum(np.ceil(points.max(0)).astype(int) + 3, size).tolist()
    box = (left, top, max(right, left), max(bottom, top))
    width, height = box[2] - left, box[3] - top
    if not width or not height:
        return np.zeros((height, width), np.float32), box
    fine = 4
    mask = Image.new("L", (width * fine, height * fine))
    corners = np.round((points - (left, top) + 0.5) * fine - 0.5).astype(int)
    ImageDraw.Draw(mask).polygon(corners.ravel().tolist(), fill=255)
    return np.asarray(mask.reduce(fine), np.float32) / 255, box
