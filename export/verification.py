"""Compares an exported folder with its model folder, per output and over whole clips."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tqdm import tqdm

from export.clips import Clip, drawn_clips, read_clip
from export.compiled import check_compiled
from export.delegates import Placement, placements, runtime_name
from export.deviations import STEP, ClipDifference, Outputs, compare_clip, compare_outputs
from export.report import Report
from export.thresholds import THRESHOLDS, check, precision_of
from fomm_tf.config.base import BaseConfig
from fomm_tf.errors import ModelError
from fomm_tf.inference.loading import load_exported, load_model


def verify(
    folder: Path, exported_folder: Path, driving: Path | None = None, source: Path | None = None
) -> Report:
    """Compares an exported folder with its model folder, on `driving` or else on drawn faces.

    source: the picture that `driving` animates; default: its first frame. Raises ModelError or
    DataError with one line for unreadable input, and for the export of another model.
    """
    exported = load_exported(exported_folder)
    manifest = exported.manifest
    model = load_model(folder)
    if problem := _other_networks(model.config, manifest.config):
        raise ModelError(f"{exported_folder} was not exported from {folder}: {problem}")
    if driving is None:
        clips = drawn_clips(manifest.size)
    else:
        clips = [read_clip(driving, source, manifest.size)]
    outputs, differences = _compare(model, exported, clips)
    operators: dict[str, Placement] = {}
    for graph in manifest.graphs:
        operators |= placements((exported_folder / graph.file).read_bytes())
    checks = list(check(THRESHOLDS[precision_of(manifest)], outputs, differences))
    checks += check_compiled(exported_folder, exported, clips[0])
    return Report(manifest, runtime_name(), outputs, differences, operators, checks)


def _other_networks(config: BaseConfig, exported: BaseConfig) -> str | None:
    """A difference between the networks of these configs, if any; frame sizes may differ."""
    if config.KIND != exported.KIND:
        return f"it is a {exported.KIND}, but that is a {config.KIND}"
    ours, theirs = (_flat(one.to_dict()["model_params"]) for one in (config, exported))
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            return f"model_params.{key} is {theirs.get(key)} there, but {ours.get(key)} here"
    return None


def _flat(section: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in section.items():
        inner = isinstance(value, dict)
        found |= _flat(value, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return found


def _compare(model: Any, exported: Any, clips: list[Clip]) -> tuple[Outputs, list[ClipDifference]]:
    outputs: Outputs = {}
    differences = []
    counts = [clip.count for clip in clips]
    # Number of calls of `done` per frame of a clip.
    whole = 2 if exported.animates else 0
    total = sum(math.ceil(n / STEP) + whole * n for n in counts if n) if all(counts) else None
    with tqdm(total=total, unit="frame", desc="comparing", leave=False) as bar:
        for clip in clips:
            compare_outputs(model, exported, clip, outputs, bar.update)
            if exported.animates:
                differences.append(compare_clip(model, exported, clip, bar.update))
    return outputs, differences
