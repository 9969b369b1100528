"""Identity: all static attributes of a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fomm_tf.data.cartoon_faces import palette
from fomm_tf.data.cartoon_faces.palette import Colour

T = TypeVar("T")

HAIR_STYLES = (
    "crop", "side", "fringe", "curtain", "quiff", "afro", "bun", "tails", "buzz", "spiky", "beanie",
    "bald", "wavy",
)  # fmt: skip
CLOTHES = ("tee", "stripes", "shirt", "hoodie", "turtleneck", "blazer", "overalls", "dots")


@dataclass(frozen=True)
class Identity:
    """Lengths in head units (half the width of an average head is 1), colours 0 to 255."""

    scale: float  # picture units per head unit
    centre: tuple[float, float]  # where the head rests
    width: float
    top: float
    chin: float
    jaw: float  # exponent of the lower outline: 1 an ellipse, less is squarer
    taper: float  # how much narrower the jaw is
    skin: Colour
    hair: Colour
    style: str
    mirrored: bool  # asymmetric hair to the other side
    ear: float
    eye_x: float
    eye_y: float
    eye_width: float
    eye_height: float
    eye_slant: float
    iris: Colour
    iris_size: float
    lashes: float
    brow_height: float
    brow_thickness: float
    brow_slant: float
    nose: str
    nose_size: float
    mouth_y: float
    mouth_width: float
    lips: Colour
    lip_fullness: float
    clothes: str
    fabric: Colour
    accent: Colour
    shoulders: float
    neck: float
    light: float  # -1 from the left, 1 from the right
    blush: float
    freckles: bool
    glasses: str  # "", "round" or "square"
    frame: Colour
    beard: str  # "", "full", "moustache" or "stubble"
    earrings: bool


def draw_identity(rng: np.random.Generator) -> Identity:
    """A random person; all draws come from `rng`."""
    uniform = rng.uniform
    skin = palette.varied(rng, _pick(rng, palette.SKINS))
    style = _pick(rng, HAIR_STYLES)
    bearded = style not in ("tails", "bun", "curtain", "wavy", "fringe") and uniform() < 0.38
    soft = not bearded and uniform() < 0.6
    hair = palette.varied(rng, _pick(rng, palette.NATURAL_HAIRS if bearded else palette.HAIRS))
    if _contrast(hair, skin) < 40:
        # Hair of the colour of the skin would hide where the face ends.
        hair = palette.darker(hair, 0.5)
    fabric = palette.varied(rng, _pick(rng, palette.FABRICS))
    accent = _pick(rng, [c for c in palette.FABRICS if _contrast(c, fabric) > 70])
    return Identity(
        scale=uniform(0.265, 0.29),
        centre=(uniform(0.485, 0.515), uniform(0.475, 0.495)),
        width=uniform(0.92, 1.08),
        top=uniform(1.08, 1.2),
        chin=uniform(1.08, 1.28),
        jaw=uniform(0.68, 1.0),
        taper=uniform(0.0, 0.2),
        skin=skin,
        hair=hair,
        style=style,
        mirrored=bool(uniform() < 0.5),
        ear=uniform(0.2, 0.29),
        eye_x=uniform(0.39, 0.44),
        eye_y=uniform(-0.06, 0.04),
        eye_width=uniform(0.235, 0.29),
        eye_height=uniform(0.22, 0.3),
        eye_slant=uniform(-0.12, 0.16),
        iris=palette.varied(rng, _pick(rng, palette.IRISES)),
        iris_size=uniform(0.64, 0.8),
        lashes=uniform(0.6, 1.0) if soft else uniform(0.0, 0.25),
        brow_height=uniform(0.39, 0.46),
        brow_thickness=uniform(0.07, 0.1) if soft else uniform(0.09, 0.15),
        brow_slant=uniform(-0.4, 0.1),
        nose=_pick(rng, ("button", "hook", "wedge", "round")),
        nose_size=uniform(0.8, 1.2),
        mouth_y=uniform(0.6, 0.66),
        mouth_width=uniform(0.4, 0.5),
        lips=palette.mix(skin, _pick(rng, palette.LIPS), 0.62 if soft else 0.36),
        lip_fullness=uniform(0.09, 0.13) if soft else uniform(0.055, 0.085),
        clothes=_pick(rng, CLOTHES),
        fabric=fabric,
        accent=palette.varied(rng, accent),
        shoulders=uniform(1.75, 2.15),
        neck=uniform(0.4, 0.52),
        light=-1.0 if uniform() < 0.5 else 1.0,
        blush=uniform(0.25, 0.6) if soft else uniform(0.0, 0.3),
        freckles=bool(uniform() < 0.22),
        glasses=_pick(rng, ("round", "square")) if uniform() < 0.25 else "",
        frame=_pick(rng, [c for c in palette.FRAMES if _contrast(c, skin) > 85]),
        beard=_pick(rng, ("full", "moustache", "stubble", "full")) if bearded else "",
        earrings=bool(soft and uniform() < 0.4),
    )


def _contrast(first: Colour, second: Colour) -> float:
    return float(np.linalg.norm(np.subtract(first[:3], second[:3])))


def _pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    return items[int(rng.integers(len(items)))]
