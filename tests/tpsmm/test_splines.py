"""Splines, warps and masks equal the official code, value by value and in their gradients."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tpsmm.golden import draw, load_json, official_entries, raw

from fomm_tf.layers.hourglass import Hourglass
from fomm_tf.layers.instance_norm import InstanceNorm
from fomm_tf.layers.sampler import BilinearSampler, resize_aligned
from fomm_tf.losses.equivariance import warp_pictures
from fomm_tf.tpsmm.dense_motion import background_grid, dropout_softmax
from fomm_tf.tpsmm.splines import EuclideanWarp, Splines, solve
from fomm_tf.weights.state_dict import load_state_dict


def weighted_sum(values: tf.Tensor) -> tf.Tensor:
    """What the stored gradients are of."""
    flat = tf.reshape(values, [-1])
    return tf.reduce_sum(flat * np.linspace(-1, 1, flat.shape[0], dtype=np.float32))


@pytest.mark.parametrize("name", ["plain", "coincident"])
def test_splines_between_keypoints(name):
    stored = raw("units", f"tps_kp_{name}")
    batch, count = stored["kp_driving"].shape[:2]
    driving, source = (
        tf.constant(stored[f"kp_{role}"].reshape(batch, 5 * count, 2))
        for role in ("driving", "source")
    )
    with tf.GradientTape() as tape:
        tape.watch([driving, source])
        splines = Splines.between(driving, source)
        grid = splines.grids(*stored["grid"].shape[2:4])
        total = weighted_sum(grid)
    np.testing.assert_allclose(splines.theta, stored["theta"], rtol=0, atol=5e-4)
    np.testing.assert_allclose(splines.weights, stored["control_params"], rtol=0, atol=5e-4)
    np.testing.assert_allclose(grid, stored["grid"], rtol=0, atol=5e-4)
    mapped = splines.coordinates(tf.constant(stored["coordinates"]))
    np.testing.assert_allclose(mapped, stored["warped_coordinates"], rtol=0, atol=5e-4)
    own = splines.coordinates(tf.constant(stored["kp_driving"][:1, 0]))[:1, :1]
    np.testing.assert_allclose(own, stored["warped_own_points"], rtol=0, atol=5e-4)
    for role, gradient in zip(
        ("driving", "source"), tape.gradient(total, [driving, source]), strict=True
    ):
        expected = stored[f"grad_kp_{role}"]
        found = np.reshape(gradient, expected.shape)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=2e-5)


def test_solving():
    rng = np.random.default_rng(0)
    matrix = (rng.normal(size=(20, 8, 8)) + 3 * np.eye(8)).astype(np.float32)
    right = rng.normal(size=(20, 8, 2)).astype(np.float32)
    exact = np.linalg.solve(matrix.astype(np.float64), right)
    np.testing.assert_allclose(solve(matrix, right), exact, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["official", "large"])
def test_random_warps(name):
    stored, inputs = raw("units", f"tps_random_{name}"), raw("units", "tps_random_inputs")
    warp = EuclideanWarp(*(tf.constant(stored[key]) for key in ("theta", "control_params")))
    frame = tf.constant(np.moveaxis(inputs["frame"], 1, -1))
    expected = np.moveaxis(stored["transformed_frame"], 1, -1)
    np.testing.assert_allclose(warp_pictures(warp, frame), expected, rtol=0, atol=1e-5)
    points = tf.constant(inputs["coordinates"])
    with tf.GradientTape() as tape:
        tape.watch(points)
        mapped = warp.coordinates(points)
        total = weighted_sum(mapped)
    np.testing.assert_allclose(mapped, stored["warped_coordinates"], rtol=0, atol=1e-5)
    gradient = tape.gradient(total, points)
    np.testing.assert_allclose(gradient, stored["warped_weighted_sum_grad"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["mixed", "all_kept", "only_background"])
def test_dropout_softmax(name):
    stored = raw("units", "dropout_softmax")
    logits = tf.constant(np.moveaxis(stored["X"], 1, -1))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        out = dropout_softmax(logits, tf.constant(stored[f"drop_{name}"].astype(np.float32)))
        total = weighted_sum(tf.transpose(out, [0, 3, 1, 2]))
    expected = np.moveaxis(stored[f"out_{name}"], 1, -1)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-5)
    gradient = np.moveaxis(stored[f"grad_{name}"], 1, -1)
    np.testing.assert_allclose(tape.gradient(total, logits), gradient, rtol=0, atol=1e-5)


def test_background_is_mapped_projectively():
    matrix = tf.constant([[[1.0, 0.2, 0.1], [0.0, 0.9, -0.1], [0.1, 0.0, 1.1]]])
    grid = background_grid(matrix, 3, 5)[0, 0].numpy()
    x, y, w = matrix[0].numpy() @ [1.0, -1.0, 1.0]
    np.testing.assert_allclose(grid[0, 4], [x / w, y / w], atol=1e-6)
    identity = background_grid(tf.eye(3)[None], 3, 5)
    np.testing.assert_allclose(identity, background_grid(None, 3, 5), atol=1e-6)


def test_resizing_and_sampling():
    stored = raw("units", "deform_occlude")
    features = tf.constant(np.moveaxis(stored["input"], 1, -1))
    grid = resize_aligned(tf.constant(stored["deformation"]), *features.shape[1:3])
    np.testing.assert_allclose(grid, stored["resized_deformation"], rtol=0, atol=5e-5)
    expected = np.moveaxis(stored["deform_input"], 1, -1)
    np.testing.assert_allclose(BilinearSampler()(features, grid), expected, rtol=0, atol=5e-5)
    mask = tf.constant(np.moveaxis(stored["occlusion_map"], 1, -1))
    masked = features * resize_aligned(mask, *features.shape[1:3])
    expected = np.moveaxis(stored["occlude_input_single_mask"], 1, -1)
    np.testing.assert_allclose(masked, expected, rtol=0, atol=5e-5)


def test_every_level_of_an_hourglass():
    stored = raw("units", "hourglass")
    seed = load_json("units", "hourglass")["seed"]
    network = Hourglass(5, 7, 3, 16, norm=InstanceNorm)
    recipe = {"seed": seed, "module_numbers": {"hourglass": 1}}
    entries = draw(recipe, "hourglass", official_entries(network))
    load_state_dict(network, entries, "hourglass")
    levels = network(tf.constant(np.moveaxis(stored["input"], 1, -1)), every_level=True)
    for index, level in enumerate(levels):
        expected = np.moveaxis(stored[f"out_{index}"], 1, -1)
        np.testing.assert_allclose(level, expected, rtol=0, atol=5e-5)
