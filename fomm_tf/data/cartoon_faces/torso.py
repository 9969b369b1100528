"""Neck, shoulders and clothes."""

from __future__ import annotations

import numpy as np

from fomm_tf.data.cartoon_faces.drawing import LINE, Layers
from fomm_tf.data.cartoon_faces.head import SIDES
from fomm_tf.data.cartoon_faces.identity import Identity
from fomm_tf.data.cartoon_faces.palette import Colour, clear, darker, lighter, mix
from fomm_tf.data.cartoon_faces.shapes import Rig, at_depth, circle, smooth, stroke, tapered

Array = np.ndarray

_BOTTOM = 4.2  # below the picture, whatever the motion
_COLLAR = 1.62  # height of the base of the neck
_LAPEL = [(0.92, 2.02), (0.72, 2.16), (0.86, 2.3), (0.04, 3.45), (0.02, 3.2)]


def _both(side: Array) -> Array:
    """The right half of an outline, from the middle top downwards, and its mirror image."""
    return np.concatenate([side, side[::-1] * [-1, 1]])


def draw_neck(layers: Layers, who: Identity, head: Rig, torso: Rig) -> None:
    """The neck, from the moving head to the torso, with the shadow of the chin."""
    s = np.linspace(-1, 1, 9)
    upper = head(np.stack([who.neck * s, 0.5 + 0 * s, 0 * s - 0.1], axis=1))
    jaw = head(np.stack([who.neck * s, who.chin - 0.06 * s**2, 0 * s - 0.1], axis=1))
    lower = torso(np.stack([who.neck * 1.1 * s, _COLLAR + 0.2 + 0.2 * (1 - s**2), 0 * s], axis=1))
    skin = darker(who.skin, 0.07)
    layers.outlined(
        np.concatenate([upper, lower[:, ::-1]], axis=1), skin, LINE, darker(who.skin, 0.45)
    )
    for share in (0.75, 0.55, 0.38):
        bow = (0.5 + 0.5 * (1 - s**2))[:, None] * share
        edge = jaw * (1 - bow) + lower * bow
        layers.add(
            np.concatenate([upper, edge[:, ::-1]], axis=1),
            clear(darker(mix(who.skin, (190, 70, 60), 0.2), 0.3), 0.3),
        )


def draw_behind_neck(layers: Layers, who: Identity, torso: Rig) -> None:
    """The inside of a collar or hood, behind neck and hair."""
    if who.clothes == "hoodie":
        hood = _both(smooth([[0, 0.75], [0.75, 0.85], [1.05, 1.3], [0.95, 1.9]], 8))
        layers.outlined(torso(at_depth(hood, -0.3)), darker(who.fabric, 0.16), LINE)
        layers.add(
            torso(
                at_depth(_both(smooth([[0, 0.95], [0.6, 1.05], [0.82, 1.4], [0.7, 1.9]], 8)), -0.3)
            ),
            darker(who.fabric, 0.42),
        )
    elif who.clothes in ("shirt", "blazer"):
        back = _both(smooth([[0, 1.3], [0.4, 1.36], [0.62, 1.62], [0.4, 1.9]], 6))
        layers.add(torso(at_depth(back, -0.2)), darker(_collar(who), 0.3))


def _collar(who: Identity) -> Colour:
    return lighter(who.accent, 0.6) if who.clothes == "blazer" else who.fabric


def draw_torso(layers: Layers, who: Identity, torso: Rig) -> None:
    """Shoulders and clothes."""
    wide, neck = who.shoulders, who.neck * 1.12
    dip = {"tee": 0.3, "stripes": 0.22, "dots": 0.32, "shirt": 0.2, "blazer": 0.2, "overalls": 0.24}
    low = _COLLAR + dip.get(who.clothes, 0.2)
    neckline = smooth([[0, low], [neck * 0.62, low - 0.08], [neck * 1.02, _COLLAR - 0.08]], 5)
    down = np.array([(0.62, 0.2), (0.9, 0.45), (1.02, 1.0), (1.06, _BOTTOM - _COLLAR)])
    down = down * [wide, 1] + [0, _COLLAR]
    shoulder = smooth([(neck * 1.02, _COLLAR - 0.08), *down], 7)
    body = _both(np.concatenate([neckline, shoulder[1:], [[0.0, _BOTTOM]]]))
    layers.outlined(torso(at_depth(body)), who.fabric, LINE)
    # A soft shadow down the side away from the light.
    side = np.array([-who.light, 1.0])
    for share in (1.0, 0.8, 0.6, 0.4, 0.2):
        inner = shoulder[::-1] * [1 - 0.3 * share, 1] + [0, 0.16 * share]
        flank = np.concatenate([shoulder * [0.995, 1] + [0, 0.02], inner]) * side
        layers.add(torso(at_depth(flank)), clear(darker(who.fabric, 0.6), 0.09))
    _WEAR[who.clothes](layers, who, torso, neckline)


def _edge(neckline: Array) -> Array:
    """The neckline from the left to the right."""
    return at_depth(np.concatenate([neckline[::-1] * [-1, 1], neckline[1:]]), 0.1)


def _tee(layers: Layers, who: Identity, torso: Rig, neckline: Array) -> None:
    layers.add(stroke(torso(_edge(neckline)), who.scale * 0.13), darker(who.fabric, 0.2))
    badge = circle(20) * 0.16 + [0.85 * who.light, 2.45]
    layers.add(torso(at_depth(badge)), who.accent)


