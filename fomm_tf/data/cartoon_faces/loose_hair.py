"""Hair that hangs or stands off the head: manes, pigtails, buns, afros."""

from __future__ import annotations

import numpy as np

from fomm_tf.data.cartoon_faces.drawing import LINE, Layers
from fomm_tf.data.cartoon_faces.head import SIDES
from fomm_tf.data.cartoon_faces.identity import Identity
from fomm_tf.data.cartoon_faces.palette import darker, lighter
from fomm_tf.data.cartoon_faces.shapes import Rig, at_depth, circle, smooth, stroke, tapered

Array = np.ndarray

# How far a mane reaches down and out, in head units.
_MANES = {"fringe": (0.95, 1.24), "curtain": (1.95, 1.3), "wavy": (1.75, 1.42)}
_TAIL = [
    (0.9, -0.45), (1.3, -0.62), (1.6, -0.3), (1.62, 0.3), (1.42, 0.85), (1.28, 1.1), (1.2, 0.8),
    (1.12, 0.25), (1.0, -0.1),
]  # fmt: skip


def draw_back_hair(layers: Layers, who: Identity, rig: Rig, late: Rig, torso: Rig) -> None:
    """Hair behind neck and ears. `late` is the head a moment ago: loose hair follows it."""
    if who.style in _MANES:
        _draw_mane(layers, who, rig, late, torso)
    elif who.style == "tails":
        _draw_tails(layers, who, rig, late)
    elif who.style == "bun":
        _draw_bun(layers, who, rig)
    elif who.style == "afro":
        _draw_afro(layers, who, rig)


def _draw_mane(layers: Layers, who: Identity, rig: Rig, late: Rig, torso: Rig) -> None:
    down, out = _MANES[who.style]
    out *= who.width
    half = [(0, -1.0), (0.75 * out, -0.75), (0.98 * out, 0), (out, 0.5 * down)]
    half += [(0.94 * out, 0.85 * down), (0.7 * out, down), (0, down * 0.97)]
    side = smooth(half, 6)
    if who.style == "wavy":
        side[:, 0] *= 1 + 0.06 * np.sin(side[:, 1] * 9)
    shape = at_depth(np.concatenate([side, side[::-1] * [-1, 1]]), -0.4)
    layers.outlined(_hanging(shape, rig, late, torso), darker(who.hair, 0.28), LINE)


def _draw_tails(layers: Layers, who: Identity, rig: Rig, late: Rig) -> None:
    for side in SIDES:
        tail = at_depth(smooth(_TAIL, 5, closed=True) * [side, 1], -0.35)
        layers.outlined(_hanging(tail, rig, late), who.hair, LINE)
        shine = smooth([(1.28, -0.42), (1.42, -0.1), (1.4, 0.4), (1.32, 0.75)], 5)
        path = _hanging(at_depth(shine * [side, 1], -0.35), rig, late)
        layers.add(stroke(path, who.scale * 0.09 * tapered(len(shine))), lighter(who.hair, 0.16))
        knot = circle(16) * [0.13, 0.17] + [side * 1.02, -0.36]
        layers.add(rig(at_depth(knot, -0.3)), who.accent)


def _draw_bun(layers: Layers, who: Identity, rig: Rig) -> None:
    middle = np.array([0, -who.top - 0.3])
    ball = circle(32) * [0.48, 0.42]
    layers.outlined(rig(at_depth(ball + middle, -0.3)), who.hair, LINE)
    lit = ball * 0.6 + middle + [who.light * 0.08, -0.08]
    layers.add(rig(at_depth(lit, -0.3)), lighter(who.hair, 0.1))
    band = circle(20) * [0.3, 0.1] + [0, -who.top - 0.02]
    layers.add(rig(at_depth(band, -0.2)), who.accent)


def _draw_afro(layers: Layers, who: Identity, rig: Rig) -> None:
    angle = np.linspace(0, 2 * np.pi, 150, endpoint=False)
    bumps = 0.93 + 0.14 * np.abs(np.sin(angle * 7.5))
    around = np.stack([np.sin(angle) * who.width, -1.02 * np.cos(angle)], 1) * bumps[:, None]
    for share in (0.0, 0.35, 0.7, 1.0):
        middle = np.array([who.light * 0.1 * share, -0.28 - 0.06 * share])
        cloud = rig(at_depth(around * (1.5 - 0.13 * share) + middle, -0.3))
        if share == 0:
            layers.outlined(cloud, who.hair, LINE)
        else:
            layers.add(cloud, lighter(who.hair, 0.1 * share))


def draw_locks(layers: Layers, who: Identity, rig: Rig, late: Rig, torso: Rig) -> None:
    """Hair that falls in front of the shoulders."""
    if who.style not in ("curtain", "wavy"):
        return
    end = _MANES[who.style][0] - 0.12
    for side in SIDES:
        path = smooth([(0.93, -0.25), (1.04, 0.25), (1.06, 0.75), (1.02, 1.25), (0.98, end)], 7)
        if who.style == "wavy":
            path[:, 0] += 0.06 * np.sin(path[:, 1] * 7 + 1)
        path = at_depth(path * [side * who.width, 1], -0.05)
        pen = who.scale * 0.36 * tapered(len(path), 0.3, 0.05)
        layers.outlined(stroke(_hanging(path, rig, late, torso), pen), who.hair, LINE * 0.9)
        shine = _hanging(path + [0.05 * who.light, 0, 0], rig, late, torso)
        layers.add(stroke(shine, pen * 0.28), lighter(who.hair, 0.13))


def _hanging(shape: Array, rig: Rig, late: Rig, torso: Rig | None = None) -> Array:
    """`shape` [P, 3], fixed to the head at the top, late further down, then lying on the torso."""
    down = np.clip((shape[:, 1:2] - 0.1) / 1.2, 0, 1)
    placed = rig(shape) * (1 - down) + late(shape) * down
    if torso is None:
        return placed
    rests = 0.55 * np.clip((shape[:, 1:2] - 0.9) / 1.0, 0, 1)
    return placed * (1 - rests) + torso(shape) * rests
