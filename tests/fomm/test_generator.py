"""The option of ours in the generator: blending the warped source into the prediction."""

import keras
import numpy as np
import pytest
from tiny import tiny_config

from fomm_tf.fomm.model import FirstOrderMotionModel

BLEND = "model_params.generator_params.blend_source"


@pytest.fixture
def model():
    keras.utils.set_random_seed(3)
    return FirstOrderMotionModel(tiny_config(**{BLEND: True}))


def generate(model):
    rng = np.random.default_rng(0)
    source, driving = rng.random((2, 1, 64, 64, 3), np.float32)
    kp_source, kp_driving = model.detect(source), model.detect(driving)
    out = model.generate(source, kp_source, kp_driving)
    frame = model.decode(model.encode(source), kp_source, kp_driving)
    np.testing.assert_allclose(frame, out["prediction"], atol=1e-6)
    return out


def see(model, logit: float) -> None:
    """Makes the whole source visible (large logit) or hidden (very negative)."""
    head = model.generator.dense_motion_network.occlusion
    head.kernel.assign(np.zeros(head.kernel.shape))
    head.bias.assign([logit])


def test_what_is_visible_is_the_warped_source(model):
    see(model, 100.0)
    out = generate(model)
    np.testing.assert_allclose(out["prediction"], out["deformed"], atol=1e-6)


def test_what_is_hidden_is_decoded(model):
    see(model, -100.0)
    blended = generate(model)
    plain = FirstOrderMotionModel(tiny_config())
    for a, b in zip(plain.generator.weights, model.generator.weights, strict=True):
        a.assign(b)
    for a, b in zip(plain.kp_detector.weights, model.kp_detector.weights, strict=True):
        a.assign(b)
    np.testing.assert_allclose(blended["prediction"], generate(plain)["prediction"], atol=1e-6)
    assert np.abs(blended["prediction"] - blended["deformed"]).max() > 0.01
