"""`run.json`: what a run was started with, and must be resumed with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from fomm_tf.config.base import BaseConfig
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import ModelError

RUN_FILE = "run.json"


def identity(config: BaseConfig, dataset: FramesDataset, seed: int, total: int) -> dict:
    """What must not change when a run is resumed, or its steps would differ.

    total: the run's steps. They may grow, unless the learning rates depend on them.
    """
    sections = config.to_dict()
    train = dict(sections["train_params"])
    train.pop("num_epochs")
    found = {
        "seed": seed,
        "dataset_params": sections["dataset_params"],
        "model_params": sections["model_params"],
        "train_params": train,
        "videos": _fingerprint(dataset),
    }
    return found | ({"steps": total} if config.train_params.decay == "cosine" else {})


def _fingerprint(dataset: FramesDataset) -> str:
    """Changes when videos are added, removed or renamed: the data order would change."""
    names = "\n".join(str(clip.path.relative_to(dataset.root)) for clip in dataset.clips)
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def check_same_run(path: Path, wanted: dict) -> None:
    """Raises ModelError, naming the first difference, if a run was started with other settings."""
    try:
        started_with = json.loads(path.read_text())
    except (ValueError, OSError) as error:
        raise ModelError(f"{path} is damaged; the run cannot be resumed ({error})") from error
    if not isinstance(started_with, dict):
        raise ModelError(f"{path} is damaged; the run cannot be resumed")
    # Through JSON, so that tuples and lists compare equal.
    for key, value in json.loads(json.dumps(wanted)).items():
        if started_with.get(key) != value:
            difference = _first_difference(key, started_with.get(key), value)
            raise ModelError(f"--resume: this run was started with {difference}; use another --out")


def _first_difference(key: str, old, new) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        inner = next(k for k in (*old, *new) if old.get(k) != new.get(k))
        return _first_difference(f"{key}.{inner}", old.get(inner), new.get(inner))
    return f"{key} = {old}, not {new}"
