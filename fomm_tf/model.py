"""The whole model as its users see it, and the folder it lives in (config.yaml + weights.npz)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from fomm_tf.arrays import read_arrays, save_arrays, section
from fomm_tf.config import Config, load_config, required_multiple
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.files import replacing
from fomm_tf.keypoints import Keypoints
from fomm_tf.models.discriminator import MultiScaleDiscriminator
from fomm_tf.models.generator import OcclusionAwareGenerator
from fomm_tf.models.keypoint_detector import KeypointDetector
from fomm_tf.models.state_dict import load_state_dict, named_weights, state_dict
from fomm_tf.torch_checkpoint import read_checkpoint

CONFIG_FILE = "config.yaml"
WEIGHTS_FILE = "weights.npz"


class FirstOrderMotionModel:
    """Keypoint detector and generator of one config, with inference on NumPy arrays.

    Pictures are float32 [B, H, W, C] in [0, 1]; H and W may be anything that
    `config.required_multiple` divides. Wrong shapes and types raise ModelError.
    """

    def __init__(self, config: Config):
        self.config = config
        params = config.model_params
        self.kp_detector = KeypointDetector(params.common_params, params.kp_detector_params)
        self.generator = OcclusionAwareGenerator(params.common_params, params.generator_params)
        self._detect = tf.function(self.kp_detector)
        self._generate = tf.function(self.generator)
        self._encode = tf.function(self.generator.encode)
        self._decode = tf.function(lambda *args: self.generator.decode(*args)["prediction"])

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) that the model was trained for."""
        height, width, _ = self.config.dataset_params.frame_shape
        return height, width

    def detect(self, images: np.ndarray) -> Keypoints:
        """Keypoints of pictures: value [B, K, 2], jacobian [B, K, 2, 2] or None."""
        return _numpy(self._detect(self._pictures(images)))

    def generate(
        self, source: np.ndarray, kp_source: Keypoints, kp_driving: Keypoints
    ) -> dict[str, np.ndarray]:
        """The frames and what led to them.

        `prediction`, and where the config has them `mask` [B, h, w, K+1], `sparse_deformed`
        [B, K+1, h, w, C], `occlusion_map` [B, h, w, 1], `deformed` [B, H, W, C] and `deformation`
        [B, h, w, 2].
        """
        pictures = self._pictures(source)
        keypoints = [self._keypoints(kp, len(pictures)) for kp in (kp_source, kp_driving)]
        return _numpy(self._generate(pictures, *keypoints))

    def encode(self, source: np.ndarray) -> dict[str, tf.Tensor]:
        """What `decode` needs of a source picture; the same for all of its frames."""
        return self._encode(self._pictures(source))

    def decode(
        self, encoded: Mapping[str, tf.Tensor], kp_source: Keypoints, kp_driving: Keypoints
    ) -> np.ndarray:
        """The frames [B, H, W, C] in [0, 1] for an `encode`d source."""
        batch = encoded["features"].shape[0]
        keypoints = [self._keypoints(kp, batch) for kp in (kp_source, kp_driving)]
        return _numpy(self._decode(dict(encoded), *keypoints))

    def save(self, path: str | os.PathLike) -> None:
        """Writes the model folder; each file is replaced whole."""
        entries = {
            f"{module}/{name}": value
            for module, network in self._networks().items()
            for name, value in state_dict(network).items()
        }
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / WEIGHTS_FILE) as temporary:
            save_arrays(temporary, entries)
        self.config.save(folder / CONFIG_FILE)

    def _networks(self) -> dict:
        return {"kp_detector": self.kp_detector, "generator": self.generator}

    def _pictures(self, images: np.ndarray) -> tf.Tensor:
        shape = np.shape(images)
        channels = self.config.model_params.common_params.num_channels
        if len(shape) != 4 or shape[-1] != channels:
            raise ModelError(
                f"pictures must be [batch, height, width, {channels}], not {list(shape)}"
            )
        kind = tf.as_dtype(getattr(images, "dtype", tf.float32))
        if not kind.is_floating:
            raise ModelError(f"pictures must be float32 in [0, 1], not {kind.name}")
        multiple = required_multiple(self.config)
        if shape[1] % multiple or shape[2] % multiple or not min(shape):
            raise ModelError(
                f"this model takes pictures whose height and width are multiples of {multiple}, "
                f"not {shape[1]} x {shape[2]}"
            )
        return tf.cast(images, tf.float32)

    def _keypoints(self, kp: Keypoints, batch: int) -> Keypoints:
        common = self.config.model_params.common_params
        value_shape = (batch, common.num_kp, 2)
        if np.shape(kp.value) != value_shape:
            raise ModelError(
                f"keypoint values must be {list(value_shape)}, not {list(np.shape(kp.value))}"
            )
        if not common.estimate_jacobian:
            return Keypoints(tf.cast(kp.value, tf.float32))
        if kp.jacobian is None or np.shape(kp.jacobian) != (*value_shape, 2):
            raise ModelError(f"this model needs keypoint Jacobians of shape {[*value_shape, 2]}")
        return Keypoints(tf.cast(kp.value, tf.float32), tf.cast(kp.jacobian, tf.float32))


