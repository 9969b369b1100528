"""Keypoints that gather are pushed apart."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny import tiny_config

from fomm_tf.fomm.step import FOMMTrainingStep
from fomm_tf.losses.separation import SIGMA, separation_loss


def loss_of(*points: tuple[float, float]) -> float:
    return float(separation_loss(tf.constant([points], tf.float32)))


def test_counts_the_pairs_that_are_in_one_place():
    here, there = (0.1, -0.2), (0.9, 0.9)
    assert loss_of(here, there) == pytest.approx(0, abs=1e-6)
    assert loss_of(here, here) == pytest.approx(1)
    assert loss_of(here, here, here, there) == pytest.approx(3)


def test_falls_with_the_distance():
    assert loss_of((0, 0), (SIGMA, 0)) == pytest.approx(np.exp(-0.5), rel=1e-5)
    assert loss_of((0, 0), (0, 2 * SIGMA)) == pytest.approx(np.exp(-2), rel=1e-5)


def test_is_the_mean_over_the_batch():
    together, apart = [[0.0, 0.0], [0.0, 0.0]], [[-1.0, 0.0], [1.0, 0.0]]
    assert float(separation_loss(tf.constant([together, apart]))) == pytest.approx(0.5)


def test_pushes_apart():
    value = tf.Variable([[[0.0, 0.0], [0.05, 0.0]]])
    with tf.GradientTape() as tape:
        loss = separation_loss(value)
    first, second = tape.gradient(loss, value).numpy()[0]
    # Descending moves the left one to the left, the right one to the right.
    assert first[0] > 0 > second[0]
    assert first[1] == second[1] == 0


def test_is_weighted_into_the_losses_of_a_training_step():
    step = FOMMTrainingStep(tiny_config(**{"train_params.loss_weights.separation": 2}))
    pictures = np.random.default_rng(0).uniform(size=(2, 2, 64, 64, 3)).astype(np.float32)
    batch = {
        "source": tf.constant(pictures[0]),
        "driving": tf.constant(pictures[1]),
        "theta": tf.tile(tf.eye(2, 3)[None], [2, 1, 1]),
        "control_params": tf.zeros([2, 1, 25]),
    }
    losses, _, kp_driving = step.generator_losses(batch)
    expected = 2 * float(separation_loss(kp_driving.value))
    assert float(losses["separation"]) == pytest.approx(expected)
    assert expected > 0
