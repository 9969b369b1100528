"""Reads the golden vectors of the official code (tests/golden) in this project's layouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FOMM = Path(__file__).parent / "golden" / "fomm"


def arrays(case: str, name: str) -> dict[str, np.ndarray]:
    """All arrays of one .npz, pictures and maps as NHWC."""
    with np.load(FOMM / case / f"{name}.npz") as data:
        return {key: to_nhwc(key, data[key]) for key in data.files}


def raw(case: str, name: str) -> dict[str, np.ndarray]:
    """All arrays of one .npz as stored."""
    with np.load(FOMM / case / f"{name}.npz") as data:
        return dict(data)


def load_json(case: str, name: str) -> Any:
    return json.loads((FOMM / case / f"{name}.json").read_text())


def keypoints(case: str, name: str):
    from fomm_tf.keypoints import Keypoints

    data = raw(case, name)
    return Keypoints(data["value"], data.get("jacobian"))


def to_nhwc(name: str, value: np.ndarray) -> np.ndarray:
    """[.., C, H, W] -> [.., H, W, C] for everything but keypoints and sampling positions."""
    if name in ("value", "jacobian", "deformation", "sparse_motion", "theta", "control_params"):
        return value
    return np.moveaxis(value, -3, -1) if value.ndim >= 4 else value
