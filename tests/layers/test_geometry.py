"""Grids, Gaussians, 2x2 matrices and random warps."""

import numpy as np
import pytest
import tensorflow as tf
from golden_files import arrays, raw

from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.geometry import (
    Warp,
    coordinate_grid,
    gaussians,
    inverse_2x2,
    matmul_2x2,
    random_warp,
)
from fomm_tf.losses.equivariance import jacobian_loss, value_loss, warp_pictures

VARIANTS = ["official", "large", "affine_only"]


def golden_warp(variant: str) -> Warp:
    stored = raw("transform", variant)
    params = stored.get("control_params")
    return Warp(tf.constant(stored["theta"]), None if params is None else tf.constant(params))


def test_grid_has_pixel_centres_at_the_corners():
    grid = coordinate_grid(3, 5)
    assert grid.shape == (3, 5, 2) and grid.dtype == np.float32
    np.testing.assert_allclose(grid[0, 0], [-1, -1])
    np.testing.assert_allclose(grid[2, 4], [1, 1])
    np.testing.assert_allclose(grid[1, 3], [0.5, 0])


@pytest.mark.parametrize("variance", [0.01, 0.05])
def test_gaussians_equal_the_official_code(variance):
    stored = raw("units", "kp2gaussian")
    expected = np.moveaxis(stored[f"gaussian_{variance}"], 1, -1)
    height, width = expected.shape[1:3]
    actual = gaussians(tf.constant(stored["value"]), height, width, variance)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


def test_inverse_and_product_of_matrices():
    matrices = np.random.default_rng(0).normal(size=(2, 5, 2, 2)).astype(np.float32)
    inverse = inverse_2x2(tf.constant(matrices))
    np.testing.assert_allclose(inverse, np.linalg.inv(matrices), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        matmul_2x2(matrices, matrices[::-1]), matrices @ matrices[::-1], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_warp_equals_the_official_transform(variant):
    stored, inputs = raw("transform", variant), raw("transform", "inputs")
    warp, points = golden_warp(variant), tf.constant(inputs["coordinates"])
    np.testing.assert_allclose(
        warp.coordinates(points), stored["warped_coordinates"], rtol=0, atol=1e-5
    )
    with tf.GradientTape() as tape:
        tape.watch(points)
        jacobian = warp.jacobian(points)
        weights = np.linspace(-1, 1, tf.size(jacobian).numpy(), dtype=np.float32)
        weighted = tf.reduce_sum(jacobian * weights.reshape(jacobian.shape))
    np.testing.assert_allclose(jacobian, stored["jacobian"], rtol=0, atol=1e-5)
    gradient = tape.gradient(weighted, points)
    expected = stored["jacobian_weighted_sum_grad"]
    if gradient is None:  # An affine map has the same Jacobian everywhere.
        assert not expected.any()
    else:
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_warped_pictures_equal_the_official_transform(variant):
    frame = arrays("transform", "inputs")["frame"]
    expected = arrays("transform", variant)["transformed_frame"]
    actual = warp_pictures(golden_warp(variant), tf.constant(frame))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4)


def test_equivariance_losses_vanish_for_keypoints_that_follow_the_warp():
    warp = golden_warp("official")
    points = tf.constant(raw("transform", "inputs")["coordinates"] / 2)
    maps = tf.constant(np.random.default_rng(1).normal(size=(2, 10, 2, 2)), tf.float32)
    kp_warped = Keypoints(points, maps)
    kp = Keypoints(warp.coordinates(points), matmul_2x2(warp.jacobian(points), maps))
    assert float(value_loss(warp, kp, kp_warped)) < 1e-6
    assert float(jacobian_loss(warp, kp, kp_warped)) < 1e-4
    moved = Keypoints(points + 0.1, maps * 2)
    assert float(value_loss(warp, kp, moved)) > 0.05
    assert float(jacobian_loss(warp, kp, moved)) > 0.1


def test_random_warps_have_the_asked_spread():
    theta, control = random_warp(np.random.default_rng(0), 4000, 0.05, 0.005, 5)
    assert theta.shape == (4000, 2, 3) and control.shape == (4000, 1, 25)
    np.testing.assert_allclose(theta.mean(axis=0), np.eye(2, 3), atol=0.005)
    np.testing.assert_allclose(theta.std(axis=0), 0.05, rtol=0.05)
    np.testing.assert_allclose(control.std(), 0.005, rtol=0.05)
    assert random_warp(np.random.default_rng(0), 2, 0.05)[1] is None
