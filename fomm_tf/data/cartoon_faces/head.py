"""The bare head: its shape, points on its front, ears and skin."""

from __future__ import annotations

import numpy as np

from fomm_tf.data.cartoon_faces.drawing import LINE, Layers
from fomm_tf.data.cartoon_faces.identity import Identity
from fomm_tf.data.cartoon_faces.palette import clear, darker, mix
from fomm_tf.data.cartoon_faces.shapes import Rig, circle

Array = np.ndarray

SIDES = (-1.0, 1.0)


def surface(who: Identity, x: Array, y: Array, lift: float = 0.0) -> Array:
    """Points [..., 3] on the front of the head at (x, y), `lift` above it."""
    z = np.sqrt(np.clip(1 - (x / (1.16 * who.width)) ** 2 - (y / 1.6) ** 2, 0.03, 1))
    return np.stack(np.broadcast_arrays(x, y, 0.88 * z + lift), axis=-1)


def outline(who: Identity, count: int = 72) -> Array:
    """The outline of the head, [count, 3], clockwise from the top; the chin comes forward."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    up = np.cos(angle)
    below = np.clip(-up, 0, 1)
    side = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** np.where(up < 0, who.jaw, 0.92)
    x = who.width * side * (1 - who.taper * below)
    y = np.where(up > 0, -who.top * up, who.chin * below)
    return np.stack([x, y, np.where(up > 0, -0.08 * up, 0.34 * below**2)], axis=1)


def on_head(who: Identity, rig: Rig, points: Array) -> Array:
    """Like `rig(points)`, but points turned away behind the outline are clamped to it."""
    seen = rig.turned(points)
    down = seen[..., 1] / np.where(seen[..., 1] < 0, who.top, who.chin)
    power = np.where(down < 0, 0.92, who.jaw)
    half = np.sqrt(np.clip(1 - down**2, 0, 1)) ** power
    below = np.clip(down, 0, 1)
    half = who.width * half * (1 - who.taper * below)
    # The chin lies nearer than the ears (see `outline`) and shifts with the turn.
    middle = 0.34 * below**2 * rig.turning[:, 2, 0][:, None]
    seen[..., 0] = np.clip(seen[..., 0], middle - half, middle + half)
    return rig.placed(seen)


def draw_ears(layers: Layers, who: Identity, rig: Rig) -> None:
    """Behind the head; they move against the face when it turns."""
    if who.style in ("fringe", "curtain", "wavy"):
        return  # under the hair
    for side in SIDES:
        ear = circle(24) * [who.ear * 0.72, who.ear]
        ear = np.concatenate([ear + [side * who.width * 1.0, 0.1], np.full((24, 1), -0.22)], axis=1)
        layers.outlined(rig(ear), darker(who.skin, 0.05), LINE)
        inner = (ear - ear.mean(0)) * 0.55 + ear.mean(0) + [side * 0.03, 0, 0]
        layers.add(rig(inner), darker(mix(who.skin, (214, 90, 80), 0.25), 0.12))
        if who.earrings:
            ring = np.concatenate([circle(16) * 0.075, np.full((16, 1), -0.2)], axis=1)
            layers.add(rig(ring + [side * (who.width + 0.09), 0.13 + who.ear, 0]), (240, 196, 84))


def draw_head(layers: Layers, who: Identity, rig: Rig) -> None:
    """The bare face: skin with a soft shadow on the side away from the light, cheeks, freckles."""
    shape = outline(who)
    shade = darker(mix(who.skin, (206, 92, 74), 0.12), 0.16)
    layers.outlined(rig(shape), shade, LINE, darker(who.skin, 0.45))
    steps = 7
    for step in range(1, steps + 1):
        share = step / steps
        smaller = shape * [1 - 0.13 * share, 1 - 0.12 * share, 1]
        smaller = smaller + [who.light * 0.12 * share, -0.06 * share, 0]
        layers.add(rig(smaller), mix(shade, who.skin, share))
    for side in SIDES:
        for radius in (1.0, 0.8, 0.6):
            spot = circle(20) * radius * [0.2, 0.14] + [side * 0.56, who.mouth_y - 0.24]
            layers.add(
                rig(surface(who, spot[:, 0], spot[:, 1])),
                clear(mix(who.skin, (236, 70, 74), 0.6), who.blush * 0.42),
            )
        if who.freckles:
            for x, y in ((0.42, 0.3), (0.52, 0.38), (0.6, 0.27), (0.36, 0.4), (0.68, 0.36)):
                spot = circle(8) * 0.026 + [side * x, y]
                layers.add(rig(surface(who, spot[:, 0], spot[:, 1])), darker(who.skin, 0.3))
