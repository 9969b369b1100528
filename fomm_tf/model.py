"""The First Order Motion Model as its users see it, and the loading of models of any kind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fomm_tf.base_model import KeypointModel, read_config
from fomm_tf.config import Config, load_config
from fomm_tf.errors import ModelError
from fomm_tf.keypoints import Keypoints
from fomm_tf.kinds import FOMM, kind_of
from fomm_tf.models.discriminator import MultiScaleDiscriminator
from fomm_tf.models.generator import OcclusionAwareGenerator
from fomm_tf.models.keypoint_detector import KeypointDetector
from fomm_tf.torch_checkpoint import read_checkpoint
from fomm_tf.yaml_schema import Section


class FirstOrderMotionModel(KeypointModel):
    """Keypoint detector and generator of one config, with inference on NumPy arrays.

    `detect` gives `Keypoints`: value [B, K, 2], jacobian [B, K, 2, 2] or None. `generate` gives
    `prediction`, and where the config has them `mask` [B, h, w, K+1], `sparse_deformed`
    [B, K+1, h, w, C], `occlusion_map` [B, h, w, 1], `deformed` [B, H, W, C] and `deformation`
    [B, h, w, 2].
    """

    KIND = FOMM

    config: Config

    def _build(self) -> tuple[KeypointDetector, OcclusionAwareGenerator]:
        params = self.config.model_params
        self.kp_detector = KeypointDetector(params.common_params, params.kp_detector_params)
        self.generator = OcclusionAwareGenerator(params.common_params, params.generator_params)
        return self.kp_detector, self.generator

    def _discriminator(self) -> MultiScaleDiscriminator | None:
        params = self.config.model_params
        if params.discriminator_params is None:
            return None
        return MultiScaleDiscriminator(params.common_params, params.discriminator_params)

    def _keypoints(self, kp: Keypoints, batch: int) -> Keypoints:
        value = self._value(kp, batch)
        if not self.config.model_params.common_params.estimate_jacobian:
            return Keypoints(value)
        shape = (*value.shape, 2)
        if kp.jacobian is None or np.shape(kp.jacobian) != shape:
            raise ModelError(f"this model needs keypoint Jacobians of shape {list(shape)}")
        return Keypoints(value, tf.cast(kp.jacobian, tf.float32))


def load_model(path: str | os.PathLike) -> Any:
    """Loads a model folder of any kind, as training or `convert_checkpoint` leave it.

    Returns a `FirstOrderMotionModel`, or the `BaseModel` of another kind that its config is for.
    Raises ModelError with one line if it is none.
    """
    return kind_of(read_config(Path(path))).model_class.load(path)


def load_official(config: str | os.PathLike | Section, checkpoint: str | os.PathLike) -> Any:
    """Loads a YAML and a `.pth.tar` of an official PyTorch release; torch is not needed.

    Returns a model as `load_model` does. Raises ConfigError or ModelError with one line that names
    what does not fit.
    """
    if not isinstance(config, Section):
        config = load_config(config)
    return official_model(config, read_checkpoint(checkpoint), checkpoint)


def official_model(config: Any, modules: Mapping, checkpoint: str | os.PathLike) -> Any:
    """The model of a checkpoint that `read_checkpoint` has read; `checkpoint` is for messages.

    Raises ModelError with one line that names what does not fit.
    """
    return kind_of(config).model_class.from_official(config, modules, checkpoint)
