"""How far exported graphs are from the Keras model that they were made of."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from export.calibration import drawn_side, model_input
from fomm_tf.config import Config
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.errors import ModelError
from fomm_tf.keypoints import Keypoints
from fomm_tf.manifest import Deviation, Difference, Precision
from fomm_tf.model import FirstOrderMotionModel
from fomm_tf.runtime import ExportedModel

# `measure` runs on these: (seed, video) of `fomm_tf.data.cartoon_faces`, the source first.
_SAMPLES = [(4, video) for video in range(5)]
SAMPLES = "a drawn face animated by 4 others: first frames of fomm_tf.data.cartoon_faces, seed 4"
# PSNR of equal pictures, which is infinite, and everything near it.
_MAX_PSNR = 200.0


class _Bar(NamedTuple):
    """What is worse is no rounding but a mistake. Keypoints and the frame: largest differences."""

    psnr: float
    frame: float = math.inf
    keypoints: float = math.inf


_BARS: dict[Precision, _Bar] = {
    "float32": _Bar(psnr=70, frame=2e-4, keypoints=2e-5),
    "float16": _Bar(psnr=45),
    "dynamic": _Bar(psnr=20),
    "int8": _Bar(psnr=20),
}


def sample_pictures(config: Config) -> list[np.ndarray]:
    """The pictures of `SAMPLES` in the config's frame shape: float32 [1, H, W, C] in [0, 1]."""
    side = drawn_side(config)
    return [
        model_input(next(render_video(seed, video, 1, side)), config) for seed, video in _SAMPLES
    ]


def measure(
    model: FirstOrderMotionModel,
    exported: ExportedModel,
    pictures: list[np.ndarray] | None = None,
    name: str = SAMPLES,
) -> Difference:
    """Compares keypoints, and frames that both make of the Keras model's keypoints.

    pictures: [1, H, W, C] in [0, 1], at least two, the source first; default: those of `SAMPLES`.
    name: what the manifest calls them.
    """
    pictures = pictures or sample_pictures(exported.config)
    expected = [model.detect(picture) for picture in pictures]
    found = [exported.detect(picture) for picture in pictures]
    jacobians = None
    if expected[0].jacobian is not None:
        jacobians = _deviation([kp.jacobian for kp in expected], [kp.jacobian for kp in found])
    frames = _frames(model, pictures[0], expected), _frames(exported, pictures[0], expected)
    return Difference(
        pictures=name,
        keypoints=_deviation([kp.value for kp in expected], [kp.value for kp in found]),
        jacobians=jacobians,
        frame=_deviation(*frames),
        frame_psnr=_psnr(*frames),
    )


def check(difference: Difference, precision: Precision) -> None:
    """Raises ModelError if the graphs differ by more than their precision explains."""
    bar, psnr = _BARS[precision], difference.frame_psnr
    frame, keypoints = difference.frame.max, difference.keypoints.max
    # Written so that what is not a number fails too.
    if not (frame <= bar.frame and keypoints <= bar.keypoints and psnr >= bar.psnr):
        raise ModelError(
            f"the {precision} graphs differ from the Keras model by {frame:.1e} in the picture "
            f"({psnr:.1f} dB) and {keypoints:.1e} in the keypoints; nothing was written"
        )


def _frames(
    model: FirstOrderMotionModel | ExportedModel, source: np.ndarray, keypoints: list[Keypoints]
) -> list[np.ndarray]:
    encoded = model.encode(source)
    return [model.decode(encoded, keypoints[0], kp) for kp in keypoints[1:]]


def _deviation(expected: list[np.ndarray], found: list[np.ndarray]) -> Deviation:
    difference = np.abs(np.asarray(expected) - np.asarray(found))
    return Deviation(max=float(difference.max()), mean=float(difference.mean()))


def _psnr(expected: list[np.ndarray], found: list[np.ndarray]) -> float:
    error = np.square(np.asarray(expected, np.float64) - np.asarray(found)).mean()
    return -10 * math.log10(max(error, 10 ** (-_MAX_PSNR / 10)))
