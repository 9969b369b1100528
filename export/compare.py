"""How far exported graphs are from the Keras model that they were made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from export.bars import BARS, Bar
from export.calibration import drawn_side, model_input
from export.tally import Tally
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
# What is worse is no rounding but a mistake. A model that int8 does not suit is exported all the
# same: `export.verify` tells.
_BARS: dict[Precision, Bar] = {
    **{precision: BARS[precision] for precision in ("float32", "float16", "dynamic")},
    "int8": Bar(psnr=20),
}


def sample_pictures(config: Config) -> list[np.ndarray]:
    """The pictures of `SAMPLES` in the config's frame shape: float32 [1, H, W, C] in [0, 1]."""
    side = drawn_side(config.dataset_params.frame_shape[:2])
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
    value = _tally([kp.value for kp in expected], [kp.value for kp in found])
    jacobian = None
    if expected[0].jacobian is not None:
        jacobian = _tally([kp.jacobian for kp in expected], [kp.jacobian for kp in found])
    frame = _tally(
        _frames(model, pictures[0], expected), _frames(exported, pictures[0], expected), peak=1
    )
    return Difference(
        pictures=name,
        keypoints=Deviation(value.max, value.mean),
        jacobians=None if jacobian is None else Deviation(jacobian.max, jacobian.mean),
        frame=Deviation(frame.max, frame.mean),
        frame_psnr=frame.psnr,
    )


def check(difference: Difference, precision: Precision) -> None:
    """Raises ModelError if the graphs differ by more than their precision explains."""
    bar, psnr = _BARS[precision], difference.frame_psnr
    frame, keypoints = difference.frame.max, difference.keypoints.max
    # Written so that what is not a number fails too.
    if not (frame <= bar.picture and keypoints <= bar.keypoints and psnr >= bar.psnr):
        raise ModelError(
            f"the {precision} graphs differ from the Keras model by {frame:.1e} in the picture "
            f"({psnr:.1f} dB) and {keypoints:.1e} in the keypoints; nothing was written"
        )


def _frames(
    model: FirstOrderMotionModel | ExportedModel, source: np.ndarray, keypoints: list[Keypoints]
) -> list[np.ndarray]:
    encoded = model.encode(source)
    return [model.decode(encoded, keypoints[0], kp) for kp in keypoints[1:]]


def _tally(
    expected: Sequence[np.ndarray | None],
    found: Sequence[np.ndarray | None],
    peak: float | None = None,
) -> Tally:
    """The difference over all arrays of a model that has them."""
    tally = Tally(peak)
    for one, other in zip(expected, found, strict=True):
        assert one is not None and other is not None
        tally.add(one, other)
    return tally
