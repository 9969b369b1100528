"""One video: a person, a motion and a background, drawn in order from back to front."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fomm_tf.data.cartoon_faces import eyes, hair, head, loose_hair, mouth, torso
from fomm_tf.data.cartoon_faces.background import draw_background
from fomm_tf.data.cartoon_faces.drawing import Layers, canvas_size
from fomm_tf.data.cartoon_faces.identity import Identity, draw_identity
from fomm_tf.data.cartoon_faces.motion import Motion, MotionPlan
from fomm_tf.data.cartoon_faces.shapes import head_rig, torso_rig

# Polygons are computed for this many frames at once: memory does not grow with the video.
_CHUNK = 64
# Delay of loose hair behind the head, in frames.
_LAG = 3.0


def render_video(seed: int, index: int, frames: int, size: int) -> Iterator[np.ndarray]:
    """Video number `index` of the dataset of `seed`: `frames` pictures, uint8 [size, size, 3].

    Equal arguments yield equal pixels; person, motion and background do not depend on `size`.
    """
    # One random stream each, so that changing one design does not affect the others.
    streams = [np.random.default_rng([seed, index, part]) for part in range(3)]
    who = draw_identity(streams[0])
    plan = MotionPlan(streams[1], frames)
    background = draw_background(streams[2], canvas_size(size))
    for start in range(0, frames, _CHUNK):
        times = np.arange(start, min(start + _CHUNK, frames), dtype=np.float64)
        person = draw_person(who, plan.at(times), plan.at(times - _LAG))
        yield from person.render(background, size)


def draw_person(who: Identity, motion: Motion, before: Motion) -> Layers:
    """A person in T frames; `before`: the motion a moment ago, which loose hair still follows."""
    rig = head_rig(motion, who.scale, who.centre)
    late = head_rig(before, who.scale, who.centre)
    body = torso_rig(motion, who.scale, who.centre)
    layers = Layers()
    torso.draw_behind_neck(layers, who, body)
    loose_hair.draw_back_hair(layers, who, rig, late, body)
    torso.draw_neck(layers, who, rig, body)
    torso.draw_torso(layers, who, body)
    head.draw_ears(layers, who, rig)
    head.draw_head(layers, who, rig)
    mouth.draw_nose(layers, who, rig)
    mouth.draw_beard(layers, who, motion, rig)
    mouth.draw_mouth(layers, who, motion, rig)
    eyes.draw_eyes(layers, who, motion, rig)
    eyes.draw_brows(layers, who, motion, rig)
    hair.draw_front_hair(layers, who, rig)
    eyes.draw_glasses(layers, who, motion, rig)
    loose_hair.draw_locks(layers, who, rig, late, body)
    return layers
