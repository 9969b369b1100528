"""What mouth, lids and brows do: movements of the handles, carried over the mesh."""

from __future__ import annotations

import numpy as np

from fomm_tf.data.portraits import topology as at
from fomm_tf.data.portraits.motion import Motion
from fomm_tf.data.portraits.portrait import Portrait

Array = np.ndarray

# How much of an opening the lower lip takes; the upper one has a tenth.
_LOWER_SHARE = 0.92
# Closing lips meet at this part of the way from the upper to the lower one.
_MEETING = 0.25
_LIPS = at.unique(*at.UPPER_LIP, *at.LOWER_LIP, at.INNER_CORNERS, at.OUTER_CORNERS)


def displacements(portrait: Portrait, motion: Motion) -> Array:
    """How each vertex moves in the head's own space, [T, V, 3] pixels, before the head turns."""
    face = _Handles(portrait, len(motion))
    _open_and_close(face, motion)
    _shape_lips(face, motion)
    _move_lids(face, motion)
    return portrait.rig.extension @ face.moved


class _Handles:
    """Collects the handles' movements; directions are those of the turned head."""

    def __init__(self, portrait: Portrait, frames: int):
        self.portrait, self.unit = portrait, portrait.eyes_apart
        self.points = portrait.vertices
        self.right, self.down, self.away = portrait.rotation.T
        self.moved = np.zeros((frames, len(portrait.rig.handles), 3))
        self._place = {vertex: i for i, vertex in enumerate(portrait.rig.handles)}

    def move(self, vertices: list[int], amount: Array, along: Array) -> None:
        """amount: [T] or [T, n]; along: [3] or [n, 3]."""
        places = [self._place[vertex] for vertex in vertices]
        amount = np.broadcast_to(
            amount.reshape(len(self.moved), -1), (len(self.moved), len(places))
        )
        self.moved[:, places] += amount[..., None] * along

    def profile(self, row: list[int], corners: list[int]) -> Array:
        """An arch over a row of lip vertices, [n]: 0 at the corners of the mouth, 1 midway."""
        ends, along = (self.points[i] @ self.right for i in (corners, row))
        place = np.clip(2 * (along - ends[0]) / (ends[1] - ends[0]) - 1, -1, 1)
        return (1 - place**2) ** 0.6


def _open_and_close(face: _Handles, motion: Motion) -> None:
    gap = face.portrait.gap
    opening = face.unit * np.maximum(motion.mouth - gap, 0)[:, None]
    closing = face.unit * np.clip(gap - motion.mouth, 0, 0.98 * gap)[:, None]
    # The jaw turns: the chin goes back a little as it sinks.
    sinking = face.down + 0.25 * face.away
    inner = face.points[at.LOWER_LIP[0]] - face.points[at.UPPER_LIP[0]]
    closed = closing / max(gap * face.unit, 1e-6)
    for i, (upper, lower) in enumerate(zip(at.UPPER_LIP, at.LOWER_LIP, strict=True)):
        corners = at.OUTER_CORNERS if i else at.INNER_CORNERS
        arch = face.profile(lower, corners)
        face.move(lower, arch * opening * _LOWER_SHARE, sinking)
        face.move(upper, (face.profile(upper, corners) - 0.2) * opening * 0.1, -face.down)
        if i == 0:
            face.move(upper, closed * _MEETING, inner)
            face.move(lower, closed * (_MEETING - 1), inner)
        else:
            face.move(upper, arch * closing * _MEETING, face.down)
            face.move(lower, arch * closing * (_MEETING - 1), face.down)
    for vertex, share in at.JAW.items():
        face.move([vertex], share * opening * _LOWER_SHARE, sinking)
        face.move([vertex], share * closing * 0.45, -face.down)
    face.move(at.INNER_CORNERS + at.OUTER_CORNERS, opening * 0.22, face.down)


def _shape_lips(face: _Handles, motion: Motion) -> None:
    middle = face.points[at.INNER_CORNERS].mean(0)
    across = (face.points[_LIPS] - middle) @ face.right
    # An opening mouth grows narrower.
    opening = np.maximum(motion.mouth - face.portrait.gap, 0)
    face.move(_LIPS, (motion.wide - 0.35 * opening)[:, None] * across, face.right)
    raised = np.clip((across / (0.45 * face.unit)) ** 2, 0, 1.5)
    face.move(_LIPS, motion.smile[:, None] * raised * face.unit, -face.down)


def _move_lids(face: _Handles, motion: Motion) -> None:
    # Eyes that look down are half covered.
    closed = np.clip(motion.blink + 0.3 * np.maximum(motion.gaze_y, 0), 0, 1)
    rows = zip(at.UPPER_LIDS, at.LOWER_LIDS, at.LID_FOLDS, strict=True)
    for upper, lower, fold in rows:
        height = face.points[lower] - face.points[upper]
        face.move(upper, closed, height)
        face.move(lower, -0.04 * closed, height)
        face.move(fold, 0.45 * closed, height)
        face.move(fold, 0.35 * face.unit * motion.brow, -face.down)
    face.move(at.BROWS, face.unit * motion.brow, -face.down)
