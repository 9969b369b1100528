"""Centres of parts, and the error of landmarks that are regressed from them."""

import numpy as np
import pytest

from fomm_tf.copart.landmarks import landmark_error, part_centers
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
    error = landmark_error(*linear_world(0, 20), *linear_world(1, 5))
    assert error == pytest.approx(0, abs=1e-8)


def test_the_error_is_the_sum_over_coordinates_of_the_mean_distance():
    centers, landmarks = linear_world(0, 20)
    test_centers, test_landmarks = linear_world(1, 4)
    test_landmarks[:, 0, 0] += [1, -1, 3, 3]
    test_landmarks[:, 1, 1] += 5
    error = landmark_error(centers, landmarks, test_centers, test_landmarks)
    assert error == pytest.approx(2 + 5, abs=1e-6)


def test_missing_landmarks_are_left_out():
    centers, landmarks = linear_world(0, 20)
    test_centers, test_landmarks = linear_world(1, 5)
    landmarks[3, 1], test_landmarks[2, 0] = -1, -1
    assert landmark_error(centers, landmarks, test_centers, test_landmarks) < 1e-6
    test_landmarks[:, 0] = -1
    with pytest.raises(DataError, match="landmark 0 is annotated in no"):
        landmark_error(centers, landmarks, test_centers, test_landmarks)
