"""Landmark regression from the parts' positions: the metric of arXiv 2004.03234.

Landmarks are arrays [M, L, 2] of L landmarks in M pictures, x then y in pixels of the picture, NaN
where a coordinate is not annotated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fomm_tf.errors import DataError
from fomm_tf.layers.sampler import resize_bilinear


def part_centers(segmentation: np.ndarray, height: int, width: int) -> np.ndarray:
    """Each part's centre of mass in pixels of the picture, x then y: [B, N, 2].

    segmentation: [B, h, w, 1 + N] from `CoPartModel.detect`; height and width of the picture. An
    absent part is placed at the image centre.
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
    """Predicts landmarks [T, L, 2] from the parts' centres `test_centers` [T, N, 2], by linear
    regression (least squares, with bias) from `centers` [M, N, 2] to `landmarks`.

    Each coordinate has a separate regression, fitted where it is annotated; that must be in at
    least one picture.
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
    """The mean absolute error of each coordinate over the pictures in which it is annotated, at
    least one: [L, 2]. The paper reports their sum."""
    return np.nanmean(np.abs(predicted - landmarks), axis=0)


def check_annotated(landmarks: np.ndarray, names: Sequence[str], pictures: str) -> None:
    """Raises DataError if a coordinate of a landmark is annotated nowhere; the message names the
    landmark and the kind of `pictures`."""
    missing = np.isnan(landmarks).all(axis=0).any(axis=-1)
    if missing.any():
        name = names[int(missing.argmax())]
        raise DataError(f"landmark {name} is annotated in no {pictures} picture; leave it out")
