"""What the models of all kinds share: the folder (config.yaml + weights.npz), the checks of
pictures, inference on NumPy arrays."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.arrays import read_arrays, save_arrays, section
from fomm_tf.config import BaseConfig, load_config, required_multiple
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.files import replacing
from fomm_tf.kinds import Kind, kind_of, refuse_other_kinds
from fomm_tf.models.state_dict import load_state_dict, named_weights, state_dict
from fomm_tf.moving import TakesOverMotion

CONFIG_FILE = "config.yaml"
WEIGHTS_FILE = "weights.npz"


class BaseModel(TakesOverMotion, ABC):
    """Detector and generator of one config, with inference on NumPy arrays.

    Pictures are float32 [B, H, W, C] in [0, 1]; H and W may be anything that
    `config.required_multiple` divides. What the detector finds, and the generator moves by, travels
    as a NamedTuple of arrays. Wrong shapes and types raise ModelError.
    """

    KIND: ClassVar[Kind]

    def __init__(self, config: Any):
        self.config = config
        detector, generator = self._build()
        self._detect = tf.function(detector)
        self._generate = tf.function(generator)
        self._encode = tf.function(generator.encode)
        self._decode = tf.function(lambda *args: generator.decode(*args)["prediction"])

    @abstractmethod
    def _build(self) -> tuple[keras.Model, keras.Model]:
        """Makes the networks of `config`; returns detector and generator."""

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Loads a model folder of this kind, as `save` or training leave it.

        Raises ModelError with one line if it is none.
        """
        folder = Path(path)
        config = read_config(folder)
        refuse_other_kinds(kind_of(config), cls.KIND, folder, ModelError)
        model = cls(config)
        networks = model._networks()
        shapes = {
            f"{module}/{name}": weight.shape
            for module, network in networks.items()
            for name, weight in named_weights(network).items()
        }
        weights = read_arrays(folder / WEIGHTS_FILE, shapes)
        for module, network in networks.items():
            where = f"{folder / WEIGHTS_FILE} ({module})"
            load_state_dict(network, section(weights, module), where)
        return model

    @classmethod
    @abstractmethod
    def from_official(
        cls, config: Any, modules: Mapping[Any, Any], checkpoint: str | os.PathLike
    ) -> Self:
        """The model of an official checkpoint that `read_checkpoint` has read; `checkpoint` is for
        messages. Raises ModelError with one line that names what does not fit."""

    @property
    @abstractmethod
    def networks(self) -> dict[str, keras.Model]:
        """The networks that are trained, by their name in checkpoints."""

    @abstractmethod
    def _keypoints(self, kp: Any, batch: int) -> Any:
        """What `detect` gives, checked, as tensors."""

    def _networks(self) -> dict[str, keras.Model]:
        """All networks that the folder holds, by their name in it."""
        return self.networks

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) that the model was trained for."""
        height, width, _ = self.config.dataset_params.frame_shape
        return height, width

    def detect(self, images: np.ndarray) -> Any:
        """What the detector finds in pictures."""
        return _numpy(self._detect(self.pictures(images)))

    def generate(self, source: np.ndarray, kp_source: Any, kp_driving: Any) -> dict[str, Any]:
        """The frames, `prediction`, and what led to them."""
        pictures = self.pictures(source)
        keypoints = [self._keypoints(kp, len(pictures)) for kp in (kp_source, kp_driving)]
        return _numpy(self._generate(pictures, *keypoints))

    def encode(self, source: np.ndarray) -> dict[str, tf.Tensor]:
        """What `decode` needs of a source picture; the same for all of its frames."""
        return self._encode(self.pictures(source))

    def decode(
        self, encoded: Mapping[str, tf.Tensor], kp_source: Any, kp_driving: Any
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

    def pictures(self, images: np.ndarray) -> tf.Tensor:
        """Checked pictures as the networks take them. Raises ModelError."""
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


class KeypointModel(BaseModel):
    """A model of a keypoint detector and a generator, trained with or without a discriminator."""

    kp_detector: keras.Model
    generator: keras.Model

    @abstractmethod
    def _discriminator(self) -> keras.Model | None:
        """The discriminator that `config` is trained with, if there is one."""

    @classmethod
    def from_official(
        cls, config: Any, modules: Mapping[Any, Any], checkpoint: str | os.PathLike
    ) -> Self:
        """See `BaseModel`."""
        model = cls(config)
        networks = model.networks
        if isinstance(modules.get("discriminator"), Mapping):
            # Not used here, but a discriminator of another config says that this is the wrong YAML.
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

    def _value(self, kp: Any, batch: int) -> tf.Tensor:
        """The keypoints' places, checked. Raises ModelError."""
        shape = (batch, self.config.model_params.common_params.num_kp, 2)
        if np.shape(kp.value) != shape:
            raise ModelError(
                f"keypoint values must be {list(shape)}, not {list(np.shape(kp.value))}"
            )
        return tf.cast(kp.value, tf.float32)


def read_config(folder: Path) -> BaseConfig:
    """The config of a model folder. Raises ModelError with one line if it is none."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise ModelError(f"{folder} is no model folder: it has no {name}")
    try:
        return load_config(folder / CONFIG_FILE)
    except ConfigError as error:
        raise ModelError(str(error)) from error


def load_official_module(
    network: keras.Model, modules: Mapping, module: str, checkpoint: str | os.PathLike
) -> None:
    """Fills one network from a checkpoint that `read_checkpoint` has read. Raises ModelError."""
    entries = modules.get(module)
    if not isinstance(entries, Mapping):
        found = ", ".join(map(str, modules)) or "nothing"
        raise ModelError(f"{checkpoint} has no {module}; it holds {found}")
    load_state_dict(network, entries, f"{checkpoint} ({module})")


def _numpy(structure: Any) -> Any:
    return tf.nest.map_structure(lambda x: None if x is None else x.numpy(), structure)
