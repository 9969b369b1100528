"""The bilinear sampler and resizing."""

import numpy as np
import pytest
import tensorflow as tf
from golden_files import arrays, raw

from fomm_tf.layers.geometry import coordinate_grid
from fomm_tf.layers.sampler import BilinearSampler, resize_bilinear


@pytest.mark.parametrize("padding", ["zeros", "reflection"])
def test_equals_grid_sample(padding):
    stored = arrays("units", "grid_sample_align_corners")
    grid = raw("units", "grid_sample_align_corners")["grid"]
    actual = BilinearSampler(padding)(tf.constant(stored["input"]), tf.constant(grid))
    np.testing.assert_allclose(actual, stored[f"out_{padding}"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("padding", ["zeros", "reflection"])
def test_the_identity_grid_returns_the_picture(padding):
    images = np.random.default_rng(0).random((2, 6, 9, 3), np.float32)
    grid = np.repeat(coordinate_grid(6, 9)[None], 2, axis=0)
    np.testing.assert_allclose(BilinearSampler(padding)(images, grid), images, atol=1e-5)


def test_many_grids_read_one_picture():
    rng = np.random.default_rng(1)
    images = rng.random((2, 5, 7, 3), np.float32)
    grids = rng.uniform(-1.3, 1.3, (2, 4, 6, 8, 2)).astype(np.float32)
    together = BilinearSampler()(images, grids)
    assert together.shape == (2, 4, 6, 8, 3)
    for k in range(4):
        np.testing.assert_allclose(
            together[:, k], BilinearSampler()(images, grids[:, k]), atol=1e-6
        )


@pytest.mark.parametrize("padding", ["zeros", "reflection"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_impossible_positions_are_harmless(padding, bad):
    images = np.ones((1, 4, 4, 1), np.float32)
    grid = np.full((1, 2, 2, 2), bad, np.float32)
    values = BilinearSampler(padding)(images, grid).numpy()
    assert np.isfinite(values).all()
    if padding == "zeros":
        assert not values.any()


@pytest.mark.parametrize("padding", ["zeros", "reflection"])
def test_gradients_equal_differences(padding):
    rng = np.random.default_rng(2)
    images = tf.constant(rng.random((1, 6, 5, 2)), tf.float32)
    # Not near a cell's border, where the derivative jumps.
    pixels = rng.integers(-2, 7, (1, 4, 4, 2)) + rng.uniform(0.3, 0.7, (1, 4, 4, 2))
    grid = tf.constant(2 * pixels / [4, 5] - 1, tf.float32)
    weights = tf.constant(rng.normal(size=(1, 4, 4, 2)), tf.float32)
    sampler = BilinearSampler(padding)

    def loss(images, grid):
        return tf.reduce_sum(sampler(images, grid) * weights)

    with tf.GradientTape() as tape:
        tape.watch([images, grid])
        value = loss(images, grid)
    for gradient, index in zip(tape.gradient(value, [images, grid]), (0, 1), strict=True):
        arguments = [images, grid]
        direction = tf.constant(rng.normal(size=gradient.shape), tf.float32)
        shifted = [arguments.copy(), arguments.copy()]
        shifted[0][index] += 1e-2 * direction
        shifted[1][index] -= 1e-2 * direction
        difference = (loss(*shifted[0]) - loss(*shifted[1])) / 2e-2
        assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(
            float(difference), abs=5e-3
        )


def test_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="'zeros', 'border', 'reflection', not 'wrap'"):
        BilinearSampler("wrap")


def test_beyond_the_border_its_pixels_go_on():
    images = np.random.default_rng(0).uniform(size=(1, 3, 4, 2)).astype(np.float32)
    grid = np.array([[[[-1.5, -3.0], [9.0, 0.0]], [[1.0, 1.0], [0.0, 7.0]]]], np.float32)
    sampled = BilinearSampler("border")(tf.constant(images), tf.constant(grid)).numpy()[0]
    bottom = (images[0, 2, 1] + images[0, 2, 2]) / 2
    expected = [[images[0, 0, 0], images[0, 1, 3]], [images[0, 2, 3], bottom]]
    np.testing.assert_allclose(sampled, expected, atol=1e-6)


def test_the_layer_can_be_rebuilt_from_its_config():
    layer = BilinearSampler("reflection")
    assert BilinearSampler.from_config(layer.get_config()).padding_mode == "reflection"


@pytest.mark.parametrize("size", [(24, 40), (6, 10), (16, 16), (5, 7)])
def test_resizing_equals_interpolate(size):
    stored = arrays("units", "interpolate")
    actual = resize_bilinear(tf.constant(stored["input"]), *size)
    expected = stored["bilinear_{}x{}".format(*size)]
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
