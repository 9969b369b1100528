"""Draws one portrait in motion: the moved mesh, textured, and what shows in its openings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fomm_tf.data.portraits.expression import displacements
from fomm_tf.data.portraits.motion import Motion
from fomm_tf.data.portraits.openings import Mouth, Openings
from fomm_tf.data.portraits.portrait import Portrait
from fomm_tf.data.portraits.raster import doubled_areas, interpolated, sample

Array = np.ndarray

# Frames whose meshes are held at once.
_CHUNK = 16


def draw_figure(portrait: Portrait, mouth: Mouth, motion: Motion) -> Iterator[tuple[Array, Array]]:
    """Yields (picture, vertices) for each frame of `motion`.

    picture: float32 [size, size, 4], the sitter multiplied by alpha, and alpha; vertices: [V, 3],
    the mesh in pixels, the landmarks first.
    """
    openings = Openings(portrait, mouth)
    for start in range(0, len(motion), _CHUNK):
        part = motion[start : start + _CHUNK]
        moved = portrait.posed(portrait.vertices + displacements(portrait, part), part)
        stiff = portrait.posed(portrait.vertices, part)
        for i in range(len(part)):
            triangles = _far_to_near(portrait, moved[i])
            source = portrait.vertices[:, :2] - portrait.origin
            places = interpolated(moved[i, :, :2], triangles, source, portrait.size)
            picture = sample(portrait.texture, places)
            gaze = (float(part.gaze_x[i]), float(part.gaze_y[i]))
            openings.draw(picture, moved[i], stiff[i], gaze)
            yield picture, moved[i]


def _far_to_near(portrait: Portrait, moved: Array) -> Array:
    """The triangles in the order of drawing: what looks away, the surroundings, the face."""
    rig = portrait.rig
    triangles = rig.triangles
    away = doubled_areas(moved, triangles) * doubled_areas(portrait.vertices, triangles) < 0
    depth = moved[triangles, 2].mean(1)
    return triangles[np.lexsort((-depth, ~rig.surround, ~away))]
