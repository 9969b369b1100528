"""How well landmarks can be told from the parts' places: the measure of arXiv 2004.03234.

Landmarks are arrays [M, L, 2] of L landmarks in M pictures, x then y in pixels of the picture, NaN
where a coordinate was not annotated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fomm_tf.errors import DataError
from fomm_tf.layers.sampler import resize_bilinear


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


def regress_landmarks(
    centers: np.ndarray, landmarks: np.ndarray, test_centers: np.ndarray
) -> np.ndarray:
    """The landmarks [T, L, 2] that belong to the parts' centres `test_centers` [T, N, 2], by linear
    regression (least squares, with an offset) from `centers` [M, N, 2] to `landmarks`.

    Each coordinate has a regression of its own, fitted where it is annotated; that must be in one
    picture at least.
    """
    features, test_features = (np.reshape(c, [len(c), -1]) for c in (centers, test_centers))
    targets = np.reshape(landmarks, [len(landmarks), -1])
    columns = []
    for target in targets.T:
        known = ~np.isnan(target)
        mean, offset = features[known].mean(axis=0), target[known].mean()
        weights = np.linalg.lstsq(features[known] - mean, target[known] - offset, rcond=None)[0]
        columns.append((test_features - mean) @ weights + offset)
    return np.stack(columns, axis=1).reshape(len(test_features), -1, 2)


def landmark_errors(predicted: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The mean absolute error of each coordinate over the pictures in which it is annotated, which
    must be one at least: [L, 2]. The paper's number is their sum."""
    return np.nanmean(np.abs(predicted - landmarks), axis=0)


def check_annotated(landmarks: np.ndarray, names: Sequence[str], pictures: str) -> None:
    """Raises DataError where a coordinate of a landmark is annotated nowhere; the message has the
    landmark's name, and what these `pictures` are called."""
    missing = np.isnan(landmarks).all(axis=0).any(axis=-1)
    if missing.any():
        name = names[int(missing.argmax())]
        raise DataError(f"landmark {name} is annotated in no {pictures} picture; leave it out")
