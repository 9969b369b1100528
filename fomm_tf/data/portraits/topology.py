"""Which landmark is where: index sets of the 468-point face mesh of MediaPipe.

Rows run from left to right in the picture and hold no corners; rings are closed polygons.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LANDMARKS = 468

# From the top of the forehead clockwise, as seen.
OVAL = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]  # fmt: skip
TOP, CHIN, EAR_LEFT, EAR_RIGHT = 10, 152, 234, 454
CHEEKS = [50, 280]

# From the opening outwards.
UPPER_LIP = [
    [191, 80, 81, 82, 13, 312, 311, 310, 415],
    [183, 42, 41, 38, 12, 268, 271, 272, 407],
    [184, 74, 73, 72, 11, 302, 303, 304, 408],
    [185, 40, 39, 37, 0, 267, 269, 270, 409],
]
LOWER_LIP = [
    [95, 88, 178, 87, 14, 317, 402, 318, 324],
    [96, 89, 179, 86, 15, 316, 403, 319, 325],
    [77, 90, 180, 85, 16, 315, 404, 320, 307],
    [146, 91, 181, 84, 17, 314, 405, 321, 375],
]
INNER_CORNERS, OUTER_CORNERS = [78, 308], [61, 291]
MOUTH = [78, *UPPER_LIP[0], 308, *LOWER_LIP[0][::-1]]

# The eye on the left of the picture, then the other.
EYE_CORNERS = [(33, 133), (362, 263)]
UPPER_LIDS = [[246, 161, 160, 159, 158, 157, 173], [398, 384, 385, 386, 387, 388, 466]]
LOWER_LIDS = [[7, 163, 144, 145, 153, 154, 155], [382, 381, 380, 374, 373, 390, 249]]
LID_FOLDS = [[247, 30, 29, 27, 28, 56, 190], [414, 286, 258, 257, 259, 260, 467]]
EYES = [
    [left, *upper, right, *lower[::-1]]
    for (left, right), upper, lower in zip(EYE_CORNERS, UPPER_LIDS, LOWER_LIDS, strict=True)
]
BROWS = [46, 53, 52, 65, 55, 70, 63, 105, 66, 107, 276, 283, 282, 295, 285, 300, 293, 334, 296, 336]

# Bone, near enough: what the pose of a head is fitted to.
RIGID = [
    10, 338, 297, 332, 284, 251, 389, 109, 67, 103, 54, 21, 162, 33, 133, 362, 263, 168, 6, 197,
    195, 5, 4, 1, 2, 98, 327, 234, 454, 127, 356, 93, 323, 151, 9, 8, 116, 345, 117, 346,
]  # fmt: skip
# What no expression moves.
STILL = [
    1, 2, 4, 5, 6, 168, 98, 327, 195, 197, 33, 133, 362, 263, 129, 358, 234, 454, 127, 356, 93, 323,
    162, 389, 50, 280, 101, 330, 118, 347, 10, 338, 109,
]  # fmt: skip
# How far each follows the lower jaw.
JAW = {
    152: 1.0, 148: 1.0, 377: 1.0, 175: 1.0, 199: 1.0, 200: 1.0, 18: 1.0, 176: 0.97, 400: 0.97,
    149: 0.9, 378: 0.9, 150: 0.75, 379: 0.75, 136: 0.55, 365: 0.55, 172: 0.35, 397: 0.35,
    58: 0.18, 288: 0.18, 132: 0.07, 361: 0.07,
}  # fmt: skip


def eye_distance(landmarks: np.ndarray) -> np.ndarray:
    """Between the outer corners of the eyes, [...], of landmarks [..., 468, 2 or 3]."""
    return _distance(landmarks, 33, 263)


def mouth_opening(landmarks: np.ndarray) -> np.ndarray:
    """The gap between the inner lips in eye distances, [...]."""
    return _distance(landmarks, 13, 14) / eye_distance(landmarks)


def eye_opening(landmarks: np.ndarray) -> np.ndarray:
    """The gap between the lids, the mean of both eyes, in eye distances, [...]."""
    gap = (_distance(landmarks, 159, 145) + _distance(landmarks, 386, 374)) / 2
    return gap / eye_distance(landmarks)


def _distance(landmarks: np.ndarray, first: int, second: int) -> np.ndarray:
    apart = landmarks[..., first, :2] - landmarks[..., second, :2]
    return np.linalg.norm(apart, axis=-1)


def unique(*groups: Sequence[int]) -> list[int]:
    """All indices, each once, in the order of their first appearance."""
    return list(dict.fromkeys(index for group in groups for index in group))
