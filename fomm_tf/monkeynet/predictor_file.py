"""The file of a trained keypoint predictor, tied to its model."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import keras
import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.files import replacing
from fomm_tf.monkeynet.keypoint_predictor import (
    KeypointPredictor,
    load_predictor_state,
    predictor_state,
)
from fomm_tf.monkeynet.model import MonkeyNetModel
from fomm_tf.weights.arrays import read_arrays, save_arrays
from fomm_tf.weights.state_dict import state_dict

# Beside the weights: fingerprint of the detector, and frame rate.
_DETECTOR = "detector"
_FPS = "fps"
_ADVICE = "train a predictor of this model with --data DIR"


def save_predictor(
    path: str | os.PathLike, predictor: KeypointPredictor, model: MonkeyNetModel, fps: float
) -> None:
    """Writes a predictor (.npz) trained on keypoints that `model` detects in videos of `fps` frames
    per second."""
    about = {_DETECTOR: _fingerprint(model.kp_detector), _FPS: np.array([fps])}
    with replacing(path) as temporary:
        save_arrays(temporary, predictor_state(predictor) | about)


def load_predictor(
    path: str | os.PathLike, model: MonkeyNetModel
) -> tuple[KeypointPredictor, float]:
    """Reads a `save_predictor` file of this model: the predictor, and its frames per second.

    Raises ModelError with one line if the file is damaged or belongs to another model: its detector
    must have the same weights, and its config the same `rnn_params`.
    """
    path, config = Path(path), model.config
    predictor = KeypointPredictor(
        config.model_params.common_params, config.prediction_params.rnn_params
    )
    detector = _fingerprint(model.kp_detector)
    shapes = {name: value.shape for name, value in predictor_state(predictor).items()}
    try:
        entries = read_arrays(path, shapes | {_DETECTOR: detector.shape, _FPS: (1,)})
    except ModelError as error:
        raise ModelError(f"{error}; {_ADVICE}") from error
    owner, fps = entries.pop(_DETECTOR, None), entries.pop(_FPS, None)
    if owner is None or fps is None:
        raise ModelError(f"{path} is not a predictor file; {_ADVICE}")
    load_predictor_state(predictor, entries, str(path))
    if not np.array_equal(owner, detector):
        raise ModelError(f"{path} was trained on the keypoints of another model; {_ADVICE}")
    if np.shape(fps) != (1,) or fps.dtype.kind != "f" or not 0 < fps[0] < np.inf:
        raise ModelError(f"{path} is damaged: it has no frame rate; {_ADVICE}")
    return predictor, float(fps[0])


def _fingerprint(detector: keras.Model) -> np.ndarray:
    """SHA-256 of a detector's weights: uint8 [32]."""
    digest = hashlib.sha256()
    for name, value in sorted(state_dict(detector).items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value, "<f4").tobytes())
    return np.frombuffer(digest.digest(), np.uint8)
