"""Compares exported graphs with the Keras model that they were exported from."""

from __future__ import annotations

import numpy as np

from export import thresholds
from export.calibration import drawn_side, model_input
from export.deviations import Outputs, compare_detected, compare_frames
from export.thresholds import REFUSED
from fomm_tf.config.base import BaseConfig
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.errors import ModelError
from fomm_tf.inference.exported import ExportedModel
from fomm_tf.inference.manifest import Deviation, Difference, Precision
from fomm_tf.inference.model import BaseModel

# Inputs of `measure`: (seed, video) of `fomm_tf.data.cartoon_faces`, the source first.
_SAMPLES = [(4, video) for video in range(5)]
SAMPLES = "a drawn face animated by 4 others: first frames of fomm_tf.data.cartoon_faces, seed 4"


def sample_pictures(config: BaseConfig) -> list[np.ndarray]:
    """The images of `SAMPLES` in the config's frame shape: float32 [1, H, W, C] in [0, 1]."""
    side = drawn_side(config.dataset_params.frame_shape[:2])
    return [
        model_input(next(render_video(seed, video, 1, side)), config) for seed, video in _SAMPLES
    ]


def measure(
    model: BaseModel, exported: ExportedModel, pictures: list[np.ndarray] | None = None
) -> Outputs:
    """Compares the outputs of `detect`, and the frames generated from the Keras model's detections.

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


def difference_of(
    outputs: Outputs, exported: type[ExportedModel], pictures: str = SAMPLES
) -> Difference:
    """The manifest's entry for the results of `measure`; pictures: their description."""
    deviations = {
        exported.output(name).reported: Deviation(
            tally.max, tally.mean, tally.psnr if tally.is_picture else None
        )
        for (_, name), tally in outputs.items()
    }
    return Difference(pictures, deviations)


def check(outputs: Outputs, exported: type[ExportedModel], precision: Precision) -> None:
    """Raises ModelError if the difference exceeds the tolerance of the precision."""
    judged = {key: tally for key, tally in outputs.items() if exported.output(key[1]).is_judged}
    found = thresholds.check(REFUSED[precision], judged, [])
    missed = [text for passed, text in found if not passed]
    if missed:
        raise ModelError(
            f"the {precision} graphs differ from the Keras model: {'; '.join(missed)}; "
            "nothing was written"
        )
