"""Crop boxes, shots and pasting back, alone and in `animate`."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from portraits import astronaut
from sample_media import moving_square, write_video
from test_animate import FakeModel

import fomm_tf
from fomm_tf.animate import main
from fomm_tf.errors import DataError
from fomm_tf.face import detect_faces
from fomm_tf.face.crop import EVERY, MARGIN, choose_face, crop_box, find_shots
from fomm_tf.face.paste import PasteBack
from fomm_tf.media.fitting import fit
from fomm_tf.media.video_reader import open_video, read_frames

FACE = (174.0, 72.0, 100.0, 100.0)


def on_a_wall(x: int, y: int, side: int = 200, size: tuple[int, int] = (320, 240)) -> np.ndarray:
    wall = Image.new("RGB", size, (128, 140, 128))
    wall.paste(Image.fromarray(astronaut()).resize((side, side)), (x, y))
    return np.array(wall)


def test_a_face_is_half_as_wide_as_its_crop_and_below_its_middle():
    x, y, w, h = crop_box([FACE], (512, 512), (256, 256))
    assert w == h == MARGIN * 100
    assert x + w / 2 == pytest.approx(224, abs=1)
    assert y < 122 - h / 2


def test_the_face_in_the_crop_of_a_photograph():
    (face,) = detect_faces(astronaut())
    box = crop_box([face.box], (512, 512), (64, 64))
    (again,) = detect_faces(fit(astronaut(), (256, 256), box=box))
    assert again.box[2] / 256 == pytest.approx(1 / MARGIN, abs=0.06)


@pytest.mark.parametrize(
    "face", [(-20.0, -10.0, 100.0, 100.0), (450.0, 430.0, 100.0, 100.0), (6.0, 6.0, 500.0, 500.0)]
)
@pytest.mark.parametrize("size", [(256, 256), (384, 256), (256, 384)])
def test_a_crop_lies_in_the_picture_and_has_the_model_s_aspect(face, size):
    x, y, w, h = crop_box([face], (512, 512), size)
    assert x >= 0 and y >= 0 and x + w <= 512 and y + h <= 512
    assert w / h == pytest.approx(size[1] / size[0], rel=0.02)


def test_a_crop_holds_all_places_of_a_face():
    x, _, w, _ = crop_box([FACE, (234.0, 72.0, 100.0, 100.0)], (512, 512), (256, 256))
    assert x <= 174 - 40 and x + w >= 334 + 40


def test_faces_are_counted_from_the_left():
    faces = detect_faces(
        np.concatenate([on_a_wall(20, 20, 160), on_a_wall(60, 20)], axis=1),
    )
    assert choose_face(faces, None, "x").box == choose_face(faces, 2, "x").box
    assert choose_face(faces, 1, "x").box[0] < 320
    with pytest.raises(DataError, match=r"party.jpg: face 3 was asked for, but 2 were found"):
        choose_face(faces, 3, "party.jpg")


def test_a_still_face_is_one_shot():
    (shot,) = find_shots([on_a_wall(60, 20)] * 7)
    assert (shot.start, shot.end, len(shot.faces)) == (0, 7, 2)


def test_a_face_that_jumps_begins_a_new_shot():
    frames = [on_a_wall(0, 20)] * EVERY + [on_a_wall(120, 20)] * EVERY
    assert [(shot.start, shot.end) for shot in find_shots(frames)] == [(0, 5), (5, 10)]


def test_frames_without_a_face_belong_to_no_shot():
    empty = np.full((240, 320, 3), 128, np.uint8)
    frames = [empty] * EVERY + [on_a_wall(60, 20)] * EVERY + [empty] * EVERY
    assert [(shot.start, shot.end) for shot in find_shots(frames)] == [(5, 10)]
    assert find_shots([empty]) == []


def test_nothing_outside_the_box_changes():
    paste = PasteBack(astronaut(), (100, 50, 200, 180))
    result = paste(np.zeros((64, 64, 3), np.uint8))
    outside = np.ones((512, 512), bool)
    outside[50:230, 100:300] = False
    assert np.array_equal(result[outside], astronaut()[outside])
    assert not result[100:180, 150:250].any()
    # The seam: no step at the edge, and steadily more of the part.
    line = result[140, 100:125].astype(int).sum(axis=1) / astronaut()[140, 100:125].sum(axis=1)
    assert line[0] > 0.95 and line[-1] == 0 and (np.diff(line) <= 0.02).all()


def test_no_seam_along_the_picture_s_own_edges():
    result = PasteBack(astronaut(), (0, 0, 512, 300))(np.zeros((64, 64, 3), np.uint8))
    assert not result[:265].any() and result[285].any()
    assert np.array_equal(result[300:], astronaut()[300:])


@pytest.fixture
def animate(tmp_path, monkeypatch):
    """Runs the command with a model that gives back the source; returns the result."""
    model = FakeModel()
    monkeypatch.setitem(fomm_tf.__dict__, "load_model", lambda path: model)
    (tmp_path / "model").mkdir()
    frames = np.stack([on_a_wall(20 + i, 20) for i in range(6)])
    write_video(tmp_path / "walk.mp4", frames, fps=10)
    write_video(tmp_path / "square.mp4", moving_square(4), fps=10)
    Image.fromarray(on_a_wall(60, 20)).save(tmp_path / "me.png")
    Image.fromarray(np.concatenate([on_a_wall(20, 20, 150), on_a_wall(60, 20)], axis=1)).save(
        tmp_path / "two.png"
    )
    monkeypatch.chdir(tmp_path)

    def run(*extra, source="me.png", driving="walk.mp4", out="result.mp4"):
        arguments = ["--model", "model", "--source", source, "--driving", driving]
        main([*arguments, "--out", out, "--crop", "face", *extra])
        return model, open_video(out)

    return run


def test_animate_sees_faces_of_one_size(animate, capsys):
    model, result = animate()
    assert (result.width, result.height) == model.frame_size
    for seen in model.seen:
        enlarged = np.array(Image.fromarray((seen * 255).astype(np.uint8)).resize((256, 256)))
        (face,) = detect_faces(enlarged)
        assert 0.35 < face.box[2] / 256 < 0.6
    assert "cropped" not in capsys.readouterr().err


def test_animate_puts_the_face_back_into_the_picture(animate):
    _, result = animate("--paste-back", out="frames")
    assert (result.width, result.height) == (320, 240)
    (face,) = detect_faces(on_a_wall(60, 20))
    x, y, w, h = crop_box([face.box], (240, 320), (64, 64))
    changed = np.abs(next(iter(result)).astype(int) - on_a_wall(60, 20)).max(axis=2)
    assert changed[y + h // 4 : y + h // 2, x + w // 4 : x + w // 2].mean() > 30  # the fake's blue
    changed[y : y + h, x : x + w] = 0
    assert not changed.any()


def test_animate_takes_the_face_asked_for(animate, capsys):
    model, _ = animate(source="two.png")
    assert "two.png: 2 faces; the largest is used" in capsys.readouterr().err
    largest = model.seen[0]
    model, _ = animate("--face", "1", source="two.png")
    assert np.abs(model.seen[-8] - largest).mean() > 0.01


@pytest.mark.parametrize("change", [{"source": "none.png"}, {"driving": "square.mp4"}])
def test_no_face_is_told(animate, tmp_path, change):
    Image.fromarray(moving_square(1)[0]).save(tmp_path / "none.png")
    with pytest.raises(DataError, match="no face was found in it; give its place as"):
        animate(**change)
    assert not (tmp_path / "result.mp4").exists()


def test_a_box_needs_no_face(animate):
    boxes = ("--box", "10,10,200,180", "--driving-box", "0,0,64,64", "--paste-back")
    _, result = animate(*boxes, driving="square.mp4")
    assert (result.width, result.height) == (320, 240)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--paste-back", "--side-by-side"), "does not go with --side-by-side"),
        (("--paste-back", "--fit", "letterbox"), "does not go with --fit letterbox"),
        (("--face", "1", "--box", "0,0,64,64"), "--face goes with --crop face"),
        (("--face", "0"), "whole number of at least 1"),
    ],
)
def test_contradictions(animate, capsys, extra, message):
    with pytest.raises(SystemExit):
        animate(*extra)
    assert message in capsys.readouterr().err


def test_a_video_may_begin_without_a_face(animate, tmp_path, capsys):
    empty = np.full((EVERY, 240, 320, 3), 128, np.uint8)
    walk = read_frames("walk.mp4", range(6))
    write_video(tmp_path / "late.mp4", np.concatenate([empty, walk]), fps=10)
    animate(driving="late.mp4")
    assert "no face is seen for 0.5 s" in capsys.readouterr().err
