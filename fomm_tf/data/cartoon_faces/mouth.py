"""Nose, mouth and beard."""

from __future__ import annotations

import numpy as np

from fomm_tf.data.cartoon_faces.drawing import LINE, Layers
from fomm_tf.data.cartoon_faces.head import SIDES, on_head, outline, surface
from fomm_tf.data.cartoon_faces.identity import Identity
from fomm_tf.data.cartoon_faces.motion import Motion
from fomm_tf.data.cartoon_faces.palette import clear, darker, lighter, mix
from fomm_tf.data.cartoon_faces.shapes import Rig, at_depth, circle, smooth, stroke, tapered

Array = np.ndarray

# The upper edge of a beard, from ear to ear.
_CHEEKS = [
    (-0.97, 0.04), (-0.87, 0.34), (-0.68, 0.55), (-0.44, 0.53), (-0.2, 0.45), (0.2, 0.45),
    (0.44, 0.53), (0.68, 0.55), (0.87, 0.34), (0.97, 0.04),
]  # fmt: skip


def draw_nose(layers: Layers, who: Identity, rig: Rig) -> None:
    """The nose protrudes from the face, so it moves most when the head turns."""
    size, light, y = who.nose_size, who.light, who.eye_y + 0.36
    if who.nose == "hook":
        ridge = [(-0.09 * light, y - 0.36, 0.9), (-0.13 * light, y - 0.1, 1.0)]
        tip = [(-0.15 * light * size, y + 0.06, 1.0), (0, y + 0.1, 1.05)]
        path = smooth([*ridge, *tip, (0.09 * light * size, y + 0.05, 1.0)])
        pen = who.scale * 0.05 * tapered(len(path), 0.1, 0.4)
        layers.add(stroke(rig(path), pen), darker(who.skin, 0.42))
    elif who.nose == "wedge":
        flank = -0.17 * light * size
        ridge = [(flank * 0.25, y - 0.42, 0.92), (0.02, y - 0.1, 1.04)]
        tip = [(0.06 * size, y + 0.06, 1.06), (0, y + 0.12, 1.0), (flank, y + 0.09, 0.94)]
        shade = clear(darker(mix(who.skin, (190, 70, 60), 0.3), 0.25), 0.55)
        layers.add(rig(smooth([*ridge, *tip], closed=True)), shade)
        glint = at_depth(circle(12) * [0.035, 0.06] + [0.03 * light, y - 0.04], 1.05)
        layers.add(rig(glint), lighter(who.skin, 0.5))
    else:
        ball = circle(20) * [1.1, 0.9] * size * (0.13 if who.nose == "button" else 0.17)
        for share, x, up, fill in (
            (1.0, 0.0, 0.0, darker(mix(who.skin, (206, 80, 70), 0.2), 0.14)),
            (0.84, 0.018, 0.02, mix(who.skin, (226, 110, 96), 0.22)),
            (0.3, 0.05, 0.06, lighter(who.skin, 0.5)),
        ):
            layers.add(rig(at_depth(ball * share + [x * light, y - up], 1.04)), fill)


def draw_mouth(layers: Layers, who: Identity, motion: Motion, rig: Rig) -> None:
    """Lips around an opening with teeth and tongue in it."""
    smile, gape = motion.smile[:, None], motion.open[:, None]
    half = who.mouth_width * (1 + 0.16 * smile - 0.2 * gape * (1 - np.clip(smile, 0, 1)))
    s = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 21))[None]
    arch = np.clip(1 - s**2, 0, 1)
    middle = -0.19 * smile * (s**2 - 0.35)
    upper = middle - gape * 0.1 * arch**0.6
    lower = middle + gape * (0.36 + 0.05 * smile) * arch**0.6
    bow = arch**0.7 * (1 - 0.22 * np.exp(-((s / 0.16) ** 2)))
    full = who.lip_fullness

    def placed(x: Array, y: Array) -> Array:
        return rig(surface(who, x * half, y + who.mouth_y, 0.04))

    def band(top: Array, bottom: Array, reach: float = 1.0) -> Array:
        both = np.concatenate([s, s[:, ::-1]], axis=1) * reach
        return placed(both, np.concatenate([top, bottom[:, ::-1]], axis=1))

    layers.add(
        band(upper - full * bow, lower + full * 1.15 * arch**0.7, 1.06), darker(who.lips, 0.06)
    )
    layers.add(band(lower, lower + full * arch**0.7), lighter(who.lips, 0.12))
    layers.add(band(upper, lower), (92, 26, 44))
    tongue = np.clip(lower - gape * 0.17 * arch, upper, lower)
    layers.add(band(tongue, lower, 0.8), (222, 96, 104))
    teeth = np.minimum(upper + 0.105 * arch**0.3 * np.minimum(1, gape * 3), lower)
    layers.add(band(upper, teeth, 0.93), (252, 250, 246))
    # Between closed lips, and the edge of the upper one when they part.
    pen = who.scale * 0.045 * tapered(21, 0.5, 0.5)
    layers.add(stroke(placed(s * 1.07, upper), pen), darker(who.lips, 0.55))
    if who.beard == "full":
        return
    for side in SIDES:
        dimple = np.array([[side * 1.07, -0.035], [side * 1.13, 0.0], [side * 1.1, 0.05]])
        path = placed(dimple[None, :, 0], dimple[None, :, 1] - 0.124 * smile)
        layers.add(stroke(path, who.scale * 0.035), darker(who.skin, 0.36))


def draw_beard(layers: Layers, who: Identity, motion: Motion, rig: Rig) -> None:
    """Below the mouth; its lower edge follows the jaw when the mouth opens."""
    if not who.beard:
        return
    if who.beard in ("full", "stubble"):
        cheeks = smooth(_CHEEKS, 5)
        cheeks = on_head(who, rig, surface(who, cheeks[:, 0] * who.width, cheeks[:, 1]))
        jaw = outline(who)
        jaw = jaw[jaw[:, 1] > 0] * ([1.03, 1.07, 1] if who.beard == "full" else [0.985, 0.985, 1])
        jaw = np.repeat(jaw[None], len(motion.open), axis=0)
        jaw[:, :, 1] += 0.16 * motion.open[:, None] * np.clip(jaw[:, :, 1] - 0.6, 0, None)
        beard = np.concatenate([rig(jaw), cheeks], axis=1)
        if who.beard == "full":
            layers.outlined(beard, who.hair, LINE * 0.8)
        else:
            layers.add(beard, clear(darker(who.hair, 0.2), 0.26))
    if who.beard in ("full", "moustache"):
        s = np.linspace(-1, 1, 21)
        y = who.mouth_y - 0.17 + 0.1 * np.abs(s) ** 1.6
        y = y - 0.1 * motion.smile[:, None] * (s**2 - 0.2)
        pen = who.scale * 0.19 * tapered(21, 0.1, 0.1) * (1 - 0.25 * np.exp(-((s / 0.1) ** 2)))
        path = rig(surface(who, 0.44 * s, y, 0.1))
        layers.outlined(stroke(path, pen), lighter(who.hair, 0.06), LINE * 0.6)
