"""Reads the golden vectors of the official co-part code in this project's layouts."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1] / "golden" / "cosegmentation"
INFERENCE = sorted(path.parent.name for path in ROOT.glob("*/outputs.npz"))
SWAPS = sorted(path.parent.name for path in ROOT.glob("*/part_swap.npz"))
TRAINING = sorted(path.parent.name for path in ROOT.glob("*/train.npz"))

# Arrays without channels: points, maps of points, sampling positions, and what is NHWC already.
_AS_STORED = (
    *("shift", "affine", "centers", "segment_motions", "deformation", "theta", "control_params"),
    *("predictions", "target_video", "source_image", "warped_shift", "warp_jacobian"),
)


def arrays(case: str, name: str) -> dict[str, np.ndarray]:
    """All arrays of one .npz, pictures and maps as NHWC."""
    with np.load(ROOT / case / f"{name}.npz") as data:
        return {key: _nhwc(key, data[key]) for key in data.files}


def meta(case: str) -> dict[str, Any]:
    return json.loads((ROOT / case / "meta.json").read_text())


def checkpoint(case: str) -> Path:
    """The case's checkpoint: the zip file, or the legacy one where there is no other."""
    return sorted((ROOT / case).glob("checkpoint*.pth.tar"), key=lambda path: "-" in path.name)[0]


@functools.cache
def load(case: str, path: Path | None = None):
    """The case's model; one for all tests, which only look at it."""
    import fomm_tf

    return fomm_tf.load_official(ROOT / case / "config.yaml", path or checkpoint(case))


def thinned(images: np.ndarray) -> np.ndarray:
    """Every second row and column of [..., H, W, C], as large pictures are stored."""
    return np.asarray(images)[..., ::2, ::2, :]


def assert_close(actual, expected: np.ndarray, atol: float, name: str) -> None:
    actual = np.asarray(actual)
    assert actual.shape == expected.shape, name
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol, err_msg=name)


def assert_picture(actual, expected: np.ndarray, atol: float, name: str) -> None:
    """The largest difference within `atol`, the mean one within a tenth of it."""
    assert_close(actual, expected, atol, name)
    assert np.abs(np.asarray(actual) - expected).mean() < atol / 10, name


def _nhwc(key: str, value: np.ndarray) -> np.ndarray:
    leaf = key.rsplit(".", 1)[-1]
    if leaf in _AS_STORED or value.ndim < 4 or key.startswith(("grad0.", "final.", "face_parser.")):
        return value
    return np.moveaxis(value, -3, -1)
