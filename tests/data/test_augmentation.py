"""The official augmentation: what each step does, how often, and that a clip gets one draw."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from fomm_tf.config.sections import (
    AugmentationParams,
    CropParam,
    FlipParam,
    JitterParam,
    ResizeParam,
    RotationParam,
)
from fomm_tf.data.augmentation import augment, check_size, shift_hue
from fomm_tf.errors import ConfigError

EVERYTHING = AugmentationParams(
    flip_param=FlipParam(time_flip=True, horizontal_flip=True),
    rotation_param=RotationParam(15.0),
    resize_param=ResizeParam((0.8, 1.2), "bilinear"),
    crop_param=CropParam((32, 40)),
    jitter_param=JitterParam(0.2, 0.2, 0.2, 0.2),
)


def picture(height: int = 32, width: int = 40, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR))


CLIP = np.stack([picture(seed=1), picture(seed=2)])


def flips(params: FlipParam, draws: int = 2000) -> dict[str, float]:
    """How often each outcome happens."""
    outcomes = {
        "none": CLIP,
        "time": CLIP[::-1],
        "horizontal": CLIP[:, :, ::-1],
        "both": CLIP[::-1, :, ::-1],
    }
    counts = dict.fromkeys(outcomes, 0)
    for i in range(draws):
        result = augment(CLIP, AugmentationParams(flip_param=params), np.random.default_rng(i))
        name = next(name for name, clip in outcomes.items() if np.array_equal(clip, result))
        counts[name] += 1
    return {name: count / draws for name, count in counts.items()}


@pytest.mark.parametrize(
    ("time", "horizontal", "expected"),
    [
        (True, True, {"none": 0.25, "time": 0.5, "horizontal": 0.25, "both": 0}),
        (True, False, {"none": 0.5, "time": 0.5, "horizontal": 0, "both": 0}),
        (False, True, {"none": 0.5, "time": 0, "horizontal": 0.5, "both": 0}),
        (False, False, {"none": 1, "time": 0, "horizontal": 0, "both": 0}),
    ],
)
def test_flips_as_often_as_the_official_code(time, horizontal, expected):
    found = flips(FlipParam(time_flip=time, horizontal_flip=horizontal))
    assert found == pytest.approx(expected, abs=0.04)


def test_one_draw_per_clip():
    still = np.repeat(picture()[None], 2, axis=0)
    results = [augment(still, EVERYTHING, np.random.default_rng(i)) for i in range(20)]
    for result in results:
        assert result.shape == (2, 32, 40, 3) and result.dtype == np.uint8
        np.testing.assert_array_equal(result[0], result[1])
    assert len({result.tobytes() for result in results}) == 20


def test_same_draws_same_clip():
    first, second = (augment(CLIP, EVERYTHING, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_nothing_asked_for_changes_nothing():
    np.testing.assert_array_equal(
        augment(CLIP, AugmentationParams(), np.random.default_rng(0)), CLIP
    )


def test_rotation_is_counterclockwise_about_the_centre():
    frame = np.zeros((33, 33, 3), np.uint8)
    frame[15:18, 25:28] = 255  # right of the centre
    params = AugmentationParams(rotation_param=RotationParam((90.0, 90.0)))
    (turned,) = augment(frame[None], params, np.random.default_rng(0))
    expected = np.zeros_like(frame)
    expected[5:8, 15:18] = 255  # above it
    np.testing.assert_array_equal(turned, expected)


def test_rotation_draws_from_both_sides():
    params = AugmentationParams(rotation_param=RotationParam(20.0))
    frame = np.zeros((1, 33, 65, 3), np.uint8)
    frame[:, 16, 60] = 255
    rows = []
    for i in range(40):
        turned = augment(frame, params, np.random.default_rng(i))[0, ..., 0]
        rows.append(np.unravel_index(turned.argmax(), turned.shape)[0])
    assert min(rows) < 13 and max(rows) > 19


def test_resize_scales_within_the_ratio():
    params = AugmentationParams(resize_param=ResizeParam((0.5, 1.5), "bilinear"))
    shapes = [augment(CLIP, params, np.random.default_rng(i)).shape for i in range(60)]
    heights = [shape[1] for shape in shapes]
    assert 16 <= min(heights) < 20 and 44 < max(heights) <= 48
    assert all(abs(width / height - 40 / 32) < 0.1 for _, height, width, _ in shapes)


def test_resize_by_nearest_invents_no_colours():
    colours = {tuple(colour) for colour in CLIP.reshape(-1, 3)}
    for interpolation, invents in (("nearest", False), ("bilinear", True)):
        params = AugmentationParams(resize_param=ResizeParam((1.3, 1.3), interpolation))
        result = augment(CLIP, params, np.random.default_rng(0))
        assert ({tuple(colour) for colour in result.reshape(-1, 3)} <= colours) != invents


def test_crop_reaches_every_corner_and_only_the_picture():
    params = AugmentationParams(crop_param=CropParam((30, 37)))
    seen = set()
    for i in range(200):
        result = augment(CLIP, params, np.random.default_rng(i))
        places = [
            (top, left)
            for top in range(3)
            for left in range(4)
            if np.array_equal(result, CLIP[:, top : top + 30, left : left + 37])
        ]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) == 12


def test_crop_continues_the_edges_of_a_clip_that_is_too_small():
    params = AugmentationParams(crop_param=CropParam((35, 40)))
    result = augment(CLIP, params, np.random.default_rng(0))
    np.testing.assert_array_equal(result[:, 1:33], CLIP)
    np.testing.assert_array_equal(result[:, 0], CLIP[:, 0])
    np.testing.assert_array_equal(result[:, 33:], np.repeat(CLIP[:, -1:], 2, axis=1))


def test_crop_size_may_be_one_number():
    params = AugmentationParams(crop_param=CropParam(24))
    assert augment(CLIP, params, np.random.default_rng(0)).shape == (2, 24, 24, 3)


@pytest.mark.parametrize("shift", [0.0, 0.2, -0.3, 0.5, -0.5])
def test_hue_wraps_around(shift):
    colours = [(200, 40, 40), (200, 40, 150), (60, 180, 90), (128, 128, 128)]
    frame = Image.fromarray(np.array([colours], np.uint8))
    turned = np.asarray(shift_hue(frame, shift))[0]
    for before, after in zip(colours, turned, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in before))
        expected = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)
        # Pillow keeps hue and saturation in 8 bit: a step of 1/255 of the circle.
        assert after / 255 == pytest.approx(expected, abs=0.045)


def test_jitter_brightness_is_a_factor():
    grey = np.full((2, 4, 4, 3), 100, np.uint8)
    params = AugmentationParams(jitter_param=JitterParam(brightness=0.5))
    levels = [int(augment(grey, params, np.random.default_rng(i))[0, 0, 0, 0]) for i in range(200)]
    assert 50 <= min(levels) < 55 and 145 < max(levels) <= 150
    strong = AugmentationParams(jitter_param=JitterParam(brightness=3.0))
    levels = [int(augment(grey, strong, np.random.default_rng(i))[0, 0, 0, 0]) for i in range(50)]
    assert min(levels) >= 0 and max(levels) == 255


def test_jitter_saturation_keeps_grey_and_contrast_keeps_the_mean():
    grey = np.repeat(CLIP.mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    params = AugmentationParams(jitter_param=JitterParam(saturation=0.9))
    np.testing.assert_array_equal(augment(grey, params, np.random.default_rng(3)), grey)
    params = AugmentationParams(jitter_param=JitterParam(contrast=0.4))
    result = augment(grey, params, np.random.default_rng(3))
    assert result.mean() == pytest.approx(grey.mean(), abs=2)
    assert abs(result.std() / grey.std() - 1) > 0.05


def test_jitter_steps_come_in_random_order():
    frame = Image.fromarray(picture(seed=4))
    params = AugmentationParams(jitter_param=JitterParam(brightness=1.0, contrast=1.0))
    seen = set()
    for i in range(30):
        rng = np.random.default_rng(i)
        brightness, contrast = rng.uniform(0, 2), rng.uniform(0, 2)
        steps = [(ImageEnhance.Brightness, brightness), (ImageEnhance.Contrast, contrast)]
        expected = []
        for order in (steps, steps[::-1]):
            image = frame
            for kind, factor in order:
                image = kind(image).enhance(factor)
            expected.append(np.asarray(image))
        result = augment(np.asarray(frame)[None], params, np.random.default_rng(i))[0]
        matches = [np.array_equal(result, candidate) for candidate in expected]
        assert any(matches)
        if not all(matches):
            seen.add(matches.index(True))
    assert seen == {0, 1}


def test_a_size_other_than_the_frames_is_an_error():
    check_size(EVERYTHING, (32, 40))
    check_size(replace(EVERYTHING, resize_param=None, crop_param=None), (64, 64))
    with pytest.raises(ConfigError, match=r"crop_param.*\[32, 41\]"):
        check_size(EVERYTHING, (32, 41))
    with pytest.raises(ConfigError, match=r"resize_param.*add crop_param.*\[32, 40\]"):
        check_size(replace(EVERYTHING, crop_param=None), (32, 40))
