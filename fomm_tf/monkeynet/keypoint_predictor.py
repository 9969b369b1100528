"""Predicts keypoints of future frames from those of the first (Monkey-Net, section 3.5)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.monkeynet.config import CommonParams
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.prediction_params import RNNParams


class KeypointPredictor(keras.Model):
    """GRU layers and a linear one over the keypoints of all frames so far.

    Accepts and returns keypoints of videos: value [N, T, K, 2], and variance [N, T, K, 2, 2] if the
    detector returns matrices. Raises ModelError for models with `kp_variance: single`, which the
    official network cannot predict either.
    """

    def __init__(self, common: CommonParams, params: RNNParams, **kwargs):
        super().__init__(**kwargs)
        if common.kp_variance == "single":
            raise ModelError("keypoints with kp_variance 'single' cannot be predicted")
        self.num_kp = common.num_kp
        self.has_variance = common.kp_variance == "matrix"
        size = common.num_kp * (6 if self.has_variance else 2)
        self.rnn = [
            _gru(size if i == 0 else params.num_features, params.num_features)
            for i in range(params.num_layers)
        ]
        self.dropout = keras.layers.Dropout(params.dropout)
        uniform = _uniform(params.num_features)
        self.linear = keras.layers.Dense(
            size, kernel_initializer=uniform, bias_initializer=uniform.clone()
        )
        self.linear.build((None, params.num_features))

    def call(self, kp: GaussianKeypoints, training: bool = False) -> GaussianKeypoints:
        videos, frames = tf.shape(kp.value)[0], kp.value.shape[1]
        features = tf.reshape(kp.value, [videos, frames, 2 * self.num_kp])
        if self.has_variance:
            flat = tf.reshape(kp.variance, [videos, frames, 4 * self.num_kp])
            features = tf.concat([features, flat], axis=-1)
        for index, layer in enumerate(self.rnn):
            if index:
                features = self.dropout(features, training=training)
            features = layer(features)
        out = tf.reshape(self.linear(features), [videos, frames, self.num_kp, -1])
        value = tf.tanh(out[..., :2])
        if not self.has_variance:
            return GaussianKeypoints(value)
        root = tf.reshape(out[..., 2:], [videos, frames, self.num_kp, 2, 2])
        # root' root is symmetric and positive semi-definite.
        return GaussianKeypoints(value, tf.matmul(root, root, transpose_a=True))


def _gru(in_features: int, features: int) -> keras.layers.GRU:
    uniform = _uniform(features)
    layer = keras.layers.GRU(
        features,
        return_sequences=True,
        reset_after=True,
        kernel_initializer=uniform,
        recurrent_initializer=uniform.clone(),
        bias_initializer=uniform.clone(),
    )
    layer.build((None, None, in_features))
    return layer


def _uniform(features: int) -> keras.initializers.RandomUniform:
    """PyTorch's default initialisation of recurrent layers."""
    bound = 1 / math.sqrt(features)
    return keras.initializers.RandomUniform(-bound, bound)


def predictor_state(predictor: KeypointPredictor) -> dict[str, np.ndarray]:
    """All weights with PyTorch's names and layout."""
    entries: dict[str, np.ndarray] = {}
    for index, layer in enumerate(predictor.rnn):
        kernel, recurrent, bias = (_gates_swapped(weight.numpy()) for weight in layer.weights)
        entries |= {
            f"rnn.weight_ih_l{index}": kernel.T,
            f"rnn.weight_hh_l{index}": recurrent.T,
            f"rnn.bias_ih_l{index}": bias[0],
            f"rnn.bias_hh_l{index}": bias[1],
        }
    entries["linear.weight"] = predictor.linear.kernel.numpy().T
    entries["linear.bias"] = predictor.linear.bias.numpy()
    return entries


def load_predictor_state(
    predictor: KeypointPredictor, entries: Mapping[str, np.ndarray], where: str
) -> None:
    """Sets all weights from a `predictor_state`; raises ModelError if they do not fit, or contain
    NaN or infinite values."""
    expected = {name: value.shape for name, value in predictor_state(predictor).items()}
    shapes = {name: np.shape(value) for name, value in entries.items()}
    if shapes != expected:
        name = next(n for n in (*expected, *shapes) if expected.get(n) != shapes.get(n))
        raise ModelError(f"{where} is not a keypoint predictor of this config: {name} differs")
    for name, value in entries.items():
        if value.dtype.kind != "f" or not np.isfinite(value).all():
            raise ModelError(f"{where}: {name} contains NaN or infinite values")
    for index, layer in enumerate(predictor.rnn):
        bias = np.stack([entries[f"rnn.bias_{part}_l{index}"] for part in ("ih", "hh")])
        kernel, recurrent = (entries[f"rnn.weight_{part}_l{index}"].T for part in ("ih", "hh"))
        for weight, value in zip(layer.weights, (kernel, recurrent, bias), strict=True):
            weight.assign(_gates_swapped(value))
    predictor.linear.kernel.assign(entries["linear.weight"].T)
    predictor.linear.bias.assign(entries["linear.bias"])


def _gates_swapped(weight: np.ndarray) -> np.ndarray:
    """Swaps between PyTorch's gate order (reset, update, new) and Keras' (update, reset, new)."""
    first, second, new = np.split(weight, 3, axis=-1)
    return np.concatenate([second, first, new], axis=-1)
