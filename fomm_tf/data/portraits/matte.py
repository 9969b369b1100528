"""Separates a sitter from a plain backdrop: a difference key against a smooth field of colour."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from fomm_tf.data.portraits import topology as at

Array = np.ndarray

# A backdrop's grain, in levels of 255, is at least this.
_GRAIN = 3.0
# Backdrop up to the first number of grains away from the field, sitter from the second.
_KEY = (3.0, 6.0)
# A backdrop is plain if this part of the picture's edge beside the head agrees with the field.
_PLAIN = 0.85


class Layers(NamedTuple):
    """picture = sitter + (1 - alpha) * backdrop; float32, levels of 255.

    sitter: [h, w, 3], multiplied by its alpha [h, w, 1]; backdrop: [h, w, 3]. Where no plain
    backdrop was found (`separate` is False), all of the picture is sitter.
    """

    sitter: Array
    alpha: Array
    backdrop: Array
    separate: bool


def split(picture: Array, landmarks: Array) -> Layers:
    """The layers of a picture, uint8 [h, w, 3], with landmarks [468, 3]."""
    colours = picture.astype(np.float32)
    backdrop, distance, agreement = _fitted_backdrop(colours, landmarks)
    alpha = np.clip((distance - _KEY[0]) / (_KEY[1] - _KEY[0]), 0, 1)
    alpha = np.maximum(alpha, _surely_sitter(picture.shape[:2], landmarks))
    alpha = _without_holes(alpha)
    lower_edge = alpha[-1, alpha.shape[1] // 4 : -(alpha.shape[1] // 4)]
    if agreement < _PLAIN or alpha.mean() < 0.25 or lower_edge.mean() < 0.8:
        whole = np.ones((*picture.shape[:2], 1), np.float32)
        return Layers(colours, whole, backdrop, False)
    alpha = alpha[..., None]
    sitter = np.clip(colours - (1 - alpha) * backdrop, 0, 255 * alpha)
    return Layers(sitter, alpha, backdrop, True)


def _fitted_backdrop(colours: Array, landmarks: Array) -> tuple[Array, Array, float]:
    """The field [h, w, 3], the distance from it [h, w] in grains, the share of edge that agrees.

    Quadratic in x and y, fitted with Tukey's weights: first to the picture's edge beside the head,
    then to all that is above the chin and away from the head.
    """
    height, width = colours.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away, edge = _away_from_head(x, y, landmarks)
    # Below the chin there is little to fit to: there the field is as at the chin.
    u, v = 2 * x / width - 1, 2 * np.minimum(y, landmarks[at.CHIN, 1]) / height - 1
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    weight, area, grain = edge.astype(np.float32), edge, _GRAIN
    for step in range(8):
        # Every third pixel is enough.
        used = np.flatnonzero(weight)[::3]
        root = weight.ravel()[used, None] ** 0.5
        known = colours.reshape(-1, 3)[used]
        fit = np.linalg.lstsq(terms.reshape(-1, 6)[used] * root, known * root, rcond=None)[0]
        field = terms @ fit
        residual = np.abs(colours - field).max(-1)
        grain = max(1.48 * float(np.median(residual.ravel()[used])), _GRAIN)
        area = edge if step < 4 else away
        weight = area * np.clip(1 - (residual / (4 * grain)) ** 2, 0, 1) ** 2
        if np.count_nonzero(weight) < 100:
            return field, residual / grain, 0.0
    return np.clip(field, 0, 255), residual / grain, float((residual[edge] < 4 * grain).mean())


def _away_from_head(x: Array, y: Array, landmarks: Array) -> tuple[Array, Array]:
    """Where no head can be, above the chin; and the part of it at the picture's edge."""
    height, width = x.shape
    face = np.linalg.norm((landmarks[at.EAR_RIGHT] - landmarks[at.EAR_LEFT])[:2])
    centre = (landmarks[at.TOP] + landmarks[at.CHIN])[:2] / 2 - (0, 0.16 * face)
    far = np.hypot((x - centre[0]) / (0.83 * face), (y - centre[1]) / (1.1 * face)) > 1
    away = far & (y < landmarks[at.CHIN, 1] - 0.06 * face)
    edge = away & ((x < 0.12 * width) | (x > 0.88 * width) | (y < 0.06 * height))
    return away, edge


def _surely_sitter(shape: tuple[int, int], landmarks: Array) -> Array:
    """1 inside the face and in a column from the chin down, float32 [h, w]."""
    height, width = shape
    mask = Image.new("L", (width, height))
    pen = ImageDraw.Draw(mask)
    pen.polygon(landmarks[at.OVAL, :2].ravel().tolist(), fill=255)
    jaw = landmarks[[149, 378], :2]
    below = height + 9
    pen.polygon([*jaw[0], *jaw[1], jaw[1][0], below, jaw[0][0], below], fill=255)
    return np.asarray(mask.filter(ImageFilter.MinFilter(3)), np.float32) / 255


def _without_holes(alpha: Array) -> Array:
    """Backdrop that is not connected with the picture's left, right or upper edge is sitter."""
    backdrop = alpha < 0.5
    reached = np.zeros_like(backdrop)
    reached[0], reached[:, 0], reached[:, -1] = True, True, True
    reached &= backdrop
    count = -1
    while count != (count := int(reached.sum())):
        for _ in range(8):
            grown = reached.copy()
            grown[1:] |= reached[:-1]
            grown[:-1] |= reached[1:]
            grown[:, 1:] |= reached[:, :-1]
            grown[:, :-1] |= reached[:, 1:]
            reached = grown & backdrop
    # Soft edges stay as they are: only what is far from the reached backdrop is filled. The median
    # takes specks of grain away.
    near = Image.fromarray(reached).convert("L").filter(ImageFilter.MaxFilter(5))
    filled = np.where(np.asarray(near) > 0, 255 * alpha, 255).astype(np.uint8)
    smooth = Image.fromarray(filled).filter(ImageFilter.MedianFilter(5))
    return np.asarray(smooth.filter(ImageFilter.GaussianBlur(0.5)), np.float32) / 255
