"""A toy as its users see it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.inference.model import BaseModel, Tensors, load_official_module
from fomm_tf.keypoints import Keypoints
from fomm_tf.layers.blocks import UpBlock2d
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.media.drawing import draw_keypoints, in_columns
from toy_kind.config import ToyConfig
from toy_kind.motion import ToyMotion
from toy_kind.networks import Detector, Encoder, Painter


class ToyModel(ToyMotion, BaseModel):
    """Detector, encoder and painter of one config. `detect` gives `Keypoints`: value [B, K, 2]."""

    OFFICIAL_MODULES = ("detector", "encoder", "painter")

    config: ToyConfig

    def _build(self) -> None:
        params = self.config.model_params
        channels, features = params.num_channels, params.features
        self.detector = Detector(channels, params.num_kp, params.detector_params)
        self.encoder = Encoder(channels, features)
        self.painter = Painter(channels, features, params.num_kp)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """See `BaseModel`."""
        return {"detector": self.detector, "encoder": self.encoder, "painter": self.painter}

    def detect_tensors(self, images: tf.Tensor) -> Keypoints:
        """See `BaseModel`."""
        return self.detector(images)

    def encode_tensors(self, source: tf.Tensor) -> Tensors:
        """See `BaseModel`."""
        return {"features": self.encoder(source)}

    def decode_tensors(
        self, encoded: Tensors, kp_source: Keypoints, kp_driving: Keypoints
    ) -> Tensors:
        """See `BaseModel`."""
        return {"prediction": self.painter(encoded["features"], kp_source, kp_driving)}

    def _keypoints(self, kp: Keypoints, batch: int) -> Keypoints:
        shape = (batch, self.config.model_params.num_kp, 2)
        if np.shape(kp.value) != shape:
            raise ModelError(f"keypoints must be {list(shape)}, not {list(np.shape(kp.value))}")
        return Keypoints(tf.cast(kp.value, tf.float32))

    def draw(self, image: np.ndarray, detected: Keypoints) -> np.ndarray:
        """See `BaseModel`."""
        return draw_keypoints(image, detected.value[0], self.config.visualizer_params.kp_size)

    def visualize(self, source: np.ndarray, driving: np.ndarray) -> np.ndarray:
        """Source, driving frame and what is made of them, a row for each pair."""
        made = self.generate(source, self.detect(source), self.detect(driving))["prediction"]
        return in_columns([source, driving, made], *source.shape[1:3], draw_border=False)

    def layer_groups(self) -> list[LayerGroup]:
        """See `BaseModel`."""
        return [
            LayerGroup("hourglass", [self.detector.predictor]),
            LayerGroup("keypoint_head", [self.detector.head], quality="dynamic"),
            LayerGroup("encoder", [self.encoder.down]),
            LayerGroup("painter", [self.painter.mix, self.painter.up]),
            LayerGroup("final", [self.painter.final], quality="float", fast="dynamic"),
        ]

    def phase_blocks(self) -> list[UpBlock2d]:
        """See `BaseModel`."""
        return [self.painter.up]

    @classmethod
    def from_official(
        cls, config: Any, modules: Mapping[Any, Any], checkpoint: str | os.PathLike
    ) -> Self:
        """See `BaseModel`."""
        model = cls(config)
        for name, network in model.networks.items():
            load_official_module(network, modules, name, checkpoint)
        return model
