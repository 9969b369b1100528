"""The keypoint predictor trains and predicts as the official one."""

from dataclasses import replace

import numpy as np
import pytest
from monkeynet.golden import ROOT, assert_close, assert_keypoints, flat, frames, keypoints, raw

from fomm_tf import load_official
from fomm_tf.monkeynet.keypoint_predictor import (
    KeypointPredictor,
    load_predictor_state,
    predictor_state,
)
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.prediction import (
    PredictorTraining,
    continue_frames,
    hidden,
    predict_keypoints,
)

CASES = sorted(path.parent.name for path in ROOT.glob("*/prediction.npz"))


def load(case: str):
    """Model, predictor with the stored initial weights, stored arrays."""
    model = load_official(ROOT / case / "config.yaml", ROOT / case / "checkpoint.pth.tar")
    stored = raw(case, "prediction")
    params = model.config.prediction_params.rnn_params
    predictor = KeypointPredictor(model.config.model_params.common_params, params)
    load_predictor_state(predictor, section(stored, "state."), case)
    return model, predictor, stored


def section(stored, prefix: str) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}


@pytest.mark.parametrize("case", CASES)
def test_training(case):
    model, predictor, stored = load(case)
    for name, value in section(stored, "state.").items():
        np.testing.assert_array_equal(predictor_state(predictor)[name], value)
    kp = keypoints(stored, "kp_train")
    params = model.config.prediction_params
    first = predictor(hidden(kp, params.init_frames))
    assert_keypoints(first, keypoints(stored, "rnn_output_step0"), "prediction rnn_output_step0")
    training = PredictorTraining(predictor, params)
    losses = np.array([float(training.step(kp)) for _ in stored["rnn_loss"]])
    assert_close(losses, stored["rnn_loss"], "prediction rnn_loss")
    for name, value in section(stored, "trained.").items():
        assert_close(predictor_state(predictor)[name], value, "prediction trained")
    training.end_epoch(1.0)
    assert float(training.optimizer.learning_rate) == pytest.approx(params.lr)
    training.plateau.patience = 0
    training.end_epoch(1.0)
    assert float(training.optimizer.learning_rate) == pytest.approx(params.lr / 10)


@pytest.mark.parametrize("case", CASES)
def test_prediction(case):
    model, predictor, stored = load(case)
    video = frames(stored["test_video"])
    found = model.detect(video)
    expected = keypoints(stored, "kp_init_full")
    assert_keypoints(found, flat(expected), "prediction kp_init_full")
    params = model.config.prediction_params
    of_video = GaussianKeypoints(*(None if part is None else part[None] for part in found))
    kp = predict_keypoints(predictor, of_video, params.init_frames, params.predict_variance)
    assert_keypoints(kp, keypoints(stored, "kp_driving"), "prediction kp_driving")
    kp_source = GaussianKeypoints(*(None if part is None else part[:1] for part in found))
    assert_keypoints(kp_source, flat(keypoints(stored, "kp_source")), "prediction kp_source")
    if "video_prediction" in stored:
        predicted = frames(stored["video_prediction"])
        given = video[: params.init_frames]
        made = continue_frames(model, predictor, params.predict_variance, given, len(video))
        assert_close(np.stack(list(made)), predicted, "prediction video_prediction")


def test_without_the_kept_variance_the_predicted_one_is_used():
    _, predictor, stored = load("bair")
    kp = keypoints(stored, "kp_init_full")
    kept = predict_keypoints(predictor, kp, 2, predict_variance=True)
    free = predict_keypoints(predictor, kp, 2, predict_variance=False)
    np.testing.assert_array_equal(kept.value, free.value)
    np.testing.assert_array_equal(kept.variance[:, 3], kp.variance[:, 1])
    np.testing.assert_array_equal(free.variance[:, :2], kp.variance[:, :2])
    predicted = predictor(hidden(kp, 2)).variance
    np.testing.assert_allclose(free.variance[:, 2:], predicted[:, 2:], rtol=0, atol=1e-6)
    # As root' root it is symmetric and has no negative eigenvalue.
    assert np.linalg.eigvalsh(free.variance[0, 2:]).min() >= -1e-6


def test_layers_of_recurrence_keep_their_state():
    model, _, _ = load("const-variance")
    common = model.config.model_params.common_params
    params = replace(model.config.prediction_params.rnn_params, num_layers=2)
    first, second = KeypointPredictor(common, params), KeypointPredictor(common, params)
    entries = predictor_state(first)
    assert entries["rnn.weight_ih_l1"].shape == (24, 8)
    load_predictor_state(second, entries, "test")
    kp = GaussianKeypoints(np.random.default_rng(0).uniform(-1, 1, [2, 5, 4, 2]).astype("f4"))
    np.testing.assert_array_equal(first(kp).value, second(kp).value)
