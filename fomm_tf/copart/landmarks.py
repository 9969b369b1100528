"""How well landmarks can be told from the parts' places: the measure of arXiv 2004.03234."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from fomm_tf.errors import DataError
from fomm_tf.models.sampler import resize_bilinear

# A coordinate that was not annotated.
MISSING = -1


def part_centers(segmentation: np.ndarray, height: int, width: int) -> np.ndarray:
    """Each part's centre of mass in pixels of the picture, x then y: [B, N, 2].

    segmentation: [B, h, w, 1 + N] as `CoPartModel.detect` gives it; height and width of the
    picture. A part that is nowhere lies in the middle.
    """
    maps = resize_bilinear(tf.constant(segmentation, tf.float32), height, width)[..., 1:]
    maps = maps.numpy().astype(np.float64) + 1e-6
    shares = maps / maps.sum(axis=(1, 2), keepdims=True)
    x = np.einsum("bhwn,w->bn", shares, np.arange(width))
    y = np.einsum("bhwn,h->bn", shares, np.arange(height))
    return np.stack([x, y], axis=-1).astype(np.float32)


def landmark_error(
    centers: np.ndarray,
    landmarks: np.ndarray,
    test_centers: np.ndarray,
    test_landmarks: np.ndarray,
) -> float:
    """Mean absolute error of linear regression from centres to landmarks, summed over all
    coordinates of all landmarks, in their unit.

    centers [M, N, 2] and landmarks [M, L, 2] are fitted to, test_centers [T, N, 2] and
    test_landmarks [T, L, 2] tell the error. Coordinates of -1 are not annotated: such examples are
    left out for that coordinate. Raises DataError where none are left.
    """
    features, test_features = (np.reshape(c, [len(c), -1]) for c in (centers, test_centers))
    targets, test_targets = (np.reshape(c, [len(c), -1]) for c in (landmarks, test_landmarks))
    error = 0.0
    for index, (target, test_target) in enumerate(zip(targets.T, test_targets.T, strict=True)):
        known, test_known = target != MISSING, test_target != MISSING
        if not known.any() or not test_known.any():
            raise DataError(f"landmark {index // 2} is annotated in no training or no test picture")
        mean, offset = features[known].mean(axis=0), target[known].mean()
        weights = np.linalg.lstsq(features[known] - mean, target[known] - offset, rcond=None)[0]
        predicted = (test_features[test_known] - mean) @ weights + offset
        error += float(np.abs(predicted - test_target[test_known]).mean())
    return error
