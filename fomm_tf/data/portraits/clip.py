"""One clip: a portrait, a motion, a backdrop and a camera."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from fomm_tf.data.portraits import topology as at
from fomm_tf.data.portraits.backdrop import Backdrop
from fomm_tf.data.portraits.camera import Camera
from fomm_tf.data.portraits.figure import draw_figure
from fomm_tf.data.portraits.motion import random_motion
from fomm_tf.data.portraits.openings import random_mouth
from fomm_tf.data.portraits.portrait import Portrait
from fomm_tf.data.portraits.rig import Rig

Array = np.ndarray

# Frames are drawn at this many times their size and averaged.
OVERSAMPLING = 2


class Clip(NamedTuple):
    """frames: uint8 [T, size, size, 3]; landmarks: float32 [T, 468, 2], (x, y) in [-1, 1]."""

    frames: Array
    landmarks: Array


@cache
def shared_rig() -> Rig:
    """The rig, made once in a process."""
    return Rig()


def render_clip(
    picture: Array,
    landmarks: Array,
    frames: int,
    size: int,
    fps: float,
    rng: np.random.Generator,
) -> Clip:
    """A clip of the photograph `picture`, uint8 [h, w, 3], with landmarks [468, 3] in its pixels.

    Equal draws yield equal pixels. The first frame is the photograph at rest.
    """
    picture, landmarks = _reduced(picture, landmarks, OVERSAMPLING * size)
    # One stream each, so that changing one part does not affect the others.
    streams = rng.spawn(5)
    zoom = streams[0].uniform(1.0, 1.25)
    portrait = Portrait(shared_rig(), picture, landmarks, OVERSAMPLING * size, zoom)
    motion = random_motion(streams[1], frames, fps, portrait.gap, portrait.yaw, portrait.headroom)
    mouth = random_mouth(streams[2], portrait)
    backdrop, camera = Backdrop(portrait, fps, streams[3]), Camera(streams[4])
    images, places = [], []
    for i, (sitter, vertices) in enumerate(draw_figure(portrait, mouth, motion)):
        images.append(camera(composed(sitter, backdrop.at(i), size)))
        # Pixel centres: the first is at -1, the last at 1.
        place = (vertices[: at.LANDMARKS, :2] + 0.5) / OVERSAMPLING - 0.5
        places.append(place / (size - 1) * 2 - 1)
    return Clip(np.stack(images), np.asarray(places, np.float32))


def _reduced(picture: Array, landmarks: Array, least: int) -> tuple[Array, Array]:
    """The picture and its landmarks at a fraction of its size, if the face needs no more."""
    extent = np.ptp(landmarks[:, :2], axis=0).max()
    factor = int(extent // least)
    if factor < 2:
        return picture, landmarks
    moved = landmarks / factor
    moved[:, :2] += 0.5 / factor - 0.5
    return np.asarray(Image.fromarray(picture).reduce(factor)), moved


def composed(sitter: Array, backdrop: Array, size: int) -> Array:
    """The sitter [s, s, 4], multiplied by its alpha, before the backdrop [s, s, 3], as uint8."""
    together = sitter[..., :3] + (1 - sitter[..., 3:]) * backdrop
    image = Image.fromarray(np.clip(together + 0.5, 0, 255).astype(np.uint8))
    return np.asarray(image.reduce(image.width // size))
