"""The model in the box does what the README says of it, on people it has never seen."""

from pathlib import Path

import numpy as np
import pytest

import fomm_tf
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.metrics import reconstruct

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
