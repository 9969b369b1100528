"""Base class of the Keras models of all kinds: model folder (config.yaml + weights.npz), checks of
images, inference on NumPy arrays."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.files import replacing
from fomm_tf.inference.folder import CONFIG_FILE, WEIGHTS_FILE
from fomm_tf.inference.inputs import picture_batch
from fomm_tf.inference.motion import MotionTransfer
from fomm_tf.layers.blocks import UpBlock2d
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.weights.arrays import read_arrays, save_arrays, section
from fomm_tf.weights.state_dict import load_state_dict, named_weights, state_dict

Tensors = dict[str, tf.Tensor]


class BaseModel(MotionTransfer):
    """The networks of one config, with inference on NumPy arrays.

    Images are RGB [B, H, W, C], float in [0, 1] or uint8; H and W may be any multiple of
    `config.required_multiple`. `detect` returns, and `decode` accepts, a NamedTuple of arrays
    (`DETECTED`). Wrong shapes and types raise ModelError.

    A kind defines its networks (`_build`, `networks`), the computation (`detect_tensors`,
    `encode_tensors`, `decode_tensors`), visualization (`draw`, `visualize`), and export
    (`layer_groups`, `phase_blocks`).
    """

    OFFICIAL_MODULES: ClassVar[tuple[str, ...]]
    """Names of the entries of official checkpoints that `from_official` reads."""

    def __init__(self, config: Any):
        self.config = config
        self._build()
        self._detect = tf.function(self.detect_tensors, autograph=False)
        self._generate = tf.function(self.generate_tensors, autograph=False)
        self._encode = tf.function(self.encode_tensors, autograph=False)
        self._decode = tf.function(
            lambda *args: self.decode_tensors(*args)["prediction"], autograph=False
        )

    @abstractmethod
    def _build(self) -> None:
        """Creates the networks of `config`."""

    @property
    @abstractmethod
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks, by their name in checkpoints."""

    @property
    def stored_networks(self) -> dict[str, keras.Model]:
        """All networks in the model folder, by their name in it."""
        return self.networks

    @abstractmethod
    def detect_tensors(self, images: tf.Tensor) -> Any:
        """`detect` on tensors."""

    @abstractmethod
    def encode_tensors(self, source: tf.Tensor) -> Tensors:
        """`encode` on tensors; the result includes `features`."""

    @abstractmethod
    def decode_tensors(self, encoded: Tensors, kp_source: Any, kp_driving: Any) -> Tensors:
        """`decode` on tensors: `prediction` and intermediate results."""

    def generate_tensors(self, source: tf.Tensor, kp_source: Any, kp_driving: Any) -> Tensors:
        """`generate` on tensors."""
        return self.decode_tensors(self.encode_tensors(source), kp_source, kp_driving)

    @abstractmethod
    def _keypoints(self, kp: Any, batch: int) -> Any:
        """Checks the output of `detect` and converts it to tensors."""

    @abstractmethod
    def draw(self, image: np.ndarray, detected: Any) -> np.ndarray:
        """Draws detections (a batch of one) onto an image [H, W, 3], uint8 or float in [0, 1];
        returns uint8 [H, W, 3]."""

    @abstractmethod
    def visualize(self, source: np.ndarray, driving: np.ndarray) -> np.ndarray:
        """Visualizes the model's results for some pairs of frames [B, H, W, C] in [0, 1]: uint8
        [height, width, 3]."""

    @abstractmethod
    def layer_groups(self) -> list[LayerGroup]:
        """The exported layers in groups, for quantization; names are distinct."""

    def phase_blocks(self) -> list[UpBlock2d]:
        """Upsampling blocks that exported graphs compute at the input resolution
        (`export.phases`): those with few channels and large feature maps."""
        return []

    def signature_functions(self) -> dict[str, Callable[..., Tensors]]:
        """The functions of the exported graphs' signatures, by name; arguments and results have the
        names of the signature's tensors."""

        def detect(picture: tf.Tensor) -> Tensors:
            found = self.detect_tensors(picture)._asdict()
            return {name: value for name, value in found.items() if value is not None}

        def animate(**inputs: tf.Tensor) -> Tensors:
            kp_source, kp_driving = (
                self.DETECTED(*(inputs.get(f"kp_{role}_{name}") for name in self.DETECTED._fields))
                for role in ("source", "driving")
            )
            encoded = {name: value for name, value in inputs.items() if not name.startswith("kp_")}
            return {"frame": self.decode_tensors(encoded, kp_source, kp_driving)["prediction"]}

        def encode(picture: tf.Tensor) -> Tensors:
            # An output that is the input tensor itself shares its buffer, which LiteRT's
            # CompiledModel then binds twice. Images are never negative: this changes no value.
            return {
                name: tf.maximum(value, 0.0) if value is picture else value
                for name, value in self.encode_tensors(picture).items()
            }

        return {"detect": detect, "encode": encode, "animate": animate}

    @classmethod
    @abstractmethod
    def from_official(
        cls, config: Any, modules: Mapping[Any, Any], checkpoint: str | os.PathLike
    ) -> Self:
        """The model of an official checkpoint read by `read_checkpoint`; `checkpoint` is for
        messages. Raises ModelError with one line that names what does not fit."""

    @classmethod
    def from_folder(cls, config: Any, folder: Path) -> Self:
        """The model in a folder with this config. Raises ModelError."""
        model = cls(config)
        networks = model.stored_networks
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

    def weights(self) -> dict[str, np.ndarray]:
        """All weights, as `save` writes them."""
        return {
            f"{module}/{name}": value
            for module, network in self.stored_networks.items()
            for name, value in state_dict(network).items()
        }

    def save(
        self, path: str | os.PathLike, weights: Mapping[str, np.ndarray] | None = None
    ) -> None:
        """Writes the model folder; each file is replaced atomically.

        weights: those of an earlier moment, from `weights()`.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / WEIGHTS_FILE) as temporary:
            save_arrays(temporary, self.weights() if weights is None else weights)
        self.config.save(folder / CONFIG_FILE)

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) that the model was trained for."""
        height, width, _ = self.config.dataset_params.frame_shape
        return height, width

    def detect(self, images: np.ndarray) -> Any:
        """Detections in images: a `DETECTED` of arrays."""
        return _numpy(self._detect(self.pictures(images)))

    def generate(self, source: np.ndarray, kp_source: Any, kp_driving: Any) -> dict[str, Any]:
        """The generated frames, `prediction`, and intermediate results."""
        pictures = self.pictures(source)
        keypoints = [self._keypoints(kp, len(pictures)) for kp in (kp_source, kp_driving)]
        return _numpy(self._generate(pictures, *keypoints))

    def encode(self, source: np.ndarray) -> Tensors:
        """The features of source images for `decode`; computed once for all frames."""
        return self._encode(self.pictures(source))

    def decode(
        self, encoded: Mapping[str, tf.Tensor], kp_source: Any, kp_driving: Any
    ) -> np.ndarray:
        """The frames [B, H, W, C] in [0, 1] for an `encode`d source."""
        batch = encoded["features"].shape[0]
        keypoints = [self._keypoints(kp, batch) for kp in (kp_source, kp_driving)]
        return _numpy(self._decode(dict(encoded), *keypoints))

    def pictures(self, images: np.ndarray) -> tf.Tensor:
        """Checks images and converts them to the networks' input. Raises ModelError."""
        images = picture_batch(images, self.config.model_params.num_channels)
        shape = images.shape
        multiple = self.config.required_multiple
        if shape[1] % multiple or shape[2] % multiple or not min(shape):
            raise ModelError(
                f"this model expects images whose height and width are multiples of {multiple}, "
                f"not {shape[1]} x {shape[2]}"
            )
        return tf.convert_to_tensor(images)


def load_official_module(
    network: keras.Model, modules: Mapping, module: str, checkpoint: str | os.PathLike
) -> None:
    """Sets one network's weights from a `read_checkpoint` result. Raises ModelError."""
    entries = modules.get(module)
    if not isinstance(entries, Mapping):
        found = ", ".join(map(str, modules)) or "nothing"
        raise ModelError(f"{checkpoint} has no {module}; it holds {found}")
    load_state_dict(network, entries, f"{checkpoint} ({module})")


def _numpy(structure: Any) -> Any:
    return tf.nest.map_structure(lambda x: None if x is None else x.numpy(), structure)
