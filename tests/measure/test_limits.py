"""Known motions: the poses are what they say, and the command draws curves of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fomm_tf import limits
from fomm_tf.data.cartoon_faces.poses import Pose, render_poses
from fomm_tf.errors import ModelError
from fomm_tf.measure.limits import MOTIONS, measure_limits


def test_a_shift_moves_the_person_and_a_pan_the_background():
    poses = [Pose(), Pose(shift=0.25), Pose(pan=0.25)]
    pictures, cover = render_poses(3, 0, poses, 64)
    assert pictures.shape == (3, 64, 64, 3) and cover.shape == (3, 64, 64, 1)
    rest, shifted, panned = pictures.astype(int)
    head = np.index_exp[24:36, 26:34]
    assert cover[0][head].min() == 1
    np.testing.assert_array_equal(panned[head], rest[head])
    assert np.abs(shifted[24:36, 42:50] - rest[head]).mean() < 6
    corner = np.index_exp[2:8, 2:14]
    assert cover[0][corner].max() == 0
    np.testing.assert_array_equal(shifted[corner], rest[corner])
    behind = cover[2][2:8, 18:30, 0] == 0  # Hair covers a few pixels of it.
    assert behind.mean() > 0.8
    np.testing.assert_array_equal(panned[2:8, 18:30][behind], rest[corner][behind])


class Copy:
    """A model whose frame is always the source."""

    frame_size = (64, 64)

    def check_motion(self, options):
        if options.background:
            raise ModelError("no")

    def detect(self, images):
        from fomm_tf.keypoints import Keypoints

        return Keypoints(np.zeros((1, 2, 2), np.float32))

    def encode(self, source):
        return source

    def decode(self, encoded, kp_source, kp_driving):
        return encoded

    def transfer(self, kp_source, kp_driving, kp_initial, options):
        return kp_driving


def test_what_does_not_move_errs_more_the_further_the_truth_moves():
    (curves,) = measure_limits(Copy(), "copy", people=1, steps=3)
    assert list(curves.values) == list(MOTIONS)
    for values in curves.values.values():
        assert values["l1"][0] == 0 < values["l1"][1] < values["l1"][2]
    still = curves.values["head turned"]["leak"], curves.values["head shifted"]["leak"]
    panned = curves.values["camera pan behind a still head"]
    assert panned["leak"][2] > panned["l1"][2] > 0
    assert all(leak[0] == 0 for leak in still)


def test_the_command(tiny_model_dir, tmp_path, capsys):
    line = ["--model", tiny_model_dir, "--people", "1", "--steps", "2", "--out", tmp_path / "out"]
    limits.main([*map(str, line)])
    assert "| head turned |" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "limits.json").read_text())
    (model,) = found["models"]
    assert len(model["values"]["head turned"]["l1"]) == 2
    assert (tmp_path / "out" / "limits.png").stat().st_size > 10_000


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match="no such model folder"):
        limits.main(["--model", str(tmp_path / "none"), "--out", str(tmp_path / "out")])
