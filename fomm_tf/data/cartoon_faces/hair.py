"""Hair on the head, and hats.

The outer edge belongs to the outline of the head; the hairline lies on its front and turns with it.
"""

from __future__ import annotations

import numpy as np

from fomm_tf.data.cartoon_faces.drawing import LINE, Layers
from fomm_tf.data.cartoon_faces.head import on_head, surface
from fomm_tf.data.cartoon_faces.identity import Identity
from fomm_tf.data.cartoon_faces.palette import Colour, clear, darker, lighter, mix
from fomm_tf.data.cartoon_faces.shapes import Rig, at_depth, circle, smooth, stroke, tapered

Array = np.ndarray

# From the left temple to the right one, in units of the width and of the height above the eyes.
_HAIRLINES = {
    "crop": [(-0.97, 0.05), (-0.9, -0.3), (-0.72, -0.56), (-0.35, -0.6), (0, -0.66), (0.35, -0.6),
             (0.72, -0.56), (0.9, -0.3), (0.97, 0.05)],
    "side": [(-0.98, 0.1), (-0.9, -0.3), (-0.72, -0.66), (-0.45, -0.84), (-0.1, -0.7), (0.3, -0.56),
             (0.66, -0.46), (0.9, -0.25), (0.98, 0.1)],
    "fringe": [(-0.98, 0.2), (-0.88, -0.2), (-0.7, -0.46), (-0.35, -0.42), (0, -0.45),
               (0.35, -0.42), (0.7, -0.46), (0.88, -0.2), (0.98, 0.2)],
    "curtain": [(-0.99, 0.55), (-0.95, 0.1), (-0.82, -0.3), (-0.46, -0.68), (0.02, -0.95),
                (0.44, -0.68), (0.82, -0.3), (0.95, 0.1), (0.99, 0.55)],
    "quiff": [(-0.96, 0.0), (-0.88, -0.34), (-0.78, -0.66), (-0.4, -0.72), (0, -0.76), (0.4, -0.72),
              (0.78, -0.66), (0.88, -0.34), (0.96, 0.0)],
    "bun": [(-0.97, 0.05), (-0.9, -0.3), (-0.68, -0.66), (-0.35, -0.8), (0, -0.86), (0.35, -0.8),
            (0.68, -0.66), (0.9, -0.3), (0.97, 0.05)],
}  # fmt: skip
_HAIRLINES |= {
    "afro": _HAIRLINES["crop"],
    "tails": _HAIRLINES["side"],
    "buzz": _HAIRLINES["quiff"],
    "spiky": _HAIRLINES["crop"],
    "wavy": _HAIRLINES["side"],
}


def draw_front_hair(layers: Layers, who: Identity, rig: Rig) -> None:
    """Hair or a hat on the head, above the face."""
    if who.style == "bald":
        shine = smooth([(0.15, -0.9), (0.42, -0.78), (0.58, -0.6)], 6) * [who.light, who.top]
        path = rig(surface(who, shine[:, 0], shine[:, 1]))
        layers.add(stroke(path, who.scale * 0.13 * tapered(len(shine))), lighter(who.skin, 0.4))
    elif who.style == "beanie":
        _draw_beanie(layers, who, rig)
    else:
        shorn = who.style == "buzz"
        colour = mix(who.hair, who.skin, 0.3) if shorn else who.hair
        outer, line = rig(_outer_edge(who)), on_head(who, rig, _hairline(who))
        cap = np.concatenate([outer, line[:, ::-1]], axis=1)
        layers.outlined(cap, colour, LINE * (0.35 if shorn else 1.0))
        _draw_shine(layers, who, line, outer, colour)


def _hairline(who: Identity) -> Array:
    """[P, 3] from the left temple to the right one, on the front of the head."""
    points = np.array(_HAIRLINES[who.style]) * [who.width, who.top / 1.1]
    if who.mirrored:
        points = (points * [-1, 1])[::-1]
    points = smooth(points, 7)
    x, y = points[:, 0], points[:, 1]
    middle = np.clip(1 - np.abs(x / who.width) / 0.75, 0, 1) ** 0.5
    if who.style == "fringe":
        y = y + 0.045 * middle * np.abs(np.sin(x * 8.5))
    if who.style == "spiky":
        y = y + 0.16 * middle * (np.abs((x * 2.6) % 1 - 0.5) * 2)
    return surface(who, x, y, 0.04)


