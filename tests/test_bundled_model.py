"""The model in the box does what the README says of it, on people it has never seen."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import fomm_tf
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.data.cartoon_faces.motion import Motion, MotionPlan
from fomm_tf.measure.metrics import reconstruct

FOLDER = Path(__file__).parent.parent / "models" / "cartoon-faces"
# The training data was drawn with seed 1.
UNSEEN_SEED = 777


@pytest.fixture(scope="module")
def model():
    return fomm_tf.load_model(FOLDER)


def faces(index: int, frames: int = 40) -> list[np.ndarray]:
    return list(render_video(UNSEEN_SEED, index, frames, 128))


def test_it_is_small_and_says_how_it_was_made():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 10_000_000
    header = (FOLDER / "config.yaml").read_text().split("dataset_params:")[0]
    assert "python -m fomm_tf.train" in header and "L1" in header


def test_reconstruction_is_at_most_half_as_wrong_as_the_source_unchanged(model):
    errors = {"model": [], "source": []}
    for index in range(12):
        video = faces(index)
        for result in reconstruct(model, iter(video[:1] + video[1::4])):
            errors["model"].append(np.abs(result.prediction - result.driving).mean())
            errors["source"].append(np.abs(video[0] / 255 - result.driving).mean())
    assert np.mean(errors["model"]) <= 0.5 * np.mean(errors["source"])


def test_the_head_goes_where_the_driving_head_goes(model):
    source, video = faces(0)[0], faces(1)
    kp_source, kp_driving = (
        model.detect(np.stack(frames).astype(np.float32) / 255) for frames in ([source], video)
    )
    frames = fomm_tf.animate_frames(model, source, video)
    kp_result = model.detect(np.stack(list(frames)))
    moved = kp_result.value.mean(axis=1) - kp_source.value.mean(axis=1)
    wanted = kp_driving.value.mean(axis=1) - kp_driving.value[0].mean(axis=0)
    assert np.linalg.norm(wanted, axis=1).max() > 0.05
    assert np.corrcoef(moved.ravel(), wanted.ravel())[0, 1] > 0.9


# Nothing moves but one channel: from a face at rest, eyes open, looking ahead, mouth closed.
REST = {field.name: 0.0 for field in fields(Motion)} | {"zoom": 1.0, "brow": 0.25, "smile": 0.4}
EYES, MOUTH = slice(30, 80), slice(64, 128)


@pytest.mark.parametrize(
    ("channel", "start", "end", "rows", "least"),
    [
        ("open", 0.9, 0.0, MOUTH, 0.8),
        ("open", 0.0, 0.9, MOUTH, 0.5),
        ("gaze_x", -0.9, 0.9, EYES, 0.5),
        ("blink", 0.0, 1.0, EYES, 0.5),
        ("brow", -0.5, 1.0, EYES, 0.35),
    ],
)
def test_mouth_and_eyes_follow(model, monkeypatch, channel, start, end, rows, least):
    """What changes in the picture is what changes in the driving face, with the head at rest."""

    def expression(plan: MotionPlan, times: np.ndarray) -> Motion:
        values = {name: np.full(len(times), value) for name, value in REST.items()}
        return Motion(**values | {channel: np.where(times < 1, start, end)})

    monkeypatch.setattr(MotionPlan, "at", expression)
    alike = []
    for person in range(8):
        source, driving = (f[None].astype(np.float32) / 255 for f in faces(person, frames=2))
        encoded, kp_source = model.encode(source), model.detect(source)
        before, after = (
            model.decode(encoded, kp_source, kp)[0, rows]
            for kp in (kp_source, model.detect(driving))
        )
        wanted = (driving - source)[0, rows]
        alike.append(np.corrcoef((after - before).ravel(), wanted.ravel())[0, 1])
    assert np.mean(alike) > least
