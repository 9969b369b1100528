"""Average keypoint distance, missing keypoint rate, and the sheet of extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from portraits import astronaut

from fomm_tf.face import largest_mesh
from fomm_tf.measure.extremes import ROWS, Extremes
from fomm_tf.measure.landmarks import LandmarkScore


def test_a_picture_has_no_distance_from_itself():
    score = LandmarkScore()
    score.add(largest_mesh(astronaut()), largest_mesh(astronaut()))
    assert (score.akd, score.mkr) == (0, 0)


def test_a_shifted_picture_has_the_distance_of_the_shift():
    score = LandmarkScore()
    shifted = np.roll(astronaut(), (12, 16), axis=(0, 1))
    score.add(largest_mesh(astronaut()), largest_mesh(shifted))
    assert score.akd == pytest.approx(20, abs=1)


def test_faces_that_are_lost_are_counted():
    mesh, empty = np.zeros((5, 3)), np.zeros((64, 64, 3), np.uint8)
    score, other = LandmarkScore(), LandmarkScore()
    score.add(mesh, largest_mesh(empty))
    score.add(None, mesh)
    for _ in range(3):
        other.add(mesh, mesh + [3, 4, 100])
    score.merge(other)
    assert (score.akd, score.mkr) == (5, 0.25)


def test_without_a_face_nothing_is_measured():
    score = LandmarkScore()
    score.add(None, None)
    assert math.isnan(score.akd) and math.isnan(score.mkr)


def test_extremes():
    extremes, drawn = Extremes(), []

    def draw(error):
        drawn.append(error)
        return np.full((20, 300, 3), error, np.uint8)

    for error in (50, 60, 70, 80, 90, 100, 75, 10, 200, 74):
        extremes.add(error, str(error), lambda error=error: draw(error))
    sheet = extremes.sheet()
    rows = [38 * row + 30 for row in range(ROWS)]
    assert [sheet[y, 100, 0] for y in rows] == [200, 100, 90, 80]
    assert [sheet[y, 400, 0] for y in rows] == [10, 50, 60, 70]
    assert drawn == [50, 60, 70, 80, 90, 100, 75, 10, 200], "only what is kept is drawn"
