"""Deviations of exported graphs from their Keras model: per output, and over whole clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from export.clips import Clip, animated
from fomm_tf.inference.exported import ExportedModel
from fomm_tf.inference.model import BaseModel
from fomm_tf.measure.metrics import Score, reconstruct
from fomm_tf.measure.tally import Tally
from fomm_tf.media.pictures import to_float

# Stride of the frames of a clip that are compared output by output.
STEP = 5

# By (signature, output).
Outputs = dict[tuple[str, str], Tally]


@dataclass
class ClipDifference:
    """Results of both on a clip: animated frames, and L1 of reconstructing the driving video."""

    name: str
    frames: int = 0
    animation: Tally = field(default_factory=lambda: Tally(peak=1))
    keras: Score = field(default_factory=Score)
    exported: Score = field(default_factory=Score)


def compare_outputs(
    model: BaseModel,
    exported: ExportedModel,
    clip: Clip,
    outputs: Outputs,
    done: Callable[[], object],
) -> None:
    """Adds to `outputs` every signature's outputs on equal inputs, those of the Keras model.

    Uses every `STEP`-th driving frame, for `encode` too. `done` is called after each.
    """
    source = _batch(clip.source)
    kp_source = compare_detected(model, exported, source, outputs)
    encoded = _compare_encoded(model, exported, source, outputs) if exported.animates else {}
    kp_initial = None
    for frame in islice(clip.driving, 0, None, STEP):
        picture = _batch(frame)
        kp_driving = compare_detected(model, exported, picture, outputs)
        if exported.animates:
            _compare_encoded(model, exported, picture, outputs)
            kp_initial = kp_initial or kp_driving
            kp = model.transfer(kp_source, kp_driving, kp_initial, model.default_motion)
            compare_frames(model, exported, [encoded, encoded], kp_source, kp, outputs)
        done()


def compare_clip(
    model: BaseModel, exported: ExportedModel, clip: Clip, done: Callable[[], object]
) -> ClipDifference:
    """Animates the clip and reconstructs its driving video with both.

    Each uses its own keypoints, so that the errors of all graphs accumulate as in use. `done` is
    called twice for each frame.
    """
    found = ClipDifference(clip.name)
    for pair in zip(animated(model, clip), animated(exported, clip), strict=True):
        found.animation.add(*pair)
        found.frames += 1
        done()
    both = [reconstruct(one, clip.driving) for one in (model, exported)]
    for by_keras, by_exported in zip(*both, strict=True):
        found.keras.add(by_keras.prediction, by_keras.driving)
        found.exported.add(by_exported.prediction, by_exported.driving)
        done()
    return found


def compare_detected(
    model: BaseModel, exported: ExportedModel, picture: np.ndarray, outputs: Outputs
) -> Any:
    """Adds both models' detections in an image to `outputs`; returns the Keras model's."""
    expected, found = model.detect(picture), exported.detect(picture)
    for name, value in expected._asdict().items():
        if value is not None:
            peak = 1 if exported.output(name).is_picture else None
            tally = outputs.setdefault(("detect", name), Tally(peak))
            tally.add(value, getattr(found, name))
    return expected


def compare_frames(
    model: BaseModel,
    exported: ExportedModel,
    encoded: list[Any],
    kp_source: Any,
    kp_driving: Any,
    outputs: Outputs,
) -> None:
    """Adds both models' generated frames to `outputs`; encoded: of each model."""
    models: tuple[Any, Any] = model, exported
    frames = [
        one.decode(own, kp_source, kp_driving) for one, own in zip(models, encoded, strict=True)
    ]
    outputs.setdefault(("animate", "frame"), Tally(peak=1)).add(*frames)


def _compare_encoded(
    model: BaseModel, exported: ExportedModel, picture: np.ndarray, outputs: Outputs
) -> dict[str, Any]:
    expected, found = model.encode(picture), exported.encode(picture)
    for name, value in found.items():
        outputs.setdefault(("encode", name), Tally()).add(expected[name].numpy(), value)
    return expected


def _batch(picture: np.ndarray) -> np.ndarray:
    return to_float(picture)[None]
