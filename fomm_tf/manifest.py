"""What an exported model folder says about itself (manifest.json), and how it is read.

The folder is three files: the manifest, `keypoint_detector.tflite` with the signature `detect`, and
`generator.tflite` with `encode` (once per source picture) and `animate` (once per frame). All
tensors are float32 with a batch of one.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from fomm_tf.config import Config, Side
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.yaml_schema import MAX_FILE_BYTES, Range, Section, parse

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
    """An input or output of a signature, by the name to feed or fetch it by."""

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
    """Absolute difference between numbers of the graphs and of the Keras model."""

    max: NotNegative
    mean: NotNegative


@dataclass(frozen=True)
class Difference(Section):
    """How far the graphs are from the Keras model, each on equal inputs, and on which pictures.

    `frame_psnr` is in dB.
    """

    pictures: str
    keypoints: Deviation
    frame: Deviation
    frame_psnr: float
    jacobians: Deviation | None = None


@dataclass(frozen=True)
class Manifest(Section):
    """The whole file. `size` is (height, width); `config` is the model's, for pictures of `size`.

    `license`: of the model's weights, or None where whoever exported it did not say.
    `minimum_runtime_version`: of TensorFlow Lite; LiteRT, which counts anew, is later than all.
    `recipe`: which layers are in int8 and how; int8 only.
    """

    format: Literal[1]
    name: str
    license: str | None
    precision: Precision
    size: tuple[Side, Side]
    minimum_runtime_version: str
    graphs: tuple[Graph, Graph]
    config: Config
    difference: Difference | None = None
    recipe: Recipe | None = None


def signatures_of(config: Config) -> dict[str, tuple[Signature, ...]]:
    """The signatures, by file, that the graphs of a model have: they follow from its config."""
    params = config.model_params
    generator, dense = params.generator_params, params.generator_params.dense_motion_params
    height, width, channels = config.dataset_params.frame_shape
    picture = Tensor("picture", (1, height, width, channels))
    halvings = generator.num_down_blocks
    depth = min(generator.max_features, generator.block_expansion << halvings)
    encoded: tuple[Tensor, ...]
    encoded = (Tensor("features", (1, height >> halvings, width >> halvings, depth)),)
    motion: tuple[Tensor, ...] = ()
    if dense is not None:
        stride = round(1 / dense.scale_factor)
        encoded += (Tensor("source", (1, height // stride, width // stride, channels)),)
        motion = (*_keypoints(config, "kp_source_"), *_keypoints(config, "kp_driving_"))
    if generator.blend_source:
        encoded += (picture,)
    frame = Tensor("frame", picture.shape)
    return {
        KEYPOINT_DETECTOR: (Signature("detect", (picture,), _keypoints(config)),),
        GENERATOR: (
            Signature("encode", (picture,), encoded),
            Signature("animate", (*encoded, *motion), (frame,)),
        ),
    }


def _keypoints(config: Config, prefix: str = "") -> tuple[Tensor, ...]:
    common = config.model_params.common_params
    value = Tensor(f"{prefix}value", (1, common.num_kp, 2))
    if not common.estimate_jacobian:
        return (value,)
    return value, Tensor(f"{prefix}jacobian", (1, common.num_kp, 2, 2))


def read_manifest(folder: str | os.PathLike) -> Manifest:
    """Reads the manifest of an exported folder without trusting it.

    Raises ModelError with one line if there is none, or if it contradicts itself.
    """
    folder = Path(folder)
    path = folder / MANIFEST_FILE
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    if not path.is_file():
        raise ModelError(f"{folder} is no exported model: it has no {MANIFEST_FILE}")
    data = _load_json(path)
    try:
        manifest = parse(Manifest, data, str(path))
        Config.from_dict(data["config"], f"{path}: config")
    except ConfigError as error:
        raise ModelError(str(error)) from None
    if problem := _contradiction(manifest):
        raise ModelError(f"{path}: {problem}")
    return manifest


def _contradiction(manifest: Manifest) -> str | None:
    if manifest.size != manifest.config.dataset_params.frame_shape[:2]:
        return "size differs from config.dataset_params.frame_shape"
    if (manifest.recipe is not None) != (manifest.precision == "int8"):
        return "there must be a recipe for precision int8, and for no other"
    expected = signatures_of(manifest.config)
    if [graph.file for graph in manifest.graphs] != list(expected):
        return f"graphs must be {' and '.join(expected)}"
    for index, graph in enumerate(manifest.graphs):
        if graph.signatures != expected[graph.file]:
            return f"graphs[{index}].signatures are not those of a model with this config"
    return None


def _load_json(path: Path) -> Any:
    with open(path, "rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ModelError(f"{path}: over {MAX_FILE_BYTES >> 20} MiB: this is no manifest")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged or no manifest ({error})") from None