def _stripes(layers: Layers, who: Identity, torso: Rig, neckline: Array) -> None:
    for y, reach in ((2.12, 0.9), (2.5, 0.98), (2.88, 1.0), (3.26, 1.02)):
        s = np.linspace(-1, 1, 13)
        band = np.stack([who.shoulders * reach * s, y + 0.1 * (1 - s**2)], axis=1)
        layers.add(torso(at_depth(np.concatenate([band, band[::-1] + [0, 0.17]]))), who.accent)
    layers.add(stroke(torso(_edge(neckline)), who.scale * 0.12), who.accent)


def _dots(layers: Layers, who: Identity, torso: Rig, neckline: Array) -> None:
    for row, y in enumerate((2.25, 2.62, 2.99, 3.36)):
        for x in np.arange(-1.6, 1.7, 0.46) + 0.23 * (row % 2):
            if abs(x) < who.shoulders * 0.88:
                layers.add(torso(at_depth(circle(12) * 0.085 + [x, y])), who.accent)
    layers.add(stroke(torso(_edge(neckline)), who.scale * 0.11), who.accent)


def _shirt(layers: Layers, who: Identity, torso: Rig, neckline: Array) -> None:
    placket = np.array([[0.0, 1.9], [0.0, _BOTTOM]])
    layers.add(stroke(torso(at_depth(placket)), who.scale * 0.05), darker(who.fabric, 0.3))
    for y in (2.25, 2.75, 3.25):
        layers.add(torso(at_depth(circle(10) * 0.055 + [0.09, y], 0.05)), lighter(who.accent, 0.3))
    _collar_points(layers, who, torso, lighter(who.fabric, 0.14))


def _collar_points(layers: Layers, who: Identity, torso: Rig, fill: Colour) -> None:
    n = who.neck
    for side in SIDES:
        flap = np.array(
            [[n * 0.92, 1.4], [n * 1.3, 1.56], [n * 1.25, 1.98], [n * 0.72, 2.18], [0.02, 1.84]]
        )
        layers.outlined(torso(at_depth(flap * [side, 1], 0.12)), fill, LINE * 0.8)


def _blazer(layers: Layers, who: Identity, torso: Rig, neckline: Array) -> None:
    shirt = _both(np.array([[0, 1.75], [who.neck * 1.05, 1.5], [0.0, 3.3]]))
    layers.add(torso(at_depth(shirt, 0.05)), _collar(who))
    tie = _both(np.array([[0, 1.86], [0.1, 1.86], [0.13, 2.02], [0.22, 3.0], [0, 3.3]]))
    layers.outlined(torso(at_depth(tie, 0.08)), who.accent, LINE * 0.7)
    _collar_points(layers, who, torso, lighter(_collar(who), 0.3))
    for side in SIDES:
        lapel = np.array([(who.neck * 1.2, 1.5), *_LAPEL]) * [side, 1]
        layers.outlined(torso(at_depth(lapel, 0.1)), lighter(who.fabric, 0.08), LINE * 0.8)


def _hoodie(layers: Layers, who: Identity, torso: Rig, neckline: Array) -> None:
    for side in SIDES:
        rim = smooth([[1.0, 1.35], [0.85, 1.72], [0.45, 1.98], [0.0, 2.12]], 6)
        path = torso(at_depth(rim * [side, 1], 0.12))
        layers.outlined(
            stroke(path, who.scale * 0.3 * tapered(len(rim), 0.5, 0.5)),
            lighter(who.fabric, 0.1),
            LINE * 0.8,
        )
    for side in SIDES:
        string = smooth([[0.2, 2.1], [0.24, 2.4], [0.2, 2.72]], 5)
        layers.add(
            stroke(torso(at_depth(string * [side, 1], 0.2)), who.scale * 0.075),
            lighter(who.accent, 0.5),
        )


def _turtleneck(layers: Layers, who: Identity, torso: Rig, neckline: Array) -> None:
    n = who.neck * 1.2
    s = np.linspace(-1, 1, 13)
    top = np.stack([n * s, 1.34 + 0.1 * (1 - s**2)], axis=1)
    bottom = np.stack([n * 1.12 * s, _COLLAR + 0.12 + 0.14 * (1 - s**2)], axis=1)
    layers.outlined(
        torso(at_depth(np.concatenate([top, bottom[::-1]]), 0.1)), lighter(who.fabric, 0.08), LINE
    )
    for at in (-0.66, -0.33, 0.0, 0.33, 0.66):
        rib = np.array([[n * at, 1.46 + 0.06 * (1 - at**2)], [n * 1.1 * at, _COLLAR + 0.2]])
        layers.add(stroke(torso(at_depth(rib, 0.15)), who.scale * 0.035), darker(who.fabric, 0.2))


def _overalls(layers: Layers, who: Identity, torso: Rig, neckline: Array) -> None:
    layers.add(stroke(torso(_edge(neckline)), who.scale * 0.11), darker(who.fabric, 0.2))
    cloth = who.accent
    bib = np.array([[-0.85, 2.5], [0.85, 2.5], [1.0, _BOTTOM], [-1.0, _BOTTOM]])
    for side in SIDES:
        strap = np.array([[side * 1.05, 1.72], [side * 0.8, 2.7]])
        layers.outlined(stroke(torso(at_depth(strap, 0.05)), who.scale * 0.26), cloth, LINE * 0.8)
    layers.outlined(torso(at_depth(bib, 0.08)), cloth, LINE)
    for side in SIDES:
        layers.add(torso(at_depth(circle(12) * 0.1 + [side * 0.7, 2.68], 0.1)), (240, 200, 96))


_WEAR = {
    "tee": _tee,
    "stripes": _stripes,
    "dots": _dots,
    "shirt": _shirt,
    "blazer": _blazer,
    "hoodie": _hoodie,
    "turtleneck": _turtleneck,
    "overalls": _overalls,
}
