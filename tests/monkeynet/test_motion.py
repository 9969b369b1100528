"""Monkey-Net's motion transfer where the golden vectors do not look."""

import numpy as np
import pytest

from fomm_tf.errors import ModelError
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.motion import transfer_motion

VARIANCES = np.array([[[[0.02, 0.01], [0.01, 0.05]]] * 4], np.float32)


def keypoints(seed: int, variance=VARIANCES) -> GaussianKeypoints:
    value = np.random.default_rng(seed).uniform(-0.9, 0.9, [1, 4, 2]).astype(np.float32)
    return GaussianKeypoints(value, variance)


def test_absolute_transfer_takes_the_driving_keypoints():
    kp = transfer_motion(keypoints(0), keypoints(1), keypoints(2))
    np.testing.assert_array_equal(kp.value, keypoints(1).value)
    np.testing.assert_array_equal(kp.variance, VARIANCES)


def test_nothing_moves_in_the_initial_frame():
    source = keypoints(0, 3 * VARIANCES)
    flags = {"move_location": True, "movement_mult": True, "adapt_variance": True}
    kp = transfer_motion(source, keypoints(1), keypoints(1), **flags)
    np.testing.assert_allclose(kp.value, source.value, rtol=0, atol=1e-6)
    np.testing.assert_allclose(kp.variance, source.variance, rtol=0, atol=1e-6)


def test_a_larger_source_moves_more():
    small, moved = keypoints(0), keypoints(1)
    large = GaussianKeypoints(2 * small.value, small.variance)
    flags = {"move_location": True, "movement_mult": True}
    kp = transfer_motion(large, moved, small, **flags)
    np.testing.assert_allclose(kp.value, 2 * moved.value, rtol=0, atol=1e-5)
    inside = transfer_motion(large, moved, small, **flags, clip_mean=True)
    np.testing.assert_array_equal(inside.value, np.clip(kp.value, -1, 1))
    assert np.abs(kp.value).max() > 1


def test_adapted_variances_stay_variances():
    """Products of three of them need not be symmetric, nor positive."""
    rng = np.random.default_rng(3)
    roots = rng.normal(size=[3, 50, 4, 2, 2])
    source, driving, initial = (
        GaussianKeypoints(np.zeros([50, 4, 2]), root @ np.swapaxes(root, -1, -2)) for root in roots
    )
    variance = transfer_motion(source, driving, initial, adapt_variance=True).variance
    np.testing.assert_array_equal(variance, np.swapaxes(variance, -1, -2))
    plain = driving.variance @ np.linalg.inv(initial.variance) @ source.variance
    assert np.linalg.eigvalsh((plain + np.swapaxes(plain, -1, -2)) / 2).min() < -1e-2
    # To the digits of float32.
    values = np.linalg.eigvalsh(variance.astype(np.float64))
    assert (values[..., 0] > -1e-6 * values[..., 1]).all()


def test_a_constant_variance_needs_no_adapting():
    plain = [keypoints(seed, None) for seed in range(3)]
    kp = transfer_motion(*plain, move_location=True, adapt_variance=True)
    assert kp.variance is None


def test_bad_input():
    with pytest.raises(ModelError, match="different models"):
        transfer_motion(keypoints(0), keypoints(1, None), keypoints(2))
    single = [keypoints(seed, np.ones([1, 4, 1, 1])) for seed in range(3)]
    with pytest.raises(ModelError, match="'matrix'"):
        transfer_motion(*single, adapt_variance=True)
    with pytest.raises(ModelError, match="singular"):
        flat = keypoints(2, np.zeros([1, 4, 2, 2]))
        transfer_motion(keypoints(0), keypoints(1), flat, adapt_variance=True)
