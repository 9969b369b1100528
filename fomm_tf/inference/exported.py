"""Base class of exported models: runs their graphs on NumPy arrays. No TensorFlow."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.inference.inputs import picture_batch
from fomm_tf.inference.manifest import GENERATOR, KEYPOINT_DETECTOR, Manifest, Signature, Tensor
from fomm_tf.inference.motion import MotionOptions, MotionTransfer
from fomm_tf.inference.runtime import Runner


class Output(NamedTuple):
    """How an output of a graph is compared with the Keras model's.

    reported: name of the difference in the manifest. is_picture: an image in [0, 1], whose PSNR has
    peak value 1. is_judged: whether a difference beyond the precision's threshold fails the export;
    not needed for errors that show in the frames anyway.
    """

    reported: str
    is_picture: bool = False
    is_judged: bool = True


class ExportedModel(MotionTransfer):
    """The `detect`, `encode`, `decode` and `transfer` of a Keras model, for batches of one.

    Images are RGB [1, H, W, C], float in [0, 1] or uint8, of the exported size. A model may be
    shared by threads; each graph runs for one of them at a time.
    """

    FILES: ClassVar[tuple[str, ...]] = (KEYPOINT_DETECTOR, GENERATOR)
    """Names of the graph files of this kind."""

    OUTPUTS: ClassVar[dict[str, Output]] = {}
    """The outputs to compare with the Keras model, by tensor name; `frame` need not be listed."""

    def __init__(self, manifest: Manifest, runners: Mapping[str, Runner]):
        """runners: by the name of the signature."""
        self.manifest = manifest
        self.config = manifest.config
        self._signatures: dict[str, tuple[Signature, Runner]] = {
            signature.name: (signature, runners[signature.name])
            for graph in manifest.graphs
            for signature in graph.signatures
        }

    @staticmethod
    @abstractmethod
    def signatures(config: Any) -> dict[str, tuple[Signature, ...]]:
        """The signatures of such a model's graphs, by file."""

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) that the model was exported for."""
        return self.manifest.size

    @classmethod
    def output(cls, name: str) -> Output:
        """The description of the output with this name."""
        return (cls.OUTPUTS | {"frame": Output("frame", is_picture=True)}).get(name, Output(name))

    @property
    def animates(self) -> bool:
        """Whether the model has `encode` and `decode`; otherwise they raise ModelError."""
        return "animate" in self._signatures

    def detect(self, images: np.ndarray) -> Any:
        """Detections in an image: the Keras model's `detect` for a batch of one."""
        return self.DETECTED(**self._run("detect", {"picture": self._picture(images)}))

    def encode(self, source: np.ndarray) -> Mapping[str, np.ndarray]:
        """The features of a source image for `decode`; computed once for all frames."""
        return self._run("encode", {"picture": self._picture(source)})

    def decode(
        self, encoded: Mapping[str, np.ndarray], kp_source: Any, kp_driving: Any
    ) -> np.ndarray:
        """The frame [1, H, W, C] in [0, 1] for an `encode`d source."""
        inputs = dict(encoded)
        for role, kp in (("source", kp_source), ("driving", kp_driving)):
            inputs |= {f"kp_{role}_{name}": value for name, value in kp._asdict().items()}
        return self._run("animate", inputs)["frame"]

    def check_motion(self, options: MotionOptions) -> None:
        """See `MotionTransfer`. Also raises ModelError for graphs that do not generate frames."""
        if not self.animates:
            raise self.no_frames()
        super().check_motion(options)

    def no_frames(self) -> ModelError:
        """The error for a model that cannot animate."""
        return ModelError(
            f"{self.manifest.name}: the export of a {self.config.KIND} has no generator; "
            "it cannot animate"
        )

    def _picture(self, images: np.ndarray) -> np.ndarray:
        return picture_batch(images, self.config.dataset_params.frame_shape[2])

    def _run(self, name: str, values: Mapping[str, Any]) -> Mapping[str, np.ndarray]:
        if name not in self._signatures:
            raise self.no_frames()
        signature, runner = self._signatures[name]
        return runner(**{tensor.name: _input(tensor, values) for tensor in signature.inputs})


def _input(tensor: Tensor, values: Mapping[str, Any]) -> np.ndarray:
    value = np.asarray(values.get(tensor.name))
    if value.dtype == object:
        raise ModelError(f"this model needs {tensor.name} {list(tensor.shape)}")
    if value.shape != tensor.shape:
        raise ModelError(f"{tensor.name} must be {list(tensor.shape)}, not {list(value.shape)}")
    if not np.issubdtype(value.dtype, np.floating):
        raise ModelError(f"{tensor.name} must be {tensor.type}, not {value.dtype}")
    return value.astype(tensor.type, copy=False)
