"""The manifest of an exported model folder: manifest.json, typed.

The folder also holds the graphs determined by the model's config (`ExportedModel.signatures`). For
a model that animates: `keypoint_detector.tflite` with the signature `detect`, and
`generator.tflite` with `encode` (once per source image) and `animate` (once per frame). All
tensors are float32 with batch size one. `inference.loading` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, NamedTuple, Self

from fomm_tf.config.base import BaseConfig
from fomm_tf.config.schema import Range, Section, parse
from fomm_tf.config.sections import Side
from fomm_tf.errors import ConfigError

MANIFEST_FILE = "manifest.json"
KEYPOINT_DETECTOR = "keypoint_detector.tflite"
GENERATOR = "generator.tflite"

Precision = Literal["float32", "float16", "dynamic", "int8"]
Recipe = Literal["quality", "fast"]
# A flatbuffer is never larger.
FileSize = Annotated[int, Range(1, (1 << 31) - 1)]
NotNegative = Annotated[float, Range(0, 1e30)]


def _hexadecimal(value: str) -> str | None:
    return None if re.fullmatch("[0-9a-f]{64}", value) else "must be 64 hexadecimal digits"


@dataclass(frozen=True)
class Tensor(Section):
    """An input or output of a signature, with the name to feed or fetch it by."""

    name: str
    shape: tuple[Side, ...]
    type: Literal["float32"] = "float32"

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "type": self.type}


@dataclass(frozen=True)
class Signature(Section):
    """One function of a graph."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class Graph(Section):
    """One .tflite file beside the manifest."""

    file: str
    bytes: FileSize
    sha256: Annotated[str, _hexadecimal]
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Deviation(Section):
    """Absolute difference between an output of the graphs and of the Keras model, and the PSNR of
    images in dB (peak value 1)."""

    max: NotNegative
    mean: NotNegative
    psnr: float | None = None


class Difference(NamedTuple):
    """Difference between the graphs and the Keras model on equal inputs, by output (named in
    `ExportedModel.OUTPUTS`), and the images it was measured on."""

    pictures: str
    deviations: Mapping[str, Deviation]

    def to_dict(self) -> dict[str, Any]:
        """As in the file: `NAME: {max, mean}` and, for images, `NAME_psnr`."""
        data: dict[str, Any] = {"pictures": self.pictures}
        for name, deviation in self.deviations.items():
            data[name] = {"max": deviation.max, "mean": deviation.mean}
            if deviation.psnr is not None:
                data[f"{name}_psnr"] = deviation.psnr
        return data

    @classmethod
    def from_dict(cls, data: Any, where: str) -> Self:
        """Parses the output of `to_dict`. Raises: ConfigError."""
        if not isinstance(data, dict) or not isinstance(data.get("pictures"), str):
            raise ConfigError(f"{where}: must be a group of keys with the text 'pictures'")
        rest = {key: value for key, value in data.items() if key != "pictures"}
        deviations = {}
        for name in [name for name in rest if not name.endswith("_psnr")]:
            values = rest.pop(name)
            if isinstance(values, dict):
                values = {**values, "psnr": rest.pop(f"{name}_psnr", None)}
            deviations[name] = parse(Deviation, values, f"{where}.{name}")
        if rest:
            raise ConfigError(f"{where}.{next(iter(rest))}: PSNR of an output that is not listed")
        return cls(data["pictures"], deviations)


@dataclass(frozen=True)
class Description(Section):
    """The file except `config` and `difference`. `size` is (height, width).

    `license`: of the model's weights, or None if not given at export.
    `minimum_runtime_version`: of TensorFlow Lite; every LiteRT version, numbered anew, is later.
    `recipe`: which layers are int8 and how; int8 only.
    """

    format: Literal[1]
    name: str
    license: str | None
    precision: Precision
    size: tuple[Side, Side]
    minimum_runtime_version: str
    graphs: tuple[Graph, ...]
    recipe: Recipe | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest(Description):
    """The whole file. `config` is the model's, of any kind, for images of `size`."""

    config: BaseConfig
    difference: Difference | None = None

    def to_dict(self) -> dict[str, Any]:
        """As in the file."""
        data = {key: value for key, value in super().to_dict().items() if key != "difference"}
        if self.difference is not None:
            data["difference"] = self.difference.to_dict()
        return data


def picture_of(config: BaseConfig) -> Tensor:
    """The input of `detect` and `encode`."""
    return Tensor("picture", (1, *config.dataset_params.frame_shape))


def animating_signatures(
    picture: Tensor,
    detected: tuple[Tensor, ...],
    encoded: tuple[Tensor, ...],
    moving: tuple[Tensor, ...],
) -> dict[str, tuple[Signature, ...]]:
    """The signatures of a keypoint detector and a generator.

    detected: outputs of `detect`. encoded: outputs of `encode`. moving: further inputs of
    `animate`, for the source and for the driving frame.
    """
    keypoints = [
        replace(one, name=f"kp_{role}_{one.name}")
        for role in ("source", "driving")
        for one in moving
    ]
    return {
        KEYPOINT_DETECTOR: (Signature("detect", (picture,), detected),),
        GENERATOR: (
            Signature("encode", (picture,), encoded),
            Signature("animate", (*encoded, *keypoints), (replace(picture, name="frame"),)),
        ),
    }
