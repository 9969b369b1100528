"""Loading models of any kind: model folders, official checkpoints, exported folders."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from fomm_tf.config.base import BaseConfig
from fomm_tf.config.schema import MAX_FILE_BYTES, parse
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.inference.exported import ExportedModel
from fomm_tf.inference.folder import CONFIG_FILE, WEIGHTS_FILE
from fomm_tf.inference.manifest import (
    MANIFEST_FILE,
    Description,
    Difference,
    Graph,
    Manifest,
    Signature,
)
from fomm_tf.inference.runtime import Runner, runners_of
from fomm_tf.kind import Kind
from fomm_tf.registry import kind_of, load_config, parse_config
from fomm_tf.weights.torch_checkpoint import read_checkpoint


def read_config(folder: Path) -> BaseConfig:
    """The config of a model folder. Raises ModelError with one line if it is not one."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise ModelError(f"{folder} is not a model folder: it has no {name}")
    try:
        return load_config(folder / CONFIG_FILE)
    except ConfigError as error:
        raise ModelError(str(error)) from error


def load_model(path: str | os.PathLike, kind: Kind | None = None) -> Any:
    """Loads a model folder, as written by training or `convert_checkpoint`.

    Returns the `BaseModel` of the config's kind. Raises ModelError with one line if it is not a
    model folder, or not of the requested kind.
    """
    folder = Path(path)
    config = read_config(folder)
    found = kind_of(config)
    if kind is not None and type(found) is not type(kind):
        raise ModelError(f"{folder} is a {config.KIND}, not a {kind.config().KIND}")
    return found.model().from_folder(config, folder)


def load_official(config: str | os.PathLike | BaseConfig, checkpoint: str | os.PathLike) -> Any:
    """Loads a YAML and a `.pth.tar` of an official PyTorch release; torch is not needed.

    Returns a model as `load_model` does. Raises ConfigError or ModelError with one line that names
    what does not fit.
    """
    typed = config if isinstance(config, BaseConfig) else load_config(config)
    return official_model(typed, read_checkpoint(checkpoint), checkpoint)


def official_model(config: BaseConfig, modules: Mapping, checkpoint: str | os.PathLike) -> Any:
    """The model of a checkpoint read by `read_checkpoint`; `checkpoint` is for messages.

    Raises ModelError with one line that names what does not fit.
    """
    return kind_of(config).model().from_official(config, modules, checkpoint)


def load_exported(path: str | os.PathLike, threads: int | None = None) -> ExportedModel:
    """Loads a folder written by `python -m export.convert`; `threads`: default all.

    Every file is checked against the manifest before use. Raises ModelError with one line.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    files = {graph.file: _checked(folder, graph) for graph in manifest.graphs}
    return exported_model(manifest, files, threads)


def exported_model(
    manifest: Manifest, files: Mapping[str, bytes], threads: int | None = None
) -> ExportedModel:
    """The model of a manifest and the graphs that it describes, by name.

    Raises ModelError with one line for graphs that do not run or do not match the manifest.
    """
    runners: dict[str, Runner] = {}
    for graph in manifest.graphs:
        runners |= runners_of(graph, files[graph.file], manifest.minimum_runtime_version, threads)
    return kind_of(manifest.config).exported()(manifest, runners)


def signatures_of(config: BaseConfig) -> dict[str, tuple[Signature, ...]]:
    """The signatures of a model's graphs, by file, determined by its config."""
    return kind_of(config).exported().signatures(config)


def read_manifest(folder: str | os.PathLike) -> Manifest:
    """Reads the manifest of an exported folder as untrusted input.

    Raises ModelError with one line if it is missing or inconsistent.
    """
    folder = Path(folder)
    path = folder / MANIFEST_FILE
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    if not path.is_file():
        raise ModelError(f"{folder} is not an exported model: it has no {MANIFEST_FILE}")
    data = _load_json(path)
    try:
        manifest = _parse(data, str(path))
    except ConfigError as error:
        raise ModelError(str(error)) from None
    if problem := _contradiction(manifest):
        raise ModelError(f"{path}: {problem}")
    return manifest


def _parse(data: Any, where: str) -> Manifest:
    # The config's own keys determine its kind.
    given, difference = None, None
    if isinstance(data, dict):
        given, difference = data.pop("config", None), data.pop("difference", None)
    description = parse(Description, data, where)
    config = parse_config(given, f"{where}: config")
    if difference is not None:
        difference = Difference.from_dict(difference, f"{where}: difference")
    rest = {field.name: getattr(description, field.name) for field in fields(description)}
    return Manifest(**rest, config=config, difference=difference)


def _contradiction(manifest: Manifest) -> str | None:
    if manifest.size != manifest.config.dataset_params.frame_shape[:2]:
        return "size differs from config.dataset_params.frame_shape"
    if (manifest.recipe is not None) != (manifest.precision == "int8"):
        return "precision int8 needs a recipe, and no other precision has one"
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
        raise ModelError(f"{path}: over {MAX_FILE_BYTES >> 20} MiB: this is not a manifest")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged or not a manifest ({error})") from None


def _checked(folder: Path, graph: Graph) -> bytes:
    path = folder / graph.file
    if not path.is_file():
        raise ModelError(f"{folder} is not a complete exported model: it has no {graph.file}")
    if path.stat().st_size != graph.bytes:
        raise ModelError(f"{path} is damaged: its size differs from the manifest's")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != graph.sha256:
        raise ModelError(f"{path} is damaged: its checksum differs from the manifest's")
    return content
