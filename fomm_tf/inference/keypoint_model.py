"""Models with a keypoint detector and a generator, trained with or without a discriminator."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.inference.model import BaseModel, Tensors, load_official_module
from fomm_tf.inference.visualizer import visualize
from fomm_tf.media.drawing import draw_keypoints


class KeypointModel(BaseModel):
    """Base class of keypoint models; the detector's output has `value` [B, K, 2]."""

    OFFICIAL_MODULES = ("kp_detector", "generator")

    kp_detector: keras.Model
    generator: keras.Model

    @abstractmethod
    def _discriminator(self) -> keras.Model | None:
        """The discriminator of `config`, if it has one."""

    @classmethod
    def from_official(
        cls, config: Any, modules: Mapping[Any, Any], checkpoint: str | os.PathLike
    ) -> Self:
        """See `BaseModel`."""
        model = cls(config)
        networks = model.networks
        if isinstance(modules.get("discriminator"), Mapping):
            # Not used here, but a discriminator that does not fit reveals the wrong YAML.
            discriminator = model._discriminator()
            if discriminator is not None:
                networks["discriminator"] = discriminator
        for module, network in networks.items():
            load_official_module(network, modules, module, checkpoint)
        return model

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks by their name in checkpoints."""
        return {"kp_detector": self.kp_detector, "generator": self.generator}

    def detect_tensors(self, images: tf.Tensor) -> Any:
        """See `BaseModel`."""
        return self.kp_detector(images)

    def encode_tensors(self, source: tf.Tensor) -> Tensors:
        """See `BaseModel`."""
        return self.generator.encode(source)

    def decode_tensors(self, encoded: Tensors, kp_source: Any, kp_driving: Any) -> Tensors:
        """See `BaseModel`."""
        return self.generator.decode(encoded, kp_source, kp_driving)

    def generate_tensors(self, source: tf.Tensor, kp_source: Any, kp_driving: Any) -> Tensors:
        """See `BaseModel`."""
        return self.generator(source, kp_source, kp_driving)

    def draw(self, image: np.ndarray, detected: Any) -> np.ndarray:
        """A disc at each keypoint; see `BaseModel`."""
        params = self.config.visualizer_params
        return draw_keypoints(image, detected.value[0], params.kp_size, params.colormap)

    def visualize(self, source: np.ndarray, driving: np.ndarray) -> np.ndarray:
        """One row per pair: its frames with keypoints, and the model's intermediate results."""
        kp_source, kp_driving = self.detect(source), self.detect(driving)
        out = self.generate(source, kp_source, kp_driving)
        return visualize(out, source, driving, kp_source, kp_driving, self.config.visualizer_params)

    def _value(self, kp: Any, batch: int) -> tf.Tensor:
        """The keypoints' positions, checked. Raises ModelError."""
        shape = (batch, self.config.model_params.common_params.num_kp, 2)
        if np.shape(kp.value) != shape:
            raise ModelError(
                f"keypoint values must be {list(shape)}, not {list(np.shape(kp.value))}"
            )
        return tf.cast(kp.value, tf.float32)
