"""What shows between the lips and the lids: a mouth's inside, and eyes that look about.

Both are drawn into the openings of the moved face. They belong to the skull, not to the skin: an
eye is covered by its lid and not squashed, and the upper teeth stay when the lips part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from fomm_tf.data.portraits import topology as at
from fomm_tf.data.portraits.portrait import Portrait
from fomm_tf.data.portraits.raster import polygon_mask, sample

Array = np.ndarray

# A photographed mouth that is open by more than this shows its own teeth.
_SHOWS_TEETH = 0.05
# Eyes turn by this part of half their width.
_GAZE = 0.42


@dataclass(frozen=True)
class Mouth:
    """The inside of one sitter's mouth. Colours are RGB levels; heights are in eye distances."""

    teeth: Array
    tongue: Array
    cavity: Array
    upper_teeth: float
    lower_teeth: float


def random_mouth(rng: np.random.Generator, portrait: Portrait) -> Mouth:
    """Teeth and tongue in the light of the portrait's cheeks."""
    places = portrait.vertices[at.CHEEKS, :2] - portrait.origin
    skin = sample(portrait.texture, places)[:, :3].mean(0)
    light = np.clip(skin.mean() / 150, 0.75, 1.1)
    teeth = np.array([226, 212, 190]) * light * rng.uniform(0.7, 0.95)
    return Mouth(
        teeth=0.85 * teeth + 0.15 * skin,
        tongue=np.array([140, 70, 66]) * light * rng.uniform(0.75, 1.05),
        cavity=np.array([44, 17, 15]) * light * rng.uniform(0.6, 1.2),
        upper_teeth=rng.uniform(0.03, 0.085),
        lower_teeth=rng.choice([0, 1]) * rng.uniform(0.01, 0.04),
    )


class Openings:
    """Draws the openings of one portrait into its frames."""

    def __init__(self, portrait: Portrait, mouth: Mouth):
        self._portrait, self._mouth = portrait, mouth
        self._own = _own_teeth(portrait)

    def draw(self, frame: Array, moved: Array, stiff: Array, gaze: tuple[float, float]) -> None:
        """Draws into `frame` [size, size, 3 or more], in place.

        moved: [V, 3], the vertices of the frame; stiff: the same without expression.
        """
        self._draw_mouth(frame, moved, stiff)
        for eye in range(len(at.EYES)):
            self._draw_eye(frame, moved, stiff, eye, gaze)

    def _draw_eye(
        self, frame: Array, moved: Array, stiff: Array, eye: int, gaze: tuple[float, float]
    ) -> None:
        ring, corners = at.EYES[eye], [*at.EYE_CORNERS[eye], at.LOWER_LIDS[eye][3]]
        mask, places = _opening(moved[ring, :2], self._portrait.size)
        if not mask.size:
            return
        # Coordinates within the eye: -1 and 1 at its corners, and at its lids.
        across, below = _coordinates(places, stiff[corners, :2])
        turned = np.clip(1 - across**2, 0, 1) * np.clip(1 - below**2, 0, 1)
        across, below = across - _GAZE * gaze[0] * turned, below - 0.3 * gaze[1] * turned
        source = _places(across, below, self._portrait.vertices[corners, :2])
        colours = sample(self._portrait.texture, source - self._portrait.origin)[..., :3]
        # What is left of an eye that closes lies in the shade of its lashes.
        open_now, open_then = (np.ptp(p[ring, 1]) for p in (moved, stiff))
        shade = np.clip(open_now / max(open_then, 1e-6) / 0.45, 0.35, 1)
        _blend(frame, places, mask, colours * shade)

    def _draw_mouth(self, frame: Array, moved: Array, stiff: Array) -> None:
        mask, places = _opening(moved[at.MOUTH, :2], self._portrait.size)
        if not mask.size:
            return
        corners = self._mouth_corners(stiff)
        across, below = _coordinates(places, corners)
        lines = []
        for vertices, row in ((stiff, at.UPPER_LIP[0]), (moved, at.LOWER_LIP[0])):
            x, y = _coordinates(vertices[row, :2], corners)
            order = np.argsort(x)
            lines.append(np.interp(across, x[order], y[order]))
        colours = self._painted(across, below, *lines)
        if self._own is not None:
            source = _places(across, below, self._mouth_corners(self._portrait.vertices))
            own = sample(self._own, source - self._portrait.origin)
            colours = colours * (1 - own[..., 3:]) + own[..., :3]
        _blend(frame, places, mask, colours)

    def _mouth_corners(self, vertices: Array) -> Array:
        """[3, 2]: the mouth's corners, and a point one eye distance below their middle."""
        source, corners = self._portrait.vertices, vertices[at.INNER_CORNERS, :2]
        height = np.linalg.norm((source[at.CHIN] - source[at.TOP])[:2])
        down = (vertices[at.CHIN] - vertices[at.TOP])[:2] * self._portrait.eyes_apart / height
        return np.array([*corners, corners.mean(0) + down])

    def _painted(self, across: Array, below: Array, upper: Array, lower: Array) -> Array:
        """RGB [h, w, 3]. upper: the edge of the lip at rest; lower: that of the moved lower lip."""
        mouth = self._mouth
        under_upper, over_lower = below - upper, lower - below
        side = across**2
        tongue = _step(under_upper, 0.08, 0.22) * (1 - _step(np.abs(across), 0.3, 0.85))
        colours = mouth.cavity + (mouth.tongue - mouth.cavity) * tongue[..., None]
        # Deep inside it is dark; light falls on the front.
        depth = np.clip(over_lower / 0.12, 0, 1) * 0.25
        colours = colours * (1 - depth)[..., None]
        seams = 1 - 0.12 * np.exp(-((((across * 5.5 + 0.5) % 1) - 0.5) ** 2) / 0.006)
        length = mouth.upper_teeth * (1 - 0.45 * side)
        teeth = 1 - _step(under_upper, 0.85 * length, 1.1 * length)
        teeth = teeth * (1 - _step(np.abs(across), 0.6, 0.88))
        shade = (0.6 + 0.4 * _step(under_upper, -0.01, 0.05)) * (1 - 0.35 * side) * seams
        if mouth.lower_teeth:
            low = 1 - _step(over_lower, 0.8 * mouth.lower_teeth, 1.2 * mouth.lower_teeth)
            low = low * (1 - _step(np.abs(across), 0.35, 0.65)) * _step(under_upper, 0.12, 0.2)
            colours = colours + (0.7 * mouth.teeth - colours) * (low * seams)[..., None]
        return colours + (mouth.teeth * shade[..., None] - colours) * teeth[..., None]


