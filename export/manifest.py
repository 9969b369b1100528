"""Writes the manifest of an exported folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from export.inspect_graph import OLDEST_RUNTIME
from fomm_tf.config import BaseConfig
from fomm_tf.manifest import MANIFEST_FILE, Graph, Manifest, Precision, Recipe, signatures_of


def describe(
    files: Mapping[str, bytes],
    config: BaseConfig,
    precision: Precision,
    name: str,
    license: str | None,
    recipe: Recipe | None = None,
) -> Manifest:
    """The manifest of graphs that were built for `config`; the difference is still open."""
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
    """Writes `manifest.json`; what was there is overwritten."""
    text = json.dumps(manifest.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
