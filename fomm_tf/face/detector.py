"""Finds faces in pictures with BlazeFace (arXiv 1907.05047), the graph for back cameras."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fomm_tf.face.graphs import face_graph
from fomm_tf.media.fitting import fit

GRAPH = "face_detection_back.tflite"
# (side of a cell in pixels, anchors in its middle), in the order of the outputs.
ANCHORS = ((16, 2), (32, 6))
MIN_SCORE = 0.5
# Boxes that overlap more than this are of one face.
MAX_OVERLAP = 0.3


FaceBox = tuple[float, float, float, float]
"""x, y, w, h of a face in pixels; not limited to the picture."""


class Face(NamedTuple):
    """A face in a picture, in its pixels.

    box: from the eyebrows to the chin. points: [6, 2],
    (x, y) of the right eye, the left eye, the tip of the nose, the middle of the mouth, the right
    and the left ear (right and left of the person). score: how sure the network is, 0.5 to 1.
    """

    box: FaceBox
    points: np.ndarray
    score: float

    @property
    def angle(self) -> float:
        """How far the head is tilted: radians, clockwise in the picture."""
        dx, dy = self.points[1] - self.points[0]
        return math.atan2(dy, dx)


def find_candidates(picture: np.ndarray) -> list[Face]:
    """What may be a face in a picture, the largest first: uint8 [H, W, 3], RGB.

    Raises ModelError where the package with the network is not installed.
    """
    graph = face_graph(GRAPH)
    inputs = fit(picture, (graph.size, graph.size), "letterbox").astype(np.float32) / 127.5 - 1
    coordinates, logits = graph(inputs)
    scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
    faces = _merged(_decoded(coordinates, graph.size), scores)
    height, width = picture.shape[:2]
    scale = max(height, width)
    offset = (np.array([width, height]) - scale) / 2
    found = []
    for points, score in faces:
        (left, top), (right, bottom), *rest = points * scale + offset
        box = (float(left), float(top), float(right - left), float(bottom - top))
        found.append(Face(box, np.stack(rest), score))
    return sorted(found, key=lambda face: -face.box[2] * face.box[3])


def _decoded(coordinates: np.ndarray, size: int) -> np.ndarray:
    """[N, 16] -> [N, 8, 2] in [0, 1]: two corners of the box, then the six points."""
    anchors = np.concatenate([_anchors(size // side, count) for side, count in ANCHORS])
    points = coordinates.reshape(-1, 8, 2) / size
    centre, half = points[:, :1] + anchors, points[:, 1:2] / 2
    return np.concatenate([centre - half, centre + half, points[:, 2:] + anchors], axis=1)


def _anchors(cells: int, count: int) -> np.ndarray:
    """[cells * cells * count, 1, 2]: the middles of a grid's cells, each `count` times."""
    middles = (np.arange(cells) + 0.5) / cells
    return np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 1, 2).repeat(count, axis=0)


def _merged(points: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """One detection for each face: the mean of those that overlap with its best one, by score."""
    left = np.flatnonzero(scores > MIN_SCORE)
    left = left[np.argsort(-scores[left])]
    faces = []
    while left.size:
        same = _intersection_over_union(points[left[0]], points[left]) > MAX_OVERLAP
        same[0] = True
        group = left[same]
        mean = np.average(points[group], axis=0, weights=scores[group])
        faces.append((mean, float(scores[left[0]])))
        left = left[~same]
    return faces


def overlap(box: FaceBox, others: Sequence[FaceBox]) -> np.ndarray:
    """Intersection over union of a box with each of the others: [N]."""
    corners = np.array([box, *others]).reshape(-1, 2, 2)
    corners[:, 1] += corners[:, 0]
    return _intersection_over_union(corners[0], corners[1:])


def _intersection_over_union(best: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`overlap` of [2, 2] with [N, 2 or more, 2]: two opposite corners, and what follows."""
    low, high = np.maximum(best[0], others[:, 0]), np.minimum(best[1], others[:, 1])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = np.prod(np.clip(others[:, 1] - others[:, 0], 0, None), axis=-1)
    return shared / (np.prod(best[1] - best[0]) + areas - shared)