def _own_teeth(portrait: Portrait) -> Array | None:
    """The photographed mouth's inside, [h, w, 4], multiplied by its alpha; None if it is closed."""
    if portrait.gap <= _SHOWS_TEETH:
        return None
    texture = portrait.texture
    height, width = texture.shape[:2]
    mask = Image.new("L", (width, height))
    # The lower lip's edge and what lies just above it is not teeth.
    ring = portrait.vertices[at.MOUTH, :2].copy()
    rise = 0.15 * (portrait.vertices[at.UPPER_LIP[0], :2] - portrait.vertices[at.LOWER_LIP[0], :2])
    ring[-len(rise) :] += rise[::-1]
    ImageDraw.Draw(mask).polygon(np.round(ring - portrait.origin).ravel().tolist(), fill=255)
    blur = max(0.02 * portrait.eyes_apart, 0.6)
    mask = mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(blur))
    alpha = np.asarray(mask, np.float32)[..., None] / 255
    return np.concatenate([texture[..., :3] * alpha, alpha], -1)


def _opening(ring: Array, size: int) -> tuple[Array, Array]:
    """Coverage [h, w] of a ring [n, 2], and the places [h, w, 2] of these pixels."""
    mask, (left, top, right, bottom) = polygon_mask(ring, size)
    x, y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    return mask, np.stack([x, y], -1).astype(np.float32)


def _coordinates(places: Array, corners: Array) -> tuple[Array, Array]:
    """`places` [..., 2] relative to `corners` [3, 2]: left, right, below their middle.

    Across: -1 at the left and 1 at the right corner; below: 1 at the third.
    """
    middle = (corners[0] + corners[1]) / 2
    axes = np.stack([(corners[1] - corners[0]) / 2, corners[2] - middle], axis=-1)
    # Seen edge-on, an opening has no inside.
    if abs(np.linalg.det(axes)) < 1e-3:
        axes = axes + 0.1 * np.eye(2)
    solved = (places - middle) @ np.linalg.inv(axes).T
    return solved[..., 0], solved[..., 1]


def _places(across: Array, below: Array, corners: Array) -> Array:
    """The inverse of `_coordinates`."""
    left, right, low = corners
    middle = (left + right) / 2
    return middle + across[..., None] * (right - left) / 2 + below[..., None] * (low - middle)


def _step(x: Array, low: Array | float, high: Array | float) -> Array:
    """A smooth step from 0 at `low` to 1 at `high`."""
    share = np.clip((x - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _blend(frame: Array, places: Array, mask: Array, colours: Array) -> None:
    left, top = places[0, 0].astype(int)
    part = frame[top : top + mask.shape[0], left : left + mask.shape[1], :3]
    part += mask[..., None] * (np.clip(colours, 0, 255) - part)
