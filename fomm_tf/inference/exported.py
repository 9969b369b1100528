"""What the exported models of all kinds share: their graphs on NumPy arrays. No TensorFlow."""

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
    """An output of a graph, as comparisons see it.

    reported: what the manifest calls how far it is from the Keras model's. is_picture: values in
    [0, 1] for each pixel, whose PSNR is against 1. is_judged: whether a difference beyond the
    precision's threshold refuses an export; what shows in the frames as well need not be.
    """

    reported: str
    is_picture: bool = False
    is_judged: bool = True


class ExportedModel(MotionTransfer):
    """The `detect`, `encode`, `decode` and `transfer` of a Keras model, for one picture at a time.

    Pictures are RGB [1, H, W, C], float in [0, 1] or uint8, of the size that was exported. Several
    threads may use one model; a graph runs for one of them at a time.
    """

    FILES: ClassVar[tuple[str, ...]] = (KEYPOINT_DETECTOR, GENERATOR)
    """Names of the files that graphs of this kind may be in."""

    OUTPUTS: ClassVar[dict[str, Output]] = {}
    """What the graphs give and a comparison with the Keras model looks at, by the tensor's name;
    `frame` need not be listed."""

    def __init__(self, manifest: Manifest, runners: Mapping[str, Runner]):
        """runners: of every signature, by its name."""
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
        """The signatures, by file, of the graphs of such a model."""

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) that the model was exported for."""
        return self.manifest.size

    @classmethod
    def output(cls, name: str) -> Output:
        """What is known of the output with this name."""
        return (cls.OUTPUTS | {"frame": Output("frame", is_picture=True)}).get(name, Output(name))

    @property
    def animates(self) -> bool:
        """Whether there are `encode` and `decode`, which else raise ModelError."""
        return "animate" in self._signatures

    def detect(self, images: np.ndarray) -> Any:
        """What is in a picture, as the Keras model's `detect` gives it for a batch of one."""
        return self.DETECTED(**self._run("detect", {"picture": self._picture(images)}))

    def encode(self, source: np.ndarray) -> Mapping[str, np.ndarray]:
        """What `decode` needs of a source picture; the same for all of its frames."""
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
        """See `MotionTransfer`. Raises ModelError also for graphs that make no frames."""
        if not self.animates:
            raise self.no_frames()
        super().check_motion(options)

    def no_frames(self) -> ModelError:
        """What to raise where this model cannot `animate`."""
        return ModelError(
            f"{self.manifest.name}: the export of a {self.config.KIND} only tells what is "
            "in a picture; it cannot animate"
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
