"""Eyes, brows and glasses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fomm_tf.data.cartoon_faces.drawing import Layers
from fomm_tf.data.cartoon_faces.head import SIDES, surface
from fomm_tf.data.cartoon_faces.identity import Identity
from fomm_tf.data.cartoon_faces.motion import Motion
from fomm_tf.data.cartoon_faces.palette import clear, darker, lighter, mix
from fomm_tf.data.cartoon_faces.shapes import Rig, circle, smooth, stroke, tapered

Array = np.ndarray


@dataclass(frozen=True)
class _Eye:
    """One eye in T frames. Its own coordinates: x right, y down, head units, from its middle."""

    who: Identity
    rig: Rig
    side: float
    opening: Array  # [T, 1], 0 closed
    squint: Array  # [T, 1], how far the lower lid is raised

    def placed(self, x: Array, y: Array, lift: float = 0.0) -> Array:
        """[T, P, 2] in the picture."""
        who, side = self.who, self.side
        slanted = y - who.eye_slant * x * side
        return self.rig(surface(who, x + side * who.eye_x, slanted + who.eye_y, lift))

    def lids(self, x: Array) -> tuple[Array, Array]:
        """The edges of the upper and the lower lid, y at `x`, each [T, P]."""
        height = self.who.eye_height
        arch = np.sqrt(np.clip(1 - np.abs(x / self.who.eye_width) ** 2.3, 0, 1))
        closed = 0.34 * height * arch
        upper = closed + (-height * arch - closed) * self.opening
        lowest = 0.86 * height * arch * (1 - self.squint)
        return upper, closed + (lowest - closed) * self.opening

    def cut(self, x: Array, y: Array) -> Array:
        """A shape [T, P] clamped to the opening between the lids: [T, P, 2]."""
        width = 0.97 * self.who.eye_width
        x = np.clip(x, -width, width)
        upper, lower = self.lids(x)
        return self.placed(x, np.clip(y, upper, np.maximum(upper, lower)))


def draw_eyes(layers: Layers, who: Identity, motion: Motion, rig: Rig) -> None:
    """White, iris, lids and lashes."""
    smile = np.clip(motion.smile, 0, 1)
    opening = (1 - motion.blink) * (1 + 0.12 * motion.brow - 0.1 * smile)
    squint = 0.12 + 0.22 * smile
    for side in SIDES:
        eye = _Eye(who, rig, side, opening[:, None], squint[:, None])
        x = who.eye_width * np.sin(np.linspace(-np.pi / 2, np.pi / 2, 19))[None]
        _draw_white(layers, eye, x)
        _draw_iris(layers, eye, motion)
        _draw_lashes(layers, eye, x)


def _draw_white(layers: Layers, eye: _Eye, x: Array) -> None:
    who = eye.who
    upper, lower = eye.lids(x)
    around = np.concatenate([x, x[:, ::-1]], axis=1)
    # The crease of the lid.
    fold = -1.22 * who.eye_height * np.sqrt(1 - (x / who.eye_width) ** 2 * 0.97)
    hollow = np.concatenate([np.broadcast_to(fold, upper.shape), lower[:, ::-1]], axis=1)
    layers.add(eye.placed(around * 1.06, hollow), clear(darker(who.skin, 0.35), 0.26))
    white = np.concatenate([upper, lower[:, ::-1]], axis=1)
    layers.add(eye.placed(around, white), (250, 248, 250))
    shadow = np.minimum(upper + 0.24 * who.eye_height, lower)
    shadow = np.concatenate([upper, shadow[:, ::-1]], axis=1)
    layers.add(eye.placed(around, shadow), (206, 204, 222))


def _draw_iris(layers: Layers, eye: _Eye, motion: Motion) -> None:
    who = eye.who
    radius = who.iris_size * who.eye_height
    x = motion.gaze_x[:, None] * (who.eye_width - radius * 0.72) * 0.8
    y = (motion.gaze_y[:, None] * 0.22 - 0.03) * who.eye_height
    ring = circle(28) * radius
    parts = ((1.0, darker(who.iris, 0.45)), (0.86, who.iris), (0.46, (26, 18, 32)))
    for share, fill in parts:
        layers.add(eye.cut(x + ring[:, 0] * share, y + ring[:, 1] * share), fill)
    angle = np.linspace(0.15 * np.pi, 0.85 * np.pi, 10)
    arc = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius
    glow = np.concatenate([arc * 0.8, arc[::-1] * 0.52])
    layers.add(eye.cut(x + glow[:, 0], y + glow[:, 1]), lighter(who.iris, 0.38))
    spark = ring[::2] * 0.27 + np.array([0.34 * who.light, -0.4]) * radius
    layers.add(eye.cut(x + spark[:, 0], y + spark[:, 1]), (255, 255, 255))


def _draw_lashes(layers: Layers, eye: _Eye, x: Array) -> None:
    """A pen line on each lid; the upper one is longer outside."""
    who = eye.who
    upper, lower = eye.lids(x)
    outside = x * eye.side
    reach = np.where(outside > 0, 1.04 + 0.1 * who.lashes, 1.02)
    lash = 0.07 * who.lashes * np.clip(outside / who.eye_width, 0, 1) ** 3
    pen = who.scale * (0.055 + 0.035 * who.lashes) * tapered(19, 0.35, 0.35)
    dark = darker(mix(who.hair, (50, 30, 40), 0.6), 0.6)
    layers.add(stroke(eye.placed(x * reach, upper - lash, 0.01), pen), dark)
    pen = who.scale * 0.03 * tapered(19, 0.1, 0.1)
    layers.add(stroke(eye.placed(x * 0.9, lower), pen), darker(who.skin, 0.42))


def draw_brows(layers: Layers, who: Identity, motion: Motion, rig: Rig) -> None:
    """Raised, they arch; lowered, they come together."""
    s = np.linspace(-1, 1, 13)
    colour = darker(who.hair, 0.25) if sum(who.hair) > 160 else who.hair
    if who.style == "beanie" or sum(who.hair) > 560:
        colour = darker(who.hair, 0.4)
    for side in SIDES:
        x = side * (who.eye_x + 0.3 * s) * np.ones((len(motion.brow), 1))
        raised = motion.brow[:, None]
        arch = (0.06 + 0.035 * raised) * (1 - s**2) - 0.07 * who.brow_slant * s
        y = who.eye_y - who.brow_height - 0.085 * raised - arch + np.clip(-raised, 0, 1) * -0.03 * s
        width = who.brow_thickness * who.scale * tapered(13, 0.55, 0.12)
        layers.add(stroke(rig(surface(who, x, y, 0.03)), width), colour)


def draw_glasses(layers: Layers, who: Identity, motion: Motion, rig: Rig) -> None:
    """In front of the eyes, with temples that go back to the ears."""
    if not who.glasses:
        return
    power = 1.0 if who.glasses == "round" else 0.55
    ring = circle(37)[:36]
    ring = np.sign(ring) * np.abs(ring) ** power * (0.37 if power == 1 else 0.35)
    ring = np.concatenate([ring, ring[:1]])
    pen = who.scale * 0.055
    for side in SIDES:
        x, y = ring[:, 0] + side * who.eye_x, ring[:, 1] * 0.95 + who.eye_y + 0.02
        lens = np.stack([x, y, 0.98 - 0.18 * x**2], axis=1)
        layers.add(rig(lens), clear((226, 240, 255), 0.16))
        shine = np.array([[-0.2, 0.12], [0.04, -0.22], [0.13, -0.22], [-0.11, 0.12]])
        x, y = shine[:, 0] + side * who.eye_x, shine[:, 1] + who.eye_y
        layers.add(rig(np.stack([x, y, 0.98 - 0.18 * x**2], 1)), clear((255, 255, 255), 0.28))
        layers.add(stroke(rig(lens), pen), who.frame)
        hinge = np.array([side * (who.eye_x + 0.36), who.eye_y, 0.84])
        # The arm on the far side disappears behind the head.
        seen = np.clip(0.8 - side * np.sin(motion.yaw) * 5, 0, 1)[:, None, None]
        back = np.array([side * who.width * 1.03, 0, 0]) - hinge
        arm = hinge + np.linspace(0, 1, 4)[:, None] * seen * back
        layers.add(stroke(rig(arm), pen), who.frame)
    end = who.eye_x - 0.36
    bridge = [(-end, who.eye_y, 0.98), (0, who.eye_y - 0.06, 1.0), (end, who.eye_y, 0.98)]
    layers.add(stroke(rig(smooth(bridge)), pen), who.frame)
