"""What an exported model folder says about itself (manifest.json), and how it is read.

Beside the manifest there are, of a model that animates, `keypoint_detector.tflite` with the
signature `detect`, and `generator.tflite` with `encode` (once per source picture) and `animate`
(once per frame); of a co-part model `segmentation.tflite` with `detect` alone. All tensors are
float32 with a batch of one.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from fomm_tf.config import BaseConfig, Side
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.kinds import kind_of, kind_of_yaml
from fomm_tf.yaml_schema import MAX_FILE_BYTES, Range, Section, parse

MANIFEST_FILE = "manifest.json"
KEYPOINT_DETECTOR = "keypoint_detector.tflite"
GENERATOR = "generator.tflite"
SEGMENTATION = "segmentation.tflite"
GRAPH_FILES = (KEYPOINT_DETECTOR, GENERATOR, SEGMENTATION)

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

    What a model does not give has none. Parts have their shifts under `keypoints` and their affine
    maps under `jacobians`. PSNR is in dB, against 1.
    """

    pictures: str
    keypoints: Deviation
    frame: Deviation | None = None
    frame_psnr: float | None = None
    jacobians: Deviation | None = None
    variances: Deviation | None = None
    segmentation: Deviation | None = None
    segmentation_psnr: float | None = None


@dataclass(frozen=True)
class Description(Section):
    """The file but for the model's config. `size` is (height, width).

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
    graphs: tuple[Graph, ...]
    difference: Difference | None = None
    recipe: Recipe | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest(Description):
    """The whole file. `config` is the model's, of any kind, for pictures of `size`."""

    config: BaseConfig


def signatures_of(config: BaseConfig) -> dict[str, tuple[Signature, ...]]:
    """The signatures, by file, that the graphs of a model have: they follow from its config."""
    return kind_of(config).exported_class.signatures(config)


def animates(config: BaseConfig) -> bool:
    """Whether the graphs of such a model give frames, and not only what is in a picture."""
    return GENERATOR in signatures_of(config)


def picture_of(config: BaseConfig) -> Tensor:
    """What `detect` and `encode` take."""
    return Tensor("picture", (1, *config.dataset_params.frame_shape))


def animating_signatures(
    picture: Tensor,
    detected: tuple[Tensor, ...],
    encoded: tuple[Tensor, ...],
    moving: tuple[Tensor, ...],
) -> dict[str, tuple[Signature, ...]]:
    """Those of a keypoint detector and a generator.

    detected: what `detect` gives. encoded: what `encode` gives. moving: what `animate` takes beside
    that, once of the source and once of the driving frame.
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
        manifest = _parse(data, str(path))
    except ConfigError as error:
        raise ModelError(str(error)) from None
    if problem := _contradiction(manifest):
        raise ModelError(f"{path}: {problem}")
    return manifest


def _parse(data: Any, where: str) -> Manifest:
    # Only the config itself says of which kind it is.
    given = data.pop("config", None) if isinstance(data, dict) else None
    description = parse(Description, data, where)
    config = kind_of_yaml(given).config_class.from_dict(given, f"{where}: config")
    rest = {field.name: getattr(description, field.name) for field in fields(description)}
    return Manifest(**rest, config=config)


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