def load_model(path: str | os.PathLike) -> FirstOrderMotionModel:
    """Loads a model folder as `save`, training or `convert_checkpoint` leave it.

    Raises ModelError with one line if it is none.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise ModelError(f"{folder} is no model folder: it has no {name}")
    try:
        model = FirstOrderMotionModel(load_config(folder / CONFIG_FILE))
    except ConfigError as error:
        raise ModelError(str(error)) from error
    weights = read_arrays(folder / WEIGHTS_FILE, _stored_shapes(model))
    for module, network in model._networks().items():
        load_state_dict(network, section(weights, module), f"{folder / WEIGHTS_FILE} ({module})")
    return model


def load_official(
    config: str | os.PathLike | Config, checkpoint: str | os.PathLike
) -> FirstOrderMotionModel:
    """Loads a YAML and a `.pth.tar` of the official PyTorch release; torch is not needed.

    Raises ConfigError or ModelError with one line that names what does not fit.
    """
    if not isinstance(config, Config):
        config = load_config(config)
    return official_model(config, read_checkpoint(checkpoint), checkpoint)


def official_model(
    config: Config, modules: Mapping, checkpoint: str | os.PathLike
) -> FirstOrderMotionModel:
    """The model of a checkpoint that `read_checkpoint` has read; `checkpoint` is for messages.

    Raises ModelError with one line that names what does not fit.
    """
    model = FirstOrderMotionModel(config)
    for module, network in model._networks().items():
        load_official_module(network, modules, module, checkpoint)
    if isinstance(modules.get("discriminator"), Mapping):
        # Not used here, but a discriminator of another config says that this is the wrong YAML.
        params = config.model_params
        if params.discriminator_params is not None:
            discriminator = MultiScaleDiscriminator(
                params.common_params, params.discriminator_params
            )
            load_official_module(discriminator, modules, "discriminator", checkpoint)
    return model


def load_official_module(network, modules: Mapping, module: str, checkpoint) -> None:
    """Fills one network from a checkpoint that `read_checkpoint` has read."""
    entries = modules.get(module)
    if not isinstance(entries, Mapping):
        found = ", ".join(map(str, modules)) or "nothing"
        raise ModelError(f"{checkpoint} has no {module}; it holds {found}")
    load_state_dict(network, entries, f"{checkpoint} ({module})")


def _stored_shapes(model: FirstOrderMotionModel) -> dict[str, tuple[int, ...]]:
    return {
        f"{module}/{name}": weight.shape
        for module, network in model._networks().items()
        for name, weight in named_weights(network).items()
    }


def _numpy(structure):
    return tf.nest.map_structure(lambda x: None if x is None else x.numpy(), structure)
