"""Relative motion against the official code's numbers, and on paper-sized examples."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import motion_transfer_vectors
import numpy as np
import pytest

from fomm_tf.errors import ModelError
from fomm_tf.fomm.motion import transfer_motion
from fomm_tf.inference.pose import hull_area, keypoint_distance, movement_scale
from fomm_tf.keypoints import Keypoints

GOLDEN = Path(__file__).parents[1] / "golden" / "fomm" / "relative_motion"


def golden_keypoints(name):
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return Keypoints(arrays["value"], arrays["jacobian"])


def initial(kp):
    return Keypoints(kp.value[:1], kp.jacobian[:1])


def random_keypoints(seed, batch=1, count=6):
    rng = np.random.default_rng(seed)
    jacobian = np.eye(2) + 0.2 * rng.standard_normal((batch, count, 2, 2))
    return Keypoints(rng.uniform(-1, 1, (batch, count, 2)), jacobian)


@pytest.mark.parametrize("flags", list(itertools.product((0, 1), repeat=3)))
def test_official_results(flags):
    relative, relative_jacobian, adapt_scale = flags
    source, driving = golden_keypoints("kp_source"), golden_keypoints("kp_driving")
    moved = transfer_motion(
        source,
        driving,
        initial(driving),
        relative=bool(relative),
        relative_jacobian=bool(relative_jacobian),
        adapt_scale=bool(adapt_scale),
    )
    name = f"rel{relative}_jac{relative_jacobian}_adapt{adapt_scale}"
    with np.load(GOLDEN / "kp_norm.npz") as expected:
        np.testing.assert_allclose(moved.value, expected[f"value_{name}"], atol=1e-6)
        np.testing.assert_allclose(moved.jacobian, expected[f"jacobian_{name}"], atol=1e-5)
    assert moved.value.dtype == moved.jacobian.dtype == np.float32


VECTORS = json.loads(motion_transfer_vectors.PATH.read_text())


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_shared_vectors(case):
    """The numbers that the Android app is tested with too."""
    names = ("kp_source", "kp_driving", "kp_driving_initial", "expected")
    source, driving, initial, expected = (
        Keypoints(*(part and np.asarray([part]) for part in case[name].values())) for name in names
    )
    moved = transfer_motion(
        source, driving, initial, **{flag: case[flag] for flag in motion_transfer_vectors.FLAGS}
    )
    tolerance = VECTORS["tolerance"]
    np.testing.assert_allclose(moved.value, expected.value, rtol=tolerance, atol=tolerance)
    assert (moved.jacobian is None) == (expected.jacobian is None)
    if expected.jacobian is not None:
        np.testing.assert_allclose(
            moved.jacobian, expected.jacobian, rtol=tolerance, atol=tolerance
        )


def test_the_shared_vectors_are_what_their_program_writes(monkeypatch, tmp_path):
    monkeypatch.setattr(motion_transfer_vectors, "PATH", tmp_path / "again.json")
    motion_transfer_vectors.main()
    assert json.loads((tmp_path / "again.json").read_text()) == VECTORS


def test_official_hull_areas():
    expected = json.loads((GOLDEN / "movement_scale.json").read_text())
    source, driving = golden_keypoints("kp_source"), golden_keypoints("kp_driving")
    assert hull_area(source.value[0]) == pytest.approx(expected["source_hull_area"], rel=1e-12)
    area = hull_area(driving.value[0])
    assert area == pytest.approx(expected["driving_initial_hull_area"], rel=1e-12)
    scale = movement_scale(source, initial(driving))
    assert scale == pytest.approx(expected["movement_scale"], rel=1e-12)


def test_defaults_are_relative_without_adapted_scale():
    source, driving = random_keypoints(0), random_keypoints(1, batch=3)
    given = transfer_motion(source, driving, initial(driving))
    meant = transfer_motion(source, driving, initial(driving), True, True, False)
    np.testing.assert_array_equal(given.value, meant.value)
    np.testing.assert_array_equal(given.jacobian, meant.jacobian)


def test_the_initial_frame_gives_the_source():
    source, driving = random_keypoints(2), random_keypoints(3, batch=4)
    moved = transfer_motion(source, driving, initial(driving), adapt_scale=True)
    np.testing.assert_allclose(moved.value[0], source.value[0], atol=1e-6)
    np.testing.assert_allclose(moved.jacobian[0], source.jacobian[0], atol=1e-5)
    assert moved.value.shape == (4, 6, 2)


def test_keypoints_without_jacobians():
    source, driving = random_keypoints(4), random_keypoints(5, batch=2)
    bare = [Keypoints(kp.value) for kp in (source, driving, initial(driving))]
    moved = transfer_motion(*bare)
    assert moved.jacobian is None
    full = transfer_motion(source, driving, initial(driving))
    np.testing.assert_array_equal(moved.value, full.value)


def test_inputs_stay_as_they_were():
    source, driving = random_keypoints(6), random_keypoints(7)
    before = [array.copy() for kp in (source, driving) for array in kp]
    transfer_motion(source, driving, driving, adapt_scale=True)
    after = [array for kp in (source, driving) for array in kp]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def test_keypoints_of_different_models():
    source, driving = random_keypoints(8, count=5), random_keypoints(9)
    with pytest.raises(ModelError, match="different models"):
        transfer_motion(source, driving, driving)
    with pytest.raises(ModelError, match="different models"):
        transfer_motion(Keypoints(driving.value), driving, driving)


def test_singular_jacobian():
    source, driving = random_keypoints(10), random_keypoints(11)
    flat = Keypoints(driving.value, np.zeros_like(driving.jacobian))
    with pytest.raises(ModelError, match="singular"):
        transfer_motion(source, driving, flat)
    transfer_motion(source, driving, flat, relative_jacobian=False)


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([(0, 0), (1, 0), (1, 1), (0, 1)], 1.0),
        ([(0, 0), (1, 0), (1, 1), (0, 1), (0.5, 0.5), (0.5, 0), (1, 1)], 1.0),
        ([(0, 0), (4, 0), (0, 3)], 6.0),
        ([(0, 0), (1, 1), (2, 2), (-1, -1)], 0.0),
        ([(0.3, 0.3)] * 5, 0.0),
        ([(0, 0), (1, 0)], 0.0),
        ([(1, 1)], 0.0),
    ],
)
def test_hull_area(points, area):
    assert hull_area(np.array(points, float)) == pytest.approx(area)


def test_degenerate_hulls_scale_by_one():
    line = Keypoints(np.linspace(-1, 1, 12).reshape(1, 6, 2))
    assert movement_scale(line, random_keypoints(12)) == 1
    assert movement_scale(random_keypoints(12), line) == 1
    two = Keypoints(np.array([[[0.0, 0.0], [0.5, 0.5]]]))
    assert movement_scale(two, two) == 1


def test_scale_is_the_ratio_of_sizes():
    kp = random_keypoints(13)
    assert movement_scale(Keypoints(kp.value * 0.5 + 0.2), kp) == pytest.approx(0.5, rel=1e-6)


def test_distance_ignores_place_and_size_but_not_pose():
    kp = random_keypoints(14)
    moved = Keypoints(kp.value * 0.4 - 0.3)
    assert keypoint_distance(kp, moved) == pytest.approx(0, abs=1e-12)
    turned = Keypoints(kp.value[..., ::-1] * (1, -1))
    bent = Keypoints(kp.value + 0.05 * random_keypoints(15).value)
    assert 1e-4 < keypoint_distance(kp, bent) < keypoint_distance(kp, turned)
    line = Keypoints(np.linspace(-1, 1, 12).reshape(1, 6, 2))
    assert np.isfinite(keypoint_distance(kp, line))


def test_distance_by_hand():
    square = Keypoints(np.array([[[0.0, 0], [1, 0], [1, 1], [0, 1]]]))
    wide = Keypoints(np.array([[[0.0, 0], [4, 0], [4, 1], [0, 1]]]))
    # Normalised corners are (1/2, 1/2) and (1, 1/4) away from the centre.
    assert keypoint_distance(square, wide) == pytest.approx(0.5**2 + 0.25**2)
