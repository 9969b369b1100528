"""Animation in three modes, reconstruction and the AVD network's training: as officially."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tpsmm.eager import eagerly
from tpsmm.golden import FOLDER, load_json, raw, state_dicts
from tpsmm.test_parity_inference import load

from fomm_tf.errors import ModelError
from fomm_tf.inference.animation import animate_frames
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.inference.pose import keypoint_distance, movement_scale
from fomm_tf.keypoints import Keypoints
from fomm_tf.measure.metrics import reconstruct
from fomm_tf.measure.reconstruction import strip_frame
from fomm_tf.registry import load_config
from fomm_tf.tpsmm.avd_step import AVDTrainingStep
from fomm_tf.tpsmm.config import AVDTrainingConfig
from fomm_tf.tpsmm.keypoints import SplineKeypoints
from fomm_tf.weights.state_dict import load_state_dict, named_weights, state_dict

MODES = {
    "standard": MotionOptions(relative=False),
    "relative": MotionOptions(),
    "avd": MotionOptions(disentangled=True),
}


@pytest.fixture(autouse=True)
def untraced():
    with eagerly():
        yield


@pytest.fixture(scope="module")
def model():
    return load("animation")


@pytest.mark.parametrize("mode", MODES)
def test_animation(model, mode):
    inputs, stored = raw("animation", "inputs"), raw("animation", "keypoints")
    source = np.moveaxis(inputs["source"], 1, -1)
    video = np.moveaxis(inputs["driving_video"][0], 0, -1)
    kp_source = model.detect(source)
    keypoints = [model.detect(frame[None]) for frame in video]
    for frame, kp in enumerate(keypoints):
        np.testing.assert_allclose(kp.value[0], stored["kp_driving"][frame], rtol=0, atol=5e-5)
        moved = model.transfer(kp_source, kp, keypoints[0], MODES[mode]).value[0]
        expected = stored[f"kp_norm_{mode}"][frame]
        np.testing.assert_allclose(moved, expected, rtol=0, atol=5e-5)
    expected = np.moveaxis(raw("animation", "prediction")[f"prediction_{mode}"], 1, -1)
    frames = list(animate_frames(model, source, list(video), MODES[mode]))
    np.testing.assert_allclose(frames, expected, rtol=0, atol=5e-3)
    assert np.abs(frames - expected).mean() < 5e-4


def test_movement_scale():
    stored = raw("animation", "keypoints")
    kp = [SplineKeypoints(stored["kp_source"]), SplineKeypoints(stored["kp_driving"][:1])]
    expected = load_json("animation", "movement_scale")["adapt_movement_scale"]
    assert movement_scale(*kp) == pytest.approx(expected, rel=1e-5)


def test_the_best_frame_has_the_closest_pose():
    stored, chosen = raw("animation", "best_frame"), load_json("animation", "best_frame")
    source = Keypoints(stored["source_landmarks"][None])
    distances = [keypoint_distance(source, Keypoints(x[None])) for x in stored["driving_landmarks"]]
    distances[chosen["frame_without_face"]] = np.inf
    assert int(np.argmin(distances)) == chosen["best"]


def test_reconstruction():
    model = load("reconstruction")
    videos, strips = raw("reconstruction", "inputs"), raw("reconstruction", "png_strips")
    errors = []
    for name, video in videos.items():
        steps = list(reconstruct(model, video, background=True))
        errors += [float(np.abs(step.prediction - step.driving).mean()) for step in steps]
        strip = np.concatenate([strip_frame(step.prediction) for step in steps], axis=1)
        assert np.abs(strip.astype(int) - strips[f"png_{name}"]).max() <= 1
    stored = load_json("reconstruction", "reconstruction")
    np.testing.assert_allclose(errors, stored["per_frame_L1"], rtol=0, atol=5e-5)
    assert np.mean(errors) == pytest.approx(stored["reconstruction_loss"], abs=5e-5)


def test_avd_mode_needs_an_avd_network():
    with pytest.raises(ModelError, match="has no AVD network"):
        model = load("inference_single_mask")
        model.config = model.config.without_avd()
        model.check_motion(MODES["avd"])


def test_avd_training():
    case = "avd_train"
    step = AVDTrainingStep(AVDTrainingConfig.of(load_config(FOLDER / case / "config.yaml")))
    network = step.networks["avd_network"]
    load_state_dict(network, state_dicts(case, step.networks)["avd_network"], case)
    stored, losses = raw(case, "arrays"), load_json(case, "losses")
    kp = [tf.constant(stored[f"kp_{role}"]) for role in ("source", "driving")]
    for index in range(3):
        # `uniform` are draws in [0, 1).
        scale = step.config.train_params.random_scale
        stretch = tf.constant((1 - scale + 2 * scale * stored["uniform"][index]).astype(np.float32))
        with tf.GradientTape() as tape:
            loss, restored = step.loss(*kp, stretch)
        assert float(loss) == pytest.approx(losses["float64"][index], rel=5e-5)
        gradients = tape.gradient(loss, network.trainable_variables)
        if index == 0:
            np.testing.assert_allclose(restored, stored["rec"], rtol=0, atol=1e-5)
            assert_gradients(network, gradients, losses["gradient_norms"], stored)
        step.optimizers["avd_network"].apply(gradients)


def assert_gradients(network, gradients, norms, stored) -> None:
    pairs = zip(network.trainable_variables, gradients, strict=True)
    by_id = {id(variable): gradient for variable, gradient in pairs}
    for name, weight in named_weights(network).items():
        if name not in norms or norms[name][1] < 1e-6:
            continue
        gradient = by_id[id(weight.variable)]
        assert float(tf.norm(gradient)) == pytest.approx(norms[name][1], rel=1e-4), name
    state = state_dict(network)
    for name in stored:
        if name.startswith("buffer."):
            actual = state[name.removeprefix("buffer.")]
            np.testing.assert_allclose(actual, stored[name], rtol=0, atol=2e-5, err_msg=name)
