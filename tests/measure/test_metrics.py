"""Metrics against values by hand, against TensorFlow, and against the official code's run."""

from __future__ import annotations

import math

import golden_files
import numpy as np
import pytest

from fomm_tf.keypoints import Keypoints
from fomm_tf.measure.metrics import MAX_PSNR, Score, psnr, reconstruct, ssim


def picture(height: int = 24, width: int = 31, seed: int = 0) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    phase = np.random.default_rng(seed).uniform(0, 6, 3)
    waves = np.sin(0.3 * x[..., None] + 0.2 * y[..., None] + phase)
    return (0.5 + 0.4 * waves).astype(np.float32)


def test_values_by_hand():
    target = np.full((12, 12, 3), 0.5, np.float32)
    prediction = target.copy()
    prediction[:6] += 0.2
    score = Score()
    score.add(prediction, target)
    assert score.l1 == pytest.approx(0.1)
    assert score.psnr == pytest.approx(10 * math.log10(1 / 0.02), abs=1e-4)
    assert score.frames == 1


def test_psnr_is_of_the_mean_squared_error_over_all_frames():
    target = np.zeros((12, 12, 3), np.float32)
    score = Score()
    for error in (0.1, 0.3):
        score.add(target + np.float32(error), target)
    assert score.psnr == pytest.approx(10 * math.log10(1 / 0.05), abs=1e-4)
    assert score.l1 == pytest.approx(0.2, abs=1e-6)


def test_every_frame_counts_alike_when_videos_are_merged():
    target = np.zeros((12, 12, 3), np.float32)
    long, short = Score(), Score()
    for _ in range(3):
        long.add(target + np.float32(0.1), target)
    short.add(target + np.float32(0.5), target)
    long.merge(short)
    assert long.frames == 4
    assert long.l1 == pytest.approx((3 * 0.1 + 0.5) / 4, abs=1e-6)
    assert long.psnr == pytest.approx(psnr((3 * 0.01 + 0.25) / 4), abs=1e-4)


def test_equal_pictures():
    score = Score()
    score.add(picture(), picture())
    assert score.l1 == 0 and score.psnr == MAX_PSNR
    assert score.ssim == pytest.approx(1, abs=1e-6)


def test_ssim_of_flat_pictures_by_hand():
    flat = np.ones((16, 16, 3), np.float32)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert ssim(0.2 * flat, 0.6 * flat) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("size", [(24, 31), (11, 64), (64, 64)])
def test_ssim_is_that_of_tensorflow(size):
    import tensorflow as tf

    first = picture(*size)
    noise = np.random.default_rng(1).normal(0, 0.1, first.shape)
    for second in (picture(*size, seed=2), np.clip(first + noise, 0, 1).astype(np.float32)):
        expected = float(tf.image.ssim(first, second, 1.0))
        assert -1 < expected < 0.99
        assert ssim(first, second) == pytest.approx(expected, abs=2e-5)


def test_ssim_of_pictures_smaller_than_its_window():
    assert ssim(picture(8, 8), picture(8, 8)) == pytest.approx(1, abs=1e-6)
    assert ssim(picture(8, 8), picture(8, 8, seed=5)) < 0.9


class CountingModel:
    """Keypoints are the mean colour; a frame is the source, shifted by the keypoints' change."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def detect(self, images):
        assert images.dtype == np.float32 and images.shape[0] == 1
        self.calls.append("detect")
        return Keypoints(images.mean((1, 2, 3)).reshape(1, 1, 1))

    def encode(self, source):
        self.calls.append("encode")
        return source

    def decode(self, encoded, kp_source, kp_driving):
        self.calls.append("decode")
        return encoded + (kp_driving.value - kp_source.value)[..., None]


def test_reconstruction_follows_the_protocol_and_streams():
    model = CountingModel()
    taken = []

    def frames():
        for level in (100, 130, 90):
            taken.append(level)
            yield np.full((4, 6, 3), level, np.uint8)

    for i, step in enumerate(reconstruct(model, frames())):
        assert len(taken) == i + 1
        assert step.driving.shape == step.prediction.shape == (4, 6, 3)
        np.testing.assert_allclose(step.driving, taken[-1] / 255, atol=1e-6)
        np.testing.assert_allclose(step.prediction, step.driving, atol=1e-6)
        np.testing.assert_allclose(step.kp_driving.value, taken[-1] / 255, atol=1e-6)
        assert step.seconds >= 0
    assert model.calls.count("encode") == 1 and model.calls.count("decode") == 3


def test_reconstruction_of_no_frames_is_empty():
    assert list(reconstruct(CountingModel(), [])) == []


@pytest.fixture(scope="module")
def official():
    from fomm_tf import load_official

    folder = golden_files.FOMM / "metrics"
    model = load_official(folder / "config.yaml", folder / "checkpoint.pth.tar")
    videos = golden_files.raw("metrics", "inputs")
    return {name: list(reconstruct(model, videos[name])) for name in ("video_0", "video_1")}


def test_l1_of_the_official_code(official):
    expected = golden_files.load_json("metrics", "reconstruction")
    total = Score()
    for name, steps in official.items():
        for step, per_frame in zip(steps, expected["per_frame_l1"][name], strict=True):
            score = Score()
            score.add(step.prediction, step.driving)
            assert score.l1 == pytest.approx(per_frame, abs=1e-5)
            total.merge(score)
    assert total.frames == 7
    assert total.l1 == pytest.approx(expected["reconstruction_loss"], abs=1e-5)


def test_strips_of_the_official_code(official):
    from fomm_tf.measure.reconstruction import strip_frame

    expected = golden_files.raw("metrics", "png_strips")
    for name, steps in official.items():
        strip = np.concatenate([strip_frame(step.prediction) for step in steps], axis=1)
        difference = strip.astype(int) - expected[f"png_{name}"]
        assert np.abs(difference).max() <= 1
        # Rounding instead of truncation would raise half of all values by one.
        assert abs(difference.mean()) < 0.02
