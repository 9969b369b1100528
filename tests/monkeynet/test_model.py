"""The model as its users see it, and parts that the golden vectors do not reach."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from monkeynet.golden import ROOT, frames, raw

from fomm_tf import load_official
from fomm_tf.errors import ModelError
from fomm_tf.monkeynet.config import MonkeyNetConfig
from fomm_tf.monkeynet.keypoint_detector import clip_variance
from fomm_tf.monkeynet.keypoint_predictor import KeypointPredictor
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.layers import GroupBlock2d, resize
from fomm_tf.monkeynet.model import MonkeyNetModel
from fomm_tf.monkeynet.movement_embedding import MovementEmbedding
from fomm_tf.monkeynet.prediction import Plateau, random_windows
from fomm_tf.registry import load_config


def config_of(case: str) -> MonkeyNetConfig:
    return load_config(ROOT / case / "config.yaml")


def test_an_untrained_model_leaves_the_picture_where_it_is():
    """Zero kernels and the background's bias: most of the mask is the background's."""
    model = MonkeyNetModel(config_of("taichi"))
    source = frames(raw("taichi", "inputs")["source"])
    kp = model.detect(source)
    out = model.generate(source, kp, kp)
    background = np.exp(2) / (np.exp(2) + model.config.model_params.common_params.num_kp)
    np.testing.assert_allclose(out["mask"][..., 0], background, rtol=0, atol=1e-6)
    np.testing.assert_allclose(out["deformed"], source, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        (np.zeros([40, 48, 3], np.float32), r"\[batch, height, width, 3\]"),
        (np.full([1, 40, 48, 3], 9, np.float32), "divide by 255"),
        (np.zeros([1, 40, 46, 3], np.float32), "multiples of 4"),
    ],
)
def test_bad_pictures(pictures, words):
    with pytest.raises(ModelError, match=words):
        MonkeyNetModel(config_of("taichi")).detect(pictures)


def test_bad_keypoints():
    model = MonkeyNetModel(config_of("taichi"))
    source = np.zeros([1, 40, 48, 3], np.float32)
    good = GaussianKeypoints(np.zeros([1, 6, 2]), np.tile(np.eye(2), [1, 6, 1, 1]))
    for bad in (
        GaussianKeypoints(good.value[:, :5], good.variance[:, :5]),
        GaussianKeypoints(good.value),
        GaussianKeypoints(good.value, good.variance[..., :1, :1]),
    ):
        with pytest.raises(ModelError, match="keypoint"):
            model.generate(source, good, bad)


def test_a_checkpoint_of_another_config(tmp_path):
    path = tmp_path / "checkpoint.pth.tar"
    shutil.copyfile(ROOT / "bair" / "checkpoint.pth.tar", path)
    with pytest.raises(ModelError, match="does not fit the config"):
        load_official(ROOT / "taichi" / "config.yaml", path)


def test_group_block_mixes_no_groups():
    block = GroupBlock2d(6, 3)
    inputs = np.random.default_rng(0).normal(size=[1, 4, 4, 6]).astype(np.float32)
    before = block(inputs).numpy()
    inputs[..., 2:4] += 1
    difference = np.abs(block(inputs).numpy() - before).max(axis=(0, 1, 2))
    assert (difference[[0, 1, 4, 5]] == 0).all() and difference[2:4].max() > 0


@pytest.mark.parametrize(("size", "out"), [(8, 2), (2, 8), (6, 4), (3, 7)])
def test_nearest_resizing(size, out):
    images = np.random.default_rng(0).uniform(size=[1, size, size, 2]).astype(np.float32)
    index = np.floor(np.arange(out) * size / out).astype(int)
    resized = resize(tf.constant(images), out, out, "nearest")
    np.testing.assert_array_equal(resized, images[:, index][:, :, index])


def test_clipped_variances():
    variance = tf.constant([[[1e-4, 0], [0, 4e-4]], [[0.02, 0.01], [0.01, 0.03]]])
    clipped = clip_variance(variance, 1e-3).numpy()
    np.testing.assert_allclose(clipped[0], [[1e-3, 0], [0, 4e-3]], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(clipped[1], variance[1], rtol=1e-5)


def test_round_heatmaps_have_a_gradient():
    """Of two equal eigenvalues the difference has a root without a slope."""
    variance = tf.constant([[[1e-4, 0.0], [0.0, 1e-4]]])
    with tf.GradientTape() as tape:
        tape.watch(variance)
        clipped = clip_variance(variance, 1e-3)
    assert np.isfinite(tape.gradient(clipped, variance)).all()


def test_a_keypoint_far_outside_leaves_no_nan():
    config = config_of("bair")
    params = config.model_params.generator_params.kp_embedding_params
    embedding = MovementEmbedding(config.model_params.common_params, params)
    value = np.zeros([1, 5, 2], np.float32)
    kp = GaussianKeypoints(value, np.tile(1e-3 * np.eye(2, dtype=np.float32), [1, 5, 1, 1]))
    far = GaussianKeypoints(value + 9, kp.variance)
    maps = embedding(np.zeros([1, 32, 32, 3], np.float32), kp, far)
    assert np.isfinite(maps).all()


def test_single_variances_cannot_be_predicted():
    config = config_of("single-variance")
    with pytest.raises(ModelError, match="single"):
        KeypointPredictor(config.model_params.common_params, config.prediction_params.rnn_params)


def test_rate_falls_after_the_patience():
    plateau = Plateau(patience=2)
    factors = [plateau(loss) for loss in (1.0, 0.9, 0.9, 0.89999, 0.9, 0.9, 0.9, 0.5)]
    assert factors == [1, 1, 1, 1, 0.1, 1, 1, 1]


def test_random_windows_are_consecutive():
    videos = [
        GaussianKeypoints(np.tile(np.arange(count)[:, None, None], [1, 3, 2])) for count in (5, 9)
    ]
    starts = set()
    for seed in range(100):
        windows = random_windows(videos, 5, np.random.default_rng(seed)).value[:, :, 0, 0]
        assert (np.diff(windows, axis=1) == 1).all() and windows[0, 0] == 0
        starts.add(windows[1, 0])
    assert starts == {0, 1, 2, 3, 4}
