"""The co-part model in the box finds the same parts in every face and every frame of a video."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import fomm_tf
from fomm_tf.copart.pictures import part_labels
from fomm_tf.data.cartoon_faces import render_video

FOLDER = Path(__file__).parents[2] / "models" / "cartoon-parts"
# The training data was drawn with seed 1.
UNSEEN_SEED = 777
SIZE = 128
# Where in the picture (x, y from 0 to 1) each of these surely is, in the middle of its motion.
PLACES = {"background": (0.05, 0.1), "hair": (0.5, 0.2), "face": (0.5, 0.5), "clothes": (0.5, 0.96)}


@pytest.fixture(scope="module")
def videos():
    """The strongest part in each pixel, [frames, SIZE, SIZE], of one video of each of 12 people."""
    model = fomm_tf.load_model(FOLDER)
    videos = []
    for person in range(12):
        frames = np.stack(list(render_video(UNSEEN_SEED, person, 13, SIZE))[::4])
        found = model.detect(frames.astype(np.float32) / 255)
        videos.append(np.stack([part_labels(maps, SIZE, SIZE) for maps in found.segmentation]))
    return videos


def test_it_says_how_it_was_made():
    header = (FOLDER / "config.yaml").read_text().split("dataset_params:")[0]
    assert "python -m fomm_tf.train" in header and "L1" in header


def test_face_hair_clothes_and_background_are_apart(videos):
    commonest = {}
    for name, (x, y) in PLACES.items():
        column, row = (int(place * (SIZE - 1)) for place in (x, y))
        labels = Counter(int(video[0, row, column]) for video in videos)
        commonest[name], count = labels.most_common(1)[0]
        assert count >= len(videos) / 2, (name, labels)
    assert commonest["background"] == 0
    assert len(set(commonest.values())) == len(PLACES), commonest


def test_parts_stay_in_a_video(videos):
    """Each part's share of the picture: what comes or goes is small against what stays."""
    for video in videos:
        shares = np.stack([np.bincount(frame.ravel(), minlength=11) for frame in video]) / SIZE**2
        assert np.ptp(shares, axis=0).sum() < 0.25
        large = shares[0] > 0.02
        assert large.sum() >= 5
        assert (shares[:, large] > 0.2 * shares[0, large]).all()
