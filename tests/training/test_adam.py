"""Clipping and averages of the optimizer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from fomm_tf.training.adam import Adam


def optimizer_of(*values, **options):
    variables = [keras.Variable(np.float32(value)) for value in values]
    optimizer = Adam(0.1, **options)
    optimizer.build(variables)
    return optimizer, variables


def test_the_average_follows_its_formula():
    optimizer, (weight,) = optimizer_of([1.0, 2.0], average_decay=0.3)
    expected = weight.numpy()
    for step in range(1, 8):
        optimizer.apply([tf.constant([1.0, -0.5])])
        decay = min(0.3, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight.numpy()
        ((_, average),) = optimizer.averages([weight])
        np.testing.assert_allclose(average, expected, rtol=1e-6)
    assert np.abs(average.numpy() - weight.numpy()).min() > 1e-2


def test_an_average_begins_at_the_weights():
    optimizer, (weight,) = optimizer_of([3.0], average_decay=0.9)
    weight.assign([5.0])
    optimizer.start_averages([weight])
    ((_, average),) = optimizer.averages([weight])
    assert float(average[0]) == 5.0


def test_without_a_decay_there_are_no_averages():
    optimizer, variables = optimizer_of([1.0])
    assert optimizer.averages(variables) == []


@pytest.mark.parametrize(("limit", "factor"), [(2.5, 0.5), (10.0, 1.0)])
def test_the_norm_of_all_gradients_together_is_limited(limit, factor):
    gradients = [tf.constant([3.0]), tf.constant([4.0])]  # Together of length 5.
    clipped, _ = optimizer_of([0.0], [0.0], clip_norm=limit)
    clipped.apply(gradients)
    whole, _ = optimizer_of([0.0], [0.0])
    whole.apply([factor * gradient for gradient in gradients])
    for one, other in zip(clipped._momentums, whole._momentums, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