def _outer_edge(who: Identity) -> Array:
    """[P, 3] along the outline, from the left temple over the top to the right one."""
    angle = np.linspace(-1.75, 1.75, 97)
    up = np.clip(np.cos(angle), 0, 1)
    lean = np.sin(angle) * (-1 if who.mirrored else 1)
    if who.style in ("crop", "tails", "bun"):
        extra = 0.05 + 0.07 * up
    elif who.style in ("side", "wavy", "curtain", "fringe"):
        extra = 0.07 + 0.11 * up + 0.04 * lean * up
    elif who.style == "quiff":
        extra = 0.04 + 0.3 * up**1.5 * (1 + 0.35 * lean) + 0.02 * np.sin(angle * 11)
    elif who.style == "spiky":
        extra = 0.05 + 0.12 * up + 0.24 * up**0.5 * (1 - np.abs((angle * 2.1 + 0.5) % 1 - 0.5) * 2)
    elif who.style == "afro":
        extra = 0.1 + 0.22 * up + 0.06 * np.abs(np.sin(angle * 5))
    else:  # buzz
        extra = 0.015 + 0.02 * up
    x = who.width * (1 + extra) * np.sin(angle)
    y = -who.top * (1 + extra) * np.cos(angle)
    # In front where the hair is high, so that a quiff leads when the head turns.
    z = -0.12 + (0.5 if who.style == "quiff" else 0.1) * up**2
    return np.stack([x, y, z], axis=1)


def _draw_shine(layers: Layers, who: Identity, line: Array, outer: Array, colour: Colour) -> None:
    """A soft light band and a few strands between the hairline and the outer edge."""
    count = line.shape[1]
    outer = outer[:, np.linspace(0, outer.shape[1] - 1, count).round().astype(int)]
    lit = np.exp(-(((np.arange(count) / count - 0.5 - 0.17 * who.light) / 0.16) ** 2))
    part = lit > 0.12
    # Interpolated in the picture, so that it stays on the hair however the head turns.
    across = outer - line
    for share, fill in ((1.0, lighter(colour, 0.08)), (0.55, lighter(colour, 0.17))):
        half = 0.13 * share * lit[part, None]
        top = line[:, part] + across[:, part] * (0.62 + half)
        bottom = line[:, part] + across[:, part] * (0.62 - half)
        layers.add(np.concatenate([top, bottom[:, ::-1]], axis=1), fill)
    if who.style in ("buzz", "afro"):
        return
    for at in (0.2, 0.34, 0.48, 0.66, 0.8):
        index = int(at * count)
        s = np.linspace(0.05, 0.6, 8)[:, None]
        strand = line[:, index, None] + across[:, index, None] * s
        pen = who.scale * 0.035 * tapered(8, 0.7, 0.0)
        layers.add(stroke(strand, pen), darker(colour, 0.25))


def _draw_beanie(layers: Layers, who: Identity, rig: Rig) -> None:
    """A knitted hat with a strip of hair below it; some have a bobble."""
    hat, width = who.accent, who.width
    strip = smooth([(-0.98, 0.05), (-0.9, -0.35), (0, -0.42), (0.9, -0.35), (0.98, 0.05)], 7)
    strip = on_head(who, rig, surface(who, strip[:, 0] * width, strip[:, 1], 0.02))
    angle = np.linspace(-1.6, 1.6, 60)
    edge = np.stack([1.05 * width * np.sin(angle), -who.top * np.cos(angle)], axis=1)
    edge = rig(at_depth(edge, -0.05))
    layers.outlined(np.concatenate([edge, strip[:, ::-1]], axis=1), who.hair, LINE)

    if who.mirrored:
        bobble = circle(24) * 0.26 * (1 + 0.06 * np.cos(np.arange(24) * np.pi))[:, None]
        bobble = bobble + [0, -who.top * 1.28 - 0.12]
        layers.outlined(rig(at_depth(bobble, -0.15)), lighter(hat, 0.25), LINE)
    angle = np.linspace(-1.22, 1.22, 60)
    x, y = 1.12 * width * np.sin(angle) / np.sin(1.22), -who.top * 1.28 * np.cos(angle) ** 0.6
    crown = np.stack([x, y - 0.02, -0.2 + 0.1 * np.cos(angle)], axis=1)
    low = smooth([(-1.02, -0.5), (-0.7, -0.62), (0, -0.68), (0.7, -0.62), (1.02, -0.5)], 10)
    low = surface(who, low[:, 0] * width, low[:, 1], 0.12)
    layers.outlined(rig(np.concatenate([crown, low[::-1]])), hat, LINE)
    for at in (-0.5, 0.0, 0.5):
        rib = [(at * 1.4, -0.7, 0.75), (at * 1.25, -1.0, 0.55), (at * 0.6, -who.top * 1.2, 0.1)]
        path = rig(smooth(rib, 6))
        layers.add(stroke(path, who.scale * 0.05 * tapered(13, 0.6, 0.1)), darker(hat, 0.2))

    brim = smooth([(-1.09, -0.52), (-0.75, -0.7), (0, -0.78), (0.75, -0.7), (1.09, -0.52)], 8)
    depth = 0.72 * np.sqrt(np.clip(1 - (brim[:, 0] * width / 1.12) ** 2, 0, 1))
    brim = np.column_stack([brim[:, 0] * width, brim[:, 1], depth])
    layers.outlined(stroke(rig(brim), who.scale * 0.34), lighter(hat, 0.16), LINE)
    for index in np.linspace(2, len(brim) - 3, 9).round().astype(int):
        tick = brim[index] + np.array([[0, -0.11, 0], [0, 0.11, 0]])
        layers.add(stroke(rig(tick), who.scale * 0.035), clear(darker(hat, 0.3), 0.7))
