"""Exports a model folder to TFLite graphs with a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from export.calibration import Calibration, read_calibration
from export.compare import SAMPLES, check, difference_of, measure
from export.graphs import build_graphs
from export.manifest import describe, write_manifest
from export.preconditions import check_quantizer, check_replaceable
from export.recipes import recipe_modes
from fomm_tf.config.base import BaseConfig
from fomm_tf.files import replacing_folder
from fomm_tf.inference.loading import load_exported, load_model
from fomm_tf.inference.manifest import Manifest, Precision, Recipe
from fomm_tf.inference.model import BaseModel


def convert(
    folder: Path,
    out: Path,
    precision: Precision,
    size: tuple[int, int] | None = None,
    license: str | None = None,
    recipe: Recipe = "quality",
    calibration: Path | None = None,
) -> Manifest:
    """Exports the model in `folder` to the folder `out`, and returns its manifest.

    size: (height, width) to export for; default: that of the model's config. license: of the
    weights; default: the first line of LICENSE in `folder`, if there is one. recipe, calibration:
    for int8 alone; default calibration: drawn faces.

    Raises ModelError or ConfigError with one line for a folder that is not a model, an unsupported
    size, an `out` with other content, and graphs that differ from the Keras model; DataError for
    calibration data that is unreadable or too short.
    """
    check_replaceable(out)
    with tqdm(total=5, desc="loading", unit="step", disable=None, leave=False) as bar:
        if precision == "int8":
            check_quantizer()
        model = load_model(folder)
        config = _with_size(model.config, size)
        frames = read_calibration(calibration, config) if precision == "int8" else None
        _next(bar, "converting")
        with replacing_folder(out) as temporary:
            files = {}
            for name, content in _graphs(model, config, precision, recipe, frames, bar):
                files[name] = content
                (temporary / name).write_bytes(content)
                bar.update()
            manifest = describe(
                files,
                config,
                precision,
                folder.resolve().name,
                license or _license(folder),
                recipe if frames else None,
            )
            write_manifest(temporary, manifest)
            bar.set_description("comparing")
            pictures, name = (frames.held_out if frames else None) or (None, SAMPLES)
            exported = load_exported(temporary)
            outputs = measure(model, exported, pictures)
            check(outputs, type(exported), precision)
            manifest = replace(manifest, difference=difference_of(outputs, type(exported), name))
            write_manifest(temporary, manifest)
            bar.update()
        bar.update()
    return manifest


def _graphs(
    model: BaseModel,
    config: BaseConfig,
    precision: Precision,
    recipe: Recipe,
    calibration: Calibration | None,
    bar: tqdm,
) -> Iterator[tuple[str, bytes]]:
    if precision != "int8":
        return build_graphs(model, config, precision)
    assert calibration is not None
    # Not at the top: it needs ai-edge-quantizer.
    from export.int8 import int8_graphs

    modes = recipe_modes(model, recipe)
    bar.total = (bar.total or 0) + sum(map(len, calibration.clips))
    return int8_graphs(model, config, modes, calibration.clips, bar.update)


def _with_size(config: BaseConfig, size: tuple[int, int] | None) -> BaseConfig:
    """The config for another frame size. Raises ConfigError if the model does not support it."""
    if size is None:
        return config
    data = config.to_dict()
    channels = config.dataset_params.frame_shape[2]
    data["dataset_params"]["frame_shape"] = [*size, channels]
    return type(config).from_dict(data, f"--size {size[0]}x{size[1]}")


def _license(folder: Path) -> str | None:
    path = folder / "LICENSE"
    if not path.is_file():
        return None
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline(200).strip() or None


def _next(bar: tqdm, description: str) -> None:
    bar.update()
    bar.set_description(description)
