"""Boxes around faces, with the margins of the pictures that models of talking heads are trained on.

As the official crop-video.py: a video is cut by one box for each shot, around all places of the
face in it, so that the head moves and the picture does not; where the face leaves them, a new shot
begins. https://github.com/AliaksandrSiarohin/first-order-model/blob/master/crop-video.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from fomm_tf.errors import DataError
from fomm_tf.face.detector import Face, FaceBox, overlap
from fomm_tf.face.mesh import detect_faces
from fomm_tf.media.pictures import Box

# Side of the crop by side of the face, and how far above its middle the crop's is, in crops: hair
# needs more room than the neck.
MARGIN = 2.0
RAISE = 0.07
# The face is looked for in every fifth frame; with less overlap with its first box it has left.
EVERY = 5
LEAST_OVERLAP = 0.25


@dataclass
class Shot:
    """A part of a video with one face in one place.

    start, end: indices of its first frame and of the one behind its last; faces: boxes seen in it.
    """

    start: int
    end: int
    faces: list[FaceBox] = field(default_factory=list)


def crop_box(faces: Sequence[FaceBox], frame: tuple[int, int], size: tuple[int, int]) -> Box:
    """The part of a frame of (height, width) to cut out for faces, or for one in several places.

    It has the aspect of `size`, (height, width), up to rounding, and lies in the frame: a face near
    an edge is not in its middle, and a large one has less margin.
    """
    boxes = np.array(faces)
    low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    face = float(np.median(boxes[:, 2:].max(axis=1)))
    least = float((high - low).max()) + (MARGIN - 1) * face
    (frame_h, frame_w), (size_h, size_w) = frame, size
    scale = min(least / min(size), frame_w / size_w, frame_h / size_h)
    w, h = max(1, int(size_w * scale)), max(1, int(size_h * scale))
    x, y = (low + high) / 2 - (w / 2, h * (0.5 + RAISE))
    return int(np.clip(x, 0, frame_w - w)), int(np.clip(y, 0, frame_h - h)), w, h


def choose_face(faces: Sequence[Face], number: int | None, name: str) -> Face:
    """The largest of a picture's faces, or the `number`-th from the left. Raises DataError."""
    if not faces:
        raise DataError(f"{name}: no face was found in it; give its place as a box, X,Y,W,H")
    if number is None:
        return faces[0]
    if number > len(faces):
        raise DataError(f"{name}: face {number} was asked for, but {len(faces)} were found")
    return sorted(faces, key=lambda face: face.box[0])[number - 1]


def find_shots(frames: Iterable[np.ndarray]) -> list[Shot]:
    """The shots of a video, uint8 [H, W, 3] each, in time order; none if no face is in it.

    A shot is about the largest face of its first frame. Between shots there may be frames without.
    """
    shots: list[Shot] = []
    for index, frame in enumerate(frames):
        if index % EVERY == 0 and (faces := detect_faces(frame)):
            face = _nearest(faces, shots[-1].faces[0]) if shots else None
            if face is None:
                face = faces[0]
                shots.append(Shot(index, index))
            shots[-1].faces.append(face.box)
            shots[-1].end = index + EVERY
    if shots:
        shots[-1].end = min(shots[-1].end, index + 1)
    return shots


class FaceFollower:
    """`find_shots` for a camera, whose future is not known: the crop stays until the face leaves.

    size: (height, width) of the model.
    """

    def __init__(self, size: tuple[int, int]):
        self._size = size
        self._index = 0
        self._face: FaceBox | None = None
        self._box: Box | None = None

    def __call__(self, frame: np.ndarray) -> tuple[Box | None, bool]:
        """The crop for the next frame, uint8 [H, W, 3], or None while no face has been seen; and
        whether it is another than before."""
        index, self._index = self._index, self._index + 1
        if index % EVERY and self._box is not None:
            return self._box, False
        faces = detect_faces(frame)
        if not faces or (self._face is not None and _nearest(faces, self._face)):
            return self._box, False
        self._face = faces[0].box
        self._box = crop_box([self._face], frame.shape[:2], self._size)
        return self._box, True


def _nearest(faces: Sequence[Face], box: FaceBox) -> Face | None:
    """The face that overlaps most with a box, if enough."""
    overlaps = overlap(box, [face.box for face in faces])
    best = int(np.argmax(overlaps))
    return faces[best] if overlaps[best] >= LEAST_OVERLAP else None
