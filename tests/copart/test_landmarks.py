"""Centres of parts, and the error of landmarks that are regressed from them."""

import numpy as np
import pytest

from fomm_tf.copart.landmarks import (
    check_annotated,
    landmark_errors,
    part_centers,
    regress_landmarks,
)
from fomm_tf.errors import DataError


def test_a_part_lies_where_its_pixels_are():
    """Also in pictures that are not square; resized with half-pixel centres."""
    segmentation = np.zeros((1, 8, 16, 3), np.float32)
    segmentation[0, 2, 12, 1] = 1
    segmentation[0, 4:6, 2:6, 2] = 1
    np.testing.assert_allclose(
        part_centers(segmentation, 8, 16)[0], [[12, 2], [3.5, 4.5]], atol=1e-2
    )
    doubled = part_centers(segmentation, 16, 32)[0]
    np.testing.assert_allclose(doubled, [[24.5, 4.5], [7.5, 9.5]], atol=1e-2)


def test_a_part_that_is_nowhere_lies_in_the_middle():
    centers = part_centers(np.zeros((1, 4, 4, 2), np.float32), 4, 4)
    np.testing.assert_allclose(centers, [[[1.5, 1.5]]], atol=1e-5)


def linear_world(seed: int, count: int):
    rng = np.random.default_rng(seed)
    weights = np.random.default_rng(99).normal(size=(6, 4))
    centers = rng.uniform(0, 64, (count, 3, 2))
    landmarks = (centers.reshape(count, 6) @ weights + 7).reshape(count, 2, 2)
    return centers, landmarks


def test_what_is_linear_is_told_exactly():
    centers, landmarks = linear_world(0, 20)
    test_centers, test_landmarks = linear_world(1, 5)
    predicted = regress_landmarks(centers, landmarks, test_centers)
    np.testing.assert_allclose(predicted, test_landmarks, rtol=0, atol=1e-8)


def test_the_error_of_a_coordinate_is_its_mean_distance():
    _, landmarks = linear_world(1, 4)
    predicted = landmarks.copy()
    predicted[:, 0, 0] += [1, -1, 3, 3]
    predicted[:, 1, 1] += 5
    np.testing.assert_allclose(landmark_errors(predicted, landmarks), [[2, 0], [0, 5]], atol=1e-9)


def test_what_is_not_linear_is_fitted_with_the_least_squares():
    """One part; the landmark's x lies on a parabola over its x, around which the line is flat."""
    x = np.array([-2.0, -1, 0, 1, 2])
    centers = np.stack([x, np.zeros(5)], axis=1)[:, None]
    landmarks = np.stack([x**2, 3 * x], axis=1)[:, None]
    predicted = regress_landmarks(centers, landmarks, centers[:2])
    np.testing.assert_allclose(predicted[:, 0], [[2, -6], [2, -3]], atol=1e-9)


def test_missing_landmarks_are_left_out():
    """Each coordinate by itself, in training and in testing."""
    centers, landmarks = linear_world(0, 20)
    test_centers, test_landmarks = linear_world(1, 5)
    landmarks[3, 1], landmarks[4, 0, 1], test_landmarks[2, 0] = np.nan, np.nan, np.nan
    predicted = regress_landmarks(centers, landmarks, test_centers)
    assert np.isfinite(predicted).all()
    test_landmarks[4, 0, 0] += 8
    errors = landmark_errors(predicted, test_landmarks)
    np.testing.assert_allclose(errors, [[2, 0], [0, 0]], atol=1e-6)


def test_a_landmark_that_is_annotated_nowhere_is_named():
    _, landmarks = linear_world(0, 3)
    check_annotated(landmarks, ["nose", "chin"], "test")
    landmarks[:, 1, 0] = np.nan
    with pytest.raises(DataError, match="landmark chin is annotated in no test picture"):
        check_annotated(landmarks, ["nose", "chin"], "test")
