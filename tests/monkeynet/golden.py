"""Reads the golden vectors of the official Monkey-Net code as batches of NHWC frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fomm_tf.monkeynet.keypoints import GaussianKeypoints

ROOT = Path(__file__).parents[1] / "golden" / "monkeynet"
CASES = sorted(path.parent.name for path in ROOT.glob("*/outputs.npz"))

# Five times the largest difference between float32 and float64 in the official code.
TOLERANCE = {
    "deformation": 5e-5,
    "disc_generated": 2e-4,
    "disc_real": 2e-5,
    "kp_embedding": 1e-5,
    "kp_joined.mean": 1e-5,
    "kp_joined.var": 5e-6,
    "loss": 5e-5,
    "mask": 1e-4,
    "mask_embedding": 1e-4,
    "prediction kp_driving.mean": 2e-5,
    "prediction kp_driving.var": 5e-6,
    "prediction kp_init_full.mean": 5e-5,
    "prediction kp_init_full.var": 1e-5,
    "prediction kp_source.mean": 2e-5,
    "prediction kp_source.var": 1e-5,
    "prediction rnn_loss": 1e-6,
    "prediction rnn_output_step0.mean": 2e-6,
    "prediction rnn_output_step0.var": 2e-6,
    "prediction trained": 1e-5,
    "prediction video_prediction": 2e-4,
    # Not given; oneDNN's kernels alone change these by 5e-6 from TensorFlow's own.
    "train kp.mean": 2e-5,
    "train kp.var": 1e-5,
    "train video_prediction": 5e-5,
    "transfer kp_driving.mean": 1e-5,
    "transfer kp_driving.var": 5e-6,
    "transfer kp_norm.mean": 1e-5,
    "transfer kp_norm.var": 5e-6,
    "transfer kp_source.mean": 1e-5,
    "transfer kp_source.var": 5e-6,
    "transfer video_prediction": 5e-4,
    "transfer_norm.mean": 1e-5,
    "transfer_norm.var": 5e-6,
    "video_deformed": 5e-4,
    "video_prediction": 5e-4,
}
# A few pixels at strong edges reach the maximum; on the mean it must be a tenth.
_MEAN_TOO = ("video_deformed", "video_prediction")


def raw(case: str, name: str) -> dict[str, np.ndarray]:
    """All arrays of one .npz as stored."""
    with np.load(ROOT / case / f"{name}.npz") as data:
        return dict(data)


def zero_gradient_parameters(case: str) -> list[str]:
    return json.loads((ROOT / case / "zero_gradient_parameters.json").read_text())


def frames(video: np.ndarray) -> np.ndarray:
    """[b, c, d, h, w] -> [b * d, h, w, c], the frames of a video one after another."""
    return np.moveaxis(video, 1, -1).reshape(-1, *video.shape[3:], video.shape[1])


def keypoints(data: dict[str, np.ndarray], name: str) -> GaussianKeypoints:
    """Keypoints of videos, [b, d, k, ...]."""
    return GaussianKeypoints(data[f"{name}.mean"], data.get(f"{name}.var"))


def flat(kp: GaussianKeypoints) -> GaussianKeypoints:
    """Keypoints of videos as those of a batch of frames."""
    return GaussianKeypoints(
        *(None if part is None else np.asarray(part).reshape(-1, *part.shape[2:]) for part in kp)
    )


def assert_close(actual, expected, kind: str) -> None:
    """Equal within the tolerance of `kind`."""
    assert actual.shape == expected.shape, kind
    limit = TOLERANCE[kind]
    difference = np.abs(np.asarray(actual, np.float64) - expected)
    assert difference.max() <= limit, f"{kind}: {difference.max():.2e} > {limit:.0e}"
    if kind.endswith(_MEAN_TOO):
        assert difference.mean() <= limit / 10, f"{kind}: mean {difference.mean():.2e}"


def assert_keypoints(actual: GaussianKeypoints, expected: GaussianKeypoints, kind: str) -> None:
    assert_close(np.asarray(actual.value), expected.value, f"{kind}.mean")
    assert (actual.variance is None) == (expected.variance is None)
    if expected.variance is not None:
        assert_close(np.asarray(actual.variance), expected.variance, f"{kind}.var")
