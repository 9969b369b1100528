"""The adversarial losses by hand on maps of a few numbers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fomm_tf.layers.patch_discriminator import Judgement
from fomm_tf.losses.adversarial import (
    discriminator_gan_loss,
    feature_matching_loss,
    generator_gan_loss,
)


def said(*values: float) -> Judgement:
    """A discriminator that says these numbers at as many places."""
    return Judgement([], tf.constant(values, tf.float32, [1, 1, len(values), 1]))


def features(*values: float) -> Judgement:
    """A discriminator whose i-th block has [value, value + 1] everywhere."""
    maps = [tf.constant([value, value + 1], tf.float32, [1, 1, 1, 2]) for value in values]
    return Judgement(maps, tf.zeros([1, 1, 1, 1]))


def test_the_generator_wants_ones_at_every_scale():
    # Scale 1: mean of 1, 4 and 1; scale 0.5: of 0.25 alone.
    judged = {1.0: said(0, 3, 2), 0.5: said(0.5)}
    assert float(generator_gan_loss(judged)) == pytest.approx(2 + 0.25)
    assert float(generator_gan_loss({1.0: said(1, 1)})) == 0


def test_the_discriminator_wants_ones_of_real_and_zeros_of_generated_pictures():
    generated = {1.0: said(0, 2), 0.5: said(-1)}
    real = {1.0: said(1, 3), 0.5: said(0.5)}
    # Scale 1: real mean of 0 and 4, generated of 0 and 4; scale 0.5: 0.25 and 1.
    assert float(discriminator_gan_loss(generated, real)) == pytest.approx(2 + 2 + 0.25 + 1)
    assert float(discriminator_gan_loss({1.0: said(0)}, {1.0: said(1)})) == 0


def test_feature_matching_weighs_blocks_and_adds_scales():
    real = {1.0: features(1, 5), 0.5: features(0, 0)}
    generated = {1.0: features(3, 4), 0.5: features(-1, 6)}
    # |1 - 3| and |5 - 4| at scale 1, |0 + 1| and |0 - 6| at scale 0.5.
    loss = feature_matching_loss(generated, real, [10, 0.5])
    assert float(loss) == pytest.approx(10 * 2 + 0.5 * 1 + 10 * 1 + 0.5 * 6)


def test_feature_matching_passes_over_blocks_of_no_weight():
    real = {1.0: features(1, 5, 2)}
    generated = {1.0: features(2, np.nan, 5)}
    assert float(feature_matching_loss(generated, real, [2, 0, 3])) == pytest.approx(2 + 9)
