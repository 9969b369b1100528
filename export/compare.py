"""How far exported graphs are from the Keras model that they were made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from export import bars
from export.bars import BARS, Bar
from export.calibration import drawn_side, model_input
from export.deviations import PICTURES, Outputs, compare_detected, compare_frames
from fomm_tf.base_model import BaseModel
from fomm_tf.config import BaseConfig
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.errors import ModelError
from fomm_tf.manifest import Deviation, Difference, Precision
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
# What the manifest calls the outputs of all kinds of models.
_NAMES = {
    **{"value": "keypoints", "shift": "keypoints"},
    **{"jacobian": "jacobians", "affine": "jacobians", "variance": "variances"},
    **{"segmentation": "segmentation", "frame": "frame"},
}
# Jacobians and variances of large pictures are rounded by more, and show in the frames.
_JUDGED = ("keypoints", "segmentation", "frame")


def sample_pictures(config: BaseConfig) -> list[np.ndarray]:
    """The pictures of `SAMPLES` in the config's frame shape: float32 [1, H, W, C] in [0, 1]."""
    side = drawn_side(config.dataset_params.frame_shape[:2])
    return [
        model_input(next(render_video(seed, video, 1, side)), config) for seed, video in _SAMPLES
    ]


def measure(
    model: BaseModel, exported: ExportedModel, pictures: list[np.ndarray] | None = None
) -> Outputs:
    """Compares what `detect` gives, and frames that both make of what the Keras model detects.

    pictures: [1, H, W, C] in [0, 1], at least two, the source first; default: those of `SAMPLES`.
    """
    source, *driving = pictures or sample_pictures(exported.config)
    outputs: Outputs = {}
    kp_source, *keypoints = [
        compare_detected(model, exported, picture, outputs) for picture in (source, *driving)
    ]
    if exported.animates:
        encoded = [one.encode(source) for one in (model, exported)]
        for kp in keypoints:
            compare_frames(model, exported, encoded, kp_source, kp, outputs)
    return outputs


def difference_of(outputs: Outputs, pictures: str = SAMPLES) -> Difference:
    """What the manifest says of `measure`; pictures: what it calls those."""
    found: dict[str, Any] = {}
    for (_, name), tally in outputs.items():
        found[_NAMES[name]] = Deviation(tally.max, tally.mean)
        if name in PICTURES:
            found[f"{name}_psnr"] = tally.psnr
    return Difference(pictures, **found)


def check(outputs: Outputs, precision: Precision) -> None:
    """Raises ModelError if the graphs differ by more than their precision explains."""
    judged = {key: tally for key, tally in outputs.items() if _NAMES[key[1]] in _JUDGED}
    missed = [text for passed, text in bars.check(_BARS[precision], judged, []) if not passed]
    if missed:
        raise ModelError(
            f"the {precision} graphs differ from the Keras model: {'; '.join(missed)}; "
            "nothing was written"
        )
