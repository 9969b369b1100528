"""Animation with a fake model whose keypoints are the brightest pixel of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from fomm_tf.errors import DataError, ModelError
from fomm_tf.fomm.motion import FOMMMotion
from fomm_tf.inference.animation import animate_frames, find_best_frame
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.keypoints import Keypoints

SIZE = 16


class FakeModel(FOMMMotion):
    """Keypoints: a triangle with its corner at the brightest pixel. Results: the source, whose blue
    channel is replaced by the x of the transferred keypoint."""

    frame_size = (SIZE, SIZE)

    def __init__(self):
        self.encoded = 0

    def detect(self, images):
        assert images.dtype == np.float32 and images.ndim == 4
        assert images.min() >= 0 and images.max() <= 1
        flat = images[..., 0].reshape(len(images), -1).argmax(axis=1)
        corner = np.stack([flat % SIZE, flat // SIZE], axis=-1) / (SIZE - 1) * 2 - 1
        triangle = np.array([[0, 0], [0.5, 0], [0, 0.5]])
        value = (corner[:, None] + triangle).astype(np.float32)
        jacobian = np.tile(np.eye(2, dtype=np.float32) * images.max(), (len(images), 3, 1, 1))
        return Keypoints(value, jacobian)

    def encode(self, source):
        self.encoded += 1
        return {"source": source}

    def decode(self, encoded, kp_source, kp_driving):
        result = encoded["source"].copy()
        result[..., 2] = kp_driving.value[:, :1, :1]
        result[..., 1] = kp_driving.jacobian[:, 0, 0, 0, None, None]
        return result


def spot(x, y, level=255):
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    image[y, x, 0] = level
    return image


def place(pixel):
    return pixel / (SIZE - 1) * 2 - 1


def test_relative_motion_moves_the_source_by_the_change_since_the_first_frame():
    driving = [spot(2, 2), spot(3, 2), spot(6, 2)]
    results = list(animate_frames(FakeModel(), spot(8, 8), driving))
    assert [result.shape for result in results] == [(SIZE, SIZE, 3)] * 3
    moved = [float(result[0, 0, 2]) for result in results]
    assert moved == pytest.approx([place(8), place(9), place(12)], abs=1e-5)


def test_absolute_motion_takes_the_driving_keypoints_as_they_are():
    results = animate_frames(
        FakeModel(), spot(8, 8), [spot(2, 2), spot(6, 2)], MotionOptions(relative=False)
    )
    assert [float(r[0, 0, 2]) for r in results] == pytest.approx([place(2), place(6)], abs=1e-5)


def test_relative_jacobian_can_be_left_out():
    source, driving = spot(8, 8, 102), [spot(2, 2, 255), spot(2, 2, 51)]  # 0.4; 1.0, 0.2
    with_it = [r[0, 0, 1] for r in animate_frames(FakeModel(), source, driving)]
    assert with_it == pytest.approx([0.4, 0.08], abs=1e-5)
    without = animate_frames(FakeModel(), source, driving, MotionOptions(relative_jacobian=False))
    assert [r[0, 0, 1] for r in without] == pytest.approx([1.0, 0.2], abs=1e-5)


def test_initial_keypoints_can_be_given():
    model = FakeModel()
    initial = model.detect(spot(4, 2)[None].astype(np.float32) / 255)
    results = animate_frames(model, spot(8, 8), [spot(5, 2)], kp_initial=initial)
    assert next(results)[0, 0, 2] == pytest.approx(place(9), abs=1e-5)


def test_uint8_and_float_and_a_batch_of_one_are_the_same():
    source, driving = spot(8, 8), [spot(2, 2), spot(3, 2)]
    expected = np.stack(list(animate_frames(FakeModel(), source, driving)))
    floats = [frame / 255 for frame in driving]
    result = np.stack(list(animate_frames(FakeModel(), (source / 255)[None], floats)))
    assert result.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(result, expected)


def test_driving_is_taken_one_frame_at_a_time_and_the_source_encoded_once():
    taken = []

    def endless():
        i = 0
        while True:
            taken.append(i)
            yield spot(i % SIZE, 2)
            i += 1

    model = FakeModel()
    results = animate_frames(model, spot(8, 8), endless())
    assert taken == []
    for _ in range(5):
        next(results)
    assert taken == [0, 1, 2, 3, 4]
    assert model.encoded == 1


def test_no_driving_frames_no_results():
    assert list(animate_frames(FakeModel(), spot(8, 8), [])) == []


@pytest.mark.parametrize(
    "source",
    [
        np.zeros((SIZE, SIZE), np.uint8),
        np.zeros((SIZE, SIZE, 4), np.uint8),
        np.zeros((2, SIZE, SIZE, 3), np.uint8),
        np.zeros((SIZE, SIZE, 3), np.int64),
    ],
)
def test_what_is_no_rgb_picture_is_refused(source):
    with pytest.raises(ModelError, match="the source must be"):
        animate_frames(FakeModel(), source, [])
    with pytest.raises(ModelError, match="a driving frame must be"):
        next(animate_frames(FakeModel(), spot(8, 8), [source]))


class PosedModel(FakeModel):
    """Keypoints are read from the picture: its first four pixels of the red and green channel."""

    def detect(self, images):
        return Keypoints(images[:, 0, :4, :2].astype(np.float32), None)


def posed(points):
    image = np.zeros((SIZE, SIZE, 3), np.float32)
    image[0, :4, :2] = points
    return image


def test_best_frame_has_the_pose_of_the_source_at_another_place_and_size():
    pose = np.array([[0, 0], [1, 0], [1, 1], [0, 0.5]])
    other = np.array([[0, 0], [1, 0], [0.2, 1], [0, 1]])
    driving = [posed(other * 0.5), posed(pose * 0.4 + 0.3), posed(other)]
    index, kp = find_best_frame(PosedModel(), posed(pose), iter(driving))
    assert index == 1
    np.testing.assert_allclose(kp.value[0], pose * 0.4 + 0.3, atol=1e-6)


def test_best_frame_of_no_frames_is_an_error():
    with pytest.raises(DataError, match="no frames"):
        find_best_frame(PosedModel(), posed(np.zeros((4, 2))), [])
