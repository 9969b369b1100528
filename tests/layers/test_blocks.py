"""Single layers against the official code, and PyTorch's initialisation."""

import numpy as np
import pytest
import tensorflow as tf
from golden_files import arrays, raw

from fomm_tf.layers.antialias import AntiAliasDownsample, antialias_kernel
from fomm_tf.layers.batch_norm import BatchNorm
from fomm_tf.layers.blocks import UpBlock2d, conv2d
from fomm_tf.layers.spectral_norm import SpectralNormConv2D


@pytest.mark.parametrize("scale, taps", [(0.5, 5), (0.25, 13), (0.125, 29)])
def test_antialiasing_equals_the_official_code(scale, taps):
    stored = arrays("units", "antialias")
    kernel = raw("units", "antialias")[f"weight_{scale}"]
    assert kernel.shape == (taps, taps)
    np.testing.assert_allclose(antialias_kernel(scale), kernel, rtol=0, atol=1e-6)
    actual = AntiAliasDownsample(scale)(tf.constant(stored["input"]))
    np.testing.assert_allclose(actual, stored[f"out_{scale}"], rtol=0, atol=1e-5)


def test_scale_one_changes_nothing():
    images = tf.random.uniform([1, 4, 6, 3])
    assert AntiAliasDownsample(1)(images) is images


def test_batch_norm_equals_pytorch_in_training_and_after():
    raw_case = raw("units", "batchnorm_train")
    case = arrays("units", "batchnorm_train")
    layer = BatchNorm(3)
    layer.gamma.assign(raw_case["weight_before"])
    layer.beta.assign(raw_case["bias_before"])
    layer.moving_mean.assign(raw_case["running_mean_before"])
    layer.moving_variance.assign(raw_case["running_var_before"])
    outputs = layer(tf.constant(case["input"]), training=True)
    np.testing.assert_allclose(outputs, case["output"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, raw_case["running_mean_after"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        layer.moving_variance, raw_case["running_var_after"], rtol=0, atol=1e-6
    )
    before = layer.moving_variance.numpy().copy()
    layer(tf.constant(case["input"]), training=False)
    np.testing.assert_array_equal(layer.moving_variance, before)


def test_nearest_upsampling_repeats_pixels():
    stored = arrays("units", "interpolate")
    block = UpBlock2d(3, 3)
    identity = np.zeros([3, 3, 3, 3])
    identity[1, 1] = np.eye(3)
    block.conv.kernel.assign(identity)
    block.conv.bias.assign(np.zeros(3))
    expected = np.maximum(stored["nearest_x2"], 0) / np.sqrt(1 + BatchNorm.epsilon)
    np.testing.assert_allclose(block(tf.constant(stored["input"])), expected, rtol=1e-5)


def test_convolutions_start_as_in_pytorch():
    layer = conv2d(16, 64, 3)
    bound = 1 / np.sqrt(16 * 9)
    for values in (layer.kernel.numpy(), layer.bias.numpy()):
        assert np.abs(values).max() <= bound
        assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.2)


def test_spectral_norm_iterates_in_training_only_and_converges():
    layer = SpectralNormConv2D(3, 8, 4)
    images = tf.random.uniform([1, 8, 8, 3])
    before = layer.u.numpy().copy()
    layer(images, training=False)
    np.testing.assert_array_equal(layer.u, before)
    for _ in range(300):
        layer(images, training=True)
    matrix = layer.kernel.numpy().transpose(3, 2, 0, 1).reshape(8, -1)
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    assert layer.u.numpy() @ matrix @ layer.v.numpy() == pytest.approx(largest, rel=1e-4)
    expected = tf.nn.conv2d(images, layer.kernel / largest, 1, "VALID") + layer.bias
    np.testing.assert_allclose(layer(images), expected, rtol=0, atol=1e-4)
