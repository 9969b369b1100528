"""The reconstruction losses by hand on pictures of a few numbers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny import tiny_config

from fomm_tf.fomm.step import FOMMTrainingStep
from fomm_tf.losses.perceptual import mean_distance, perceptual_loss, pixel_loss


def picture(*values: float) -> tf.Tensor:
    return tf.constant(values, tf.float32, [1, 1, len(values), 1])


def layers(images: tf.Tensor) -> list[tf.Tensor]:
    """In place of VGG19: the picture, its square, and what must not count."""
    return [images, images**2, images * np.nan]


def test_mean_distance():
    assert float(mean_distance(picture(1, 5), picture(4, 4))) == 2


def test_pixel_loss_adds_the_means_of_all_scales():
    generated = {1.0: picture(0, 0.5, 1, 1), 0.5: picture(0.25, 1)}
    real = {1.0: picture(0, 1, 1, 0.5), 0.5: picture(1, 1)}
    assert float(pixel_loss(generated, real)) == pytest.approx((0.5 + 0.5) / 4 + 0.75 / 2)


def test_perceptual_loss_weighs_layers_and_adds_scales():
    generated = {1.0: picture(1, 3), 0.5: picture(2)}
    real = {1.0: picture(2, 3), 0.5: picture(-1)}
    # Scale 1: mean of 1 and 0, of squares 3 and 0; scale 0.5: 3, of squares also 3.
    loss = perceptual_loss(layers, generated, real, [10, 2])
    assert float(loss) == pytest.approx(10 * 0.5 + 2 * 1.5 + 10 * 3 + 2 * 3)


@pytest.mark.parametrize(("weights", "expected"), [([4, 0, 0], 4 * 2), ([0, 5, 0], 5 * 8)])
def test_layers_of_no_weight_do_not_count(weights, expected):
    loss = perceptual_loss(layers, {1.0: picture(3)}, {1.0: picture(1)}, weights)
    assert float(loss) == expected


def test_only_the_generated_picture_has_a_gradient():
    generated, real = tf.Variable(picture(2)), tf.Variable(picture(5))
    with tf.GradientTape() as tape:
        loss = perceptual_loss(layers, {1.0: generated}, {1.0: real}, [7])
    a, b = tape.gradient(loss, [generated, real])
    assert float(a[0, 0, 0, 0]) == -7 and b is None


@pytest.mark.parametrize(
    ("weights", "depth"), [([1, 0, 0, 0, 0], 1), ([0, 2, 3, 0, 0], 3), ([0, 1], 2)]
)
def test_training_computes_vgg_only_as_deep_as_there_are_weights(weights, depth):
    changes = {"loss_weights.perceptual": weights, "vgg_weights": "random"}
    config = tiny_config(**{f"train_params.{path}": value for path, value in changes.items()})
    assert FOMMTrainingStep(config).features.depth == depth


def test_training_without_perceptual_weights_loads_no_vgg():
    config = tiny_config(**{"train_params.vgg_weights": "no-such-file.pth"})
    assert FOMMTrainingStep(config).features is None
