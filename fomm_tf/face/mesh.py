"""Landmarks of a face: the mesh of 468 points (arXiv 1907.06724)."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from fomm_tf.face.detector import Face, FaceBox, find_candidates
from fomm_tf.face.graphs import face_graph

GRAPH = "face_landmark.tflite"
# The network expects a face with a quarter of its size around it.
MARGIN = 1.5
MIN_SCORE = 0.5


def detect_faces(picture: np.ndarray) -> list[Face]:
    """The faces in a picture, the largest first: uint8 [H, W, 3], RGB.

    The detector also takes some cups and cats for faces, so the mesh's network is asked about each;
    and it sees small faces in few pixels, so their boxes are those of their meshes. Faces smaller
    than about a twentieth of the longer side are not found. Raises ModelError where the package
    with the networks is not installed.
    """
    found = []
    for face in find_candidates(picture):
        mesh = landmarks(picture, face)
        if mesh is not None:
            found.append(face._replace(box=_square_around(mesh)))
    return sorted(found, key=lambda face: -face.box[2])


def _square_around(mesh: np.ndarray) -> FaceBox:
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    side = float((high - low).max())
    x, y = (low + high - side) / 2
    return float(x), float(y), side, side


def landmarks(picture: np.ndarray, face: Face) -> np.ndarray | None:
    """The mesh of a face of `detect_faces`: float32 [468, 3], or None where the network, looking
    closely, sees no face.

    x and y are in the picture's pixels (uint8 [H, W, 3]); z, the depth, is in the same unit and
    smaller towards the camera. Raises ModelError where the package is not installed.
    """
    graph = face_graph(GRAPH)
    x, y, w, h = face.box
    side, centre = MARGIN * max(w, h), np.array([x + w / 2, y + h / 2])
    cos, sin = math.cos(face.angle) * side, math.sin(face.angle) * side
    # From the network's square, [0, 1], to the picture.
    turn = np.array([[cos, -sin], [sin, cos]])
    origin = centre - turn @ [0.5, 0.5]
    inputs = _square(picture, turn, origin, graph.size)
    points, logit = graph(inputs.astype(np.float32) / 255)
    if 1 / (1 + math.exp(-float(logit.ravel()[0]))) < MIN_SCORE:
        return None
    mesh = points.reshape(-1, 3) / graph.size
    return np.concatenate([mesh[:, :2] @ turn.T + origin, mesh[:, 2:] * side], axis=1).astype(
        np.float32
    )


def largest_mesh(picture: np.ndarray) -> np.ndarray | None:
    """The landmarks of a picture's largest face, or None: float32 [468, 3]; as `landmarks`."""
    faces = detect_faces(picture)
    return landmarks(picture, faces[0]) if faces else None


def _square(picture: np.ndarray, turn: np.ndarray, origin: np.ndarray, size: int) -> np.ndarray:
    """uint8 [size, size, 3]: the turned square of a picture; black outside it."""
    image = Image.fromarray(picture)
    # Sampling skips pixels of a large face, so they are averaged before.
    factor = max(1, int(np.hypot(*turn[:, 0]) / size))
    image = image.reduce(factor)
    (a, b), (d, e) = turn / (size * factor)
    c, f = origin / factor
    data = (a, b, c, d, e, f)
    return np.array(
        image.transform((size, size), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    )
