"""Faces in poses that are given, not drawn: to measure what a model does with a known motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np
from PIL import Image

from fomm_tf.data.cartoon_faces.background import draw_background
from fomm_tf.data.cartoon_faces.drawing import canvas_size
from fomm_tf.data.cartoon_faces.identity import draw_identity
from fomm_tf.data.cartoon_faces.motion import Motion
from fomm_tf.data.cartoon_faces.scene import draw_person


class Pose(NamedTuple):
    """turn: of the head to the right, radians. shift, pan: of person and background to the right,
    in picture widths; a pan is at most half of one."""

    turn: float = 0.0
    shift: float = 0.0
    pan: float = 0.0


def render_poses(
    seed: int, index: int, poses: Sequence[Pose], size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Person number `index` of the dataset of `seed` in each pose, with an expression at rest.

    Returns the pictures, uint8 [T, size, size, 3], and how much of each pixel the person covers,
    float32 [T, size, size, 1] in [0, 1].
    """
    who = draw_identity(np.random.default_rng([seed, index, 0]))
    motion = _motion(poses)
    person = draw_person(who, motion, motion)
    canvas = canvas_size(size)
    black, white = (
        np.stack(list(person.render(Image.new("RGB", (canvas, canvas), ground), size)))
        for ground in ("black", "white")
    )
    # The person hides as much of white as of black.
    cover = 1 - (white.astype(np.float32) - black).mean(axis=-1, keepdims=True) / 255
    behind = np.stack([_panned(seed, index, pose.pan, size) for pose in poses])
    pictures = black + (1 - cover) * behind
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8), cover


def _motion(poses: Sequence[Pose]) -> Motion:
    rest = np.zeros(len(poses))
    motion = {field.name: rest for field in fields(Motion)}
    motion |= {
        "zoom": rest + 1,
        "yaw": rest + [pose.turn for pose in poses],
        "x": rest + [pose.shift for pose in poses],
    }
    return Motion(**motion)


def _panned(seed: int, index: int, pan: float, size: int) -> np.ndarray:
    """The part of a background twice as large that shows after a pan: float32 [size, size, 3]."""
    wide = draw_background(np.random.default_rng([seed, index, 2]), 2 * size)
    left = round(size * (0.5 - pan))
    return np.asarray(wide.crop((left, size // 2, left + size, size // 2 + size)), np.float32)
