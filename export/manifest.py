"""Writes the manifest of an exported folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from export.inspect_graph import OLDEST_RUNTIME
from fomm_tf.config.base import BaseConfig
from fomm_tf.files import write_json
from fomm_tf.inference.loading import signatures_of
from fomm_tf.inference.manifest import MANIFEST_FILE, Graph, Manifest, Precision, Recipe


def describe(
    files: Mapping[str, bytes],
    config: BaseConfig,
    precision: Precision,
    name: str,
    license: str | None,
    recipe: Recipe | None = None,
) -> Manifest:
    """The manifest of graphs built for `config`; the difference is not measured yet."""
    height, width, _ = config.dataset_params.frame_shape
    graphs = tuple(
        Graph(file, len(files[file]), hashlib.sha256(files[file]).hexdigest(), signatures)
        for file, signatures in signatures_of(config).items()
    )
    return Manifest(
        format=1,
        name=name,
        license=license,
        precision=precision,
        size=(height, width),
        minimum_runtime_version=OLDEST_RUNTIME,
        graphs=graphs,
        config=config,
        recipe=recipe,
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes `manifest.json`, replacing an existing one."""
    write_json(folder / MANIFEST_FILE, manifest.to_dict())
